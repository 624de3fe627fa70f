"""The verb `limits`: whether targets can be had at all, before anything is trained.

Each result of the theory that says something about a target gives a finding; the worst decides. `impossible` rests on a
rigorous bound, `uncertifiable` says that so few rows can prove it of no model, `tight` and `comfortable` compare with
what is estimated to be attainable, `open` means that no result bounds the metric. Only a rigorous bound on what would
be measured refuses a training; an estimate warns.

Example:
    >>> from efficienttrust import load_problem
    >>> problem = load_problem("german", sensitive="sex")
    >>> found = assess(question_of(problem, ["accuracy >= 0.6", "dpd <= 0.02"]), cheap=True)
    >>> [one.verdict for one in found]
    ['open', 'uncertifiable']
"""

from efficienttrust.pipeline.limits._assess import TargetLimits, assess, question_of, refuse_impossible
from efficienttrust.pipeline.limits._curve import limit_document, raised
from efficienttrust.pipeline.limits._finding import Assessor, Finding, Question, Verdict, assessors
from efficienttrust.pipeline.limits._knowledge import Knowledge

__all__ = [
    "Assessor",
    "Finding",
    "Knowledge",
    "Question",
    "TargetLimits",
    "Verdict",
    "assess",
    "assessors",
    "limit_document",
    "question_of",
    "raised",
    "refuse_impossible",
]
