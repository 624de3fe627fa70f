"""The verb `policy`: train the learned policy, replay the decisions of a run, compare policies on one problem."""

from __future__ import annotations

import dataclasses
import re
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from cyclopts import App, Parameter

from efficienttrust.cli._output import print_json
from efficienttrust.cli._tables import print_table

if TYPE_CHECKING:
    from efficienttrust.pipeline.policies import Difference, Trial

policy = App(name="policy", help="Train, replay and compare the policies that steer a training.")


@policy.command
def train(
    *,
    out: Path,
    decisions: int = 200_000,
    seed: int = 0,
    algorithm: str = "ppo",
    runs: Annotated[list[Path] | None, Parameter(consume_multiple=True)] = None,
    json: bool = False,
    quiet: bool = False,
) -> int:
    """Train weights of the policy `rl` on micro-tasks; use them as `--policy "rl(weights=FILE)"`.

    The same seed gives the same file, with the same versions of the libraries that the file names.

    Args:
        out: The .npz file to write.
        decisions: Decisions to make at least.
        seed: Seed of everything random.
        algorithm: ppo, which needs the extra `rl`, or es, an evolution strategy that does not.
        runs: Folders of runs of fit, whose recorded states serve half of the experience; runs on data that
            EfficientTrust is evaluated on are refused.
        json: Print one JSON document on stdout.
        quiet: Print no progress.
    """
    from efficienttrust.pipeline.policies import train_policy

    def tell(made: int, mean_return: float) -> None:
        print(f"{made:,} of {decisions:,} decisions | mean return {mean_return:.4f}", file=sys.stderr)

    options = {} if quiet else {"tell": tell}
    network = train_policy(out, decisions=decisions, seed=seed, algorithm=algorithm, runs=runs or (), **options)
    if json:
        print_json({"path": str(out), "provenance": network.provenance})
    else:
        print(out)
    return 0


@policy.command
def replay(run: Path, /, *, policy: str | None = None, show_small_cells: bool = False, json: bool = False) -> int:
    """Let the policy of a run, or another, decide again on the states that the run recorded.

    Exit codes: 0 every decision is as recorded, or another policy was asked; 1 one differs; 2 wrong usage or input.

    Args:
        run: Folder of a run of fit.
        policy: Another policy, to see what it would have done on the same states.
        show_small_cells: Show figures about fewer than ten people; without it those of clinical data are withheld.
        json: Print one JSON document on stdout.
    """
    from efficienttrust.pipeline.policies import replay as replay_run

    found = replay_run(run, policy=policy, show_small_cells=show_small_cells)
    if json:
        print_json({**dataclasses.asdict(found), "agrees": found.agrees})
    else:
        columns = ("step", "dial", "from", "to", "reason", "recorded", "agrees")
        rows = [
            (one.step, one.dial, one.before, one.after, one.reason, one.recorded, "yes" if one.agrees else "no")
            for one in found.decisions
        ]
        print_table(columns, rows, title=f"{found.policy} on the states of a run under {found.recorded_policy}")
        differing = sum(not one.agrees for one in found.decisions)
        print(
            f"{found.states} states; {differing} settings differ from the record; "
            f"{found.projected} actions changed by the projector"
        )
    return int(policy is None and not found.agrees)


@policy.command
def compare(
    source: str,
    /,
    *,
    budget: str,
    target: list[str],
    policies: str = "plan,rule,pid,static",
    seeds: int = 3,
    label: str | None = None,
    positive: Annotated[str | None, Parameter(allow_leading_hyphen=True)] = None,
    sensitive: list[str] | None = None,
    model: str | None = None,
    json: bool = False,
    quiet: bool = False,
) -> int:
    """Run `fit` for several policies on one problem, and print what each reached at the same budget.

    Args:
        source: A data set by name, a .csv, .csv.gz or .parquet file, or images as `folder:PATH`.
        budget: Limits, as `time=2000 steps`; every run has the whole of it.
        target: A target, as `demographic_parity_difference <= 0.05`; may be repeated.
        policies: Policies by name, options in parentheses, separated by commas; differences are to the first.
        seeds: How many seeds, from 0 on, each for split and training.
        label: Column to predict.
        positive: Value of the label that counts as 1.
        sensitive: Sensitive columns, as `sex,age_band`; their intersections are the groups.
        model: What is trained, as of fit.
        json: Print one JSON document on stdout.
        quiet: Print no progress.
    """
    from efficienttrust.pipeline import load_data
    from efficienttrust.pipeline.policies import FIGURES, compare_policies

    settings = {"label": label, "positive": positive, "sensitive": ",".join(sensitive or ())}

    def tell(trial: Trial) -> None:
        verdict = "met" if trial.hit else "missed"
        print(f"seed {trial.seed} | {trial.policy} | targets {verdict}", file=sys.stderr)

    options = {} if quiet else {"tell": tell}
    found = compare_policies(
        lambda seed: load_data(source, settings, seed=seed),
        budget=budget, targets=target, policies=_names(policies), seeds=seeds, model=model, **options,
    )  # fmt: skip
    first, *others = found.policies
    if json:
        means = {name: {figure: found.mean(name, figure) for figure in FIGURES} for name in found.policies}
        against = {
            name: {figure: dataclasses.asdict(found.difference(name, figure)) for figure in FIGURES} for name in others
        }
        print_json({**dataclasses.asdict(found), "means": means, "first": first, "differences": against})
        return 0
    columns = ("policy", "hit rate", "mean violation", found.utility, f"spend ({found.clock})")
    print_table(columns, [(name, *(found.mean(name, figure) for figure in FIGURES)) for name in found.policies])
    rows = [(name, *(_interval(found.difference(name, figure)) for figure in FIGURES[1:])) for name in others]
    print_table(
        ("policy", *columns[2:]), rows, title=f"paired differences to {first} over {seeds} seeds, 95 % intervals"
    )
    return 0


def _interval(one: Difference) -> str:
    return f"{one.mean:+.4g} [{one.low:+.4g}, {one.high:+.4g}]"


def _names(text: str) -> list[str]:
    """Split at commas outside of parentheses."""
    return [name.strip() for name in re.split(r",(?![^(]*\))", text) if name.strip()]
