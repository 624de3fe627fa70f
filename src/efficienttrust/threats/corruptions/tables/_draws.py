"""Numbers that name the rows of a frame, for random numbers that belong to a row."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    import pandas as pd


def row_labels(index: pd.Index) -> NDArray[np.uint64]:
    """Return one well-mixed 64-bit number per index label, the same in every process."""
    import pandas as pd

    return np.asarray(pd.util.hash_pandas_object(index, index=False), dtype=np.uint64)
