"""Losses of probabilities: log loss and Brier score, exact from the moments of the losses of rows."""

from __future__ import annotations

from efficienttrust.metrics.arguments import Arguments
from efficienttrust.metrics.means import LOG_SCALE, Means
from efficienttrust.metrics.row_losses import brier_losses, log_losses
from efficienttrust.metrics.spreads import Spread, spread_worst
from efficienttrust.metrics.streaming._counting import LOSSES
from efficienttrust.metrics.streaming._means import loss_of_all, means_of
from efficienttrust.metrics.streaming._streamed import Compute, Streamed, streamed_metrics
from efficienttrust.metrics.streaming._tally import Regroup, Tally
from efficienttrust.metrics.values import Estimate

LOG, BRIER = LOSSES.index(log_losses), LOSSES.index(brier_losses)


def _means(tally: Tally, regroup: Regroup, loss: int) -> Means:
    sums = regroup(tally.tables["losses"])[:, loss]
    return means_of(tally.right(regroup).sum(axis=1), sums[:, 0], sums[:, 1], sums[:, 2])


def _mean(loss: int) -> Compute:
    def compute(tally: Tally, arguments: Arguments, level: float) -> Estimate:
        obstacle = tally.unscored if tally.n else "no rows here"
        return loss_of_all(_means(tally, tally.everyone, loss), tally.n, obstacle, level)

    return compute


def _worst_log_loss(tally: Tally, arguments: Arguments, level: float) -> Estimate:
    names, regroup = tally.groups(arguments["by"])
    sizes = tally.sizes(names, regroup)
    obstacle = sizes.obstacle(1) or tally.unscored
    means = _means(tally, regroup, LOG)
    spread = Spread(means.value, means.log_ends, means.best, sizes.total, LOG_SCALE, sizes.small(), obstacle)
    return spread_worst(spread, level, "lower")


streamed_metrics.register("log_loss")(Streamed(_mean(LOG), scores=True))
streamed_metrics.register("brier")(Streamed(_mean(BRIER), scores=True))
streamed_metrics.register("worst_group_log_loss")(Streamed(_worst_log_loss, scores=True))
