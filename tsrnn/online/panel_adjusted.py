"""A pooled autoregression of what inputs known ahead leave of the series of a panel."""

import copy

import numpy as np

from tsrnn.online.experts.adjusted import before_step
from tsrnn.online.readouts.pooled import PooledRLS
from tsrnn.online.readouts.pooled_future import PooledFutureRLS
from tsrnn.persistence.registry import saved


@saved("panel-adjusted")
class PanelAdjusted:
    """What `AdjustedLinear` is for a stream, with effects and weights that all series share.

    Values are in units of the scale that a series has at the origin. The features of an origin
    are made once, and wait for its labels where those of the other readouts do.

    It is a value: `learn` returns a new one.

    Parameters
    ----------
    n_targets, n_outputs : int
        J and M.
    n_lags : int
        L.
    n_others : int
        Features beside the lags and the newest value.
    future : list of int
        The F inputs that are known ahead.
    forgetting, penalty : float
        Of the readouts.

    Attributes
    ----------
    readout : PooledRLS
        Of the adjusted series, K features.
    effects : PooledFutureRLS
        Of one step; it sees 3 F features more.
    """

    def __init__(self, n_targets, n_outputs, n_lags, n_others, future, forgetting, penalty):
        self.n_lags, self.future = n_lags, list(future)
        n_features = n_lags + 1 + n_others
        self.readout = PooledRLS(n_targets, n_features, n_outputs, forgetting, penalty)
        n_wide = n_features + 3 * len(self.future)
        sizes = n_targets, n_wide, 1, forgetting, penalty, len(self.future)
        self.effects = PooledFutureRLS(*sizes)

    @property
    def n_kept(self):
        """Numbers that are kept of an origin: features, and what is due to its inputs."""
        return self.effects.weights.shape[2] + 1

    @property
    def effect(self):
        """Effects of the inputs on the next value, (J, F), in units of the scale."""
        return self.effects.effects[:, 0]

    def due(self, inputs):
        """Return what is due to inputs (..., F), in units of the scale: (J, ...)."""
        return np.moveaxis(inputs @ self.effect.T, -1, 0)

    def look(self, window, position, series, centers, scales, others):
        """Return the features of an origin, and what is due to the inputs of its newest value.

        Parameters
        ----------
        window : PanelWindow
        position : int
        series : ndarray of int, shape (B,), or slice
        centers, scales : ndarray of shape (J, B)
        others : ndarray of shape (J, B, n)
            Features beside the lags and the newest value.

        Returns
        -------
        ndarray of shape (J, B, `n_kept`)
        """
        rows = np.arange(position - self.n_lags, position + 1)
        levels = window.levels.read(rows, series)  # (1 + L, J, B)
        inputs = window.inputs.read(rows, series)[:, self.future].swapaxes(1, 2)  # (1 + L, B, F)
        due = self._due_of_values(inputs, np.isfinite(window.targets.read(rows, series)))
        adjusted = (levels - centers) / scales - due
        newest, past = adjusted[-1], before_step(inputs)
        adjusted = np.where(np.isnan(adjusted), newest, adjusted)  # before the first row: no change
        n_own = self.n_lags + 1 + others.shape[2]
        kept = np.empty((*newest.shape, self.n_kept))
        kept[..., : self.n_lags] = (adjusted[-2::-1] - newest).transpose(1, 2, 0)
        kept[..., self.n_lags] = newest
        kept[..., self.n_lags + 1 : n_own] = others
        kept[..., n_own:-1] = past
        kept[..., -1] = due[-1]
        return kept

    def _due_of_values(self, inputs, known):
        """Return what is due to inputs (n, B, F) in values that are carried on from known rows.

        `known` (n, J, B); the first row stands for what is before.
        """
        due = np.moveaxis(self.due(inputs), 0, 1)  # (n, J, B)
        if known.all():
            return due
        from_row = np.where(known, np.arange(len(known))[:, None, None], 0)
        return np.take_along_axis(due, np.maximum.accumulate(from_row, axis=0), axis=0)

    def output(self, kept):
        """Return forecasts (J, M, B): changes from the newest value, without effects of the step.

        Of what `look` has returned.
        """
        own = kept[..., : self.readout.weights.shape[2]]
        return self.readout.outputs(own)[0] - kept[..., None, :, -1]

    def sums(self, group, kept, roots, failed=None, came=None):
        """Return what some series add to the readouts, by name: for `learn`.

        Parameters
        ----------
        group : int
            Number of a group of origins.
        kept : ndarray of shape (J, B, `n_kept`)
            Of them.
        roots : ndarray of shape (J, B)
            Of their weights.
        failed : tuple, optional
            Origins for a label of which each that failed to come: what is kept of them, and ages,
            as of `PooledRLS.sums`; and a pair of the same of the origins one row back alone.
        came : tuple, optional
            Labels that have come, see `_due`.
        """
        features, n_own = kept[..., :-1] * roots[..., None], self.readout.weights.shape[2]
        failed_own = failed_wide = came_own = came_wide = None
        if failed is not None:
            origins, ages, (newest, newest_ages) = failed
            failed_own = [origin[..., :n_own] for origin in origins], ages
            failed_wide = [origin[..., :-1] for origin in newest], newest_ages
        if came is not None:
            came_own, came_wide = self._due(*came)
        return {
            "readout": self.readout.sums(group, features[..., :n_own], failed_own, came_own),
            "effects": self.effects.sums(group, features, failed_wide, came_wide),
        }

    def learn(self, group, sums, n_steps):
        """Learn from the `sums` of all series, as `PooledRLS.learn` does."""
        adjusted = copy.copy(self)
        adjusted.readout = self.readout.learn(group, sums["readout"], n_steps)
        adjusted.effects = self.effects.learn(group, sums["effects"], n_steps)
        return adjusted

    def _due(self, origins, changes, roots, limits, inputs, groups, known):
        """Return the labels that have come, as `PooledRLS.sums` takes them: of both readouts.

        Parameters
        ----------
        origins : list of (slice, ndarray of shape (m, J, B, `n_kept`))
            As of `PooledRLS.sums`: the oldest first, features times the roots.
        changes : ndarray of shape (M, J, B)
            From the newest values at the origins.
        roots : ndarray of shape (M, J, B)
        limits : ndarray of shape (M, J, B)
            Largest errors that are learnt from.
        inputs : ndarray of shape (B, F)
            At the row of the labels.
        groups : ndarray of int, shape (M, B)
        known : ndarray of bool, shape (M, J, B)
        """
        n_own = self.readout.weights.shape[2]
        due = np.concatenate([kept[..., -1] for _, kept in origins])
        own = [(piece, np.ascontiguousarray(kept[..., :n_own])) for piece, kept in origins]
        limits = roots * limits
        targets = (changes + due - self.due(inputs)) * roots
        errors, sums = self.readout.limited_errors(own, targets, limits, known)
        of_own = own, errors, groups, known, sums

        newest = [(slice(0, 1), newest_of(origins)[..., :-1].astype(np.float64))]
        ahead = roots[-1:, :, None] * inputs.T
        label = ((changes + due) * roots)[-1:, :, None]
        errors = self.effects.errors(newest, np.concatenate([label, ahead], axis=2))
        explained = np.einsum("jf,mjfb->mjb", self.effect, errors[:, :, 1:])
        left = errors[:, :, 0] - explained
        errors[:, :, 0] = explained + np.clip(left, -limits[-1:], limits[-1:])
        return of_own, (newest, errors, groups[-1:], known[-1:])


def newest_of(origins):
    """Return what is kept (1, J, B, n) of the newest of origins, as `PanelAdjusted.sums` takes."""
    return origins[-1][1][-1:]
