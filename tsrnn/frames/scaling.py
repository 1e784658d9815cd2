"""Scaling by the history's mean and standard deviation, column by column."""

from dataclasses import dataclass

import numpy as np
from sklearn.preprocessing import StandardScaler

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
        scaler = StandardScaler().fit(_without_outliers(np.where(seen, values, 0.0)))
        smallest = np.maximum(SMALLEST_SCALE * np.abs(scaler.mean_), TINIEST_SCALE)
        return cls(scaler.mean_, np.maximum(scaler.scale_, smallest))

    @classmethod
    def of_inputs(cls, values, one_hot):
        """As `fit`, for inputs (n, E), where `one_hot` (E,) tells which stand for a category.

        Those keep their unit: in standard deviations a rare category would be enormous. An input
        that is all missing stays so, whatever comes later: nothing is known of its unit, and what
        is learnt about the others must not depend on it.
        """
        scaling = cls.fit(values)
        seen = np.isfinite(values).any(axis=0)
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
    spread = (high - low) / 1.35  # the standard deviation of a normal sample
    outlying = (np.abs(values - middle) > OUTLIER * spread) & (spread > 0)
    few = outlying.mean(axis=0) <= np.maximum(MOST_OUTLIERS, 1.5 / len(values))
    return np.where(outlying & few, np.nan, values)


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
