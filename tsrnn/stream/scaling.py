"""Scaling by the history's mean and standard deviation, column by column."""

from dataclasses import dataclass

import numpy as np
from sklearn.preprocessing import StandardScaler


@dataclass(frozen=True)
class Scaling:
    """A scaler that is fitted once and never moves, so that chunks cannot matter.

    Attributes
    ----------
    mean, scale : ndarray of shape (S,)
        A column that is constant or all missing has scale 1 (and mean 0 when all missing).
    """

    mean: np.ndarray
    scale: np.ndarray

    @classmethod
    def fit(cls, values):
        """Read mean and standard deviation off known values, shape (n, S)."""
        if values.shape[1] == 0:
            return cls(np.zeros(0), np.ones(0))
        seen = np.isfinite(values).any(axis=0)
        scaler = StandardScaler().fit(np.where(seen, values, 0.0))
        return cls(scaler.mean_, scaler.scale_)

    def apply(self, values):
        """Scale values, shape (n, S)."""
        return (values - self.mean) / self.scale

    def undo(self, values):
        """Bring scaled values, shape (..., S, M), back to their units."""
        return values * self.scale[:, None] + self.mean[:, None]
