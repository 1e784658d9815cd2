"""Errors of the experts of many series, of the labels of a row."""

import numpy as np

UNIT_CHANGE = 20.0  # standard deviations, as of the outlier filter: a season ago it was another unit


def expert_errors(arrived, issued, due, levels, rows, young, columns, out):
    """Write the errors of what experts had forecast: issued less label.

    The experts are the readouts, the newest value, for each season the value a season before the
    step, and for the last of them that plus the change since a season before the origin. Where a
    series is too young for one, it repeats what the expert before it does; where it was in another
    unit then, the newest value.

    Parameters
    ----------
    arrived : ndarray of shape (J, b)
        The labels, NaN where missing.
    issued : ndarray of shape (rows, R, J, C)
        What the readouts had issued.
    due : ndarray of int, shape (M,)
        Rows of it whose labels these are.
    levels : ndarray of shape (L, J, C)
        Ring of the levels.
    rows : ndarray of int, shape (M, 1 + N + 1)
        Its rows that each step looks at: origin, a season before the step for each of N seasons,
        the longest season before the origin.
    young : ndarray of bool, shape (M, N + 1, b)
        Whether the last N + 1 of those lie before a series began.
    columns : ndarray of int, shape (b,)
    out : ndarray of shape (M, E, J, b)
        E = R + 1 + N, and 1 more where there are seasons.
    """
    n_readouts, n_seasons = issued.shape[1], rows.shape[1] - 2
    targets = np.arange(levels.shape[1])[:, None]
    found = levels[rows.T[:, :, None, None], targets, columns]  # (2 + N, M, J, b)
    out[:, :n_readouts] = issued[due][..., columns]
    newest = found[0]
    out[:, n_readouts] = newest
    for season in range(n_seasons):
        value = np.where(young[:, season, None], out[:, n_readouts + season], found[1 + season])
        value = np.where(np.abs(value - newest) > UNIT_CHANGE, newest, value)
        out[:, n_readouts + 1 + season] = value
    if n_seasons:
        change = np.where(young[:, -1, None], 0.0, newest - found[-1])
        change = np.where(np.abs(change) > UNIT_CHANGE, 0.0, change)
        out[:, -1] = out[:, -2] + change
    out -= arrived
