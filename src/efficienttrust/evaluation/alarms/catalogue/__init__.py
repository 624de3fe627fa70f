"""One alarm per module; importing a module registers its alarm."""
