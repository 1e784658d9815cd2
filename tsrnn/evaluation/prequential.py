"""Evaluation of forecasters without a look ahead: prequential, and from a rolling origin.

Both issue a forecast at a cutoff first, and only then show the model the rows behind it. Only
the public methods of a forecaster are used.
"""

import copy
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from numbers import Integral
from typing import Any, Protocol

import numpy as np
import pandas as pd
from joblib import Parallel, delayed
from numpy.typing import ArrayLike
from sklearn.base import clone
from sklearn.utils import check_scalar

from tsrnn.estimators.history import axis_of
from tsrnn.evaluation.panel_results import KeyedRows, PanelLog
from tsrnn.evaluation.results import ForecastLog, PrequentialResult, Rows
from tsrnn.frames.native import incoming, indexed
from tsrnn.frames.time_axis import TimeAxis
from tsrnn.frames.times import are_times, read_times

__all__ = ["PrequentialResult", "backtest", "prequential"]


def prequential(
    model: Any,
    data: ArrayLike | pd.DataFrame | pd.Series,
    *,
    chunk: int = 1,
    learn: bool = True,
    coverage: float | list[float] | None = None,
    progress: bool | Callable[[int, int], None] = False,
) -> PrequentialResult:
    """Test, then learn: walk a fitted forecaster through the rows that follow.

    At each cutoff, the fitted one first, the model issues a forecast, and then takes in the next
    `chunk` rows. A step is scored if its stamp lies in `data`.

    Parameters
    ----------
    model : forecaster
        Fitted. It is copied; the one given stays as it is.
    data : DataFrame, Series or array of shape (n_rows, n_columns) or (n_rows,)
        The rows that follow the fitted ones, oldest first. Columns that are not targets are shown
        to the model and not scored. Rows of an array have no stamps: they count on from the
        model's cutoff. Of a panel: a long frame with the model's ``id_col``, or
        a frame with an (id, time) index; the rows of one time stamp are taken in together.
    chunk : int, default=1
        Rows (of a panel: time stamps) from one cutoff to the next. Where it exceeds the horizon,
        rows between go unscored.
    learn : bool, default=True
        Whether the model learns from the rows (``partial_fit``) or only takes them in
        (``update``).
    coverage : float or list of float in (0, 1), optional
        Issue and score intervals too; by default those of the model's own ``coverage``, if it has
        that parameter.
    progress : bool or callable, default=False
        True draws a live line by rich (``pip install "tsrnn[cli]"``). A callable is called with
        the rows done and the rows in all, after each chunk.

    Returns
    -------
    PrequentialResult
        MASE is in units of the mean absolute change from row to row of each target (of a panel: of
        each series too) over the history that the model was fitted to, its ``naive_error_``: 1 is
        the error that repeating the newest value would have made there. Series that the history
        lacks are left out of it. For a forecaster of another package, without ``naive_error_``, the
        changes in `data` itself set the scale.

    Raises
    ------
    ValueError
        If `data` is empty, lacks a target, or holds no stamp that was forecast. An error of the
        model, such as for a row out of order, comes out as it is.
    ImportError
        If ``progress=True`` and rich is not installed.

    Notes
    -----
    Beyond the time inside the model (:attr:`PrequentialResult.seconds_per_row`, with ``chunk=1``
    that of p-values too), a row costs the
    evaluator about 50 µs, half of it the slice of `data`, and 0.6 µs for each value forecast.

    References
    ----------
    Dawid, A. P. (1984). Statistical theory: the prequential approach. Journal of the Royal
    Statistical Society A, 147(2), 278-290.

    Examples
    --------
    >>> import numpy as np
    >>> from tsrnn.baselines import NaiveForecaster
    >>> ramp = 2.0 * np.arange(10)
    >>> result = prequential(NaiveForecaster(horizon=2).fit(ramp[:6]), ramp[6:])
    >>> result.metrics.loc[("all", [1, 2]), "MAE"].tolist()
    [2.0, 4.0]
    """
    check_scalar(chunk, "chunk", Integral, min_val=1)
    reader = getattr(model, "_reader", None)
    data = data if reader is None else reader.form.received(data)
    model = copy.deepcopy(model)
    walk = _walk_of(model, data, isinstance(getattr(model, "cutoff_", None), pd.Series))
    take_in = model.partial_fit if learn else model.update
    asked, scale = _asked(model, coverage), getattr(model, "naive_error_", None)
    log = walk.log(model, -(-len(walk) // chunk), asked.get("coverage", ()))
    seconds, read_once = 0.0, chunk == 1 and hasattr(model, "_take_scored")
    with _reporter(progress, "prequential") as report:
        for start in range(0, len(walk), chunk):
            rows, ahead = walk.rows(start, start + chunk), walk.known_ahead(model, start)
            found = None if read_once else _p_values(model, walk.rows(start, start + 1))
            begin = time.perf_counter()
            forecast, cutoff = _forecast(model, asked | ahead), model.cutoff_
            if read_once:
                found = model._take_scored(rows, learn)
            else:
                take_in(rows)
            seconds += time.perf_counter() - begin
            log.add(start, cutoff, forecast, walk.by_id(found, start))
            report(min(start + chunk, len(walk)), len(walk))
    return log.result(model, seconds / walk.n_rows(), scale)


def backtest(
    model: Any,
    data: ArrayLike | pd.DataFrame | pd.Series,
    *,
    initial: int,
    step: int,
    folds: int | None = None,
    refit: bool = True,
    coverage: float | list[float] | None = None,
    n_jobs: int | None = None,
    progress: bool | Callable[[int, int], None] = False,
) -> PrequentialResult:
    """Evaluate a forecaster from a rolling origin.

    An origin is a number of rows (of a panel: of time stamps) at the head of `data`: `initial`,
    `initial` + `step` and so on, while a row follows. From each the horizon is forecast and scored
    against the rows behind it; the horizon of the last origins may reach beyond `data`, and is
    scored as far as they go.

    Parameters
    ----------
    model : forecaster
        Fitted or not: a clone is fitted.
    data : DataFrame, Series or array of shape (n_rows, n_columns) or (n_rows,)
        History and future together, oldest first. Of a panel: a long frame with the model's
        ``id_col``, or a frame with an (id, time) index.
    initial : int
        Rows (of a panel: time stamps) before the first origin.
    step : int
        Rows, or time stamps, from one origin to the next.
    folds : int, optional
        Use only the last (most recent) `folds` origins; all by default, or if there are fewer.
    refit : bool, default=True
        True: at each origin a clone is fitted to all rows before it. False: one clone is fitted
        to the `initial` rows and brought to each origin in turn by ``update``, with its weights
        frozen.
    coverage : float or list of float in (0, 1), optional
        As in :func:`prequential`.
    n_jobs : int, optional
        Origins fitted side by side, as in :class:`joblib.Parallel`. Without effect if
        ``refit=False``, where each origin needs the one before.
    progress : bool or callable, default=False
        As in :func:`prequential`, counting origins.

    Returns
    -------
    PrequentialResult
        MASE is in units of the mean absolute change from row to row of each target (of a panel: of
        each series too) before the first origin used, so never of a scored row. ``model`` is the
        one of the last origin.

    Raises
    ------
    ValueError
        If `initial`, `step` or `folds` is below 1, or no row of `data` follows the first
        `initial`. An error of the model comes out as it is.

    References
    ----------
    Tashman, L. J. (2000). Out-of-sample tests of forecasting accuracy: an analysis and review.
    International Journal of Forecasting, 16(4), 437-450.

    Examples
    --------
    >>> import numpy as np
    >>> from tsrnn.baselines import NaiveForecaster
    >>> result = backtest(NaiveForecaster(), 2.0 * np.arange(10), initial=4, step=2)
    >>> result.forecasts["cutoff"].tolist(), result.forecasts["forecast"].tolist()
    ([3, 5, 7], [6.0, 10.0, 14.0])
    """
    check_scalar(initial, "initial", Integral, min_val=1)
    check_scalar(step, "step", Integral, min_val=1)
    if folds is not None:
        check_scalar(folds, "folds", Integral, min_val=1)
    data = indexed(data, None) if getattr(model, "time_col", None) is None else incoming(data)
    levels = data.index.nlevels if isinstance(data, (pd.DataFrame, pd.Series)) else 1
    is_panel = getattr(model, "id_col", None) is not None or levels > 1
    walk = _walk_of(model, data, is_panel)
    if initial >= len(walk):
        what = "time stamps" if is_panel else "rows"
        raise ValueError(
            f"data has {len(walk)} {what} and initial is {initial}; expected at least one after "
            f"the first origin. Pass more {what} or a smaller initial."
        )
    origins = range(initial, len(walk), step)[-folds if folds else 0 :]
    asked = _asked(model, coverage)
    if refit:
        job = delayed(_fit_and_forecast)
        issued = Parallel(n_jobs=n_jobs, return_as="generator")(
            job(model, walk, origin, asked, keep=origin == origins[-1]) for origin in origins
        )
    else:
        issued = _fit_and_advance(model, walk, initial, origins, asked)
    evaluated = []
    with _reporter(progress, "backtest") as report:
        for fold in issued:
            evaluated.append(fold)
            report(len(evaluated), len(origins))
    forecasts, cutoffs, seconds, models = zip(*evaluated, strict=True)
    log = walk.log(models[-1], len(origins), asked.get("coverage", ()))
    for origin, cutoff, forecast in zip(origins, cutoffs, forecasts, strict=True):
        log.add(origin, cutoff, forecast)
    stops = origins if refit else [origins[-1]]
    n_rows = sum(walk.n_rows(stop) for stop in stops)
    return log.result(models[-1], sum(seconds) / n_rows, walk.naive_error(log, origins[0]))


def _fit_and_forecast(
    model: Any, walk: "_Walk", origin: int, asked: dict[str, Any], keep: bool
) -> tuple[pd.DataFrame, Any, float, Any]:
    """One origin of its own; the model comes back from a worker only if it is to `keep`."""
    model = clone(model)
    begin = time.perf_counter()
    model.fit(walk.rows(0, origin))
    ahead = walk.known_ahead(model, origin)
    forecast, cutoff = _forecast(model, asked | ahead), model.cutoff_
    return forecast, cutoff, time.perf_counter() - begin, model if keep else None


def _fit_and_advance(
    model: Any, walk: "_Walk", initial: int, origins: range, asked: dict[str, Any]
) -> Iterator[tuple[pd.DataFrame, Any, float, Any]]:
    """Each origin in turn, by one model that is fitted once."""
    model = clone(model)
    begin = time.perf_counter()
    model.fit(walk.rows(0, initial))
    seen = initial
    for origin in origins:
        if origin > seen:
            model.update(walk.rows(seen, origin))
        ahead = walk.known_ahead(model, origin)
        forecast, cutoff = _forecast(model, asked | ahead), model.cutoff_
        yield forecast, cutoff, time.perf_counter() - begin, model
        seen, begin = origin, time.perf_counter()


# --- the data, walked through ---------------------------------------------------------------------


class _Walk(Protocol):
    """Rows that are walked through, counted in rows or, of a panel, in time stamps."""

    def __len__(self) -> int: ...

    def rows(self, start: int, stop: int) -> Any:
        """Return the rows from one place to another."""

    def n_rows(self, stop: int | None = None) -> int:
        """Return how many rows there are up to a place."""

    def known_ahead(self, model: Any, start: int) -> dict[str, Any]:
        """Return the ``X_future`` of the rows behind a place, where the model has ``future_cols``.

        The model looks at its ``future_cols`` alone; where there is no row they count as missing.
        """

    def by_id(self, found: np.ndarray | None, start: int) -> Any:
        """Return what was found of the rows (n, J) at a place, of a panel as a frame by id."""

    def log(self, model: Any, n_cutoffs: int, coverages: Sequence[float]) -> ForecastLog | PanelLog:
        """Return what notes the forecasts."""

    def naive_error(self, log: Any, stop: int) -> Any:
        """Return the scale of MASE by the rows up to a place."""


class _StreamWalk:
    """The rows of one stream."""

    def __init__(self, data: Rows):
        self._data = data
        self._times: pd.Index | None = None
        self._looked = False  # for the times, once there is a model

    def __len__(self) -> int:
        return len(self._data)

    def rows(self, start: int, stop: int) -> Rows:
        data = self._data
        return data[start:stop] if isinstance(data, np.ndarray) else data.iloc[start:stop]

    def n_rows(self, stop: int | None = None) -> int:
        return len(self) if stop is None else stop

    def known_ahead(self, model: Any, start: int) -> dict[str, Any]:
        if getattr(model, "future_cols", None) is None:
            return {}
        index, times = _future_index(model), self._times_of(model)
        rows = self.rows(start, start + len(index))
        if isinstance(rows, np.ndarray) or times is None:
            missing = np.full((len(index) - len(rows), rows.shape[1]), np.nan)
            return {"X_future": np.concatenate([rows, missing])}
        rows = rows.set_axis(times[start : start + len(index)])
        return {"X_future": rows[~rows.index.duplicated()].reindex(index)}

    def _times_of(self, model: Any) -> pd.Index | None:
        if not self._looked:
            self._times, self._looked = _times(model, self._data), True
        return self._times

    def by_id(self, found: np.ndarray | None, start: int) -> np.ndarray | None:
        return found

    def log(self, model: Any, n_cutoffs: int, coverages: Sequence[float]) -> ForecastLog:
        return ForecastLog(self._data, n_cutoffs, coverages, self._times_of(model))

    def naive_error(self, log: ForecastLog, stop: int) -> pd.Series:
        return log.naive_error(stop)


class _PanelWalk:
    """The rows of a panel, those of one time stamp together."""

    def __init__(self, data: Any, model: Any):
        self._data = data
        self._keys = getattr(model, "id_col", None), getattr(model, "time_col", None)
        self._rows_of, self._axis = KeyedRows(data, *self._keys), None
        self._read_by(model)
        times = self._rows_of.times
        self._stamps, self._number = np.unique(times, return_inverse=True)

    def _read_by(self, model: Any) -> KeyedRows:
        reader = getattr(model, "_reader", None)
        if reader is None and getattr(model, "snap", None) is not None:  # before a backtest's fits
            rows = self._rows_of
            times, (series, _) = read_times(rows.times, "data"), pd.factorize(rows.ids)
            axis = axis_of(series, times, times.name, model.freq, True, model.snap)
        else:
            axis = reader and reader.axis
        if axis is None or axis is not self._axis:
            self._rows_of.at_times(_as_forecast(axis, self._rows_of.times))
            self._axis = axis
        return self._rows_of

    def __len__(self) -> int:
        return len(self._stamps)

    def rows(self, start: int, stop: int) -> Any:
        return self._data[(self._number >= start) & (self._number < stop)]

    def n_rows(self, stop: int | None = None) -> int:
        return len(self._data) if stop is None else int((self._number < stop).sum())

    def known_ahead(self, model: Any, start: int) -> dict[str, Any]:
        if getattr(model, "future_cols", None) is None:
            return {}
        return {"X_future": self._read_by(model).at(_future_index(model))}

    def by_id(self, found: np.ndarray | None, start: int) -> pd.DataFrame | None:
        ids = self._rows_of.ids[self._number == start]
        return None if found is None else pd.DataFrame(found, ids)

    def log(self, model: Any, n_cutoffs: int, coverages: Sequence[float]) -> PanelLog:
        return PanelLog(self._read_by(model), coverages)

    def naive_error(self, log: PanelLog, stop: int) -> pd.DataFrame:
        return log.naive_error(self._number < stop)


def _walk_of(model: Any, data: Any, is_panel: bool) -> _Walk:
    if not isinstance(data, (pd.DataFrame, pd.Series)):
        data = np.asarray(data)
    if len(data) == 0:
        raise ValueError("data is empty; expected at least one row. Pass the rows to score.")
    return _PanelWalk(data, model) if is_panel else _StreamWalk(data)


def _times(model: Any, data: Rows) -> pd.Index | None:
    """Return the times of rows as forecasts have them; None for an array."""
    if isinstance(data, np.ndarray):
        return None
    name = getattr(model, "time_col", None)
    times: pd.Index = data.index
    if name is not None and isinstance(data, pd.DataFrame) and name in data.columns:
        times = pd.Index(data[name])
    reader = getattr(model, "_reader", None)
    return _as_forecast(reader and reader.axis, times)


def _as_forecast(axis: TimeAxis | None, times: pd.Index) -> pd.Index:
    """Return times as forecasts on an axis have them: read from texts and dates, and snapped."""
    times = read_times(times, "data") if are_times(times) else times
    if axis is not None and axis.snap_ns:  # where forecasts have even stamps
        times = axis.index_at(axis.positions(times))
    return times


def _forecast(model: Any, asked: dict[str, Any]) -> pd.DataFrame:
    """Return a forecast as a frame of pandas, whatever rows the model was fitted on."""
    frame: pd.DataFrame = getattr(model, "_forecast_frame", model.forecast)(**asked)
    return frame


def _p_values(model: Any, rows: Any) -> np.ndarray | None:
    """Return the p-values (n, J) of rows that come next; None of a forecaster that has none."""
    if not hasattr(model, "p_values"):
        return None
    frame: pd.DataFrame = getattr(model, "_p_values_frame", model.p_values)(rows)
    return frame.to_numpy()


def _future_index(model: Any) -> pd.Index:
    index: pd.Index = getattr(model, "_future_index", model.future_index)()
    return index


def _asked(model: Any, coverage: float | list[float] | None) -> dict[str, Any]:
    """Return what ``forecast`` is asked for: nothing, or coverages as a list."""
    coverage = getattr(model, "coverage", None) if coverage is None else coverage
    return {} if coverage is None else {"coverage": np.atleast_1d(coverage).tolist()}


@contextmanager
def _reporter(
    progress: bool | Callable[[int, int], None], name: str
) -> Iterator[Callable[[int, int], None]]:
    """Give a callable (done, in all): the caller's own, rich's live line, or none."""
    if callable(progress):
        yield progress
    elif progress:
        try:
            from rich.console import Console
            from rich.progress import Progress
        except ImportError as error:
            raise ImportError(
                'progress=True needs rich. Install it by: pip install "tsrnn[cli]", or pass a '
                "callable(rows_done, n_rows)."
            ) from error
        with Progress(console=Console(stderr=True)) as bar:
            task = bar.add_task(name, total=None)
            yield lambda done, total: bar.update(task, completed=done, total=total)
    else:
        yield lambda done, total: None
