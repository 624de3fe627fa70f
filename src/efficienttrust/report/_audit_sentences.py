"""The sentences of the audit page that belong to no figure: title, summary, and where the evidence ends."""

from __future__ import annotations

from collections.abc import Sequence

from efficienttrust.report._audit_alarms import fired_of_evaluated, read_alarms
from efficienttrust.report._audit_cards import PARTS, missing_parts
from efficienttrust.report._audit_numbers import answers_numbers, main_figure
from efficienttrust.report._audit_read import where
from efficienttrust.report._format import as_float, count, shorten
from efficienttrust.report._groups import SMALL_GROUP, GroupRow, read_groups, widest_gaps
from efficienttrust.report._read import Document, part, read_verdicts


def audit_title(document: Document) -> str:
    """Return the outcome in one line: `1 of 2 targets met; 2 of 10 alarms fired`."""
    verdicts, alarms = read_verdicts(document), read_alarms(document)
    reached = sum(verdict.reached for verdict in verdicts)
    certified = sum(verdict.status == "certified" for verdict in verdicts)
    parts = []
    if verdicts:
        targets = f"{reached} of {len(verdicts)} target{'s' * (len(verdicts) != 1)} met"
        doubted = sum(verdict.qualifier == "doubted" for verdict in verdicts if verdict.reached)
        targets += f", {certified} of them certified" if certified and len(verdicts) > 1 else ""
        parts.append(targets + (f", {doubted} of them in doubt" if doubted else ""))
    if alarms:
        told = fired_of_evaluated(alarms)
        parts.append(told[0].lower() + told[1:] if parts else told)
    if parts:
        return "; ".join(parts)
    n = len(part(document, "metrics"))
    return f"{n} metric{'s' * (n != 1)} measured; no target was set" if n else "Nothing was measured"


def audit_summary(document: Document) -> list[str]:
    """Return the few sentences under the title: the model, the rows, what is missing."""
    model, data = part(document, "model"), part(document, "data")
    source = shorten(str(model.get("source") or "A model"), 80)
    task = f" ({model['task']})" if model.get("task") else ""
    n = as_float(data.get("n"))
    on = f" on {count(n)} {where(document)}" if n == n else ""
    of = f" of {data['name']}" if data.get("name") and on else f" on {data['name']}" if data.get("name") else ""
    found = [f"{source}{task}, measured as it is{on}{of}."]
    found += filter(None, [main_figure(document)])
    suite = str(document.get("suite") or "")
    missing = missing_parts(document)
    if len(missing) == PARTS:
        return ["The audit holds no measurement."]
    if missing:
        found.append(f"Not measured{f' by the {suite} suite' * bool(suite)}: {', '.join(missing)}.")
    found += [
        f"{verdict.target.key}: the certificate holds, the estimate does not meet the target."
        for verdict in read_verdicts(document)
        if verdict.contradicted
    ]
    return found


def groups_meaning(groups: Sequence[GroupRow]) -> str:
    """Say in how many rates, of numbers figures, intervals tell the lowest and the highest group apart."""
    gaps = widest_gaps(groups, list(dict.fromkeys(name for row in groups for name in row.rates)))
    pairs = [
        (low.rates[name], high.rates[name])
        for name, (low, high) in gaps.items()
        if name not in ("base_rate", "mean_label")
    ]
    what = "figures" if "mean_label" in gaps else "rates"
    pairs = [(low, high) for low, high in pairs if low.bounded and high.bounded]
    if not pairs:
        return ""
    apart = sum(low.high < high.low for low, high in pairs)
    text = f"In {apart} of {len(pairs)} {what} the intervals of the lowest and the highest group do not overlap"
    if len(groups) > 2:
        text += "; with many groups the extremes lie apart by chance as well, so read the widths too"
    return f"{text}."


def audit_limits(document: Document) -> list[str]:
    """Return where the evidence of this audit ends, most important first."""
    found = [
        f"Alarm: {alarm.title}. {alarm.meaning or 'What depends on it is in doubt.'}"
        for alarm in read_alarms(document)
        if alarm.fired
    ]
    for verdict in read_verdicts(document):
        if not verdict.reached:
            shown = verdict.estimate.text(verdict.target.bound)
            found.append(f"Target not met: {verdict.target.key} {verdict.target.wording}, measured {shown}.")
    robustness = part(document, "robustness")
    if robustness:
        attack = f"the attack {robustness['attack']}" if robustness.get("attack") else "the attacks listed"
        found.append(f"Robustness was measured against {attack} and no other; another may fool more rows.")
    if answers_numbers(document):
        found.append("Attacks, corruptions and foreign rows are measured on decisions: of them nothing is known here.")
    missing = missing_parts(document)
    if missing:
        found.append(f"Not measured, so nothing is known of: {', '.join(missing)}.")
    small = [shorten(row.group) for row in read_groups(document) if row.small]
    if small:
        shown = ", ".join(small[:6]) + (f" and {len(small) - 6} others" if len(small) > 6 else "")
        found.append(f"Groups with fewer than {SMALL_GROUP} rows, about which nothing can be concluded: {shown}.")
    attributes = part(part(document, "data"), "attributes")
    if attributes:
        found.append(
            f"Group metrics speak of {', '.join(map(str, attributes))} as recorded in the data, "
            "and of no other attribute."
        )
    if str(part(document, "data").get("rows") or "").startswith("all"):
        found.append("If the model was trained on some of these rows, every figure is better than on new rows.")
    found.append("Intervals hold for rows drawn like the measured ones, not for shifted populations.")
    return found
