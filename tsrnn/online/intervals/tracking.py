"""What has been forecast and waits for its label, so that intervals can be learnt from it."""

import numpy as np

from tsrnn.features.scored_steps import ScoredSteps
from tsrnn.kernels import compiled_kernels
from tsrnn.kernels.numpy_.drift import lift_of
from tsrnn.kernels.numpy_.tails import follow_tails
from tsrnn.online.drift import Drift
from tsrnn.online.intervals.conformal import Conformal
from tsrnn.online.intervals.tails import normal_tails, p_values
from tsrnn.online.storage.spare_rows import AppendsRows
from tsrnn.online.storage.values import twin
from tsrnn.persistence.registry import saved


@saved("intervals")
class Intervals(AppendsRows):
    """Online conformal intervals around the forecasts of a learner.

    They are learnt at the scored steps of the horizon, and interpolated between them.

    Intervals are a value: `follow` and `restarted` return new ones.

    Attributes
    ----------
    conformal : Conformal
    drift : Drift
    tails : ndarray of shape (2, 3, S)
        Of the errors of the first step, see `follow_tails`.
    row : int
        Rows seen since the last restart.
    """

    appended = ("_issued",)

    def __init__(self, horizon, n_streams, seasons=(), n_effects=0):
        self.scored, self.n_effects = ScoredSteps.of(horizon), n_effects
        self.conformal = Conformal.of(self.scored.steps, n_streams, seasons)
        self.drift = Drift.of(n_streams)
        self.tails = normal_tails(self.conformal.probabilities, n_streams)
        self._restart()

    def restarted(self):
        """Drop what waits for labels, and the seasons, whose phase the next rows may not have.

        The changes noted are dropped too: how long ago they were is not known any more.
        """
        intervals = twin(self)
        intervals._restart()
        return intervals

    def follow(self, forecasts, labels, effects=None, arrived=None):
        """Take in rows: score what was forecast by the labels they bring, then note their own.

        Parameters
        ----------
        forecasts : ndarray of shape (n, S, horizon)
        labels : ndarray of shape (n, S, 1)
            NaN where missing.
        effects : ndarray of shape (n, S, horizon, Z), optional
            To be added to a forecast for what is known of its step when that has come.
        arrived : ndarray of shape (n, horizon, Z), optional
            What is known of each row, as the origins m rows before it would have known it.
        """
        forecasts = self.scored.take(forecasts)
        opened = self.opened(len(labels))
        if effects is not None:
            intervals = opened
            intervals.row = self.row + len(forecasts)
            known = effects[:, :, self.scored.places], arrived[:, self.scored.places]
            intervals._follow_rows(forecasts, labels, self.row, *known)
            intervals.close(len(labels))
            return intervals
        if loops := compiled_kernels():
            return opened.moved(len(labels), *loops.follow_errors(forecasts, labels, *opened.parts))
        intervals = opened
        intervals.row = self.row + len(forecasts)
        intervals._follow_rows(forecasts, labels, self.row)
        intervals.close(len(labels))
        return intervals

    @property
    def parts(self):
        """What a compiled loop scores by: what waits, the row, fixed and moving arrays, drift."""
        of_errors, moving = self.conformal, (*self.conformal.moving, self.tails)
        return self._issued, self.row, of_errors.fixed, moving, self.drift.moving

    def moved(self, n_rows, moving, drift, noted, any_noted):
        """Return intervals, opened for so many rows, after them; a compiled loop moved them."""
        *of_errors, self.tails = moving
        self.conformal = self.conformal.moved(*of_errors)
        self.drift = self.drift.moved(*drift)
        if any_noted:
            self.drift = self.drift.with_noted(noted, self.row)
        self.row += n_rows
        self.close(n_rows)
        return self

    def bare(self):
        """Return intervals without their arrays, for `filled`."""
        return self.with_rows(None, conformal=None, drift=None, tails=None)

    def filled(self, issued, conformal, drift, tails, n_rows):
        """Return intervals after so many rows more; a compiled call has scored them."""
        moved = {"conformal": conformal, "drift": drift, "tails": tails}
        return self.with_rows(issued, **moved, row=self.row + n_rows)

    def _follow_rows(self, forecasts, labels, row, effects=None, arrived=None):
        """Move on over rows, the first of which is `row`."""
        conformal, drift, tails = self.conformal, self.drift, self.tails.copy()
        issued, reach = self._issued, len(self._issued) - len(forecasts)
        issued[reach:, :, 0] = forecasts.swapaxes(1, 2)
        if effects is not None:
            issued[reach:, :, 2:] = effects.transpose(0, 2, 3, 1)
        origins, outputs = reach - conformal.delays, np.arange(len(conformal.delays))
        for n in range(len(labels)):
            past, now = issued[origins + n, outputs], row + n
            error, scale = labels[n].T - past[:, 0], past[:, 1]
            if effects is not None:
                error = error - (past[:, 2:] * arrived[n, :, :, None]).sum(axis=1)
            scaled = error / scale
            follow_tails(scaled[0], conformal.quantiles[:, 0], conformal.probabilities, tails)
            conformal = conformal.step(error, scale, now)
            drift = drift.step(np.abs(scaled), now)
            issued[reach + n, :, 1] = conformal.scale(now)
        self.conformal, self.drift, self.tails = conformal, drift, tails

    def offsets(self, probabilities):
        """Return quantiles (P, S, horizon) of the errors of the newest forecast."""
        scale = self._issued[-1, :, 1] * lift_of(self.drift.size, self.scored.steps)
        offsets = self.conformal.offsets(probabilities, scale).swapaxes(1, 2)
        return self.scored.spread(offsets)

    def p_values(self, label, forecast):
        """Return the two-sided probabilities (S,) of labels of the first step.

        Parameters
        ----------
        label : ndarray of shape (S,)
            That comes next, NaN where missing.
        forecast : ndarray of shape (S,)
            The newest one.
        """
        conformal = self.conformal
        scaled = (label - forecast) / self._issued[-1, 0, 1]
        return p_values(scaled, conformal.probabilities, conformal.quantiles[:, 0], self.tails)

    def _restart(self):
        delays = self.conformal.delays
        n_outputs, n_streams = self.conformal.level.shape
        # forecast, scale, and effects of what is known of the step
        self._issued = np.full((max(delays), n_outputs, 2 + self.n_effects, n_streams), np.nan)
        self.conformal = self.conformal.without_seasons()
        self.drift = self.drift.cleared()
        self.row = 0
