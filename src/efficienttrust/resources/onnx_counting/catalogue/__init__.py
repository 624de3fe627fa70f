"""Formulas for ONNX operators, by family; importing a module registers its formulas."""
