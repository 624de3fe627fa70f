"""Write `loans.csv`: 4,000 invented loan applications to try `efficienttrust fit` on a CSV file of one's own.

The rows are drawn from a written-down process, not from people: income grows with age and employment, the decisions
of the invented bank follow income, loan and employment, and are harder on women and on the young than these explain.
Some incomes and employments are missing, more often among rejected applications. The same seed writes the same bytes.

    python examples/make_loans.py [PATH] [--rows N] [--seed N]
"""

from __future__ import annotations

import argparse
import csv
import math
import random
from pathlib import Path

COLUMNS = ("income", "age", "employment", "region", "loan_amount", "sex", "age_band", "approved")
EMPLOYMENTS = {"employed": 0.62, "self-employed": 0.16, "retired": 0.12, "unemployed": 0.10}
REGIONS = {"north": 0.3, "south": 0.25, "east": 0.2, "west": 0.2, "islands": 0.05}
INCOME_FACTOR = {"employed": 1.0, "self-employed": 1.1, "retired": 0.7, "unemployed": 0.4}


def application(draw: random.Random) -> dict[str, object]:
    """Draw one application and the decision on it."""
    sex = draw.choice(("female", "male"))
    age = min(84, max(18, round(draw.gauss(43, 15))))
    employment = _pick(draw, EMPLOYMENTS)
    if age < 55 and employment == "retired":
        employment = "employed"
    experience = 1 + 0.35 * math.tanh((age - 30) / 15)
    income = round(28_000 * experience * INCOME_FACTOR[employment] * draw.lognormvariate(0, 0.4), -2)
    if sex == "female":
        income *= 0.92
    loan = round(draw.lognormvariate(math.log(12_000), 0.6), -2)
    band = "18-29" if age < 30 else "30-54" if age < 55 else "55+"

    score = 2.2 * math.log(income / 24_000) - 0.9 * math.log(loan / 12_000)
    score += {"employed": 0.4, "self-employed": 0.0, "retired": 0.2, "unemployed": -1.2}[employment]
    score += -0.5 * (sex == "female") - 0.4 * (band == "18-29") + 0.3
    approved = draw.random() < 1 / (1 + math.exp(-1.6 * score))
    missing = 0.03 if approved else 0.08
    return {
        "income": "" if draw.random() < missing else int(income),
        "age": age,
        "employment": "" if draw.random() < missing else employment,
        "region": _pick(draw, REGIONS),
        "loan_amount": int(loan),
        "sex": sex,
        "age_band": band,
        "approved": "yes" if approved else "no",
    }


def write(path: Path, rows: int, seed: int) -> None:
    """Write the file."""
    draw = random.Random(seed)
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, COLUMNS, lineterminator="\n")
        writer.writeheader()
        writer.writerows(application(draw) for _ in range(rows))


def _pick(draw: random.Random, shares: dict[str, float]) -> str:
    return draw.choices(list(shares), list(shares.values()))[0]


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description="Write invented loan applications as a CSV file.")
    parser.add_argument("path", nargs="?", type=Path, default=Path("loans.csv"))
    parser.add_argument("--rows", type=int, default=4000)
    parser.add_argument("--seed", type=int, default=0)
    arguments = parser.parse_args()
    write(arguments.path, arguments.rows, arguments.seed)
    print(arguments.path)
