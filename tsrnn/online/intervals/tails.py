"""How improbable an error is: by tracked quantiles, and beyond them by a fitted tail."""

from functools import lru_cache
from statistics import NormalDist

import numpy as np

from tsrnn.kernels.numpy_.conformal import MAE_OF_NORMAL
from tsrnn.kernels.numpy_.tails import thresholds

SHAPES = (-0.25, 0.45)  # that a tail may have: light ones, and those whose variance is finite
LEAST_SCALE = 0.25  # of that at the threshold: least scale beyond the outermost quantile
_CDF = np.frompyfunc(NormalDist().cdf, 1, 1)


def normal_tails(probabilities, *shape):
    """Return the tails (2, 3, *shape) of a normal variable, of which nothing has been seen.

    In units of its mean absolute value, as errors are; see `follow_tails`.

    Examples
    --------
    >>> normal_tails([0.05, 0.95]).round(2)
    array([[0.52, 0.49, 0.  ],
           [0.52, 0.49, 0.  ]])
    """
    moments = []
    for place, upper in zip(thresholds(probabilities), (False, True), strict=True):
        share = 1.0 - probabilities[place] if upper else probabilities[place]
        at = -NormalDist().inv_cdf(share)
        beyond = NormalDist().pdf(at) / share  # mean of the tail
        square = 1.0 + at * beyond - 2.0 * at * beyond + at * at
        moments.append([(beyond - at) / MAE_OF_NORMAL, square / MAE_OF_NORMAL**2, 0.0])
    tails = np.array(moments).reshape(2, 3, *[1] * len(shape))
    return np.broadcast_to(tails, (2, 3, *shape)).copy()


def p_values(scaled, probabilities, quantiles, tails):
    r"""Return the two-sided probabilities of errors at least as far out.

    Twice the smaller of :math:`P(E \le e)` and :math:`P(E \ge e)`, at most 1. Between tracked
    quantiles they are linear in the normal quantile, as intervals are: an interval of coverage c
    leaves out just the errors with less than 1 - c. Beyond the outermost quantile excesses follow a
    generalized Pareto distribution [1]_ with the mean and the variance of those that were seen
    beyond the threshold where a tail begins: of mean m and variance v it has the shape
    :math:`\xi = (1 - m^2 / v) / 2` and the scale :math:`\sigma = m (1 + m^2 / v) / 2` [2]_.

    Parameters
    ----------
    scaled : ndarray of shape (S,)
        Errors in units of what was to be expected; NaN where there is none.
    probabilities : ndarray of shape (Q,)
        Of the tracked quantiles, ascending, two at least.
    quantiles : ndarray of shape (Q, S)
        They may cross.
    tails : ndarray of shape (2, 3, S)
        See `follow_tails`.

    Returns
    -------
    ndarray of shape (S,)
        NaN where there is no error.

    References
    ----------
    .. [1] J. Pickands (1975), Statistical inference using extreme order statistics, Annals of
       Statistics 3.
    .. [2] J. Hosking, J. Wallis (1987), Parameter and quantile estimation for the generalized
       Pareto distribution, Technometrics 29.

    Examples
    --------
    Of a normal variable, in units of its mean absolute value:

    >>> at = np.array([NormalDist().inv_cdf(p) for p in (0.05, 0.5, 0.95)]) / 0.798
    >>> tails = normal_tails([0.05, 0.5, 0.95], 4)
    >>> errors = np.array([0.0, -1.645, 2.576, 3.09]) / 0.798
    >>> p_values(errors, np.array([0.05, 0.5, 0.95]), np.tile(at[:, None], 4), tails).round(4)
    array([1.    , 0.1   , 0.0102, 0.002 ])
    """
    order, rises = np.sort(quantiles, axis=0), np.asarray(probabilities)
    below = _share_below(scaled, rises, order, tails)
    above = 1.0 - below
    if ((scaled > order[-1]) | (order == scaled)).any():  # a tail, or where quantiles coincide
        above = _share_below(-scaled, 1.0 - rises[::-1], -order[::-1], tails[::-1])
    return np.minimum(2.0 * np.minimum(below, above), 1.0)


def _share_below(scaled, probabilities, quantiles, tails):
    """Return the probability (S,) of errors as low as these, or lower."""
    normal = _normal_quantiles(tuple(probabilities.tolist()))
    streams = np.arange(len(scaled))
    at_or_below = (quantiles <= scaled).sum(axis=0)  # quantiles that are
    right = np.minimum(np.maximum(at_or_below, 1), len(normal) - 1)
    low, high = quantiles[right - 1, streams], quantiles[right, streams]
    width = high - low
    share = np.where(width > 0.0, (scaled - low) / np.where(width > 0.0, width, 1.0), 1.0)
    x = normal[right - 1] + share * (normal[right] - normal[right - 1])
    found = _CDF(np.where(np.isfinite(x), x, 0.0)).astype(float)
    # Above the highest one it is not this side that counts.
    found = np.where(at_or_below == len(normal), probabilities[-1], found)
    beyond = at_or_below == 0
    if beyond.any():
        tail = probabilities[0] * _survival(scaled, probabilities, quantiles, tails)
        found = np.where(beyond, tail, found)
    return np.where(np.isnan(scaled), np.nan, found)


@lru_cache(maxsize=64)
def _normal_quantiles(probabilities):
    return np.array([NormalDist().inv_cdf(p) for p in probabilities])


def _survival(scaled, probabilities, quantiles, tails):
    """Return the share (S,) of errors below the lowest quantile that are lower still than these."""
    mean, square, _ = tails[0]
    ratio = mean * mean / np.maximum(square - mean * mean, 1e-3 * mean * mean)
    shape = np.clip(0.5 * (1.0 - ratio), *SHAPES)
    scale = mean * (1.0 - shape)  # so that the mean is right where the shape was cut off
    threshold = quantiles[thresholds(probabilities)[0]]
    scale = np.maximum(scale + shape * (threshold - quantiles[0]), LEAST_SCALE * scale)
    excess = np.maximum(quantiles[0] - scaled, 0.0) / np.maximum(scale, np.finfo(float).tiny)
    flat = np.abs(shape) < 1e-6
    grown = np.maximum(1.0 + np.where(flat, 0.0, shape) * excess, 0.0)
    with np.errstate(divide="ignore"):
        power = grown ** (-1.0 / np.where(flat, 1.0, shape))
    return np.where(flat, np.exp(-np.minimum(excess, 700.0)), power)
