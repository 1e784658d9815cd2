"""`tsrnn.RNNForecaster` as a forecaster of sktime.

Installed by ``pip install "tsrnn[sktime]"``.
"""

from typing import Any, ClassVar

import numpy as np
import pandas as pd
from numpy.typing import DTypeLike

from tsrnn.estimators import forecaster
from tsrnn.frames.types import Names
from tsrnn.integrations import extra

with extra("sktime"):
    from sktime.forecasting.base import BaseForecaster, ForecastingHorizon

FRAMES = ["pd.DataFrame", "pd-multiindex", "pd_multiindex_hier"]


class RNNForecaster(BaseForecaster):
    """Recurrent forecaster that learns from every row, see `tsrnn.RNNForecaster`.

    ``X`` holds inputs that are known ahead. ``update`` learns from new rows one by one, or takes
    them in without learning (``update_params=False``); nothing is fitted again. All series of a
    panel or hierarchy share one network and one readout, with a state, mixture and intervals each;
    aggregates such as ``__total`` are series as others are. A series that ended before the cutoff
    is taken for one whose newest values are missing. In-sample forecasts are those of one step from
    the row before, with the final weights: NaN at the first row. They reach over the rows of
    ``fit``; over those of ``update`` too after ``set_config(remember_data=True)``.

    Parameters
    ----------
    horizon : int, optional
        Longest step that is ever forecast. By default the largest of ``fh``, which ``fit`` then
        needs.
    static_cols : label or list of labels, optional
        Columns of X that are constant in each series of a panel.
    late : {"drop", "raise"}, default="drop"
        Rows that are not newer than the cutoff, as in overlapping windows.
    cell, hidden_size, n_layers, window_size, lags, season, freq, snap, gap, max_gap, lower, upper
        As in `tsrnn.RNNForecaster`.
    batch_size, learning_rate, max_iter, early_stopping, loss, forgetting, coverage, max_series
        As in `tsrnn.RNNForecaster`.
    dtype, random_state, verbose, holidays, target_transform, outlier_filter
        As in `tsrnn.RNNForecaster`.

    Attributes
    ----------
    forecaster_ : tsrnn.RNNForecaster
        The fitted forecaster. Series of panels and hierarchies have their numbers, in the order of
        ``fit``, for ids.

    Examples
    --------
    >>> from tsrnn import datasets
    >>> from tsrnn.integrations.sktime import RNNForecaster
    >>> flow = datasets.load_water_flow().interpolate()["flow"].asfreq("h")
    >>> model = RNNForecaster(hidden_size=4, max_iter=3, random_state=0)
    >>> model.fit(flow[:400], fh=[1, 2, 24]).predict().shape
    (3,)
    >>> model.update(flow[400:410]).predict_interval(coverage=0.8).shape
    (3, 2)
    """

    _tags: ClassVar = {
        "y_inner_mtype": FRAMES,
        "X_inner_mtype": FRAMES,
        "capability:multivariate": True,
        "capability:exogenous": True,
        "capability:insample": True,
        "capability:pred_int": True,
        "capability:pred_int:insample": False,
        "capability:missing_values": True,
        "capability:update": True,
        "capability:unequal_length": True,
        "capability:random_state": True,
        "property:randomness": "derandomized",
        "requires-fh-in-fit": True,
        "X-y-must-have-same-index": True,
    }
    _config: ClassVar = {"remember_data": False}  # constant memory: the state is what is remembered
    _y: ClassVar = None  # rows that sktime remembers, where it is told to
    _X: ClassVar = None

    def __init__(
        self,
        horizon: int | None = None,
        cell: str = "lstm",
        hidden_size: int = 32,
        n_layers: int = 1,
        window_size: int = 48,
        lags: int | None = None,
        season: Any = "auto",
        holidays: Any = None,
        static_cols: Names = None,
        freq: Any = None,
        snap: Any = None,
        gap: str = "fill",
        max_gap: int = 1000,
        late: str = "drop",
        lower: float | str | None = "auto",
        upper: float | None = None,
        target_transform: str | None = None,
        batch_size: int = 32,
        learning_rate: float = 0.005,
        max_iter: int = 300,
        early_stopping: bool = True,
        loss: str = "squared",
        forgetting: float = 0.9995,
        coverage: float | list[float] | None = None,
        max_series: int | None = None,
        dtype: DTypeLike = "float32",
        random_state: int | np.random.RandomState | None = None,
        verbose: bool = False,
        outlier_filter: bool = True,
    ):
        self.horizon = horizon
        self.cell = cell
        self.hidden_size = hidden_size
        self.n_layers = n_layers
        self.window_size = window_size
        self.lags = lags
        self.season = season
        self.holidays = holidays
        self.static_cols = static_cols
        self.freq = freq
        self.snap = snap
        self.gap = gap
        self.max_gap = max_gap
        self.late = late
        self.lower = lower
        self.upper = upper
        self.target_transform = target_transform
        self.batch_size = batch_size
        self.learning_rate = learning_rate
        self.max_iter = max_iter
        self.early_stopping = early_stopping
        self.loss = loss
        self.forgetting = forgetting
        self.coverage = coverage
        self.max_series = max_series
        self.dtype = dtype
        self.random_state = random_state
        self.verbose = verbose
        self.outlier_filter = outlier_filter
        super().__init__()
        if horizon is not None:
            self.set_tags(**{"requires-fh-in-fit": False})

    def _fit(self, y, X, fh):
        furthest = 1 if fh is None else int(max(fh.to_indexer(self.cutoff))) + 1
        params = self.get_params(deep=False) | {"horizon": max(self.horizon or 1, furthest)}
        future = None
        if X is not None:
            future = X.columns.difference(np.atleast_1d(self.static_cols), sort=False).tolist()
        model = forecaster.RNNForecaster(**params, future_cols=future)
        self._series = y.index[:0].droplevel(-1) if y.index.nlevels > 1 else None
        self._names = y.index.names
        self._series, rows = self._rows(y, X)
        self.forecaster_ = model.fit(*rows)
        self._fit_rows = y, X
        return self

    def _update(self, y, X=None, update_params=True):
        learn = self.forecaster_.partial_fit if update_params else self.forecaster_.update
        series, rows = self._rows(y, X)
        learn(*rows)
        self._series = series
        return self

    def _predict(self, fh, X):
        return self._forecast(fh, X, self._get_columns("predict"))

    def _predict_quantiles(self, fh, X, alpha):
        columns = self._get_columns("predict_quantiles", alpha=alpha)
        return self._forecast(fh, X, columns, alpha)

    def _forecast(self, fh, X, columns, quantiles=None):
        """Return the frame of the steps of `fh`, of each series."""
        if fh.freq is None:  # sktime does not find that of some panels
            fh = ForecastingHorizon(fh.to_pandas(), fh.is_relative, self.forecaster_.freq_)
        steps = np.asarray(fh.to_indexer(self.cutoff)) + 1
        n_series = 1 if self._series is None else len(self._series)
        values = np.empty((n_series, len(steps), len(columns)))
        ahead = steps > 0
        if ahead.any():
            values[:, ahead] = self._out_of_sample(steps[ahead], X, n_series, quantiles)
        if not ahead.all():
            values[:, ~ahead] = self._in_sample(steps[~ahead], n_series, fh.freq)
        index = pd.Index(fh.to_absolute_index(self.cutoff))
        if self._series is not None:
            ids = self._series.to_frame(index=False)
            index = pd.MultiIndex.from_frame(ids.merge(index.to_frame(), how="cross"))
        return pd.DataFrame(values.reshape(len(index), -1), index.set_names(self._names), columns)

    def _out_of_sample(self, steps, X, n_series, quantiles):
        """Return forecasts (n_series, n_steps, n_columns) of steps after the cutoff."""
        model, horizon, n_targets = self.forecaster_, int(steps.max()), len(self._get_varnames())
        newest = model.cutoff_ if self._series is None else model.cutoff_.max()
        if newest != self.cutoff[0]:
            raise ValueError(
                f"found a cutoff of {self.cutoff[0]}, expected that of the newest row, {newest}: "
                "the last update held earlier rows alone; update with the newest rows"
            )
        parts = {} if self._series is None else {"ids": list(range(n_series))}
        if model.future_cols is not None and X is not None:
            index, X = model.future_index(horizon, **parts), _numbered(X, self._series)
            skipped = ~np.isin(np.tile(np.arange(1, horizon + 1), n_series), steps)
            parts["X_future"] = X.reindex(X.index.union(index[skipped]))
        frame = model.forecast(horizon, quantiles=quantiles, **parts)
        values = frame.to_numpy().reshape(n_series, horizon, -1)[:, steps - 1]
        if quantiles is None:
            return values[..., :n_targets]
        edges = values[..., n_targets:].reshape(n_series, len(steps), n_targets, -1)
        return edges[..., -len(quantiles) :].reshape(n_series, len(steps), -1)

    def _in_sample(self, steps, n_series, freq):
        """Return forecasts (n_series, n_steps, n_targets) of rows, each from the row before it."""
        remembered = self.get_config()["remember_data"]
        y, X = (self._y, self._X) if remembered else self._fit_rows
        parts = _inputs(y, X, self._series)
        rows, stamps = parts[0].index.get_level_values(-1).factorize(sort=True)
        stamps = ForecastingHorizon(stamps, is_relative=False, freq=freq)
        at = (np.asarray(stamps.to_indexer(self.cutoff)) + 1)[rows]
        if steps.max() > at.max():
            raise ValueError(
                "found a horizon in the rows of update, expected one in those of fit, which are "
                "kept; set_config(remember_data=True) before fit to keep all rows"
            )
        outputs = self.forecaster_.predict(*parts, start="fit")
        outputs = outputs.reshape(len(at), len(self._get_varnames()), -1)
        series = np.zeros(len(at), int)
        if self._series is not None:
            series = parts[0].index.get_level_values(0)
        rows = pd.MultiIndex.from_arrays([series, at])
        values = np.full((n_series, len(steps), outputs.shape[1]), np.nan)
        for ahead in range(outputs.shape[2], 0, -1):  # the newest row before a step comes last
            before = pd.MultiIndex.from_product([range(n_series), steps - ahead])
            found = rows.get_indexer(before).reshape(n_series, -1)
            values[found >= 0] = outputs[found[found >= 0], :, ahead - 1]
        return values

    def _rows(self, y, X):
        """Return all series, and rows as the forecaster takes them, each series at the end."""
        if self._series is None:
            return None, _inputs(y, X)
        ids = y.index.droplevel(-1).unique()
        series = self._series.append(ids[~ids.isin(self._series)])
        parts = _inputs(y, X, series)
        ids, times = (parts[0].index.get_level_values(level) for level in (0, 1))
        ended = np.setdiff1d(np.arange(len(series)), ids[times == times.max()])
        last = pd.MultiIndex.from_product([ended, [times.max()]], names=parts[0].index.names)
        return series, [part.reindex(part.index.append(last)) for part in parts]

    @classmethod
    def get_test_params(cls, parameter_set="default"):
        """Return parameters of small forecasters, on which sktime runs its checks."""
        small = {"hidden_size": 2, "max_iter": 2, "random_state": 0}
        return [small, {"cell": "gru", "lags": 2, "season": None, "horizon": 6, **small}]


def _inputs(y, X, series=None):
    """Return inputs and targets, or targets alone where there are no inputs."""
    return [_numbered(part, series) for part in ([y] if X is None else [X.loc[y.index], y])]


def _numbered(frame, series):
    """Return a frame with the index (number of the series, time), whatever its levels."""
    if series is None:
        return frame
    numbers = series.get_indexer(frame.index.droplevel(-1))
    levels = [numbers, frame.index.get_level_values(-1)]
    return frame.set_axis(pd.MultiIndex.from_arrays(levels, names=["series", "time"]))
