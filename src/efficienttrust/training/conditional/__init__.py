"""Loss-conditional training: one network that is told lambda_F and q, and becomes the plain network of any setting.

Trained once with both dials drawn anew for every batch (Dosovitskiy and Djolonga 2020, "You only train once"; differs
in that the modulation acts on the weights, so that every step runs on a plain network and folding costs nothing).
"""

from efficienttrust.training.conditional._candidates import candidates_at, spread_settings, surveyed_settings
from efficienttrust.training.conditional._dialled import DialRange, Setting
from efficienttrust.training.conditional._modulation import Modulation, modulated_units
from efficienttrust.training.conditional._refusals import refuse_conditional
from efficienttrust.training.conditional._restored import restored_candidates
from efficienttrust.training.conditional._stepper import ConditionalStepper
from efficienttrust.training.conditional._survey import Surveyed, survey

__all__ = [
    "ConditionalStepper",
    "DialRange",
    "Modulation",
    "Setting",
    "Surveyed",
    "candidates_at",
    "modulated_units",
    "refuse_conditional",
    "restored_candidates",
    "spread_settings",
    "survey",
    "surveyed_settings",
]
