"""Ten times too high: cells in a smaller unit."""

from __future__ import annotations

from efficienttrust.threats.corruptions.tables._corruption import table_corruptions
from efficienttrust.threats.corruptions.tables._units import unit_error

table_corruptions.register("unit_error_tenfold")(
    unit_error("unit_error_tenfold", "is multiplied by 10", lambda values: values * 10.0, one_column=False)
)
