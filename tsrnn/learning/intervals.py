"""What has been forecast and waits for its label, so that intervals can be learnt from it."""

from itertools import accumulate

import numpy as np

from .conformal import Conformal
from .drift import Drift
from .kernels import compiled_loops
from .values import twin


class Intervals:
    """Online conformal intervals around the forecasts of a learner.

    Intervals are a value: `follow` and `restarted` return new ones.

    Attributes
    ----------
    conformal : Conformal
    drift : Drift
    row : int
        Rows seen since the last restart.
    """

    def __init__(self, delays, n_streams, seasons=()):
        self.conformal = Conformal.of(delays, n_streams, seasons)
        self.drift = Drift.of(n_streams)
        self._restart()

    def restarted(self):
        """Drop what waits for labels, and the seasons, whose phase the next rows may not have.

        The changes noted are dropped too: how long ago they were is not known any more.
        """
        intervals = twin(self)
        intervals._restart()
        return intervals

    def follow(self, forecasts, labels):
        """Take in rows: score what was forecast by the labels they bring, then note their own.

        Parameters
        ----------
        forecasts : ndarray of shape (n, S, M)
        labels : ndarray of shape (n, S, M) or (n, S, 1)
            NaN where missing.
        """
        intervals, reach = twin(self), len(self._said)
        said = np.concatenate([self._said, np.empty((len(forecasts), *self._said.shape[1:]))])
        said[reach:, :, 0] = forecasts.swapaxes(1, 2)
        if loops := compiled_loops():
            intervals.conformal, intervals.drift = self._follow_compiled(loops, said, labels)
        else:
            intervals.conformal, intervals.drift = self._follow_rows(said, labels)
        intervals.row = self.row + len(forecasts)
        intervals._said = said[len(forecasts) :].copy()
        return intervals

    def _follow_rows(self, said, labels):
        """Return conformal and drift after rows; their scales are written behind `said`."""
        conformal, drift, reach = self.conformal, self.drift, len(self._said)
        origins, outputs = reach - conformal.delays, np.arange(len(conformal.delays))
        for row in range(len(labels)):
            past, now = said[origins + row, outputs], self.row + row
            error, scale = labels[row].T - past[:, 0], past[:, 1]
            conformal = conformal.step(error, scale, now)
            drift = drift.step(np.abs(error) / scale, now)
            said[reach + row, :, 1] = conformal.scale(now)
        return conformal, drift

    def _follow_compiled(self, loops, said, labels):
        """As `_follow_rows`, in compiled code."""
        conformal, drift, row = self.conformal, self.drift, self.row
        lengths = [len(profile) for profile in conformal.profiles]
        joined = np.concatenate([np.empty((0, len(drift.size))), *conformal.profiles])
        fixed = conformal.probabilities, conformal.delays
        errors = conformal.quantiles.copy(), conformal.level.copy(), conformal.n_labels.copy()
        recent = drift.size.copy(), drift.n_rows.copy(), drift.calm.copy()
        noted = np.empty((len(labels), len(drift.size)))
        profiles = joined, np.array(lengths, dtype=np.intp)
        loops.follow_errors(said, labels, row, (*fixed, *errors, *profiles), (*recent, noted))
        ends = accumulate(lengths)
        parts = tuple(joined[end - n : end] for n, end in zip(lengths, ends, strict=True))
        drift = Drift(*recent, drift.changes).with_noted(noted, row)
        return Conformal(*fixed, *errors, parts), drift

    def offsets(self, probabilities):
        """Return quantiles (P, S, M) of the errors of the newest forecast."""
        return self.conformal.offsets(probabilities, self._said[-1, :, 1]).swapaxes(1, 2)

    def _restart(self):
        delays = self.conformal.delays
        n_outputs, n_streams = self.conformal.level.shape
        self._said = np.full((max(delays), n_outputs, 2, n_streams), np.nan)  # forecast and scale
        self.conformal = self.conformal.without_seasons()
        self.drift = self.drift.cleared()
        self.row = 0
