"""The sentences of a report: the outcome, what the model is for, and where its evidence ends."""

from __future__ import annotations

import math
import posixpath
import shlex
from datetime import UTC, datetime

from efficienttrust.report._format import amount, as_float, count, number, percent, shorten
from efficienttrust.report._groups import SMALL_GROUP, read_groups
from efficienttrust.report._read import Document, part, read_estimate, read_targets, read_verdicts, texts


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
    name, label, positive = (str(problem.get(key) or "?") for key in ("name", "label", "positive"))
    accuracy = read_estimate(part(document, "metrics").get("accuracy"))
    n_test = part(problem, "splits").get("test")
    found = [f"A model ({kind}) that decides whether {label} is “{positive}”, trained on {name}."]
    if accuracy.known:
        held_out = f" on {count(n_test)} test rows that took no part in training" if n_test is not None else " on test"
        found.append(f"Accuracy {accuracy.text()}{held_out}.")
    found.append("Verdicts and metrics were measured on the exported file; brackets hold 95 % intervals.")
    found += [
        f"{verdict.target.key}: the certificate holds, the estimate on test does not meet the target."
        for verdict in read_verdicts(document)
        if verdict.contradicted
    ]
    return found


def intended_use(document: Document) -> list[str]:
    """Return what the model is meant for, in sentences."""
    problem, model = part(document, "problem"), part(document, "model")
    label, positive, name = (str(problem.get(key) or "?") for key in ("label", "positive", "name"))
    found = [
        f"Deciding whether {label} is “{positive}” for rows drawn like those of {name}, with the columns listed there."
    ]
    sensitive = ", ".join(texts(problem, "sensitive"))
    if sensitive and model.get("blind") is not None:
        if model["blind"]:
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
        found.append(
            f"Robustness was measured against {', '.join(dict.fromkeys(attacks))} and nothing else; "
            "eps is in training standard deviations of the numeric columns."
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
    splits = {str(name): as_float(n) for name, n in part(part(document, "problem"), "splits").items()}
    total = sum(n for n in splits.values() if math.isfinite(n))
    return [[name, count(n), percent(n / total) if total else "–"] for name, n in splits.items()]


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
