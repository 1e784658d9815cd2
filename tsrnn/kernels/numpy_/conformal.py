"""Online conformal intervals: levels and quantiles of errors, of series side by side."""

import numpy as np

QUANTILES = (0.005, 0.025, 0.05, 0.1, 0.25, 0.5, 0.75, 0.9, 0.95, 0.975, 0.995)
RATE = 0.01  # step of a quantile, as a share of its size, at each label in the long run
LEVEL_RATE = 0.01  # weight of the newest error in the level, likewise
# After n labels steps are larger: this over the root of n, at most that. Years are few rows.
FIRST_RATE, LARGEST_RATE = 0.35, 0.05
# After n labels the level moves by this over n as well, at most that: a short history grows.
EARLY_RATE, LARGEST_EARLY = 7.0, 0.1
# The errors of step m overlap over m rows: from this step on rates fall with it, as a quantile that
# answers m rows late would overshoot, and few labels leave open how wide intervals must be.
OVERLAP = 48
FAR = 96  # steps ahead from which the level moves by a step's own first labels alone
WIDER = 0.5  # share by which intervals are wider while labels have come of one overlap or none
SMALLEST_SIZE = 0.3  # a quantile near zero moves as one of this size
PROFILE_RATE = 0.05  # of the newest one of its phase in a seasonal profile
# Variance in the long run of a profile's factors where errors, normal ones, have no season.
PROFILE_NOISE = PROFILE_RATE / 2.0 * (np.pi / 2.0 - 1.0)
OUTLIER = 20.0  # times the level; more does not count
PROFILE_OUTLIER = 5.0
PROFILE_LIMITS = (0.05, 20.0)
TINY = 1e-6  # least level, in units of the history's spread
MAE_OF_NORMAL = 0.798  # mean absolute value of a standard normal variable


def places(seasons, rows):
    """Return where in the profiles rows are, for each season."""
    starts = np.cumsum(seasons) - seasons
    return [start + rows % season for start, season in zip(starts, seasons, strict=True)]


def pace_of(delays):
    """Return the factor of the rates of a step ahead, or (M,) of each of steps (M,).

    Examples
    --------
    >>> pace_of(np.array([1, 48, 480]))
    array([1. , 1. , 0.1])
    """
    return OVERLAP / np.maximum(delays, OVERLAP)


def own_share(delays):
    """Return the share of its own label in what a step ahead, or each of (M,), learns at a row.

    The rest is the mean over the steps up to it, weighted by the squares of these shares: m errors
    of step m, which overlap, say about as much as one of step 1.

    Examples
    --------
    >>> own_share(np.array([1, 4, 100]))
    array([1. , 0.5, 0.1])
    """
    return 1.0 / np.sqrt(delays)


def widening(delays, n_labels):
    """Return the factor (M, S) by which intervals of steps (M,) are wider, for labels (M, S) seen.

    Examples
    --------
    >>> widening(np.array([24, 720]), np.array([[100], [6719]])).ravel()
    array([1.  , 1.05])
    """
    overlaps = np.maximum(delays - OVERLAP, 0)[:, None] / (n_labels + 1.0)
    return 1.0 + WIDER * np.minimum(overlaps, 1.0)


def season_weights(profiles, seasons, n_rows, noise):
    """Return the weight of the factors of each season, (number of seasons, S): 0 to 1.

    Factors move with every error, so they differ where errors have no season too, and what they are
    wrong by makes intervals wider. A season whose factors differ by no more than that is left out,
    one whose factors differ by much more counts in full: 1 less the square of the ratio of the two
    variances. Like Stein's estimators [1]_, this decides by the season as a whole.

    Parameters
    ----------
    profiles : ndarray of shape (sum of the seasons, S)
    seasons : ndarray of int
    n_rows : ndarray of shape (S,)
        Rows by which factors have moved.
    noise : float
        `PROFILE_NOISE`; 0: each season counts in full.

    References
    ----------
    .. [1] B. Efron, C. Morris (1975), Data analysis using Stein's estimator and its
       generalizations, Journal of the American Statistical Association 70.

    Examples
    --------
    >>> factors = np.array([[1.1, 1.6], [0.9, 0.4], [1.1, 1.6], [0.9, 0.4]])
    >>> season_weights(factors, [4], np.array([1000, 1000]), PROFILE_NOISE).round(3)
    array([[0.   , 0.998]])
    """
    weights, stop = np.ones((len(seasons), profiles.shape[1])), 0
    if not noise:
        return weights
    for to, season in zip(weights, seasons, strict=True):
        found = profiles[stop : stop + season].var(axis=0)
        stop += season
        by_chance = noise * (1.0 - (1.0 - PROFILE_RATE) ** (2.0 * n_rows / season))
        ratio = by_chance / np.maximum(found, np.finfo(float).tiny)
        to[:] = 1.0 - np.square(np.minimum(ratio, 1.0))
    return weights


def rows_moved(n_labels, row):
    """Return by how many rows factors have moved (S,), from labels (M, S) seen and the row.

    Labels have all been seen, rows are counted from the last restart, which leaves factors at 1.
    """
    return np.minimum(n_labels[0], row + 1.0)


def factors_at(profiles, weights, seasons, rows):
    """Return the factors (number of rows, S) of rows, or (S,) of one: those of its seasons."""
    product = 1.0
    for place, of_season in zip(places(seasons, rows), weights, strict=True):
        product = product * (1.0 + of_season * (profiles[place] - 1.0))
    return product


def expected_scale(level, profiles, weights, seasons, delays, row):
    """Return the expected size (M, S) of the errors of what is forecast at a row.

    Parameters
    ----------
    level : ndarray of shape (M, S)
        Recent mean absolute error, seasons taken out.
    profiles : ndarray of shape (sum of the seasons, S)
        Factors by the row's phase in each season, one season behind the other.
    weights : ndarray of shape (number of seasons, S)
        See `season_weights`.
    seasons : ndarray of int
        Season lengths in rows.
    delays : ndarray of int, shape (M,)
        Rows between the origin and the label of each step.
    row : int
        Position of the origin, in rows from any fixed one.
    """
    return np.maximum(level * factors_at(profiles, weights, seasons, row + delays), TINY)


def mean_of_nearer(moves, weights):
    """Return the weighted mean (..., M, S) of moves of each step and of those before it.

    Parameters
    ----------
    moves : ndarray of shape (..., M, S)
    weights : ndarray of shape (M, S)
        0 where there is no move.

    Examples
    --------
    >>> mean_of_nearer(np.array([[1.0], [4.0]]), np.array([[1.0], [0.5]])).ravel()
    array([1., 2.])
    """
    total = np.cumsum(weights * moves, axis=-2)
    return total / np.maximum(np.cumsum(weights, axis=-2), np.finfo(float).tiny)


def score_errors(
    error, scale, probabilities, seasons, row, quantiles, level, n_labels, profiles, pace, own,
    noise,
):  # fmt: skip
    """Move quantiles, levels and profiles by the errors that a row has brought; in place.

    Parameters
    ----------
    error : ndarray of shape (M, S)
        Label less forecast, NaN where there is none: what concerns it stays as it is.
    scale : ndarray of shape (M, S)
        What `expected_scale` returned at the origin of each.
    probabilities : ndarray of shape (Q,)
    seasons : ndarray of int
    row : int
        Position of the row.
    quantiles : ndarray of shape (Q, M, S)
        Of the scaled errors.
    level, n_labels : ndarray of shape (M, S)
    profiles : ndarray of shape (sum of the seasons, S)
    pace : ndarray of shape (M,)
        Factor of the rates at which quantiles and level move, by step; see `pace_of`.
    own : ndarray of shape (M,)
        Share of what a step learns that is of its own labels; see `own_share`.
    noise : float
        As of `season_weights`.
    """
    known = np.isfinite(error)
    if not known.any():
        return
    complete = known.all()
    if not complete:
        error, scale = np.where(known, error, 0.0), np.where(known, scale, 1.0)
    pace, own = pace[:, None], own[:, None]
    step = probabilities[:, None, None] - (error / scale < quantiles)
    base = np.maximum(level, TINY)
    weights = season_weights(profiles, seasons, rows_moved(n_labels, row), noise)
    expected = base * factors_at(profiles, weights, seasons, row)
    excess = np.minimum(np.abs(error) / expected, OUTLIER) - 1.0
    mean = mean_of_nearer(np.concatenate([step, excess[None]]), own * own * known)
    root = np.minimum(FIRST_RATE / np.sqrt(n_labels + 1.0), LARGEST_RATE)
    early = np.minimum(EARLY_RATE / (n_labels + 1.0), LARGEST_EARLY)
    n_labels += known
    size = np.maximum(np.abs(quantiles), SMALLEST_SIZE)
    size *= pace * np.maximum(root, RATE) * (own * step + (1.0 - own) * mean[:-1])
    early = np.maximum(1.0 / (n_labels + 1.0), early)
    rate = np.maximum(pace * np.maximum(LEVEL_RATE, root), early)
    # The share of a step's own label in its level: of the first ones more than later.
    alone = np.maximum(own, early / rate * np.minimum(1.0 / (FAR * own * own), 1.0))
    growth = rate * (alone * excess + (1.0 - alone) * mean[-1]) * base
    if not complete:
        size, growth = size * known, growth * known
    quantiles += size
    level += growth
    excess = np.minimum(excess, PROFILE_OUTLIER - 1.0)
    mean = (excess * known).sum(axis=0) / np.maximum(known.sum(axis=0), 1)
    there, stop = known.any(axis=0), 0
    for place, season in zip(places(seasons, row), seasons, strict=True):
        factors = profiles[stop : stop + season]
        stop += season
        # What all factors have in common is the level's: without that pull they would sink.
        off = factors.mean(axis=0) - 1.0 if noise else 0.0
        moved = profiles[place] * (1.0 + PROFILE_RATE * (mean - off))
        profiles[place] = np.where(there, np.clip(moved, *PROFILE_LIMITS), profiles[place])
