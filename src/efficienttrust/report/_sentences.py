"""The sentences of a report: the outcome, what the model is for, and where its evidence ends."""

from __future__ import annotations

import math
import posixpath
import shlex
from datetime import UTC, datetime

from efficienttrust.report._format import amount, as_float, number, percent, shorten
from efficienttrust.report._groups import SMALL_GROUP, read_groups
from efficienttrust.report._read import Document, count_text, part, read_estimate, read_targets, read_verdicts, texts


def outcome(document: Document) -> str:
    """Return the outcome in one line: `2 of 2 targets met inside 20 s cpu, 1 of them certified`."""
    verdicts = read_verdicts(document)
    limit = _limit(document)
    if not verdicts:
        return f"Trained {limit}; no target was set" if limit else "Trained without a time limit; no target was set"
    reached = [verdict for verdict in verdicts if verdict.reached]
    certified = sum(verdict.status == "certified" for verdict in verdicts)
    plural = "target" if len(verdicts) == 1 else "targets"
    text = f"{len(reached)} of {len(verdicts)} {plural} met {limit}".rstrip()
    if not certified or not reached:
        return text
    if certified == len(verdicts):
        return f"{text}, certified" if certified == 1 else f"{text}, all certified"
    return f"{text}, {certified} of them certified"


def summary(document: Document) -> list[str]:
    """Return the few sentences under the title: the model, the data, the evidence."""
    problem, model = part(document, "problem"), part(document, "model")
    kind = str(model.get("architecture") or model.get("trainer") or "model")
    measured = part(document, "metrics")
    quality, measure = ("R²", "r2") if problem.get("task") == "regression" else ("Accuracy", "accuracy")
    accuracy = read_estimate(measured.get(measure))
    n_test = part(problem, "splits").get("test")
    found = [f"A model ({kind}) that {does(problem)}, trained on {problem.get('name') or '?'}."]
    if accuracy.known:
        told = "test" if n_test is None else f"{count_text(n_test)} test rows that took no part in training"
        found.append(f"{quality} {accuracy.text()} on {told}.")
    found.append("Verdicts and metrics were measured on the exported file; brackets hold 95 % intervals.")
    found += constraints(document)
    found += [
        f"{verdict.target.key}: the certificate holds, the estimate on test does not meet the target."
        for verdict in read_verdicts(document)
        if verdict.contradicted
    ]
    return found


def constraints(document: Document) -> list[str]:
    """Return for each level of a baseline one sentence: what the baseline used, the share, and the limit it came to."""
    record = part(document, "constraints")
    where = str(record.get("baseline") or "a run in memory")
    levels = record.get("levels")
    found = []
    for level in levels if isinstance(levels, list | tuple) else ():
        used, share = as_float(level.get("measured")), as_float(level.get("level"))
        name = str(level.get("constraint")).replace("_", " ")
        found.append(
            f"Constrained to {100 * share:.4g} % in {name} of the baseline {where}, which came to {used:,.6g} "
            f"{level.get('unit')} ({level.get('how')}): {level.get('limit')}."
        )
    return found


def does(problem: Document) -> str:
    """Return what a model does with a row: `decides whether income is “>50K”`, `predicts price`."""
    label, positive = (str(problem.get(key) or "?") for key in ("label", "positive"))
    if problem.get("task") == "regression":
        return f"predicts {label}, a number"
    if problem.get("task") == "multiclass":
        classes = texts(problem, "classes")
        shown = ", ".join(f"“{shorten(name)}”" for name in classes[:4]) + (", …" if len(classes) > 4 else "")
        return f"decides between {len(classes)} values of {label} ({shown})"
    if positive == label:  # a finding that is there or not
        seen = "an image shows" if problem.get("kind") == "image" else "a row has"
        return f"decides whether {seen} “{label}”"
    return f"decides whether {label} is “{positive}”"


def intended_use(document: Document) -> list[str]:
    """Return what the model is meant for, in sentences."""
    problem, model = part(document, "problem"), part(document, "model")
    task = does(problem).replace("decides", "Deciding", 1).replace("predicts", "Predicting", 1)
    like = "images like those of" if problem.get("kind") == "image" else "rows drawn like those of"
    columns = "" if problem.get("kind") == "image" else ", with the columns listed there"
    found = [f"{task} for {like} {problem.get('name') or '?'}{columns}."]
    sensitive = ", ".join(texts(problem, "sensitive"))
    if sensitive and model.get("blind") is not None:
        if model["blind"] and problem.get("task") == "regression":
            found.append(f"It does not read {sensitive} at prediction, and predicts by one rule for all.")
        elif model["blind"] and (problem.get("kind") == "image" or problem.get("task") == "multiclass"):
            found.append(f"It does not read {sensitive} at prediction, and decides by one rule for all.")
        elif model["blind"]:
            found.append(
                f"It does not read {sensitive} at prediction. Where its decision rule adjusts by group, the group is "
                "inferred from the other columns; whether that is lawful for your use is yours to establish."
            )
        else:
            found.append(
                f"It reads {sensitive} at prediction; whether that is lawful for your use is yours to establish."
            )
    found.append("Not meant as the only ground of a decision about a person.")
    return found


def limits(document: Document) -> list[str]:
    """Return where the evidence of this run ends, most important first."""
    found = []
    for verdict in read_verdicts(document):
        bound = verdict.target.bound
        if not verdict.reached:
            value = verdict.estimate.text(bound)
            found.append(
                f"Target not met: {verdict.target.key} {verdict.target.wording}, measured {value} ({verdict.status})."
            )
        elif verdict.status == "met":
            found.append(f"{verdict.target.key} is met by its estimate on test only; it is not certified.")
    measured = part(document, "metrics")
    for name in measured:
        estimate = read_estimate(measured[name])
        if not estimate.known:
            found.append(f"{name} could not be estimated{': ' * bool(estimate.note)}{estimate.note}.")
    small = [shorten(row.group) for row in read_groups(document) if row.small]
    if small:
        shown = ", ".join(small[:6]) + (" and others" if len(small) > 6 else "")
        found.append(f"Groups with fewer than {SMALL_GROUP} test rows, about which nothing can be concluded: {shown}.")
    attacks = [name for name in (*read_targets(document), *measured) if name.startswith("robust_accuracy")]
    if attacks:
        image = part(document, "problem").get("kind") == "image"
        unit = "shares of the range of a pixel" if image else "training standard deviations of the numeric columns"
        found.append(
            f"Robustness was measured against {', '.join(dict.fromkeys(attacks))} and nothing else; eps is in {unit}."
        )
    sensitive = texts(part(document, "problem"), "sensitive")
    if sensitive:
        found.append(
            f"Group metrics speak of {', '.join(sensitive)} as recorded in the data, and of no other attribute."
        )
    found.append(
        "Intervals and certificates hold for rows drawn like the test and certify splits, not for shifted populations."
    )
    return found


def created(document: Document) -> str:
    """Return when the run was made, in a reader's form; text that is no ISO time is shown as it stands."""
    raw = str(document.get("created") or "")
    try:
        moment = datetime.fromisoformat(raw)
    except ValueError:
        return raw
    if moment.tzinfo is not None:
        return f"{moment.astimezone(UTC):%-d %B %Y, %H:%M} UTC"
    return f"{moment:%-d %B %Y, %H:%M}"


def verify_command(document: Document) -> str:
    """Return the command that recomputes every verdict from the files of this run."""
    paths = list(part(document, "artifacts").values())
    folder = posixpath.dirname(str(paths[0]).replace("\\", "/")) if paths else ""
    return f"efficienttrust verify {shlex.quote(folder) if folder else 'DIR'}"


def command(document: Document) -> str:
    """Return the command line that made the run."""
    raw = document.get("command")
    if isinstance(raw, list | tuple):
        return shlex.join(map(str, raw))
    return str(raw or "")


def split_shares(document: Document) -> list[list[str]]:
    """Return the splits with their rows and their share."""
    splits = part(part(document, "problem"), "splits")
    total = sum(n for n in map(as_float, splits.values()) if math.isfinite(n))
    return [
        [str(name), count_text(n), percent(as_float(n) / total) if total and math.isfinite(as_float(n)) else "–"]
        for name, n in splits.items()
    ]


def spread(value: object) -> str:
    """Return any value of the document as one readable text."""
    if value is None:
        return "none"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, float):
        text = number(value, 4)
        return text.rstrip("0").rstrip(".") if "." in text and "e" not in text else text
    if isinstance(value, list | tuple):
        return ", ".join(map(spread, value)) or "none"
    return str(value)


def _limit(document: Document) -> str:
    time = part(part(document, "ledger"), "time")
    asked, used, overrun = (as_float(time.get(key)) for key in ("asked", "used", "overrun"))
    if not math.isfinite(asked):
        return ""
    clock = str(time.get("clock") or "wall")
    budget = amount("time", asked, clock)
    over = overrun if math.isfinite(overrun) and overrun > 0 else used - asked
    if over > 0:
        return f"in {amount('time', used, clock)}, {percent(over / asked)} over the {budget} asked"
    return f"inside {budget}"
