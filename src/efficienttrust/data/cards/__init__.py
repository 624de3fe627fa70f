"""Cards of image and clinical data sets, one module each; a module registers its `DatasetCard` when imported.

The card of a table stands beside its `DataSet` under `data/sets/`; both kinds are found by `dataset_card`.

Example:
    >>> from efficienttrust.data import dataset_card
    >>> dataset_card("adult").title
    'Adult (Census Income)'
"""
