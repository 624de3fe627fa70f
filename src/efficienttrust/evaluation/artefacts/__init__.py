"""Robustness of what is shipped: an ONNX file, an 8-bit network, trees, a scikit-learn pipeline, a function.

Most of these give no gradient, so the usual attacks cannot be run on them, and running them on something similar says
nothing certain. Here three ways are taken and the lowest counts row by row: attacks by gradient on the module or the
float parent, whose every success is asked of the shipped model itself; searches that see its scores only (coordinate
search, Square, random points); and where it only decides, random search on decisions. A point of a table is decoded to
raw columns before the model is asked, as a caller of the model would hand them over.

    >>> import numpy as np
    >>> from sklearn.linear_model import LogisticRegression
    >>> from efficienttrust.data import load_problem
    >>> from efficienttrust.evaluation.subjects import open_subject, table_rows
    >>> problem = load_problem("german", sensitive="sex")
    >>> train, rows = problem.splits["train"], table_rows(problem, "test")
    >>> subject = open_subject(LogisticRegression(max_iter=1000).fit(train.x, train.y), rows)
    >>> found = assault(subject, rows, [0.1, 0.25], attack="pgd")
    >>> bool((found.right[1] <= found.right[0]).all() and (found.right[0] <= found.clean_right).all())
    True
"""

from efficienttrust.evaluation.artefacts._assault import Assault as Assault
from efficienttrust.evaluation.artefacts._assault import assault as assault
from efficienttrust.evaluation.artefacts._assault import region_of as region_of
from efficienttrust.evaluation.artefacts._assault import searches_of as searches_of
from efficienttrust.evaluation.artefacts._gradient import TableModuleVictim as TableModuleVictim
from efficienttrust.evaluation.artefacts._gradient import gradient_victim as gradient_victim
from efficienttrust.evaluation.artefacts._victim import SubjectVictim as SubjectVictim
from efficienttrust.evaluation.artefacts._victim import subject_victim as subject_victim

__all__ = [
    "Assault",
    "SubjectVictim",
    "TableModuleVictim",
    "assault",
    "gradient_victim",
    "region_of",
    "searches_of",
    "subject_victim",
]
