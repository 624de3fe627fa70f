"""What the server of forks loads once, so that no trial loads it: everything that is found by name."""

from efficienttrust.data._bundled import data_sets
from efficienttrust.metrics import metrics
from efficienttrust.pipeline.limits._finding import assessors
from efficienttrust.pipeline.methods import methods
from efficienttrust.threats import attacks
from efficienttrust.training import trainers

for registry in (data_sets, metrics, methods, attacks, trainers, assessors):
    registry.names()
