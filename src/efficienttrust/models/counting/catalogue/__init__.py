"""Formulas for the operators of aten, by family; importing a module registers its formulas."""
