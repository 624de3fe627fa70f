"""Models under audit: whatever a model is made of, `open_subject` turns it into one thing that answers.

A `Subject` is a model as it is deployed: an ONNX file of any layout, a scikit-learn estimator or pipeline, a torch
module, a file that `fit` exported, or a function. It is opened on the `Rows` that it will be measured on, because only
they show how its output is to be read: probabilities or logits, whose class stands in which column. What was found out
is in `Subject.facts`; what can be wrong before anything is measured (answers at random, training mode left on, a
softmax inside) is a `Check`. A model whose inputs, outputs or labels do not fit is refused in one line that says what
it wants and what the data have. Pickles run code and are refused unless the user vouches for them.

Example:
    >>> from sklearn.linear_model import LogisticRegression
    >>> from efficienttrust.data import load_problem
    >>> problem = load_problem("german", sensitive="sex")
    >>> train = problem.splits["train"]
    >>> model = LogisticRegression(max_iter=1000).fit(train.x, train.y)
    >>> rows = table_rows(problem, "test")
    >>> subject = open_subject(model, rows)
    >>> subject.outputs, subject.answer(rows.inputs).prediction.shape
    ('probabilities', (200,))
"""

from efficienttrust.evaluation.subjects._deployed import open_deployed as open_deployed
from efficienttrust.evaluation.subjects._open import open_subject as open_subject
from efficienttrust.evaluation.subjects._outputs import Answer as Answer
from efficienttrust.evaluation.subjects._rows import Rows as Rows
from efficienttrust.evaluation.subjects._rows import as_unit as as_unit
from efficienttrust.evaluation.subjects._rows import image_rows as image_rows
from efficienttrust.evaluation.subjects._rows import problem_image_rows as problem_image_rows
from efficienttrust.evaluation.subjects._rows import table_rows as table_rows
from efficienttrust.evaluation.subjects._subject import Check as Check
from efficienttrust.evaluation.subjects._subject import Subject as Subject

__all__ = [
    "Answer",
    "Check",
    "Rows",
    "Subject",
    "as_unit",
    "image_rows",
    "open_deployed",
    "open_subject",
    "problem_image_rows",
    "table_rows",
]
