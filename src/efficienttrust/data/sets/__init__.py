"""Tables by name, one module each; a module registers its `DataSet` when imported.

Every module holds the card (licence, origin, hash, cleaning, traps, how to get the files), the default roles, and the
function that reads and cleans the official files. Those of the bundled sets lie under `data/files/` and are made by
`tools/bundle_data.py` from the originals; the others are downloaded, or read from your copy: `diabetes130:PATH`.

Example:
    >>> from efficienttrust.data import bundled_names
    >>> bundled_names()
    ['adult', 'compas', 'german']
"""
