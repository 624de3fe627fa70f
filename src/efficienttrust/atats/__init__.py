"""ATATS, the Adaptive Trustworthiness-Aware Training Scheduler: spends a budget where it buys most trust.

At every monitor point a policy maps a `TrustState` (plain floats: budget spent, hard metrics, the same metrics as they
will be after calibration, dials, costs) to a `TrustAction` (plain floats: weight of the fairness penalty, adversarial
share of the batch, learning-rate factor, when to look next). Between both stands the projector: it clips and
rate-limits every action of every policy, so that no policy can overspend or jump. The planner decides before training
how long to train, what to keep back, and when adversarial training starts; the guard watches for catastrophic
overfitting. Every change of a dial is a `DecisionRecord` with its reason. Nothing here knows torch.

    >>> from efficienttrust.atats import make_policy, policies
    >>> policies.names()
    ['conditional', 'dual', 'pid', 'plan', 'rl', 'rule', 'static']
    >>> make_policy("static(lambda_fair=0.5, adversarial_share=1)").name
    'static'
"""

from efficienttrust.atats._action import DecisionRecord, TrustAction
from efficienttrust.atats._dials import ATTACKS, DIALS, Dial
from efficienttrust.atats._guard import Guard
from efficienttrust.atats._planner import Lever, Plan, make_plan
from efficienttrust.atats._policy import Policy, make_policy, policies
from efficienttrust.atats._projector import project
from efficienttrust.atats._scheduler import Scheduler
from efficienttrust.atats._state import STATE_VERSION, ConstraintState, Landscape, TrustState
from efficienttrust.atats._vector import FIELDS, vector_of

__all__ = [
    "ATTACKS",
    "DIALS",
    "FIELDS",
    "STATE_VERSION",
    "ConstraintState",
    "DecisionRecord",
    "Dial",
    "Guard",
    "Landscape",
    "Lever",
    "Plan",
    "Policy",
    "Scheduler",
    "TrustAction",
    "TrustState",
    "make_plan",
    "make_policy",
    "policies",
    "project",
    "vector_of",
]
