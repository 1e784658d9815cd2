"""Moments of the newest season of many series, read off the ring of their targets."""

import numpy as np


def season_moments(first, columns, targets, rows, out):
    """Write mean, mean absolute deviation and number of the known targets of a season.

    Parameters
    ----------
    first : int
        Place of the first of these b series among the B of `out`.
    columns : ndarray of int, shape (b,)
        Their columns in the ring.
    targets : ndarray of shape (L, J, C)
        Ring of the targets, NaN where missing.
    rows : ndarray of int, shape (season,)
        Rows of the ring that make up the season.
    out : ndarray of shape (3, J, B)
    """
    out = out[..., first : first + len(columns)]
    values = targets[rows[:, None, None], np.arange(targets.shape[1])[:, None], columns]
    known = np.isfinite(values)
    complete = known.all()
    values = values if complete else np.where(known, values, 0.0)
    n_known = known.sum(axis=0)
    count = np.maximum(n_known, 1)
    out[0] = values.sum(axis=0) / count
    values = values - out[0]
    np.abs(values, out=values)
    if not complete:
        values *= known
    out[1] = values.sum(axis=0) / count
    out[2] = n_known
