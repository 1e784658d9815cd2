"""A linear autoregression of what inputs known ahead leave of a stream."""

import numpy as np

from tsrnn.online.readouts.future import FutureRLS
from tsrnn.online.readouts.rls import DelayedRLS
from tsrnn.online.storage.spare_rows import AppendsRows
from tsrnn.persistence.registry import saved


@saved("adjusted-linear")
class AdjustedLinear(AppendsRows):
    """A short autoregression of a stream adjusted for its inputs known ahead.

    What an input did to earlier values is taken out of them before they are looked back on: a lag
    that a promotion has lifted says nothing of the days after it. The effects are given.

    It is a value: `follow` and `restarted` return a new one.

    Parameters
    ----------
    n_streams : int
        S.
    n_lags : int
        L.
    n_others : int
        Features beside the lags and the newest value.
    delays : array-like of int, shape (M,)
    forgetting : float
    ridge : ndarray of shape (S,), optional
        See `DelayedRLS`.

    Attributes
    ----------
    readout : DelayedRLS

    Examples
    --------
    >>> import numpy as np
    >>> expert = AdjustedLinear(n_streams=1, n_lags=2, n_others=1, delays=[1, 2], forgetting=1.0)
    >>> values, constant = np.tile([[1.0], [5.0]], (40, 1)), np.ones((80, 1, 1))
    >>> expert, levels, forecasts = expert.follow(values, values, constant)
    >>> levels[-1], forecasts[-1].round(1)
    (array([5.]), array([[1., 5.]]))
    """

    appended = ("_levels",)

    def __init__(self, n_streams, n_inputs, n_lags, n_others, delays, forgetting, ridge=None):
        n_features, self.n_others = n_lags + 1 + n_others, n_others
        self.readout = DelayedRLS(n_streams, n_features, delays, forgetting, ridge)
        self.inputs = FutureRLS(n_streams, n_features + 3 * n_inputs, [1], forgetting, n_inputs, ridge)
        self.means = np.zeros((2, n_inputs))
        self._levels = np.full((n_lags + 1, n_streams), np.nan)

    def restarted(self):
        """Drop what is remembered of rows; what was learnt stays."""
        parts = {"readout": self.readout.restarted(), "inputs": self.inputs.restarted()}
        return self.with_rows(np.full_like(self._levels, np.nan), **parts)

    def follow(self, labels, levels, others, inputs, learning=True):
        n, n_kept = len(labels), len(self._levels)
        expert = self.opened(n)
        rows, left = expert._levels, np.empty((n, levels.shape[1]))
        effects, forecasts = np.empty((*left.shape, inputs.shape[1])), []
        means = self.means
        of_inputs, readout = self.inputs, self.readout
        for row in range(n):
            at = n_kept + row
            now = slice(row, row + 1)
            effect = of_inputs.effect_weights[:, 0]
            due = (effect * inputs[row]).sum(axis=1)
            left[row] = labels[row, :, 0] - due
            before = np.where(np.isnan(rows[at - 1]), levels[row] - due, rows[at - 1])
            rows[at] = newest = np.where(np.isfinite(left[row]), left[row], before)
            lags = (rows[at - n_kept + 1:at][::-1] - newest).T
            lags = np.where(np.isnan(lags), 0.0, lags)
            features = np.concatenate([lags, newest[:, None], others[row]], axis=1)[None]
            arrived = inputs[now, None, None]
            means = means + np.array([[.2], [.03]]) * (inputs[row] - means)
            past = np.broadcast_to(np.concatenate([inputs[row], means.ravel()]), (len(newest), 3 * inputs.shape[1]))
            wide = np.concatenate([features[0], past], axis=1)[None]
            of_inputs = of_inputs.follow(wide, newest[None], labels[now], arrived, learning)[0]
            readout, changes = readout.follow(features, newest[None], left[now, :, None], learning)
            forecasts.append(newest[:, None] + changes[0])
            effects[row] = of_inputs.effect_weights[:, 0]
        levels = rows[n_kept:].copy()
        expert.readout, expert.inputs = readout, of_inputs
        expert.means = means
        expert.close(n)
        return expert, np.stack(forecasts), (levels, left, effects)
