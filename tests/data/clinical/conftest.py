from __future__ import annotations

import gzip
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pandas as pd
import pytest

ENTRY = pd.Timestamp("2150-03-01 10:20:00")


@dataclass
class Release:
    """The five official tables, to be changed at will and written."""

    folder: Path
    tables: dict[str, pd.DataFrame]

    def write(self) -> Path:
        for name, table in self.tables.items():
            path = self.folder / f"{name}.csv.gz"
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(gzip.compress(table.to_csv(index=False, date_format="%Y-%m-%d %H:%M:%S").encode()))
        return self.folder

    def __getitem__(self, name: str) -> pd.DataFrame:
        return self.tables[name]

    def change(self, name: str, row: int, **cells: object) -> None:
        for column, cell in cells.items():
            self.tables[name][column] = self.tables[name][column].astype(object)
            self.tables[name].loc[row, column] = cell

    def chart(self, stay: object, hours: float, item: int, value: object) -> None:
        """Chart a value some hours after the entry of stay 0."""
        at = ENTRY + pd.Timedelta(hours=hours)
        self._append("icu/chartevents", stay_id=stay, charttime=at, itemid=item, valuenum=value, warning=0)

    def measure(self, subject: int, hours: float, item: int, value: object) -> None:
        at = ENTRY + pd.Timedelta(hours=hours)
        comment = 'haemolysed, "see\nnote"'
        self._append("hosp/labevents", subject_id=subject, charttime=at, itemid=item, valuenum=value, comments=comment)

    def _append(self, name: str, **cells: object) -> None:
        row = pd.DataFrame([cells]).astype(object)
        table = self.tables[name]
        self.tables[name] = row if not len(table) else pd.concat([table, row], ignore_index=True)


@pytest.fixture
def make(tmp_path: Path) -> Callable[..., Release]:
    """Make a release of n patients (1..), one admission (101..) and one stay (201..) each, all from `ENTRY` on."""

    def made(n: int = 3) -> Release:
        number = pd.RangeIndex(n)
        same = {"subject_id": number + 1, "hadm_id": number + 101}
        tables = {
            "hosp/patients": pd.DataFrame(
                {
                    "subject_id": number + 1,
                    "gender": ["F", "M"] * (n // 2) + ["F"] * (n % 2),
                    "anchor_age": 58 + number % 5,
                    "anchor_year": 2148,
                    "anchor_year_group": "2011 - 2013",
                    "dod": None,
                }
            ),
            "hosp/admissions": pd.DataFrame(
                {
                    **same,
                    "admittime": ENTRY - pd.Timedelta(hours=6),
                    "dischtime": ENTRY + pd.Timedelta(days=6),
                    "deathtime": pd.NaT,
                    "admission_type": "URGENT",
                    "admission_location": "EMERGENCY ROOM",
                    "insurance": "Medicare",
                    "language": "ENGLISH",
                    "race": "WHITE",
                    "hospital_expire_flag": 0,
                }
            ),
            "icu/icustays": pd.DataFrame(
                {
                    **same,
                    "stay_id": number + 201,
                    "first_careunit": "Medical Intensive Care Unit (MICU)",
                    "last_careunit": "Medical Intensive Care Unit (MICU)",
                    "intime": ENTRY,
                    "outtime": ENTRY + pd.Timedelta(days=4),
                    "los": 4.0,
                }
            ),
            "icu/chartevents": pd.DataFrame(columns=["stay_id", "charttime", "itemid", "valuenum", "warning"]),
            "hosp/labevents": pd.DataFrame(columns=["subject_id", "charttime", "itemid", "valuenum", "comments"]),
        }
        return Release(tmp_path, tables)

    return made
