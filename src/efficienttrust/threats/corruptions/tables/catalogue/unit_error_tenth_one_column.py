"""Ten times too low in one column: one instrument or one site in a larger unit."""

from __future__ import annotations

from efficienttrust.threats.corruptions.tables._corruption import table_corruptions
from efficienttrust.threats.corruptions.tables._units import unit_error

table_corruptions.register("unit_error_tenth_one_column")(
    unit_error("unit_error_tenth_one_column", "is divided by 10", lambda values: values / 10.0, one_column=True)
)
