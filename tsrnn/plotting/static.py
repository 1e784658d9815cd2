"""Pictures of forecasts. They need matplotlib: ``pip install "tsrnn[plot]"``.

Colours are of Okabe & Ito (2008), which the colour-blind tell apart: grey is what happened, orange
a path issued at one cutoff, blue the forecasts of many cutoffs at one distance.
"""

import re
from collections.abc import Hashable, Iterable
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import pandas as pd

from tsrnn.evaluation.results import PrequentialResult
from tsrnn.frames.times import are_times, read_times
from tsrnn.frames.types import ArrowFrame
from tsrnn.plotting.series import Keys, picked, received
from tsrnn.plotting.style import (
    ACTUAL,
    AHEAD,
    CUTOFF,
    ISSUED,
    as_given,
    axes_for,
    band,
    broken,
    finish,
    times,
)

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["plot_forecast", "plot_prequential"]

EDGE = re.compile(r"(.*?)_?(lower|upper)_(0?\.\d+)")  # name of one edge of a band
LEAST_SHOWN, SHOWN_HORIZONS = 120, 8  # rows of history before a forecast
SHOWN_STAMPS = 500  # of an evaluation
QUANTILE = re.compile(r"(.*)_quantile_0?\.\d+")  # name of a quantile, which is not drawn


def plot_forecast(
    history: pd.DataFrame | pd.Series | ArrowFrame,
    forecast: pd.DataFrame | ArrowFrame,
    *,
    actual: pd.DataFrame | pd.Series | ArrowFrame | None = None,
    target: Hashable | None = None,
    ids: Any = None,
    last: int | None = None,
    ax: Any = None,
) -> Any:
    """Plot a forecast as the continuation of its history.

    Parameters
    ----------
    history : DataFrame or Series
        Rows up to the cutoff; those that the forecast covers are left out. Of a panel in the form
        of the forecast.
    forecast : DataFrame of shape (horizon, n_columns)
        As ``forecast()`` returns it, of one stream or of a panel. Pairs of columns
        ``<target>_lower_0.9`` and ``<target>_upper_0.9`` are drawn as bands.
    actual : DataFrame or Series, optional
        What came after the cutoff; shown where it was forecast.
    target : label, optional
        Column to show; needed if `forecast` has several targets.
    ids : id or list of ids, optional
        Of a panel: the series to show, one below the other; the first 6 by default.
    last : int, optional
        Newest rows of `history` to show; by default 8 horizons, at least 120.
    ax : matplotlib Axes, or array of Axes, optional
        Where to draw, one for each series; a new figure of pyplot by default.

    Returns
    -------
    matplotlib Axes, or array of Axes, one for each series

    Raises
    ------
    ValueError
        The target is ambiguous or absent, a series is not there, the history has another index
        than the forecast, or there is no row to show.
    TypeError
        `history`, `forecast` or `actual` is no frame.
    ImportError
        matplotlib is not installed.

    Examples
    --------
    >>> from matplotlib.figure import Figure
    >>> from tsrnn.baselines import SeasonalNaiveForecaster
    >>> from tsrnn.datasets import load_water_flow
    >>> flow = load_water_flow()
    >>> forecast = SeasonalNaiveForecaster(horizon=24).fit(flow[:600]).forecast()
    >>> ax = Figure().subplots()
    >>> plot_forecast(flow[:600], forecast, actual=flow[600:], last=96, ax=ax) is ax
    True
    """
    forecast, history, actual = received(forecast, history, actual)
    if not isinstance(forecast, pd.DataFrame):
        raise TypeError(
            f"found a forecast of type {type(forecast).__name__}, expected the DataFrame that "
            "forecast() returns"
        )
    keys = Keys.of(forecast)
    if keys is None:
        if ids is not None:
            raise ValueError(f"found ids={ids!r} and a forecast of one stream; leave ids out")
        parts: dict[Any, Any] = {None: (history, forecast, actual)}
    else:
        frames = history, forecast, actual
        parts = {
            id: tuple(None if frame is None else keys.series(frame, id) for frame in frames)
            for id in picked(ids, keys.ids(forecast))
        }
    pictures = {id: _ForecastPicture.of(part, target, last) for id, part in parts.items()}
    axes = axes_for(list(pictures), ax)
    for one, (id, picture) in zip(axes, pictures.items(), strict=True):
        picture.draw(one, id)
    return as_given(axes, ax)


class _ForecastPicture(NamedTuple):
    """What a picture of the forecast of one series shows."""

    past: pd.Series
    after: pd.Series | None
    forecast: pd.DataFrame
    target: Any

    @classmethod
    def of(
        cls, frames: tuple[Any, pd.DataFrame, Any], target: Any, last: int | None
    ) -> "_ForecastPicture":
        history, forecast, actual = frames
        target = _pick(target, _targets(forecast))
        past = _column(history, target, "history")
        last = max(LEAST_SHOWN, SHOWN_HORIZONS * len(forecast)) if last is None else last
        try:
            before = past.index < forecast.index[0]
        except TypeError as error:
            raise ValueError(
                f"found a history indexed by {past.index.dtype}, expected the index of the rows "
                f"that the model was given, {forecast.index.dtype}; pass those rows: "
                "history.set_index(...)"
            ) from error
        past = _newest(past[before], last)
        if past.empty:
            raise ValueError(
                f"found no row of history before {forecast.index[0]}, expected at least one; pass "
                "the rows that the forecast was made from, and then the forecast: "
                "plot_forecast(history, forecast)"
            )
        after = None
        if actual is not None:
            after = _column(actual, target, "actual").reindex(forecast.index)
        return cls(past, after, forecast, target)

    def draw(self, ax: "Axes", id: Hashable | None) -> None:
        past, forecast, target = self.past, self.forecast, self.target
        known = past if self.after is None else pd.concat([past, self.after])
        newest = past.iloc[-1:]  # paths and bands spring from it
        ax.plot(times(known.index), known.to_numpy(), label="actual", **ACTUAL)
        path = pd.concat([newest, forecast[target]])
        ax.plot(times(path.index), path.to_numpy(), label="forecast", **ISSUED)
        for level in _coverages(forecast.columns, str(target)):
            lower, upper = (
                np.append(newest.to_numpy(), forecast[f"{target}_{side}_{level}"].to_numpy())
                for side in ("lower", "upper")
            )
            band(ax, times(path.index), lower, upper, level, ISSUED["color"])
        ax.axvline(times(newest.index)[0], **CUTOFF)
        finish(ax, forecast.index, target if id is None else f"{id}")


def plot_prequential(
    result: PrequentialResult,
    *,
    target: Hashable | None = None,
    step: int | None = None,
    ids: Any = None,
    last: int | None = None,
    ax: Any = None,
) -> Any:
    """Plot forecasts that were issued at many cutoffs against the actuals.

    Forecasts of one step are drawn as a line where they were issued at every row. Where origins lie
    further apart, the whole path from each is drawn, or, if a step is asked for, its points:
    forecasts of different origins are never joined across the rows between.

    Parameters
    ----------
    result : PrequentialResult
        Of `tsrnn.evaluate.prequential` or `tsrnn.evaluate.backtest`.
    target : label, optional
        Target to show; needed if there are several.
    step : int, optional
        Step of the horizon to show; by default the last one, or all where origins lie apart.
    ids : id or list of ids, optional
        Of a panel: the series to show, one below the other; the first 6 by default.
    last : int, optional
        Newest time stamps to show; 500 by default.
    ax : matplotlib Axes, or array of Axes, optional
        Where to draw, one for each series; a new figure of pyplot by default.

    Returns
    -------
    matplotlib Axes, or array of Axes, one for each series

    Raises
    ------
    ValueError
        The target is ambiguous or absent, the step was not scored, or a series is not there.
    ImportError
        matplotlib is not installed.

    Examples
    --------
    >>> from matplotlib.figure import Figure
    >>> from tsrnn.baselines import NaiveForecaster
    >>> from tsrnn.datasets import load_water_flow
    >>> from tsrnn.evaluate import prequential
    >>> flow = load_water_flow()
    >>> result = prequential(NaiveForecaster(horizon=3).fit(flow[:100]), flow[100:150])
    >>> ax = Figure().subplots()
    >>> plot_prequential(result, step=2, last=24, ax=ax).get_ylabel()
    'flow'
    """
    table = result.forecasts
    target = _pick(target, table["target"].unique())
    table = table[table["target"] == target]
    steps = table["step"].unique()
    if step is not None and step not in steps:
        raise ValueError(f"found step={step}, expected one of {sorted(steps.tolist())}")
    parts: dict[Any, pd.DataFrame] = {None: table}
    if table.columns[0] != "cutoff":
        id_name = table.columns[0]
        chosen = picked(ids, list(table[id_name].unique()))
        parts = {id: table[table[id_name] == id] for id in chosen}
    elif ids is not None:
        raise ValueError(f"found ids={ids!r} and an evaluation of one stream; leave ids out")
    last = SHOWN_STAMPS if last is None else last
    _newest(table["actual"], last)  # refuses what is no number of rows
    axes = axes_for(list(parts), ax)
    for one, (id, part) in zip(axes, parts.items(), strict=True):
        _draw_evaluation(one, part, step, last)
        finish(one, pd.Index(part["time"]), target if id is None else f"{id}")
    return as_given(axes, ax)


def _draw_evaluation(ax: "Axes", table: pd.DataFrame, step: int | None, last: int) -> None:
    """Draw the forecasts of one series and target, whose steps follow each other by cutoff."""
    before = table.groupby("cutoff")["time"].shift().where(table["step"] > 1, table["cutoff"])
    table = table.assign(before=before)
    actual = table.sort_values("before").drop_duplicates("time").sort_values("time").iloc[-last:]
    x = times(pd.Index(actual["time"]))
    joined = np.append(True, x[:-1] == times(pd.Index(actual["before"]))[1:])
    ax.plot(*broken(x, joined, actual["actual"].to_numpy()), label="actual", **ACTUAL)

    apart = _origins_lie_apart(table)
    table = table[table["time"] >= actual["time"].iloc[0]]
    style: dict[str, Any] = AHEAD
    if apart and step is None:
        table = table.sort_values(["cutoff", "step"])
        label = "forecasts from each origin"
        joined = (table["cutoff"] == table["cutoff"].shift()).to_numpy()
    else:
        step = int(table["step"].max()) if step is None else step
        table = table[table["step"] == step].sort_values("time")
        label = f"forecast {step} step{'s' if step > 1 else ''} ahead"
        x = times(pd.Index(table["time"]))
        joined = np.append(True, x[:-1] == times(pd.Index(table["before"]))[1:])
        style = AHEAD if not apart else {**AHEAD, "marker": "o", "markersize": 3.5}
    x = times(pd.Index(table["time"]))
    columns = {level: [f"lower_{level}", f"upper_{level}"] for level in _coverages(table, "")}
    names = ["forecast", *(name for pair in columns.values() for name in pair)]
    x, *values = broken(x, joined, *(table[name].to_numpy() for name in names))
    drawn = dict(zip(names, values, strict=True))
    ax.plot(x, drawn["forecast"], label=label, **style)
    for level, (lower, upper) in columns.items():
        if "marker" in style:  # a band of single points would not be seen
            ends = {"color": AHEAD["color"], "alpha": 0.4, "linewidth": 4.0 * float(level)}
            label = f"{100 * float(level):g} % interval"
            ax.vlines(x, drawn[lower], drawn[upper], label=label, **ends)
        else:
            band(ax, x, drawn[lower], drawn[upper], level, AHEAD["color"])


def _origins_lie_apart(table: pd.DataFrame) -> bool:
    """Whether most cutoffs are not the row that follows the one before, the first step of it."""
    first = table[table["step"] == 1].set_index("cutoff")["time"]
    cutoffs = pd.Index(table["cutoff"].unique())
    following = first.reindex(cutoffs[:-1]).to_numpy() == cutoffs[1:].to_numpy()
    return bool(np.mean(following) < 0.5) if len(following) else True


def _targets(forecast: pd.DataFrame) -> pd.Index:
    """Columns of `forecast` but those of its bands and quantiles."""
    names = [str(name) for name in forecast.columns]
    edges = [EDGE.fullmatch(name) or QUANTILE.fullmatch(name) for name in names]
    return forecast.columns[[edge is None or edge[1] not in names for edge in edges]]


def _coverages(names: Iterable[Hashable], target: str) -> list[str]:
    """Coverages that `target` has a band of, as written; the widest first, to lie behind."""
    edges = [EDGE.fullmatch(str(name)) for name in names]
    found = {edge[3] for edge in edges if edge and edge[1] == target}
    return sorted(found, key=float, reverse=True)


def _pick(target: Hashable | None, targets: Any) -> Any:
    """Return the target to show: the one asked for, or the only one."""
    if target is None and len(targets) == 1:
        return targets[0]
    if target is None or target not in targets:
        raise ValueError(f"found target={target!r}, expected one of {list(targets)}; pass one")
    return target


def _column(data: pd.DataFrame | pd.Series, target: Any, name: str) -> pd.Series:
    """Return one target of a Series or DataFrame as a Series."""
    if isinstance(data, pd.DataFrame):
        if target not in data.columns:
            raise ValueError(
                f"found {name} with the columns {list(data.columns)}, expected {target!r} among "
                "them; pass the frame that the model was given"
            )
        return _timed(data[target])
    if not isinstance(data, pd.Series):
        raise TypeError(
            f"found {name} of type {type(data).__name__}, expected a DataFrame or a Series with "
            "the index of the forecast; wrap arrays in a Series"
        )
    return _timed(data)


def _timed(column: pd.Series) -> pd.Series:
    """Return numbers by the times that a forecaster reads, such as texts."""
    index = column.index
    return column.astype(float).set_axis(read_times(index) if are_times(index) else index)


def _newest(data: pd.Series, last: int | None) -> pd.Series:
    """Return the `last` rows, or all of them."""
    if last is None:
        return data
    if last < 1:
        raise ValueError(f"found last={last}, expected at least 1 row to show")
    return data.iloc[-last:]
