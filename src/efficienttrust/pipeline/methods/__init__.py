"""Methods to compare with: what people do in place of a scheduler, each under one budget that pays for its search too.

A method is a function of what it is asked for: problem, budget, targets, seed, model and settings. It goes through
`fit` like any run: the same loop, data, learning-rate rule, calibration, choice among candidates, export and proof;
only what is trained, and by which fixed settings, differs. `row_of` turns the result into one row of a benchmark: hit,
violation, utility, spent.

Methods that know nothing of trust (`unconstrained`, `early_stop`, `reduced_width`, `prune_only`, `quantise_only`) are
judged by their model *before* calibration, as their user would not calibrate it to targets; the row holds both.

    >>> from efficienttrust import load_problem
    >>> from efficienttrust.pipeline.methods import row_of, run_method
    >>> result = run_method("threshold", load_problem("german"), budget="time=60 steps", targets=["dpd <= 0.2"])
    >>> row_of(result, ["dpd <= 0.2"])["spent"] <= 60
    True
"""

from efficienttrust.pipeline.methods._common_attack import CommonAttack, Stand, compare_robustness
from efficienttrust.pipeline.methods._method import Method, MethodRequest, MethodResult, fitted, fixed, methods
from efficienttrust.pipeline.methods._row import row_of
from efficienttrust.pipeline.methods._run_method import run_method

__all__ = [
    "CommonAttack",
    "Method",
    "MethodRequest",
    "MethodResult",
    "Stand",
    "compare_robustness",
    "fitted",
    "fixed",
    "methods",
    "row_of",
    "run_method",
]
