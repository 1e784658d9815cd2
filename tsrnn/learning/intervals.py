"""What has been forecast and waits for its label, so that intervals can be learnt from it."""

import numpy as np

from .conformal import Conformal
from .drift import Drift
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
        intervals, conformal, drift = twin(self), self.conformal, self.drift
        reach = len(self._said)
        said = np.concatenate([self._said, np.empty((len(forecasts), *self._said.shape[1:]))])
        said[reach:, :, 0] = forecasts.swapaxes(1, 2)
        origins, outputs = reach - conformal.delays, np.arange(len(conformal.delays))
        for row in range(len(forecasts)):
            past, now = said[origins + row, outputs], self.row + row
            error, scale = labels[row].T - past[:, 0], past[:, 1]
            conformal = conformal.step(error, scale, now)
            drift = drift.step(np.abs(error) / scale, now)
            said[reach + row, :, 1] = conformal.scale(now)
        intervals.conformal, intervals.drift = conformal, drift
        intervals.row = self.row + len(forecasts)
        intervals._said = said[len(forecasts) :].copy()
        return intervals

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
