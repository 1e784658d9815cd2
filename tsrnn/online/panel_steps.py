"""The readouts of each step of a panel, and the rows that their features are looked up in."""

import copy

import numpy as np

from tsrnn.kernels import compiled_kernels
from tsrnn.kernels.numpy_ import panel_steps
from tsrnn.kernels.numpy_.seasons import rows_back
from tsrnn.online.readouts.pooled_steps import PooledStepRLS
from tsrnn.persistence.registry import saved
from tsrnn.threads import by_blocks, count_blocks, halves

N_CHANGES = 2  # newest changes among the features


@saved("panel-steps")
class PanelSteps:
    """An expert with a small pooled readout for each step, without a hidden state.

    Of each step it sees the newest changes, how far the newest value is from that of each season
    before and from the series' level, the value one season before the step for each season, two
    profiles of the step's phase over the longest season, its weekend flag, and the inputs known
    ahead: at the step, at the origin, and a season before the step. Values are in units of the
    scale that the series has at the origin. Features are looked up in the rings when a forecast is
    issued, and again when its label arrives.

    It is a value: `learn` returns a new one.

    Parameters
    ----------
    horizon : int
        M.
    n_targets : int
    seasons : tuple of int
        Shortest first.
    future : list of int
        Inputs that are known ahead.
    weekend : int or None
        Calendar column that flags weekends, where the longest season repeats it.
    forgetting, penalty : float
        Of the readout.
    """

    def __init__(self, horizon, n_targets, seasons, future, weekend, forgetting, penalty):
        self.horizon, self.seasons = horizon, tuple(seasons)
        self.future, self.weekend = list(future), weekend
        n_looked_up = N_CHANGES + 2 * len(self.seasons)
        self._n_own = n_looked_up + 4 + (weekend is not None)
        n_features = self._n_own + 3 * len(self.future)
        self.readout = PooledStepRLS(n_targets, horizon, n_features, forgetting, penalty)

    @property
    def n_outputs(self):
        """Steps of the horizon."""
        return self.horizon

    def forecast(self, memory, position, series, centers, scales, calendar, following=None):
        """Return the forecasts (J, B, M) at an origin: changes from the newest value, by the scale.

        Parameters
        ----------
        memory : SeriesMemory
        position : int
            Of the origin.
        series : ndarray of int, shape (B,), or slice
        centers : ndarray of shape (J, B)
            Levels of the series.
        scales : ndarray of shape (J, B)
        calendar : ndarray of shape (n, C)
            Ring of the calendar features.
        following : ndarray of shape (B, M, F), optional
            Inputs known ahead, at each step; without them their part is left out.
        """
        origins = np.full(self.horizon, position)
        following = None if following is None else following.transpose(1, 2, 0)
        where = memory, origins, series, centers, scales[None], calendar, following
        columns, looked_up = self._looked_up(*where)
        outputs = np.empty((self.horizon, *centers.shape))
        forecasts = (compiled_kernels() or panel_steps).step_forecasts

        def work(first, some, _):
            forecasts(first, some, looked_up, self.readout.weights, outputs)

        by_blocks(work, columns)
        return outputs.transpose(1, 2, 0)

    def terms(self, memory, position, series, centers, scales, calendar, usual):
        """Return the terms of `forecast` with usual inputs (E,) at the steps, and their names.

        Returns
        -------
        terms, weights : ndarray of shape (J, B, M, K) and (J, 1, M, K)
        names : list of length K
            Of the features; inputs by their positions.
        """
        n_inputs, origins = len(self.future), np.full(self.horizon, position)
        at_steps = np.broadcast_to(
            usual[self.future, None], (self.horizon, n_inputs, centers.shape[1])
        )
        where = memory, origins, series, centers, scales[None], calendar, at_steps
        columns, looked_up = self._looked_up(*where)
        features = np.empty((*self.readout.weights.shape, len(columns)))
        (compiled_kernels() or panel_steps).step_features(0, columns, looked_up, features)
        n_seasonal = 2 * len(self.seasons) + 2
        names = [*["lags"] * N_CHANGES, *["season"] * n_seasonal, "level", "level"]
        names += ["calendar"] * (self.weekend is not None)
        names += [*self.future, *self.future, *["level"] * n_inputs]  # the last are as usual
        weights = self.readout.weights
        return (weights[..., None] * features).transpose(0, 3, 1, 2), weights[:, None], names

    def effect(self, memory, position, steps, series):
        """Return what is due to inputs known ahead of labels at a position, (M, J, B)."""
        at = memory.window.inputs.read(position, series)[self.future]
        features = self._inputs(memory, position - steps, steps, series, at)
        weights = self.readout.weights[:, steps - 1, self._n_own :].swapaxes(0, 1)
        return np.matmul(weights, features)

    def sums(
        self, memory, position, series, arrived, known, centers, scales, calendar, limits
    ):  # fmt: skip
        """Return what the labels of a position of some series add to the readout: for `learn`.

        Parameters
        ----------
        memory, position, series, centers, calendar
            As for `forecast`.
        arrived : ndarray of shape (J, B)
        known : ndarray of bool, shape (M, J, B)
            What is to be learnt from.
        scales : ndarray of shape (M, J, B)
            Of the series at the origins.
        limits : ndarray of shape (J, B, M) or None
            Largest errors that are, in units of the scale.
        """
        origins = position - np.arange(1, self.horizon + 1)
        at = memory.window.inputs.read(position, series)[self.future]
        where = memory, origins, series, centers, scales, calendar, at
        columns, looked_up = self._looked_up(*where)
        limits = np.empty((0, *arrived.shape)) if limits is None else limits.transpose(2, 0, 1)
        labels = arrived, known, memory.roots.read(origins, series), limits
        labels = tuple(map(np.ascontiguousarray, labels))
        n_halves, weights = halves(count_blocks(len(columns))), self.readout.weights
        gram = np.zeros((n_halves, *self.readout.gram.shape))
        sums = np.zeros((n_halves, *weights.shape))
        add = (compiled_kernels() or panel_steps).step_sums

        def work(first, some, half):
            add(first, some, looked_up, weights, labels, gram[half], sums[half])

        if known.any():
            by_blocks(work, columns)
        return {"gram": gram.sum(axis=0), "errors": sums.sum(axis=0)}

    def learn(self, sums, n_steps):
        """Learn from the `sums` of all series, ``n_steps`` of the clock after the rows before."""
        learnt = copy.copy(self)
        learnt.readout = self.readout.learn(sums["gram"], sums["errors"], n_steps)
        return learnt

    def _looked_up(self, memory, origins, series, centers, scales, calendar, at_steps):
        """Return the columns of series, and what their features are looked up in.

        See `step_features`; `at_steps` are the inputs of the steps, as for `_inputs`.
        """
        window, levels = memory.window, memory.window.levels.array
        steps = np.arange(1, self.horizon + 1)
        back = [0, *range(1, 1 + N_CHANGES), *self.seasons]
        rows = [origins - lag for lag in back]
        rows += [origins - rows_back(steps, season) for season in self.seasons]
        rows = np.stack(rows, axis=1) % len(levels)
        profiles = tuple(ring.array for ring in window.profiles)
        profile_rows, flags = origins, np.empty(0)
        if self.seasons:
            profile_rows = (origins - rows_back(steps, self.seasons[-1])) % len(profiles[0])
        if self.weekend is not None:
            before = origins - rows_back(steps, self.seasons[-1]) - 1
            flags = calendar[before % len(calendar), self.weekend]
        of_series = (np.ascontiguousarray(array) for array in (centers, scales))
        inputs = self._inputs(memory, origins, steps, series, at_steps)
        columns = np.arange(levels.shape[2])[series]
        return columns, (levels, profiles, rows, profile_rows, *of_series, flags, inputs)

    def _inputs(self, memory, origins, steps, series, at_steps):
        """Return the inputs known ahead (M, 3 F, B): at the origin's season before, origin, step.

        `at_steps` are those of the steps, (M, F, b) or (F, b); None: all is left out.
        """
        inputs, shape = memory.window.inputs, (len(origins), len(self.future))
        if not self.future or at_steps is None:
            n_series = len(np.arange(inputs.array.shape[2])[series])
            return np.zeros((shape[0], 3 * shape[1], n_series))
        season = self.seasons[0] if self.seasons else 0
        before = origins if not season else origins - rows_back(steps, season)
        newest = inputs.read(origins, series)[:, self.future]
        earlier = inputs.read(before, series)[:, self.future]
        return np.concatenate([earlier, newest, np.broadcast_to(at_steps, newest.shape)], axis=1)
