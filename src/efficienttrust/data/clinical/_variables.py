"""Vital signs and laboratory values: under which items MIMIC-IV records them, in which unit, and what is plausible.

The choice follows the benchmarks of Harutyunyan et al. (2019, https://doi.org/10.1038/s41597-019-0103-9), whose 17
variables it holds except capillary refill, height, weight and the total of the Glasgow coma scale (its three parts are
here), with common laboratory values added; items are those of the MIMIC Code Repository for MIMIC-IV.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from efficienttrust.errors import UsageError, unknown_name


@dataclass(frozen=True)
class Variable:
    """One variable, joined from several items.

    Attributes:
        name: As in the columns `NAME@00`, `NAME@01`, ...
        unit: Unit of the values.
        low: Least plausible value, in the unit; below it a value counts as missing.
        high: Greatest plausible value, in the unit.
        charted: Items of `icu/chartevents`.
        measured: Items of `hosp/labevents`.
        fahrenheit: Those of the items that are in degrees Fahrenheit.
        percent: Whether a value of at most 1 is a fraction, to be multiplied by 100.
    """

    name: str
    unit: str
    low: float
    high: float
    charted: tuple[int, ...] = ()
    measured: tuple[int, ...] = ()
    fahrenheit: tuple[int, ...] = ()
    percent: bool = False


VARIABLES = (
    Variable("heart_rate", "1/min", 1, 300, charted=(220045,)),
    Variable("systolic_pressure", "mmHg", 1, 400, charted=(220050, 220179, 225309)),
    Variable("diastolic_pressure", "mmHg", 1, 300, charted=(220051, 220180, 225310)),
    Variable("mean_pressure", "mmHg", 1, 300, charted=(220052, 220181, 225312)),
    Variable("respiratory_rate", "1/min", 1, 70, charted=(220210, 224690)),
    Variable("temperature", "°C", 10, 50, charted=(223761, 223762), fahrenheit=(223761,)),
    Variable("oxygen_saturation", "%", 1, 100, charted=(220277,)),
    Variable("glucose", "mg/dL", 1, 2000, charted=(220621, 225664, 226537), measured=(50809, 50931)),
    Variable("gcs_eye", "points", 1, 4, charted=(220739,)),
    Variable("gcs_verbal", "points", 1, 5, charted=(223900,)),
    Variable("gcs_motor", "points", 1, 6, charted=(223901,)),
    Variable("inspired_oxygen", "%", 20, 100, charted=(223835,), measured=(50816,), percent=True),
    Variable("ph", "pH", 6.3, 8.4, charted=(223830,), measured=(50820,)),
    Variable("creatinine", "mg/dL", 0.05, 66, measured=(50912,)),
    Variable("urea_nitrogen", "mg/dL", 1, 300, measured=(51006,)),
    Variable("sodium", "mEq/L", 50, 225, measured=(50983,)),
    Variable("potassium", "mEq/L", 0.5, 15, measured=(50971,)),
    Variable("bicarbonate", "mEq/L", 1, 66, measured=(50882,)),
    Variable("white_cells", "10³/µL", 0.01, 1000, measured=(51301,)),
    Variable("haemoglobin", "g/dL", 1, 30, measured=(51222,)),
    Variable("platelets", "10³/µL", 1, 2200, measured=(51265,)),
    Variable("lactate", "mmol/L", 0.05, 40, measured=(50813,)),
    Variable("bilirubin", "mg/dL", 0.05, 66, measured=(50885,)),
)


def chosen_variables(names: Sequence[str] | None) -> tuple[Variable, ...]:
    """Return the variables of these names, in the order given, or all.

    Raises:
        UsageError: A name is unknown or given twice, or there is none.
    """
    if names is None:
        return VARIABLES
    known = {variable.name: variable for variable in VARIABLES}
    for name in names:
        if name not in known:
            raise unknown_name("variable", name, known)
    if len(set(names)) < len(names) or not names:
        raise UsageError(f"variables={','.join(names)!r} must name at least one variable, and each of them once.")
    return tuple(known[name] for name in names)
