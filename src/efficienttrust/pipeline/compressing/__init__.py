"""The verb `compress`: from a run to a smaller or faster one, deployed and proved like any other.

A *chain* of steps (`_chain`) is applied to the network of a run (`_forge`): pruning, quantisation, distillation and
recoveries in any order that makes sense. What comes out is calibrated, exported and proved by the same code as what
`fit` trains (`pipeline._stages`). Then both deployed files are measured in turns (`_figures`), which tells whether the
compression is `real` or `simulated`, and their answers are compared row by row (`_harm`), which tells whom it hurt.
Given limits in place of a chain, `_choose` finds one.
"""
