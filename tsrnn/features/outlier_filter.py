"""A guard against absurd values: one spike must not spoil the weeks after it."""

import numpy as np

JUMP_LIMIT = 20.0  # times the usual change, itself at least one standard deviation
STEP = 0.01  # weight of the newest change in the running mean
LIMITS = JUMP_LIMIT, STEP


def start_from(levels):
    """Return what `filter_outliers` starts from at these levels, any shape.

    Changes of one standard deviation, nothing refused, and no jump behind.
    """
    return levels, np.ones_like(levels), np.full_like(levels, np.nan), np.zeros_like(levels)


def filter_outliers(targets, level, spread, refused, jump):
    """Follow the levels of new rows, taking absurd values for missing ones.

    A value is absurd if it jumps by more than 20 times the usual change, away from the level before
    and from where the history was: the usual change is the running mean of changes, but at least 1,
    a standard deviation of the history. An absurd change counts in that mean up to the limit, which
    grows by a fifth with each. Coming back to where the history was is never absurd.

    A lasting change of level is believed at the second row that shows it: a value that lies no
    further from the one refused before than the limit. The very same value again confirms nothing,
    as a failing sensor repeats itself. Rows that do not agree so, as after a change of unit, are
    believed after a number of them that grows with the logarithm of the change, 22 for 1,000
    standard deviations.

    A jump that a second row agrees with is taken out of what is returned: lags and seasons go on as
    if it had not been, and forecasts are to be shifted by it. It stays out until a value is nearer
    to where the history was with it than without.

    Parameters
    ----------
    targets : ndarray of shape (n, S)
        Scaled, NaN where missing.
    level, spread : ndarray of shape (S,)
        Newest known value and usual change, at the row before.
    refused : ndarray of shape (S,)
        The value refused last, NaN if one was believed since.
    jump : ndarray of shape (S,)
        What is taken out of targets and level.

    Returns
    -------
    targets, levels, spreads, refused, jumps : ndarray of shape (n, S)
        Absurd targets are NaN; the others are what the row after starts from.

    Examples
    --------
    >>> import numpy as np
    >>> targets = np.array([[0.5], [1000.0], [0.7], [90.0], [91.0], [92.0]])
    >>> screened, levels, *_, jumps = filter_outliers(targets, *start_from(np.zeros(1)))
    >>> screened.ravel().round(1), levels.ravel().round(1)
    (array([0.5, nan, 0.7, nan, 0.7, 1.7]), array([0.5, 0.5, 0.7, 0.7, 0.7, 1.7]))
    >>> jumps.ravel().round(1)
    array([ 0. ,  0. ,  0. ,  0. , 90.3, 90.3])
    """
    fields = np.empty((5, *targets.shape))
    for row, values in enumerate(targets):
        change, difference = np.abs(values - (level + jump)), np.abs(values - refused)
        limit, known = JUMP_LIMIT * spread, np.isfinite(values)
        agrees = (difference > 0.0) & (difference <= limit)
        absurd = (change > limit) & (np.abs(values) > limit) & ~agrees
        jump = np.where(agrees & (difference < change), values - level, jump)
        back = np.abs(values) < np.abs(values - jump)
        jump = np.where(back & ~absurd, 0.0, jump)
        refused = np.where(absurd, values, np.where(known, np.nan, refused))
        values = np.where(absurd, np.nan, values - jump)
        level = np.where(np.isfinite(values), values, level)
        change = np.where(np.isfinite(change), np.minimum(change, limit), spread)
        spread = np.maximum(spread + STEP * (change - spread), 1.0)
        fields[:, row] = values, level, spread, refused, jump
    return tuple(fields)
