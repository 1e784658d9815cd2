"""Features of origins of many series, read off the ring of their levels."""

import numpy as np


def lag_features(first, columns, levels, rows, centers, scales, place, out):
    """Write what the readout sees of the newest values of series, in units of their scale.

    Parameters
    ----------
    first : int
        Place of the first of these b series among the B of the origin.
    columns : ndarray of int, shape (b,)
        Their columns in the ring.
    levels : ndarray of shape (L, J, C)
        Ring of the levels; NaN before the first row of a series, which counts as no change.
    rows : ndarray of int, shape (1 + n,)
        Its rows that are looked at: that of the origin, then n earlier ones.
    centers, scales : ndarray of shape (J, B)
        Levels that the newest value is measured from, and units.
    place : int
        Of the first of these features in `out`.
    out : ndarray of shape (J, B, K)
        Filled from there on: the changes of the n values since, and the newest value.
    """
    some, n = slice(first, first + len(columns)), len(rows) - 1
    found, out = levels[rows][..., columns], out[:, some, place : place + n + 1]
    newest = found[0]
    np.subtract(found[1:].transpose(1, 2, 0), newest[..., None], out=out[..., :n])
    out[..., :n][np.isnan(out[..., :n])] = 0.0
    np.subtract(newest, centers[:, some], out=out[..., n])
    out /= scales[:, some, None]
