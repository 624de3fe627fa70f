"""Ten times too low: cells in a larger unit."""

from __future__ import annotations

from efficienttrust.threats.corruptions.tables._corruption import table_corruptions
from efficienttrust.threats.corruptions.tables._units import unit_error

table_corruptions.register("unit_error_tenth")(
    unit_error("unit_error_tenth", "is divided by 10", lambda values: values / 10.0, one_column=False)
)
