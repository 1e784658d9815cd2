"""Simple forecasters to hold the recurrent one against, with the same methods."""

from dataclasses import dataclass, replace

import numpy as np

from tsrnn.estimators.forecasting import BaseForecaster
from tsrnn.features.design import ForecastDesign
from tsrnn.features.window import Window
from tsrnn.online.intervals.tracking import Intervals
from tsrnn.online.panel_learner import PanelLearner
from tsrnn.online.stream_learner import StreamLearner
from tsrnn.persistence.registry import saved

LINEAR_LAGS = 47
INTERVAL_ROWS = 5000  # newest rows of a history that intervals are learnt from


@saved("naive-forecaster")
class NaiveForecaster(BaseForecaster):
    """Forecast the newest value for every step.

    Parameters
    ----------
    horizon : int, default=1
        Steps forecast ahead.
    target, id_col, time_col, freq, gap, max_gap, late
        As in `RNNForecaster`.

    Examples
    --------
    >>> import pandas as pd
    >>> load = pd.Series([3.0, 1.0, 4.0], pd.date_range("2024", periods=3, freq="h"), name="load")
    >>> NaiveForecaster(horizon=2).fit(load[:3]).forecast()
                         load
    2024-01-01 03:00:00   4.0
    2024-01-01 04:00:00   4.0
    """

    def __init__(
        self,
        horizon=1,
        target=None,
        id_col=None,
        time_col=None,
        freq=None,
        gap="fill",
        max_gap=1000,
        late="raise",
    ):
        self.horizon = horizon
        self.target = target
        self.id_col = id_col
        self.time_col = time_col
        self.freq = freq
        self.gap = gap
        self.max_gap = max_gap
        self.late = late

    _min_rows = 1

    def _make_learner(self, record):
        return RepeatLearner(self._horizon, 1, self._make_intervals(record))

    def _make_panel_learner(self, record, change_scale, n_rows, make_rings):
        return _repeating_panel(self, record, 1, make_rings)


@saved("seasonal-naive-forecaster")
class SeasonalNaiveForecaster(BaseForecaster):
    """Forecast the value one season before each step (the newest of that phase).

    Parameters
    ----------
    horizon : int, default=1
        Steps forecast ahead.
    season : int or "auto", default="auto"
        Season length in rows. "auto": the shortest season of the frequency that the history
        holds twice (a day for hourly rows), or 1, the naive forecast, where there is none.
    target, id_col, time_col, freq, gap, max_gap, late
        As in `RNNForecaster`.

    Examples
    --------
    >>> import numpy as np
    >>> model = SeasonalNaiveForecaster(horizon=3, season=2).fit(np.array([1.0, 5.0, 2.0, 6.0]))
    >>> model.forecast()["y"].to_list()
    [2.0, 6.0, 2.0]
    """

    def __init__(
        self,
        horizon=1,
        season="auto",
        target=None,
        id_col=None,
        time_col=None,
        freq=None,
        gap="fill",
        max_gap=1000,
        late="raise",
    ):
        self.horizon = horizon
        self.season = season
        self.target = target
        self.id_col = id_col
        self.time_col = time_col
        self.freq = freq
        self.gap = gap
        self.max_gap = max_gap
        self.late = late

    _min_rows = 1

    def _make_learner(self, record):
        season = self._seasons(len(record))[:1] or (1,)
        return RepeatLearner(self._horizon, season[0], self._make_intervals(record))

    def _make_panel_learner(self, record, change_scale, n_rows, make_rings):
        season = self._seasons(n_rows)[:1] or (1,)
        return _repeating_panel(self, record, season[0], make_rings)


@saved("linear-forecaster")
class LinearForecaster(BaseForecaster):
    """Recursive least squares on lags and calendar: the simple baseline to beat.

    The features are the ``lags`` previous values relative to the newest, the newest value, the
    harmonics of the next step (first and second of the day, first of the week) and a constant;
    the target of each step is the change from the newest value. Values are in units of the
    history's standard deviation, the prior covariance is the identity. Each target column has a
    readout of its own.

    Parameters
    ----------
    horizon : int, default=1
        Steps forecast ahead.
    lags : int, optional
        Default: 47, or a quarter of a shorter history.
    forgetting : float, default=0.9995
        Factor by which the past is discounted at each row, in (0, 1].
    target, id_col, time_col, freq, gap, max_gap, late
        As in `RNNForecaster`; columns that are no targets are not used.

    Examples
    --------
    >>> import numpy as np
    >>> ramp = np.arange(100.0)
    >>> LinearForecaster(horizon=2, lags=1).fit(ramp).forecast()["y"].round(1).to_list()
    [100.0, 101.0]
    """

    def __init__(
        self,
        horizon=1,
        lags=None,
        forgetting=0.9995,
        target=None,
        id_col=None,
        time_col=None,
        freq=None,
        gap="fill",
        max_gap=1000,
        late="raise",
    ):
        self.horizon = horizon
        self.lags = lags
        self.forgetting = forgetting
        self.target = target
        self.id_col = id_col
        self.time_col = time_col
        self.freq = freq
        self.gap = gap
        self.max_gap = max_gap
        self.late = late

    def _check_params(self):
        super()._check_params()
        self._check_forgetting()

    def _make_learner(self, record):
        design, intervals = self._design(record, len(record)), self._make_intervals(record)
        return StreamLearner.of(design, self.forgetting, intervals=intervals)

    def _make_panel_learner(self, record, change_scale, n_rows, make_rings):
        n_targets = len(self._columns.target_names)
        return PanelLearner.of(
            self._design(record, n_rows), n_targets, self.forgetting, make_rings, guarded=False
        )

    def _design(self, record, n_rows):
        return ForecastDesign.of(
            record,
            self._horizon,
            self._lags(LINEAR_LAGS, n_rows),
            seasons=(),
            n_calendar=self._calendar.n_harmonics,
            n_inputs=0,
        )


def _repeating_panel(model, record, season, make_rings):
    """Return the learner of a panel that repeats the last season of each series."""
    seasons = (season,) if season > 1 else ()
    design = ForecastDesign.of(record, model._horizon, 0, seasons, n_calendar=0, n_inputs=0)
    learner = PanelLearner.of(
        design, len(model._columns.target_names), 1.0, make_rings, guarded=False
    )
    back = season * -(-design.delays // season) - design.delays
    return learner.fixed((design.offsets == back[:, None]).astype(float))


@saved("repeat-learner")
@dataclass(frozen=True)
class RepeatLearner:
    """A learner that repeats the last season; it has the methods of `StreamLearner`."""

    horizon: int
    season: int
    intervals: Intervals | None
    window: Window | None = None

    @property
    def replayed(self):
        """Rows of a history that matter: to the intervals, as many as to a readout."""
        return self.season + self.horizon + INTERVAL_ROWS

    def restarted(self, anew=False):
        """Return the learner as before a first row."""
        return replace(self, intervals=self.intervals.restarted(), window=None)

    def learn(self, record):
        """Take in new rows; there is nothing to learn but them and the errors."""
        if not len(record):
            return self
        outputs, learner = self.outputs(record)
        labels = record.targets[..., None]
        return replace(learner, intervals=self.intervals.follow(outputs, labels))

    advance = learn

    def outputs(self, record, following=None):
        """Return what `output` would give after each new row, (n, S, M), and the learner after."""
        joined = self._join(record)
        levels, window = joined.levels, joined[len(joined) - self.season :].copy()
        newest = np.arange(len(levels) - len(record), len(levels))
        ahead = np.arange(self.horizon) % self.season + 1 - self.season
        return levels[newest[:, None] + ahead].swapaxes(1, 2), replace(self, window=window)

    def output(self, following=None):
        """Return the forecast at the newest row, shape (S, horizon)."""
        ahead = np.arange(self.horizon) % self.season
        return self.window.levels[ahead].T

    def offsets(self, probabilities):
        """Return quantiles of the errors of the newest forecast, shape (P, S, horizon)."""
        return self.intervals.offsets(probabilities)

    def _join(self, record):
        if self.window is None:
            return record.padded(self.season)
        return self.window.append(record)
