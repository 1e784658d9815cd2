"""Rows behind others, compiled.

Arrays are filled number by number, not by slices, for which numba compiles seconds longer.
"""

import numpy as np

from tsrnn.kernels.numba_.maths import compiled


@compiled
def with_room(rows, n_kept, n_more):
    """Return the newest rows, contiguous as they are, with room for others behind them."""
    joined = np.empty((n_kept + n_more, *rows.shape[1:]), rows.dtype)
    fill(joined.ravel(), rows[len(rows) - n_kept :].ravel())
    return joined


@compiled
def fill(array, values):
    """Fill the beginning of an array (n,) with values."""
    for k in range(len(values)):
        array[k] = values[k]
