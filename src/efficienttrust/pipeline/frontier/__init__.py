"""The verb `frontier`: the trade-off curve of a data set from one budget, and models deployed from it."""

from efficienttrust.pipeline.frontier._axes import Axes, parse_axes
from efficienttrust.pipeline.frontier._curve import Point, curve
from efficienttrust.pipeline.frontier._deploy import deploy
from efficienttrust.pipeline.frontier._frontier import Frontier, frontier, load_frontier
from efficienttrust.pipeline.frontier._measure import Measured, measure_points
from efficienttrust.pipeline.frontier._readers import frontier_for_readers
from efficienttrust.pipeline.frontier._store import FILES

__all__ = [
    "FILES",
    "Axes",
    "Frontier",
    "Measured",
    "Point",
    "curve",
    "deploy",
    "frontier",
    "frontier_for_readers",
    "load_frontier",
    "measure_points",
    "parse_axes",
]
