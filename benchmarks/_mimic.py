"""A release in the layout of MIMIC-IV 2.2, of any size, with labels of a known law; and its reading in pandas.

Every patient has one stay in intensive care with a hidden state: a level u ~ N(m, 1), m = 0.5 where the insurance is
Medicaid and 0 elsewhere, and a trend w ~ N(0, 1). At t hours a measurement of a variable with centre c, spread s and
loading b is c + s·(b·(u + w·τ) + N(0, 1)) with τ = (t − 24)/24, and a label is 1 with probability
σ(a + a_u·u + a_w·w + a_age·(age − 60)/20), drawn independently for each label. Given the measurements within the window
the state is normal with known mean and covariance, so that two Bayes rates are known: of one who sees the hidden state
(`Law.hidden`), and of one who sees all that is recorded, which is what a model can hope for (`Law.recorded`).
"""

from __future__ import annotations

import gzip
import itertools
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import polars as pl
from numpy.typing import NDArray

from efficienttrust.data.clinical import VARIABLES

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]

LAWS = {
    "mortality": (-2.6, 1.1, 1.1, 0.4),
    "los_over_3_days": (-0.4, 0.7, 0.5, 0.1),
    "readmission_30_days": (-1.4, 0.6, 0.3, 0.3),
}
"""Label -> intercept, weight of the level, of the trend, of age."""

CHARTED = (
    # items, centre, spread, loading, share of the events, digits, unit
    ((220045,), 85, 12, 0.30, 0.10, 0, "bpm"),
    ((220050, 220179), 120, 16, -0.25, 0.09, 0, "mmHg"),
    ((220051, 220180), 65, 8, -0.20, 0.09, 0, "mmHg"),
    ((220052, 220181), 80, 10, -0.25, 0.09, 0, "mmHg"),
    ((220210,), 24, 3, 0.30, 0.09, 1, "insp/min"),
    ((220277,), 90, 1.5, -0.10, 0.09, 1, "%"),
    ((223761,), 98.6, 1.0, 0.10, 0.03, 1, "°F"),
    ((220046, 220047, 223752, 224080, 227969, 228096), 100, 10, 0.0, 0.42, 0, "bpm"),
)
MEASURED = (
    ((50912,), 3, 0.4, 0.30, 0.08, 2, "mg/dL"),
    ((51006,), 45, 6, 0.30, 0.08, 0, "mg/dL"),
    ((50983,), 139, 4, 0.0, 0.08, 0, "mEq/L"),
    ((50971,), 4.2, 0.4, 0.05, 0.08, 2, "mEq/L"),
    ((51301,), 14, 2, 0.15, 0.08, 1, "K/uL"),
    ((51222,), 11, 1.2, -0.10, 0.08, 1, "g/dL"),
    ((51265,), 300, 40, -0.15, 0.08, 0, "K/uL"),
    ((50813,), 5, 0.6, 0.40, 0.04, 2, "mmol/L"),
    ((50902, 50960, 50970, 51221), 30, 4, 0.0, 0.40, 1, "mg/dL"),
)
"""The last line of each are items that nobody asks for: over four fifths of the true release."""
MEASURED_SHARE = 0.15
FALSE_SHARE = 0.001
"""Share of values that are typing errors, far out of every plausible range."""
FALSE_VALUE = 999_999
SHORT_SHARE = 0.1
"""Share of stays under 46 hours."""
STATIC = [
    "subject_id", "age", "admission_type", "admission_location", "first_careunit", "hours_before_icu", "sex",
    "age_band", "race", "insurance", "language", "mortality", "los", "los_over_3_days", "readmission_30_days",
]  # fmt: skip
BLOCK = 1_000_000
HOUR = np.timedelta64(3600, "s")
DAY = 24 * HOUR


@dataclass(frozen=True)
class Law:
    """What is known of the n stays that are long enough.

    Attributes:
        stay: Identifier of each stay, ascending, int64 [n].
        hidden: Label -> P(1 | hidden state, age), float64 [n].
        recorded: Label -> P(1 | measurements within the window, age, insurance), float64 [n].
        labels: Label -> 0 or 1, int64 [n]; -1 where the label is not defined.
    """

    stay: Integers
    hidden: Mapping[str, Floats]
    recorded: Mapping[str, Floats]
    labels: Mapping[str, Integers]

    def lines(self) -> list[str]:
        """Return a Markdown table of Bayes AUC and accuracy of every label."""
        head = [
            "| label | base rate | AUC, state known | AUC | accuracy, state known | accuracy |",
            "|---|---|---|---|---|---|",
        ]
        for label in LAWS:
            known = self.labels[label] >= 0
            hidden, recorded = self.hidden[label][known], self.recorded[label][known]
            rates = (bayes_auc(hidden), bayes_auc(recorded), bayes_accuracy(hidden), bayes_accuracy(recorded))
            shown = " | ".join(f"{rate:.4f}" for rate in rates)
            head.append(f"| {label} | {self.labels[label][known].mean():.3f} | {shown} |")
        return head


def bayes_accuracy(p: Floats) -> float:
    """Return the expected accuracy of the best rule, the mean of max(p, 1 − p)."""
    return float(np.maximum(p, 1 - p).mean())


def bayes_auc(p: Floats) -> float:
    """Return the AUC of `p` as a score when labels are drawn from it: expected concordant over expected pairs."""
    p = np.sort(p)
    below = np.cumsum(1 - p) - (1 - p)
    return float((p * below).sum() / (p.sum() * (1 - p).sum() - (p * (1 - p)).sum()))


def write_release(folder: Path, *, stays: int, events: int, seed: int = 0, window: int = 48) -> Law:
    """Write hosp/ and icu/ with this many stays and events, and return the law of the labels.

    Peak memory grows with the stays alone: events are drawn and written in blocks of a million.
    """
    rng = np.random.default_rng(seed)
    for name in ("hosp", "icu"):
        (folder / name).mkdir(parents=True, exist_ok=True)
    age = rng.integers(18, 90, stays)
    insurance = rng.choice(["Medicare", "Medicaid", "Other"], stays, p=[0.45, 0.15, 0.4])
    prior = np.where(insurance == "Medicaid", 0.5, 0.0)
    u, w = rng.normal(prior), rng.normal(size=stays)
    hidden = {label: _sigmoid(_logit(law, u, w, age)) for label, law in LAWS.items()}
    y = {label: (rng.random(stays) < p).astype(np.int64) for label, p in hidden.items()}
    y["readmission_30_days"][y["mortality"] == 1] = -1

    short = rng.random(stays) < SHORT_SHARE
    days = np.where(y["los_over_3_days"] == 1, rng.uniform(3.01, 9, stays), rng.uniform(2.01, 2.99, stays))
    days = np.where(short, rng.uniform(0.2, 1.9, stays), days)
    entered = np.datetime64("2120-01-01", "ms") + rng.integers(0, 60 * 365 * 24 * 60, stays) * np.timedelta64(60, "s")
    _write_people(folder, rng, age, insurance, y, entered, entered + (days * 86400).astype("timedelta64[s]"))

    precision, information = np.zeros((3, stays)), np.zeros((2, stays))
    for name, kinds, share in (
        ("icu/chartevents", CHARTED, 1 - MEASURED_SHARE),
        ("hosp/labevents", MEASURED, MEASURED_SHARE),
    ):
        counts = rng.multinomial(round(events * share), days / days.sum())
        with _csv(folder, name) as file:
            for start, stop in _blocks(counts):
                stay = np.repeat(np.arange(start, stop), counts[start:stop])
                minutes = (rng.random(len(stay)) * days[stay] * 1440).astype(np.int64)
                tau = (minutes / 60 - 24) / 24
                kind = rng.choice(len(kinds), len(stay), p=[kind[4] for kind in kinds])
                centre, spread, loading, digits = (np.array([k[i] for k in kinds])[kind] for i in (1, 2, 3, 5))
                value = centre + spread * (loading * (u[stay] + w[stay] * tau) + rng.normal(size=len(stay)))
                value = np.choose(digits, [value.round(0), value.round(1), value.round(2)])
                wrong = rng.random(len(stay)) < FALSE_SHARE
                seen = np.where((minutes < window * 60) & ~wrong, loading, 0.0)
                z = seen * (value - centre) / spread
                for place, power in enumerate((1, tau, tau**2)):
                    precision[place] += np.bincount(stay, seen**2 * power, stays)
                for place, power in enumerate((1, tau)):
                    information[place] += np.bincount(stay, z * power, stays)
                table = _event_table(rng, kinds, kind, stay, entered, minutes, np.where(wrong, FALSE_VALUE, value))
                table.write_csv(file, include_header=start == 0, datetime_format="%Y-%m-%d %H:%M:%S")
    recorded = _posterior(precision, information, prior, age)
    kept = np.flatnonzero(~short)
    return Law(
        stay=30_000_000 + kept,
        hidden={label: hidden[label][kept] for label in LAWS},
        recorded={label: recorded[label][kept] for label in LAWS},
        labels={label: y[label][kept] for label in LAWS},
    )


def _logit(law: tuple[float, ...], u: Floats, w: Floats, age: Integers) -> Floats:
    intercept, of_level, of_trend, of_age = law
    return intercept + of_level * u + of_trend * w + of_age * (age - 60) / 20  # type: ignore[no-any-return]


def _sigmoid(x: Floats) -> Floats:
    return 1 / (1 + np.exp(-x))  # type: ignore[no-any-return]


def _posterior(precision: Floats, information: Floats, prior: Floats, age: Integers) -> dict[str, Floats]:
    """Return P(label | measurements), the mean over the normal posterior of (u, w) by a product of Gauss rules."""
    a, b, d = precision[0] + 1, precision[1], precision[2] + 1
    h, k = information[0] + prior, information[1]
    determinant = a * d - b * b
    mean = (d * h - b * k) / determinant, (a * k - b * h) / determinant
    sd_u = np.sqrt(d / determinant)
    slope, sd_w = -b / d, np.sqrt(1 / d)  # w given u
    nodes, weights = np.polynomial.hermite_e.hermegauss(20)
    weights = weights / weights.sum()
    died, longer, readmitted = (np.zeros_like(a) for _ in range(3))
    for x, weight_x in zip(nodes, weights, strict=True):
        for z, weight_z in zip(nodes, weights, strict=True):
            u = mean[0] + sd_u * x
            w = mean[1] + slope * sd_u * x + sd_w * z
            p = {label: _sigmoid(_logit(law, u, w, age)) for label, law in LAWS.items()}
            weight = weight_x * weight_z
            died += weight * p["mortality"]
            longer += weight * p["los_over_3_days"]
            readmitted += weight * (1 - p["mortality"]) * p["readmission_30_days"]
    return {"mortality": died, "los_over_3_days": longer, "readmission_30_days": readmitted / (1 - died)}


def _blocks(counts: Integers) -> list[tuple[int, int]]:
    """Return ranges of stays with about `BLOCK` events each."""
    block = np.cumsum(counts) // BLOCK
    edges = [0, *(np.flatnonzero(np.diff(block)) + 1), len(counts)]
    return list(itertools.pairwise(edges))


def _csv(folder: Path, name: str) -> Any:
    return gzip.open(folder / f"{name}.csv.gz", "wb", compresslevel=1)


def _event_table(
    rng: np.random.Generator,
    kinds: tuple[Any, ...],
    kind: Integers,
    stay: Integers,
    entered: NDArray[np.datetime64],
    minutes: Integers,
    value: Floats,
) -> pl.DataFrame:
    items = np.zeros((len(kinds), 12), dtype=np.int64)
    for place, (names, *_) in enumerate(kinds):
        items[place] = np.resize(names, 12)
    charted = entered[stay] + minutes * np.timedelta64(60, "s")
    stored = charted + rng.integers(1, 90, len(stay)) * np.timedelta64(60, "s")
    shared = {
        "charttime": charted,
        "storetime": stored,
        "itemid": items[kind, rng.integers(0, 12, len(stay))],
        "value": pl.Series(value).cast(pl.String),
        "valuenum": value,
        "valueuom": np.array([one[6] for one in kinds])[kind],
    }
    people = {"subject_id": 10_000_000 + stay, "hadm_id": 20_000_000 + stay}
    number = rng.integers(1, 100_000, len(stay))
    if kinds is CHARTED:
        columns = {**people, "stay_id": 30_000_000 + stay, "caregiver_id": number, **shared}
        return pl.DataFrame(columns).with_columns(warning=0)
    table = pl.DataFrame({"labevent_id": number, **people, "specimen_id": number + 7, **shared})
    return table.select(
        *("labevent_id", "subject_id", "hadm_id", "specimen_id", "itemid"),
        pl.lit("P00ABC").alias("order_provider_id"),
        *("charttime", "storetime", "value", "valuenum", "valueuom"),
        ref_range_lower=1.0,
        ref_range_upper=9.0,
        flag=pl.lit(None, pl.String),
        priority=pl.lit("ROUTINE"),
        comments=pl.lit("VERIFIED, ___"),
    )


def _write_people(
    folder: Path,
    rng: np.random.Generator,
    age: Integers,
    insurance: NDArray[np.str_],
    y: Mapping[str, Integers],
    entered: NDArray[np.datetime64],
    left: NDArray[np.datetime64],
) -> None:
    n = len(age)
    number = np.arange(n)
    died = y["mortality"] == 1
    admitted = entered - rng.integers(1, 48, n) * HOUR
    discharged = np.where(died, left, left + DAY)
    before = rng.integers(0, 4, n)
    death = pl.Series(np.where(died, discharged, np.datetime64("NaT", "ms")))
    patients = {
        "subject_id": 10_000_000 + number,
        "gender": rng.choice(["F", "M"], n),
        "anchor_age": age - np.minimum(before, age - 18),
        "anchor_year": admitted.astype("datetime64[Y]").astype(np.int64) + 1970 - np.minimum(before, age - 18),
        "anchor_year_group": rng.choice(["2008 - 2010", "2011 - 2013", "2014 - 2016"], n),
        "dod": death.dt.date(),
    }
    race = ["WHITE", "BLACK/AFRICAN AMERICAN", "HISPANIC/LATINO - PUERTO RICAN", "ASIAN - CHINESE", "UNKNOWN"]
    admissions = pl.DataFrame({
        "subject_id": 10_000_000 + number,
        "hadm_id": 20_000_000 + number,
        "admittime": admitted,
        "dischtime": discharged,
        "deathtime": death,
        "admission_type": rng.choice(["EW EMER.", "URGENT", "OBSERVATION ADMIT", "ELECTIVE"], n),
        "admit_provider_id": np.full(n, "P00ABC"),
        "admission_location": rng.choice(["EMERGENCY ROOM", "PHYSICIAN REFERRAL", "TRANSFER FROM HOSPITAL"], n),
        "discharge_location": np.where(died, "DIED", "HOME"),
        "insurance": insurance,
        "language": rng.choice(["ENGLISH", "?"], n, p=[0.9, 0.1]),
        "marital_status": rng.choice(["MARRIED", "SINGLE", "WIDOWED"], n),
        "race": rng.choice(race, n, p=[0.66, 0.14, 0.06, 0.04, 0.1]),
        "edregtime": admitted,
        "edouttime": admitted,
        "hospital_expire_flag": died.astype(np.int64),
    })  # fmt: skip
    again = np.where(y["readmission_30_days"] == 1, rng.integers(1, 30, n), rng.integers(31, 300, n))
    returned = np.flatnonzero(~died & ((y["readmission_30_days"] == 1) | (rng.random(n) < 0.2)))
    back = discharged + again * DAY
    later = admissions[returned].with_columns(
        hadm_id=pl.Series(25_000_000 + returned),
        admittime=pl.Series(back[returned]),
        dischtime=pl.Series(back[returned] + 2 * DAY),
    )
    stays = {
        "subject_id": 10_000_000 + number,
        "hadm_id": 20_000_000 + number,
        "stay_id": 30_000_000 + number,
        "first_careunit": rng.choice(["Medical Intensive Care Unit (MICU)", "Surgical Intensive Care Unit (SICU)"], n),
        "last_careunit": np.full(n, "Medical Intensive Care Unit (MICU)"),
        "intime": entered,
        "outtime": left,
        "los": (left - entered) / DAY,
    }
    items = [(item, unit) for items, *_, unit in CHARTED for item in items]
    labs = [item for items, *_ in MEASURED for item in items]
    for name, table in {
        "hosp/patients": pl.DataFrame(patients),
        "hosp/admissions": pl.concat([admissions, later]),
        "icu/icustays": pl.DataFrame(stays),
        "icu/d_items": pl.DataFrame({"itemid": [i for i, _ in items], "unitname": [unit for _, unit in items]}),
        "hosp/d_labitems": pl.DataFrame({"itemid": labs}),
    }.items():
        with _csv(folder, name) as file:
            table.write_csv(file, datetime_format="%Y-%m-%d %H:%M:%S")


def read_with_pandas(folder: str | Path, window: int = 48) -> pd.DataFrame:
    """Return what `read_mimic_iv` returns, written as one writes it with pandas, each table read whole."""
    folder = Path(folder)
    entry = ["admittime", "dischtime", "deathtime"]
    patients = pd.read_csv(
        folder / "hosp/patients.csv.gz", usecols=["subject_id", "gender", "anchor_age", "anchor_year"]
    )
    admissions = pd.read_csv(folder / "hosp/admissions.csv.gz", parse_dates=entry)
    stays = pd.read_csv(folder / "icu/icustays.csv.gz", parse_dates=["intime", "outtime"])
    stays = stays.sort_values(["intime", "stay_id"]).drop_duplicates("hadm_id")
    table = stays.drop(columns="los").merge(admissions, on=["subject_id", "hadm_id"]).merge(patients, on="subject_id")
    table["age"] = table["anchor_age"] + table["admittime"].dt.year - table["anchor_year"]
    hours = pd.Timedelta(hours=window)
    table = table[
        (table["dischtime"] >= table["admittime"])
        & (table["outtime"] >= table["admittime"])
        & (table["intime"] <= table["dischtime"])
        & (table["age"] >= 18)
        & (table["outtime"] - table["intime"] >= hours)
        & ~(table["deathtime"] < table["intime"] + hours)
    ].copy()
    coming = admissions[["subject_id", "admittime"]].rename(columns={"admittime": "back"}).sort_values("back")
    table = pd.merge_asof(
        table.sort_values("dischtime"),
        coming,
        by="subject_id",
        left_on="dischtime",
        right_on="back",
        direction="forward",
    )
    died = table["hospital_expire_flag"] == 1
    table["hours_before_icu"] = (table["intime"] - table["admittime"]).dt.total_seconds() / 3600
    table["sex"] = table["gender"].map({"F": "Female", "M": "Male"})
    bands = ["18-44", "45-64", "65-79", "80+"]
    table["age_band"] = pd.cut(table["age"], [17, 44, 64, 79, np.inf], labels=bands).astype(str)
    coarse = {"WHITE": "White", "BLACK": "Black", "HISPANIC": "Hispanic", "ASIAN": "Asian"}
    table["race"] = table["race"].str.extract("^(WHITE|BLACK|HISPANIC|ASIAN)")[0].map(coarse).fillna("Other/Unknown")
    table["language"] = np.where(table["language"].str.lower() == "english", "English", "Other/Unknown")
    table["mortality"] = died.astype(np.int8)
    table["los"] = (table["outtime"] - table["intime"]).dt.total_seconds() / 86400
    table["los_over_3_days"] = (table["los"] > 3).astype(np.int8)
    soon = (table["back"] - table["dischtime"]) <= pd.Timedelta(days=30)
    table["readmission_30_days"] = soon.astype(float).where(~died)

    parts = []
    for file, key in (("icu/chartevents", "stay_id"), ("hosp/labevents", "subject_id")):
        charted = key == "stay_id"
        items = [
            (item, variable.name, variable.low, variable.high, item in variable.fahrenheit, variable.percent)
            for variable in VARIABLES
            for item in (variable.charted if charted else variable.measured)
        ]
        meaning = pd.DataFrame(items, columns=["itemid", "variable", "low", "high", "fahrenheit", "percent"])
        used = [key, "itemid", "charttime", "valuenum"]
        events = pd.read_csv(folder / f"{file}.csv.gz", usecols=used, parse_dates=["charttime"])
        events = events[events["itemid"].isin(meaning["itemid"])]
        events = events.merge(table[list({key, "stay_id", "intime"})], on=key).merge(meaning, on="itemid")
        value = events["valuenum"]
        value = value.where(~events["fahrenheit"], (value - 32) / 1.8)
        events["value"] = value.where(~(events["percent"] & (value <= 1)), value * 100)
        events["hour"] = (events["charttime"] - events["intime"]) // pd.Timedelta(hours=1)
        kept = events["hour"].between(0, window - 1) & events["value"].between(events["low"], events["high"])
        parts.append(events.loc[kept, ["stay_id", "variable", "hour", "value"]])
    means = pd.concat(parts).groupby(["stay_id", "variable", "hour"])["value"].mean().astype(np.float32)
    wide = means.unstack(["variable", "hour"])
    wide.columns = [f"{variable}@{int(hour):02d}" for variable, hour in wide.columns]
    names = [f"{variable.name}@{hour:02d}" for variable in VARIABLES for hour in range(window)]
    table = table.sort_values(["subject_id", "intime", "stay_id"]).set_index("stay_id")
    return table[STATIC].join(wide.reindex(index=table.index, columns=names))
