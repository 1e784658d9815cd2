"""Simple forecasters to hold the recurrent one against, with the same methods."""

from collections.abc import Hashable, Sequence
from functools import partial
from typing import Any, Literal

from tsrnn.estimators.base import StreamingEstimator
from tsrnn.estimators.forecasting import ForecasterMixin
from tsrnn.features.design import ForecastDesign
from tsrnn.features.panel_window import PanelWindow
from tsrnn.frames.frequency import DAY_NS
from tsrnn.frames.types import Gap, Late, Names
from tsrnn.kernels.numpy_.seasons import rows_back
from tsrnn.online.experts.panel_experts import PanelExperts
from tsrnn.online.one_series import OneSeries
from tsrnn.online.panel_learner import PanelLearner
from tsrnn.online.repeat_learner import RepeatLearner
from tsrnn.online.stream_learner import StreamLearner
from tsrnn.persistence.registry import saved

LINEAR_LAGS = 47


@saved("naive-forecaster")
class NaiveForecaster(ForecasterMixin, StreamingEstimator):
    """Forecast the newest value for every step.

    Parameters
    ----------
    horizon : int, default=1
        Steps forecast ahead.
    target, id_col, time_col, freq, gap, max_gap, late, snap
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
        horizon: int = 1,
        target: Names = None,
        id_col: Hashable | None = None,
        time_col: Hashable | None = None,
        freq: Any = None,
        gap: Gap = "fill",
        max_gap: int = 1000,
        late: Late = "raise",
        snap: Any = None,
    ):
        self.horizon = horizon
        self.target = target
        self.id_col = id_col
        self.time_col = time_col
        self.freq = freq
        self.gap = gap
        self.max_gap = max_gap
        self.late = late
        self.snap = snap

    _min_rows = 1

    def _make_learner(self, history):
        return _repeating(self, history, 1)


@saved("seasonal-naive-forecaster")
class SeasonalNaiveForecaster(ForecasterMixin, StreamingEstimator):
    """Forecast the value one season before each step (the newest of that phase).

    Parameters
    ----------
    horizon : int, default=1
        Steps forecast ahead.
    season : int or "auto", default="auto"
        Season length in rows. "auto": the shortest season of the frequency that the history
        holds twice (a day for hourly rows), or 1, the naive forecast, where there is none.
    target, id_col, time_col, freq, gap, max_gap, late, snap
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
        horizon: int = 1,
        season: int | Sequence[int] | Literal["auto"] | None = "auto",
        target: Names = None,
        id_col: Hashable | None = None,
        time_col: Hashable | None = None,
        freq: Any = None,
        gap: Gap = "fill",
        max_gap: int = 1000,
        late: Late = "raise",
        snap: Any = None,
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
        self.snap = snap

    _min_rows = 1

    def _make_learner(self, history):
        season = self._seasons_of(history.n_rows)[:1] or (1,)
        return _repeating(self, history, season[0])


@saved("linear-forecaster")
class LinearForecaster(ForecasterMixin, StreamingEstimator):
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
    target, id_col, time_col, freq, gap, max_gap, late, snap
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
        horizon: int = 1,
        lags: int | None = None,
        forgetting: float = 0.9995,
        target: Names = None,
        id_col: Hashable | None = None,
        time_col: Hashable | None = None,
        freq: Any = None,
        gap: Gap = "fill",
        max_gap: int = 1000,
        late: Late = "raise",
        snap: Any = None,
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
        self.snap = snap

    def _check_params(self):
        super()._check_params()
        self._check_forgetting()

    def _looks_back_by_days(self):
        """Whether what happened at the same time of days before is looked at: by a lag."""
        step_ns, lags = self._reader.axis.step_ns, self.lags
        n_values = 1 + (LINEAR_LAGS if lags is None else lags)
        return step_ns is not None and n_values * step_ns >= DAY_NS

    def _make_learner(self, history):
        design = ForecastDesign.of(
            history.record,
            self._horizon,
            self._lags_of(LINEAR_LAGS, history.n_rows),
            seasons=(),
            n_calendar=self._reader.calendar.n_harmonics,
            n_inputs=0,
        )
        if history.is_panel:
            return _of_panel(self, design, self.forgetting)
        intervals = self._make_intervals(history)
        return OneSeries(StreamLearner.of(design, self.forgetting, intervals=intervals))


def rings_of(columns, n_inputs=None):
    """Return what makes the rings of a panel's rows."""
    n_inputs = len(columns.expanded_names) if n_inputs is None else n_inputs
    return partial(PanelWindow.empty, len(columns.target_names), n_inputs)


def _repeating(model, history, season):
    """Return the learner that repeats the last season of each series."""
    if not history.is_panel:
        return OneSeries(RepeatLearner(model._horizon, season, model._make_intervals(history)))
    seasons = (season,) if season > 1 else ()
    design = ForecastDesign.of(history.record, model._horizon, 0, seasons, n_calendar=0, n_inputs=0)
    back = rows_back(design.delays, season)
    learner = _of_panel(model, design, 1.0)
    return learner.fixed((design.offsets == back[:, None]).astype(float))


def _of_panel(model, design, forgetting):
    """Return the learner of a panel with the one readout of a design, and intervals around it."""
    columns, profile = model._reader.columns, min(model._calendar_seasons(), default=1)
    n_targets = len(columns.target_names)
    experts = PanelExperts(model._horizon, n_targets, ("readout",), profile=profile, repeats=False)
    rings = rings_of(columns)
    return PanelLearner.of(design, n_targets, forgetting, rings, experts, screen=None)
