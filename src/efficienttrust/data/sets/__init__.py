"""Bundled data sets, one module each; a module registers its `DataSet` when imported.

Every module holds the card (licence, origin, hash, cleaning, traps), the default roles, and the function that reads and
cleans the file under `data/files/`. Those files are made by `tools/bundle_data.py` from the originals.

Example:
    >>> from efficienttrust.data import bundled_names
    >>> bundled_names()
    ['adult', 'compas', 'german']
"""
