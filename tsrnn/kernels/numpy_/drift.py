"""Drift: the recent size of scaled errors, for any number of series side by side."""

import numpy as np

RATE = 1.0 / 16.0  # weight of the newest row in the recent size of errors
LIMIT = 5.0  # of a scaled error: one alone is no drift
RISE, FALL = 2.0, 0.4  # recent size, in units of the expected one, that is a change
CALM = (0.7, 1.4)  # within these the next change may be reported
FIRST_ROWS = 200  # before these nothing is known of what to expect


def lift_of(size, delays):
    """Return the factor (M, S) by which intervals are wider for errors that are large of late.

    Levels of errors follow in a hundred rows, their recent size in a dozen, and a dozen rows ahead
    it says half as much.

    Parameters
    ----------
    size : ndarray of shape (S,)
    delays : ndarray of int, shape (M,)
        Rows between the origin and the label of each step.

    Examples
    --------
    >>> lift_of(np.array([0.5, 1.4, 2.8]), np.array([1, 12])).round(1)
    array([[1. , 1. , 2. ],
           [1. , 1. , 1.5]])
    """
    excess = np.maximum(size / CALM[1], 1.0) - 1.0
    return 1.0 + (1.0 - RATE) ** (delays[:, None] - 1.0) * excess


def follow_size(scaled, size, n_rows, calm):
    """Move the recent size of errors by those of a row; in place.

    Parameters
    ----------
    scaled : ndarray of shape (M, S)
        Absolute errors in units of what was to be expected, NaN where unknown.
    size : ndarray of shape (S,)
        Running mean of scaled errors, 1 where all is as expected.
    n_rows : ndarray of shape (S,)
        Rows with a known error.
    calm : ndarray of bool, shape (S,)
        Whether the size has been near 1 since the last change.

    Returns
    -------
    noted : ndarray of shape (S,)
        The size where it is a change worth noting, else NaN.
    """
    known = np.isfinite(scaled)
    limited = np.minimum(np.where(known, scaled, 0.0), LIMIT)
    n_known = known.sum(axis=0)
    seen = n_known > 0
    size += RATE * seen * (limited.sum(axis=0) / np.maximum(n_known, 1) - size)
    n_rows += seen
    far = (size > RISE) | (size < FALL)
    noted = np.where(far & calm & (n_rows >= FIRST_ROWS), size, np.nan)
    calm[:] = (calm & ~far) | ((size > CALM[0]) & (size < CALM[1]))
    return noted
