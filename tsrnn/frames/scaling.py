"""Scaling by the history's mean and standard deviation, column by column."""

from dataclasses import dataclass

import numpy as np
from sklearn.preprocessing import StandardScaler

from tsrnn.partitions import alone, total
from tsrnn.persistence.registry import saved

OUTLIER = 20.0  # robust standard deviations
MOST_OUTLIERS = 0.005  # share of the rows; more than that are no outliers
SMALLEST_SCALE = 1e-6  # of the mean: what varies less is constant but for rounding
FIRST_ROWS = 25  # known rows of a history whose median its first value is held against
TINIEST_SCALE = 1e-50  # in units of the data: what varies less is constant


@saved("scaling")
@dataclass(frozen=True)
class Scaling:
    """Mean and scale of columns, fitted once and never moved, so that chunks cannot matter.

    A few values more than 20 robust standard deviations from the median do not count: one spike
    in a short history would otherwise pass for its scale.

    Attributes
    ----------
    mean, scale : ndarray of shape (S,)
        A target that is constant or all missing has scale 1 (and mean 0 when all missing).
    """

    mean: np.ndarray
    scale: np.ndarray

    @classmethod
    def fit(cls, values):
        """Read mean and standard deviation off known values, shape (n, S)."""
        if values.shape[1] == 0:
            return cls(np.zeros(0), np.ones(0))
        seen = np.isfinite(values).any(axis=0)
        kept = _without_outliers(np.where(seen, values, 0.0))
        scaler = StandardScaler().fit(kept)
        return cls._of(scaler.mean_, scaler.scale_)

    @classmethod
    def _of(cls, mean, scale):
        smallest = np.maximum(SMALLEST_SCALE * np.abs(mean), TINIEST_SCALE)
        return cls(mean, np.maximum(scale, smallest))

    @classmethod
    def of_all_partitions(cls, values):
        """As `fit`, of values of which each partition of a panel has some."""
        seen = total(np.isfinite(values).sum(axis=0)) > 0
        values = np.where(seen, values, 0.0)
        n_rows = total(len(values))
        low, middle, high = percentiles(values, [25, 50, 75])
        outlying = _outlying(values, low, middle, high)
        few = total(outlying.sum(axis=0)) / n_rows <= _most_outliers(n_rows)
        kept = np.where(outlying & few, np.nan, values)
        n = total(np.isfinite(kept).sum(axis=0))
        mean = total(np.nansum(kept, axis=0)) / n
        variance = total(np.nansum((kept - mean) ** 2, axis=0)) / n
        rounding = n * np.finfo(float).eps * variance + (n * mean * np.finfo(float).eps) ** 2
        scale = np.where(variance <= rounding, 1.0, np.sqrt(variance))  # as StandardScaler does
        return cls._of(mean, scale)

    @classmethod
    def of_inputs(cls, values, one_hot):
        """As `fit`, for inputs (n, E), where `one_hot` (E,) tells which stand for a category.

        Those keep their unit: in standard deviations a rare category would be enormous. An input
        that is all missing stays so, whatever comes later: nothing is known of its unit, and what
        is learnt about the others must not depend on it.
        """
        if not values.shape[1] or alone():
            scaling, seen = cls.fit(values), np.isfinite(values).any(axis=0)
        else:
            scaling = cls.of_all_partitions(values)
            seen = total(np.isfinite(values).sum(axis=0)) > 0
        scale = np.where(one_hot, 1.0, np.where(seen, scaling.scale, np.nan))
        return cls(scaling.mean, scale)

    def apply(self, values):
        """Scale values, shape (n, S)."""
        if not values.size:
            return values
        return (values - self.mean) / self.scale


def _without_outliers(values):
    """Return values (n, S) with a few absurd ones replaced by NaN."""
    low, middle, high = np.nanpercentile(values, [25, 50, 75], axis=0)
    outlying = _outlying(values, low, middle, high)
    few = outlying.mean(axis=0) <= _most_outliers(len(values))
    return np.where(outlying & few, np.nan, values)


def _outlying(values, low, middle, high):
    """Tell which values (n, S) are far out, by the quartiles of their column."""
    spread = (high - low) / 1.35  # the standard deviation of a normal sample
    return (np.abs(values - middle) > OUTLIER * spread) & (spread > 0)


def _most_outliers(n_rows):
    return np.maximum(MOST_OUTLIERS, 1.5 / n_rows)


def percentiles(values, wanted):
    """Return percentiles (len(wanted), S) of the columns of values (n, S) of all partitions.

    As ``numpy.nanpercentile``, of values that no partition sees all of: the two values that each
    lies between are found by bisection of the numbers that floats are stored as.

    Examples
    --------
    >>> values = np.random.default_rng(0).normal(size=(1000, 2))
    >>> bool((percentiles(values, [25, 50]) == np.nanpercentile(values, [25, 50], axis=0)).all())
    True
    """
    order = [np.sort(_as_integers(column[np.isfinite(column)])) for column in values.T]
    n = total(np.array([len(column) for column in order]))
    at = np.array(wanted)[:, None] / 100.0 * (n - 1)
    ranks = np.stack([np.floor(at), np.ceil(at)]).astype(np.int64)  # (2, P, S)
    low = np.full(ranks.shape, _as_integers(np.array(-np.inf)))
    high = np.full(ranks.shape, _as_integers(np.array(np.inf)))
    while (low < high).any():  # the least number that more than `ranks` values do not exceed
        middle = (low & high) + ((low ^ high) >> 1)
        counts = np.stack(
            [order[s].searchsorted(middle[..., s], "right") for s in range(len(order))], axis=-1
        )
        enough = total(counts) > ranks
        low, high = np.where(enough, low, middle + 1), np.where(enough, middle, high)
    below, above = _as_floats(low)
    share = at - np.floor(at)
    steps = above - below
    return np.where(share < 0.5, below + share * steps, above - (1.0 - share) * steps)


def _as_integers(values):
    """Return floats as integers of the same order."""
    bits = (values + 0.0).view(np.int64)
    return np.where(bits < 0, ~bits ^ np.int64(np.iinfo(np.int64).min), bits)


def _as_floats(integers):
    """Undo `_as_integers`."""
    bits = np.where(integers < 0, ~(integers ^ np.int64(np.iinfo(np.int64).min)), integers)
    return bits.view(np.float64)


def first_levels(targets):
    """Return levels (S,) to start a history from: medians that one spike cannot move.

    Examples
    --------
    >>> import numpy as np
    >>> first_levels(np.array([[1000.0], [1.0], [2.0], [np.nan]]))
    array([2.])
    """
    levels = np.zeros(targets.shape[1])
    for stream, values in enumerate(targets.T):
        known = values[np.isfinite(values)][:FIRST_ROWS]
        if len(known):
            levels[stream] = np.median(known)
    return levels
