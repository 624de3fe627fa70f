"""Tables that list image files: each file once, and none outside the folder of the set."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

from efficienttrust.data._reading import place_of
from efficienttrust.errors import UsageError

if TYPE_CHECKING:
    import pandas as pd


def refuse_bad_lists(folder: Path, *lists: tuple[Path, pd.Series[Any]]) -> None:
    """Raise `UsageError` where tables list a file twice, or one that is not in the folder of the set.

    Two rows for an image may give it two labels, or two splits. Whether files are there is seen when they are read.

    Args:
        folder: The folder that names are relative to.
        lists: Each table, and the name of a file for each of its rows.
    """
    import pandas as pd

    root = os.path.join(os.path.abspath(folder), "")
    paths = [os.path.normpath(os.path.join(root, str(name))) for _table, names in lists for name in names]

    def place(position: int) -> str:
        for table, names in lists:
            if position < len(names):
                return place_of(str(table), position)
            position -= len(names)
        raise IndexError(position)

    for position, path in enumerate(paths):
        if not path.startswith(root):
            raise UsageError(
                f"{place(position)} names {path}, which is not in the folder {folder}. Copy the image into the folder, "
                "or leave out the row"
            )
    again = pd.Series(paths, dtype=object).duplicated().to_numpy().nonzero()[0]
    if len(again):
        path = paths[again[0]]
        raise UsageError(
            f"{path} is listed twice, in {place(paths.index(path))} and in {place(int(again[0]))}"
            f"{f' ({len(again)} files are listed again)' if len(again) > 1 else ''}. Keep one row for each image"
        )
