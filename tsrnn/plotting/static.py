"""Pictures of forecasts. They need matplotlib: ``pip install "tsrnn[plot]"``.

Colours are of Okabe & Ito (2008), which the colour-blind tell apart: grey is what happened, orange
a path issued at one cutoff, blue the forecasts of many cutoffs at one distance.
"""

import re
from collections.abc import Hashable, Iterable
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from tsrnn.evaluation.results import PrequentialResult

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["plot_forecast", "plot_prequential"]

ACTUAL: dict[str, Any] = {
    "color": "#8a8a8a",
    "linewidth": 2.0,
    "solid_capstyle": "round",
    "zorder": 2.1,
}
ISSUED: dict[str, Any] = {
    "color": "#D55E00",
    "linewidth": 1.8,
    "solid_capstyle": "round",
    "zorder": 2.3,
}
AHEAD: dict[str, Any] = {
    "color": "#0072B2",
    "linewidth": 1.2,
    "solid_capstyle": "round",
    "zorder": 2.2,
}
# Above the axes, where it hides no data and leaves room for a title with loc="left".
LEGEND: dict[str, Any] = {
    "loc": "lower right",
    "bbox_to_anchor": (1, 1),
    "borderaxespad": 0,
    "frameon": False,
}
BAND: dict[str, Any] = {"alpha": 0.18, "linewidth": 0}
CUTOFF: dict[str, Any] = {"color": "#444444", "linewidth": 0.8, "linestyle": (0, (2, 2))}
EDGE = re.compile(r"(.*?)_?(lower|upper)_(0?\.\d+)")  # name of one edge of a band
QUANTILE = re.compile(r"(.*)_quantile_0?\.\d+")  # name of a quantile, which is not drawn
FAINT, TEXT = "#dddddd", "#444444"


def plot_forecast(
    history: pd.DataFrame | pd.Series,
    forecast: pd.DataFrame,
    *,
    actual: pd.DataFrame | pd.Series | None = None,
    target: Hashable | None = None,
    last: int | None = None,
    ax: "Axes | None" = None,
) -> "Axes":
    """Plot a forecast as the continuation of its history.

    Parameters
    ----------
    history : DataFrame or Series
        Rows up to the cutoff; those that the forecast covers are left out.
    forecast : DataFrame of shape (horizon, n_columns)
        As ``forecast()`` returns it. Pairs of columns ``<target>_lower_0.9`` and
        ``<target>_upper_0.9`` are drawn as bands.
    actual : DataFrame or Series, optional
        What came after the cutoff; shown where it was forecast.
    target : label, optional
        Column to show; needed if `forecast` has several targets.
    last : int, optional
        Newest rows of `history` to show; all of them by default.
    ax : matplotlib Axes, optional
        Where to draw; a new figure of pyplot by default.

    Returns
    -------
    matplotlib Axes

    Raises
    ------
    ValueError
        The target is ambiguous or absent, or there is no row to show.
    TypeError
        `history`, `forecast` or `actual` is not a frame of pandas.
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
    target = _pick(target, _targets(forecast))
    past = _column(history, target, "history")
    past = _newest(past[past.index < forecast.index[0]], last)
    if past.empty:
        raise ValueError(
            f"found no row of history before {forecast.index[0]}, expected at least one; pass the "
            "rows that the forecast was made from"
        )
    known = past
    if actual is not None:
        after = _column(actual, target, "actual").reindex(forecast.index)
        known = pd.concat([past, after])

    ax = _new_axes() if ax is None else ax
    newest = past.iloc[-1:]  # paths and bands spring from it
    ax.plot(_times(known.index), known.to_numpy(), label="actual", **ACTUAL)
    path = pd.concat([newest, forecast[target]])
    ax.plot(_times(path.index), path.to_numpy(), label="forecast", **ISSUED)
    for level in _coverages(forecast.columns, str(target)):
        lower, upper = (
            pd.concat([newest, forecast[f"{target}_{side}_{level}"]]) for side in ("lower", "upper")
        )
        _band(ax, lower, upper, level, ISSUED["color"])
    ax.axvline(_times(newest.index)[0], **CUTOFF)
    return _finish(ax, forecast.index, target)


def plot_prequential(
    result: PrequentialResult,
    *,
    target: Hashable | None = None,
    step: int | None = None,
    last: int | None = None,
    ax: "Axes | None" = None,
) -> "Axes":
    """Plot forecasts of one step of the horizon, issued at many cutoffs, against the actuals.

    Parameters
    ----------
    result : PrequentialResult
        Of `tsrnn.evaluate.prequential` or `tsrnn.evaluate.backtest`.
    target : label, optional
        Target to show; needed if there are several.
    step : int, optional
        Step of the horizon to show; the last one by default.
    last : int, optional
        Newest time stamps to show; all of them by default.
    ax : matplotlib Axes, optional
        Where to draw; a new figure of pyplot by default.

    Returns
    -------
    matplotlib Axes

    Raises
    ------
    ValueError
        The target is ambiguous or absent, or the step was not scored.
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
    step = steps.max() if step is None else step
    if step not in steps:
        raise ValueError(f"found step={step}, expected one of {sorted(steps.tolist())}")
    actual = table.drop_duplicates("time").set_index("time")["actual"].sort_index()
    actual = _newest(actual, last)
    table = table[(table["step"] == step) & (table["time"] >= actual.index[0])].set_index("time")

    ax = _new_axes() if ax is None else ax
    ax.plot(_times(actual.index), actual.to_numpy(), label="actual", **ACTUAL)
    label = f"forecast {step} step{'s' if step > 1 else ''} ahead"
    ax.plot(_times(table.index), table["forecast"].to_numpy(), label=label, **AHEAD)
    for level in _coverages(table.columns, ""):
        _band(ax, table[f"lower_{level}"], table[f"upper_{level}"], level, AHEAD["color"])
    return _finish(ax, actual.index, target)


def _targets(forecast: pd.DataFrame) -> pd.Index:
    """Columns of `forecast` but those of its bands and quantiles."""
    if not isinstance(forecast, pd.DataFrame) or forecast.index.nlevels > 1:
        raise TypeError(
            f"found a forecast of type {type(forecast).__name__}, expected the DataFrame that "
            "forecast() returns; pick one series of a panel by .xs()"
        )
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
        column: pd.Series = data[target].astype(float)
        return column
    if not isinstance(data, pd.Series):
        raise TypeError(
            f"found {name} of type {type(data).__name__}, expected a DataFrame or a Series with "
            "the index of the forecast; wrap arrays in a Series"
        )
    return data.astype(float)


def _newest(data: pd.Series, last: int | None) -> pd.Series:
    """Return the `last` rows, or all of them."""
    if last is None:
        return data
    if last < 1:
        raise ValueError(f"found last={last}, expected at least 1 row to show")
    return data.iloc[-last:]


def _times(index: pd.Index) -> np.ndarray:
    """Positions on the x axis. Time stamps go in UTC; the axis knows the time zone."""
    if isinstance(index, pd.DatetimeIndex) and index.tz is not None:
        index = index.tz_convert(None)
    return index.to_numpy()


def _new_axes() -> "Axes":
    try:
        from matplotlib import pyplot
    except ImportError as error:
        raise ImportError(
            'plots need matplotlib. Install it by: pip install "tsrnn[plot]"'
        ) from error
    return pyplot.subplots(figsize=(9, 3.6), layout="constrained")[1]


def _band(ax: "Axes", lower: pd.Series, upper: pd.Series, coverage: str, color: str) -> None:
    label = f"{100 * float(coverage):g} % interval"
    edges = _times(lower.index), lower.to_numpy(), upper.to_numpy()
    ax.fill_between(*edges, color=color, label=label, **BAND)


def _finish(ax: "Axes", index: pd.Index, target: Hashable) -> "Axes":
    """Give the axes a light grid, short dates, and a legend."""
    if isinstance(index, pd.DatetimeIndex):
        from matplotlib.dates import AutoDateLocator, ConciseDateFormatter

        locator = AutoDateLocator(tz=index.tz, minticks=4, maxticks=9)
        ax.xaxis.set_major_locator(locator)
        ax.xaxis.set_major_formatter(ConciseDateFormatter(locator, tz=index.tz))
    else:
        ax.set_xlabel(str(index.name or "row"), color=TEXT)
    ax.set_ylabel(str(target), color=TEXT)
    ax.grid(axis="y", color=FAINT, linewidth=0.8)
    ax.set_axisbelow(True)
    ax.spines[["top", "right", "left"]].set_visible(False)
    ax.spines["bottom"].set_color(FAINT)
    ax.tick_params(color=FAINT, labelcolor=TEXT, length=4)
    ax.tick_params(axis="y", length=0)
    ax.margins(x=0.01, y=0.06)
    handles, labels = ax.get_legend_handles_labels()
    unique = dict(zip(labels, handles, strict=True))  # "actual" once, also of two plots on one axes
    ax.legend(list(unique.values()), list(unique), ncols=len(unique), labelcolor=TEXT, **LEGEND)
    return ax
