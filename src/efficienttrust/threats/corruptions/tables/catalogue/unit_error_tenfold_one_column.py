"""Ten times too high in one column: one instrument or one site in a smaller unit."""

from __future__ import annotations

from efficienttrust.threats.corruptions.tables._corruption import table_corruptions
from efficienttrust.threats.corruptions.tables._units import unit_error

table_corruptions.register("unit_error_tenfold_one_column")(
    unit_error("unit_error_tenfold_one_column", "is multiplied by 10", lambda values: values * 10.0, one_column=True)
)
