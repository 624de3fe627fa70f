"""What no method of k gradients can leave: a basis of all that it can reach.

Letters: S [d, d] symmetric, positive semi-definite; c and g vectors [d] in its range.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from efficienttrust.theory._embedding import Floats

NEW = 1e-11
"""Share of a vector that has to be new for it to count as a further direction."""


def block_krylov(s: Floats, c: Floats, g: Floats) -> Iterator[Floats]:
    """Yield for k = 1, 2, ... an orthonormal basis [d, r] of span{S^i c, S^j g: i < k, j < k - 1}, without end."""
    basis, front, waiting = np.zeros((len(c), 0)), [c], [g]
    while True:
        known = basis.shape[1]
        for vector in front:
            basis = _extended(basis, vector)
        yield basis
        front = [*(s @ basis[:, known:]).T, *waiting]
        waiting = []


def _extended(basis: Floats, vector: Floats) -> Floats:
    """Return the basis with what is new in `vector`, if anything is."""
    rest = vector
    for _ in range(2):  # twice is enough for orthogonality (Parlett 1980)
        rest = rest - basis @ (basis.T @ rest)
    size = float(np.linalg.norm(rest))
    return np.column_stack([basis, rest / size]) if size > NEW * np.linalg.norm(vector) else basis
