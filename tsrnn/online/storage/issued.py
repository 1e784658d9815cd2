"""Forecasts of many series that wait for their labels."""

import numpy as np

from tsrnn.features.ring_buffer import NEVER
from tsrnn.persistence.registry import saved


@saved("issued-forecasts")
class IssuedForecasts:
    """What the readouts have issued, in a ring of its own for each step that is scored.

    The forecast of a step waits as many rows as the step is ahead, so that rings are no longer than
    that, and some spare rows. They are float32: an error is known to seven digits.

    Parameters
    ----------
    steps : ndarray of int, shape (M,)
        Steps ahead that are scored.
    n_spare : int
        Rows beyond the newest that may be written without harm to those that wait.
    array : ndarray of shape (rows, R, J, C)
        Forecasts of R readouts for J targets of C series: ring behind ring.
    """

    def __init__(self, steps, n_spare, array):
        self.steps, self.n_spare, self.array = np.asarray(steps), n_spare, array
        self._lengths = self.steps + n_spare
        self._starts = np.cumsum(self._lengths) - self._lengths

    @classmethod
    def none(cls, steps, n_spare, n_readouts, n_targets):
        """Return rings of no series yet."""
        n_rows = int((np.asarray(steps) + n_spare).sum())
        return cls(steps, n_spare, np.zeros((n_rows, n_readouts, n_targets, 0), np.float32))

    def write(self, position, series, forecasts):
        """Put the forecasts (M, R, J, B) that are issued at a position."""
        rows = self._starts + position % self._lengths
        if isinstance(series, slice):
            self.array[rows] = forecasts
        else:
            for row, forecast in zip(rows, forecasts, strict=True):
                self.array[row][..., series] = forecast

    def due(self, position):
        """Return the rows (M,) of the forecasts whose labels arrive at a position."""
        return self._starts + (position - self.steps) % self._lengths

    def joined(self, others):
        """Return rings of its series and those of others."""
        array = np.concatenate([self.array, *(other.array for other in others)], axis=-1)
        return IssuedForecasts(self.steps, self.n_spare, array)

    def taken(self, series, n_more=0):
        """Return rings of their own for these series, with room for ``n_more`` others."""
        kept = self.array[..., series]
        array = np.zeros((*kept.shape[:-1], kept.shape[-1] + n_more), np.float32)
        array[..., : kept.shape[-1]] = kept
        return IssuedForecasts(self.steps, self.n_spare, array)

    def cleaned(self, heads, first_positions):
        """Return rings of their own, zero but for what waits.

        Parameters
        ----------
        heads, first_positions : ndarray of int, shape (C,)
            Positions of the last row of each series, and of the first of its run.
        """
        kept = np.zeros((len(self.array), len(heads)), bool)
        started = heads != NEVER
        for start, length, step in zip(self._starts, self._lengths, self.steps, strict=True):
            age = (heads - np.arange(length)[:, None]) % length
            waits = (age < step) & (heads - age >= first_positions) & started
            kept[start : start + length] = waits
        array = np.where(kept[:, None, None], self.array, np.float32(0.0))
        return IssuedForecasts(self.steps, self.n_spare, array)
