"""Features of each step ahead of many series, read off the rings of their rows."""

import numpy as np


def step_features(levels, profiles, rows, profile_rows, columns, center, scale, out):
    """Write what is known, at an origin, about each step ahead of it.

    All values are relative to the newest one, so that targets are changes from it, and in units of
    the series' scale at the origin.

    Parameters
    ----------
    levels : ndarray of shape (L, J, C)
        Ring of the levels of J targets of C series; NaN before the first row of a series, which
        counts as no change.
    profiles : two ndarrays of shape (P, J, C)
        Rings of the fast and the slow profile, from the level and in units of the scale, NaN where
        there is none yet.
    rows : ndarray of int, shape (M, 1 + n)
        Rows of the levels that each step looks at: that of its origin, then n others.
    profile_rows : ndarray of int, shape (M,)
        Rows of the profiles that each step looks at.
    columns : ndarray of int, shape (b,)
        Series.
    center : ndarray of shape (J, b)
        Level that the newest value and profiles are measured from.
    scale : ndarray of shape (J, M, b)
    out : ndarray of shape (J, M, n + 3 or more, b)
        Filled by: the n values, the two profiles, the newest value; what is behind stays.
    """
    n = rows.shape[1] - 1
    targets = np.arange(levels.shape[1])
    found = levels[rows.T[:, None, :, None], targets[:, None, None], columns]  # (1 + n, J, M, b)
    newest = found[0]
    np.subtract(found[1:].transpose(1, 2, 0, 3), newest[:, :, None], out=out[:, :, :n])
    out[:, :, :n] /= scale[:, :, None]
    np.subtract(newest, center[:, None], out=out[:, :, n + 2])
    out[:, :, n + 2] /= scale
    out[:, :, : n + 3][np.isnan(out[:, :, : n + 3])] = 0.0
    if len(profiles[0]):
        for place, profile in enumerate(profiles):
            at = profile[profile_rows[None, :, None], targets[:, None, None], columns]
            out[:, :, n + place] = np.where(np.isnan(at), 0.0, at - out[:, :, n + 2])
