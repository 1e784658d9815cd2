"""The readouts of each step of a panel, and the rows that their features are looked up in."""

import copy

import numpy as np

from tsrnn.kernels import compiled_kernels
from tsrnn.kernels.numpy_ import panel_steps
from tsrnn.kernels.numpy_.seasons import rows_back
from tsrnn.online.readouts.pooled_steps import PooledStepRLS
from tsrnn.persistence.registry import saved
from tsrnn.threads import run

N_CHANGES = 2  # newest changes among the features
BLOCK = 256  # series whose features are in the cache at once
MANY_BLOCKS = 4  # of series, from which two threads pay


def _halves(n_series):
    """Return in how many parts series are worked on, whether there are two threads or one."""
    return 2 if n_series >= MANY_BLOCKS * BLOCK else 1


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
        steps = np.arange(1, self.horizon + 1)
        origins = np.full(self.horizon, position)
        columns = np.arange(memory.features.array.shape[2])[series]
        outputs = np.empty((len(centers), self.horizon, len(columns)))
        scales = np.broadcast_to(scales[:, None], outputs.shape)
        where = memory, origins, steps, columns, centers, scales, calendar
        n_halves = _halves(len(columns))

        def half(number):
            for some, features in self._blocks(*where, number, n_halves):
                if self.future:
                    at = None if following is None else following[some].transpose(1, 2, 0)
                    self._write_inputs(features, memory, origins, steps, columns[some], at)
                outputs[:, :, some] = self.readout.output(features)

        run(half, n_halves, 0)
        return outputs.swapaxes(1, 2)

    def terms(self, memory, position, series, centers, scales, calendar, usual):
        """Return the terms of `forecast` with usual inputs (E,) at the steps, and their names.

        Returns
        -------
        terms, weights : ndarray of shape (J, B, M, K) and (J, 1, M, K)
        names : list of length K
            Of the features; inputs by their positions.
        """
        steps, n_inputs = np.arange(1, self.horizon + 1), len(self.future)
        columns = np.arange(memory.features.array.shape[2])[series]
        origins = np.full(self.horizon, position)
        every = np.broadcast_to(scales[:, None], (len(centers), self.horizon, len(columns)))
        features = np.empty(
            (len(centers), self.horizon, self.readout.weights.shape[2], len(columns))
        )
        where = memory, origins, steps, columns, centers, every, calendar
        for some, found in self._blocks(*where):
            if self.future:
                at = np.broadcast_to(usual[None, self.future, None], (1, n_inputs, found.shape[3]))
                self._write_inputs(found, memory, origins, steps, columns[some], at)
            features[..., some] = found
        n_seasonal = 2 * len(self.seasons) + 2
        names = [*["lags"] * N_CHANGES, *["season"] * n_seasonal, "level", "level"]
        names += ["calendar"] * (self.weekend is not None)
        names += [*self.future, *self.future, *["level"] * n_inputs]  # the last are as usual
        weights = self.readout.weights
        return (weights[..., None] * features).transpose(0, 3, 1, 2), weights[:, None], names

    def effect(self, memory, position, steps, series):
        """Return what is due to inputs known ahead of labels at a position, (M, J, B)."""
        columns = np.arange(memory.features.array.shape[2])[series]
        n_targets = len(self.readout.weights)
        features = np.zeros((n_targets, len(steps), 3 * len(self.future), len(columns)))
        at = memory.window.inputs.read(position, series)[self.future]
        self._write_inputs(features, memory, position - steps, steps, columns, at[None])
        weights = self.readout.weights[:, steps - 1, self._n_own :]
        return np.matmul(weights[:, :, None], features)[:, :, 0].swapaxes(0, 1)

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
        scales : ndarray of shape (J, M, B)
            Of the series at the origins.
        limits : ndarray of shape (J, B, M) or None
            Largest errors that are, in units of the scale.
        """
        steps = np.arange(1, self.horizon + 1)
        origins = position - steps
        columns = np.arange(memory.features.array.shape[2])[series]
        n_halves = _halves(len(columns))
        roots = memory.roots.read(origins, series).swapaxes(0, 1)  # (J, M, B)
        base = memory.window.levels.read(origins, series).swapaxes(0, 1)
        known = known.swapaxes(0, 1)
        at = memory.window.inputs.read(position, series)[self.future]
        where = memory, origins, steps, columns, centers, scales, calendar
        blank = self.readout.gram, self.readout.weights
        totals = [tuple(map(np.zeros_like, blank)) for _ in range(n_halves)]

        def half(number):
            for some, features in self._blocks(*where, number, n_halves):
                if self.future:
                    inputs = at[None, :, some]
                    self._write_inputs(features, memory, origins, steps, columns[some], inputs)
                errors = (arrived[:, None, some] - base[..., some]) / scales[..., some]
                errors -= self.readout.output(features)
                if limits is not None:
                    limit = limits[:, some].swapaxes(1, 2)
                    errors = np.clip(errors, -limit, limit)
                weights = np.where(known[..., some], roots[..., some], 0.0)
                errors = np.where(weights > 0.0, errors, 0.0) * weights
                features *= weights[:, :, None]
                for total, more in zip(
                    totals[number], self.readout.sums(features, errors), strict=True
                ):
                    total += more

        if known.any():
            run(half, n_halves, 0)
        gram, errors = (sum(of_halves) for of_halves in zip(*totals, strict=True))
        return {"gram": gram, "errors": errors}

    def learn(self, sums, n_steps):
        """Learn from the `sums` of all series, ``n_steps`` of the clock after the rows before."""
        learnt = copy.copy(self)
        learnt.readout = self.readout.learn(sums["gram"], sums["errors"], n_steps)
        return learnt

    def _blocks(
        self, memory, origins, steps, columns, centers, scales, calendar, first=0, every=1
    ):  # fmt: skip
        """Yield features (J, M, K, b) of some series at a time, and which these are.

        Of blocks of series there may be taken every second one.
        """
        window, levels = memory.window, memory.window.levels.array
        back = [0, *range(1, 1 + N_CHANGES), *self.seasons]
        rows = [origins - lag for lag in back]
        rows += [origins - rows_back(steps, season) for season in self.seasons]
        rows = np.stack(rows, axis=1) % len(levels)
        profiles = tuple(ring.array for ring in window.profiles)
        profile_rows = origins
        if self.seasons:
            profile_rows = (origins - rows_back(steps, self.seasons[-1])) % len(profiles[0])
        constant = rows.shape[1] + 2
        write = (compiled_kernels() or panel_steps).step_features
        for cut in range(first * BLOCK, len(columns), every * BLOCK):
            some = slice(cut, cut + BLOCK)
            shape = len(centers), len(steps), self.readout.weights.shape[2], len(columns[some])
            features = np.zeros(shape)
            of_series = (np.ascontiguousarray(a[..., some]) for a in (centers, scales))
            write(levels, profiles, rows, profile_rows, columns[some], *of_series, features)
            features[:, :, constant] = 1.0
            if self.weekend is not None:
                before = origins - rows_back(steps, self.seasons[-1]) - 1
                flags = calendar[before % len(calendar), self.weekend]
                features[:, :, constant + 1] = flags[:, None]
            yield some, features

    def _write_inputs(self, features, memory, origins, steps, columns, at_step):
        """Write the inputs known ahead to the last features (J, M, K, b).

        `at_step` are those of the steps, (M or 1, F, b); None: all is left out.
        """
        if at_step is None:
            return
        inputs, n = memory.window.inputs, len(self.future)
        season = self.seasons[0] if self.seasons else 0
        before = origins if not season else origins - rows_back(steps, season)
        newest = inputs.read(origins, columns)[:, self.future]
        earlier = inputs.read(before, columns)[:, self.future]
        for place, values in enumerate((at_step, newest, earlier)):
            stop = features.shape[2] - place * n
            features[:, :, stop - n : stop] = values
