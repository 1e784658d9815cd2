"""Missing values, carried forward."""

import numpy as np


def carried(values, newest):
    """Replace missing values (n, ...) by the newest known one, `newest` before the first row.

    Examples
    --------
    >>> values = np.array([[np.nan, 2.0], [3.0, np.nan], [np.nan, np.nan]])
    >>> carried(values, np.array([1.0, np.nan]))
    array([[1., 2.],
           [3., 2.],
           [3., 2.]])
    """
    known = np.isfinite(values)
    if known.all():
        return values
    if len(values) == 1:
        return np.where(known, values, newest)
    numbers = np.arange(1, len(values) + 1).reshape(-1, *[1] * (values.ndim - 1))
    rows = np.maximum.accumulate(np.where(known, numbers, 0), axis=0)
    before = np.broadcast_to(newest, values.shape[1:])[None]
    return np.take_along_axis(np.concatenate([before, values]), rows, axis=0)
