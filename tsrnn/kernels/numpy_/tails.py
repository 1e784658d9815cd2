"""Tails of errors beyond a tracked quantile: a generalized Pareto distribution by its moments."""

import numpy as np

SHARE = 0.05  # of the errors that lie in either tail, as far as a quantile there is tracked
RATE = 0.005  # weight of the newest error of a tail in its moments, in the long run
FIRST_WEIGHT = 20.0  # errors that the tail of a normal variable weighs as much as, at first
LARGEST = 12.0  # times the mean excess; more does not count

MEAN, SQUARE, COUNT = range(3)  # of the excesses of a tail


def thresholds(probabilities):
    """Return the places of the quantiles (ascending) at which the lower and upper tail begin."""
    low = high = 0
    for q in range(len(probabilities)):
        if abs(probabilities[q] - SHARE) < abs(probabilities[low] - SHARE):
            low = q
        if abs(1.0 - probabilities[q] - SHARE) < abs(1.0 - probabilities[high] - SHARE):
            high = q
    return low, high


def follow_tails(scaled, quantiles, probabilities, tails):
    """Move the moments of both tails by the errors that a row has brought; in place.

    Parameters
    ----------
    scaled : ndarray of shape (S,)
        Errors in units of what was to be expected; NaN where there is none.
    quantiles : ndarray of shape (Q, S)
        Of such errors, as they stood before.
    probabilities : ndarray of shape (Q,)
        Of these, ascending.
    tails : ndarray of shape (2, 3, S)
        Mean and mean square of the excesses over the quantile at which the lower and the upper tail
        begin, and how many there were.
    """
    limits = LARGEST * tails[:, MEAN]
    for tail, (excess, square, beyond) in zip(
        tails, tail_excesses(scaled, quantiles, probabilities, limits), strict=True
    ):
        rate = beyond * np.maximum(1.0 / (tail[COUNT] + 1.0 + FIRST_WEIGHT), RATE)
        tail[MEAN] += rate * (excess - tail[MEAN])
        tail[SQUARE] += rate * (square - tail[SQUARE])
        tail[COUNT] += beyond


def tail_excesses(scaled, quantiles, probabilities, limits):
    """Return what lies beyond the thresholds of both tails: (2, 3, S), 0 where nothing does.

    The excess, at most the `limits` (2, S), its square, and 1. Other arguments are those of
    `follow_tails`.
    """
    low, high = thresholds(probabilities)
    excess = np.stack([quantiles[low] - scaled, scaled - quantiles[high]])
    beyond = excess > 0.0
    excess = np.where(beyond, np.minimum(excess, limits), 0.0)
    return np.stack([excess, excess * excess, beyond], axis=1)


def pooled_tails(tails, sums):
    """Return tails (2, 3, J) after sums (2, 3, J) of the `tail_excesses` of many series at once."""
    n = sums[:, COUNT]
    weight = np.maximum(n / (tails[:, COUNT] + n + FIRST_WEIGHT), 1.0 - (1.0 - RATE) ** n)
    mean = sums / np.maximum(n, 1.0)[:, None]
    moved = tails + weight[:, None] * (mean - tails)
    moved[:, COUNT] = tails[:, COUNT] + n
    return moved
