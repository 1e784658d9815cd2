"""Pictures of how good forecasts were, and of what a model has made of its stream."""

from collections.abc import Hashable, Mapping
from typing import Any

import numpy as np
import pandas as pd

from tsrnn.evaluation.metrics import coverage
from tsrnn.evaluation.results import ALL, PrequentialResult, compare
from tsrnn.plotting.static import _coverages
from tsrnn.plotting.style import (
    ACTUAL,
    COLORS,
    CUTOFF,
    TEXT,
    as_given,
    axes_for,
    finish,
    new_axes,
    plain,
    times,
)

Results = PrequentialResult | Mapping[str, PrequentialResult]
OUTSIDE: dict[str, Any] = {"frameon": False, "labelcolor": TEXT}  # names beside what they name
CHANGES = {  # columns of a drift log, what they say, and where nothing has changed
    "error": ("error, relative", 1.0),
    "level": ("level, standard deviations", 0.0),
    "scale": ("scale, factor", 1.0),
    "phase": ("phase, rows", 0.0),
}


def plot_error_by_step(
    result: Results, *, metric: str = "MAE", target: Hashable = ALL, ax: Any = None
) -> Any:
    """Plot an error against the steps ahead, of one evaluation or of several by name.

    Parameters
    ----------
    result : PrequentialResult, or mapping of str to PrequentialResult
    metric : str, default="MAE"
        Column of ``result.metrics``.
    target : label, default="all"
        Target to show; "all" pools them.
    ax : matplotlib Axes, optional
        Where to draw; a new figure of pyplot by default.

    Returns
    -------
    matplotlib Axes

    Raises
    ------
    ValueError
        The metric or target is not there.
    ImportError
        matplotlib is not installed.

    Examples
    --------
    >>> from matplotlib.figure import Figure
    >>> from tsrnn.baselines import NaiveForecaster
    >>> from tsrnn.evaluate import prequential
    >>> ramp = 2.0 * np.arange(40)
    >>> result = prequential(NaiveForecaster(horizon=3).fit(ramp[:20]), ramp[20:])
    >>> line = plot_error_by_step(result, ax=Figure().subplots()).get_lines()[0]
    >>> line.get_ydata().tolist()
    [2.0, 4.0, 6.0]
    """
    results = _by_name(result)
    curves = {}
    for name, one in results.items():
        _require(metric, one.metrics.columns, "metric")
        _require(target, one.metrics.index.get_level_values("target").unique(), "target")
        values = one.metrics.xs(target, level="target")[metric].drop(ALL)
        curves[name] = values.index.tolist(), values.to_numpy(dtype=float)
    ax = new_axes() if ax is None else ax
    for number, (name, (steps, values)) in enumerate(curves.items()):
        style = {"color": COLORS[number % len(COLORS)], "linewidth": 1.8, "marker": "o"}
        ax.plot(steps, values, label=name or None, markersize=3.5, **style)
    ax.set_xlabel("steps ahead", color=TEXT)
    ax.xaxis.get_major_locator().set_params(integer=True)
    name = metric if target == ALL else f"{metric} of {target}"
    plain(ax, name)
    ax.set_ylim(bottom=0)
    return ax


def plot_calibration(result: Results, *, target: Hashable | None = None, ax: Any = None) -> Any:
    """Plot the share of actuals that intervals held against the share they were asked to hold.

    On the diagonal they are honest; below it too narrow, above it too wide.

    Parameters
    ----------
    result : PrequentialResult, or mapping of str to PrequentialResult
        Evaluated with ``coverage=[0.5, 0.8, 0.95]`` or the like.
    target : label, optional
        Target to show; all of them by default.
    ax : matplotlib Axes, optional
        Where to draw; a new figure of pyplot by default.

    Returns
    -------
    matplotlib Axes

    Raises
    ------
    ValueError
        An evaluation has no intervals, or the target is not there.
    ImportError
        matplotlib is not installed.

    Examples
    --------
    >>> from matplotlib.figure import Figure
    >>> from tsrnn.baselines import NaiveForecaster
    >>> from tsrnn.datasets import load_water_flow
    >>> from tsrnn.evaluate import prequential
    >>> flow = load_water_flow()
    >>> model = NaiveForecaster().fit(flow[:400])
    >>> result = prequential(model, flow[400:500], coverage=[0.5, 0.9])
    >>> ax = plot_calibration(result, ax=Figure().subplots())
    >>> ax.get_lines()[1].get_xdata().tolist()
    [0.5, 0.9]
    """
    curves = {}
    for name, one in _by_name(result).items():
        table = one.forecasts
        if target is not None:
            _require(target, table["target"].unique(), "target")
            table = table[table["target"] == target]
        shares = sorted(_coverages(table.columns, ""), key=float)
        if not shares:
            raise ValueError(
                f"found no intervals in the evaluation {name!r}, expected some; evaluate with "
                "coverage=[0.5, 0.8, 0.95]"
            )
        held = [
            coverage(table["actual"], table[f"lower_{share}"], table[f"upper_{share}"])
            for share in shares
        ]
        curves[name] = [float(share) for share in shares], held
    ax = new_axes() if ax is None else ax
    ax.plot([0, 1], [0, 1], **{**ACTUAL, "linewidth": 1.2}, label="as asked for")
    for number, (name, (asked, held)) in enumerate(curves.items()):
        style = {"color": COLORS[number % len(COLORS)], "linewidth": 1.8, "marker": "o"}
        ax.plot(asked, held, label=name or "held", **style)
    ax.set_xlabel("share of the actuals that intervals are to hold", color=TEXT)
    ax.set_xlim(0, 1)
    plain(ax, "share that they held")
    ax.margins(0.01)
    ax.set_ylim(0, 1.02)
    return ax


def _three_digits(value: float) -> str:
    """Return a number with three digits that count, without an exponent: 2170, 0.0123."""
    return np.format_float_positional(value, precision=3, unique=False, fractional=False, trim="-")


def plot_comparison(
    results: Mapping[str, PrequentialResult], *, metric: str = "MASE", ax: Any = None
) -> Any:
    """Plot the overall error of several evaluations, the smallest on top.

    Parameters
    ----------
    results : mapping of str to PrequentialResult
        As `tsrnn.evaluate.compare` takes them.
    metric : str, default="MASE"
        Column of that table.
    ax : matplotlib Axes, optional
        Where to draw; a new figure of pyplot by default.

    Returns
    -------
    matplotlib Axes

    Raises
    ------
    ValueError
        There are no results, or not that metric.
    ImportError
        matplotlib is not installed.

    Examples
    --------
    >>> from matplotlib.figure import Figure
    >>> from tsrnn.baselines import NaiveForecaster
    >>> from tsrnn.evaluate import prequential
    >>> ramp = 2.0 * np.arange(40)
    >>> results = {
    ...     f"{horizon} steps": prequential(NaiveForecaster(horizon).fit(ramp[:20]), ramp[20:])
    ...     for horizon in (5, 1)
    ... }
    >>> ax = plot_comparison(results, metric="MAE", ax=Figure().subplots())
    >>> [label.get_text() for label in ax.get_yticklabels()]
    ['1 steps', '5 steps']
    """
    table = compare(results)
    _require(metric, table.columns, "metric")
    values = table[metric].sort_values(kind="stable")
    ax = new_axes() if ax is None else ax
    ax.barh(range(len(values)), values.to_numpy(), height=0.62, color=COLORS[0])
    for place, value in enumerate(values):
        ax.annotate(
            _three_digits(value), (value, place), (4, 0), textcoords="offset points",
            va="center", color=TEXT,
        )  # fmt: skip
    plain(ax, "")
    ax.set_yticks(range(len(values)), [str(name) for name in values.index])
    ax.invert_yaxis()
    ax.set_xlabel(metric, color=TEXT)
    ax.grid(visible=False, axis="y")
    ax.margins(x=0.1, y=0.06)
    return ax


def plot_expert_weights(
    model: Any, *, target: Hashable | None = None, id: Hashable | None = None, ax: Any = None
) -> Any:
    """Plot what each expert weighs in a model's forecast, step by step.

    Parameters
    ----------
    model : RNNForecaster
        Fitted.
    target : label, optional
        Needed if there are several.
    id : label, optional
        Of a panel: the series; the mean over all of them by default.
    ax : matplotlib Axes, optional
        Where to draw; a new figure of pyplot by default.

    Returns
    -------
    matplotlib Axes

    Raises
    ------
    ValueError
        The target is ambiguous, or it or the series is not there.
    AttributeError
        The model has no experts.
    ImportError
        matplotlib is not installed.

    Examples
    --------
    >>> from matplotlib.figure import Figure
    >>> from tsrnn import RNNForecaster, datasets
    >>> flow = datasets.load_water_flow()[:300]
    >>> model = RNNForecaster(3, max_iter=3, hidden_size=4, random_state=0).fit(flow)
    >>> plot_expert_weights(model, ax=Figure().subplots()).get_xlabel()
    'steps ahead'
    """
    weights = model.expert_weights_
    if weights.index.nlevels > 2:
        if id is not None:
            _require(id, weights.index.get_level_values(0).unique(), "id")
            weights = weights.xs(id, level=0)
        else:
            weights = weights.groupby(level=["target", "step"], sort=False).mean()
    elif id is not None:
        raise ValueError(f"found id={id!r} and a model of one stream; leave id out")
    targets = weights.index.get_level_values("target").unique()
    if target is None and len(targets) == 1:
        target = targets[0]
    _require(target, targets, "target")
    weights = weights.loc[target]
    ax = new_axes() if ax is None else ax
    bottom = np.zeros(len(weights))
    for number, (name, values) in enumerate(weights.items()):
        color = COLORS[number % len(COLORS)]
        width = 1.0 if len(weights) > 48 else 0.85
        ax.bar(weights.index, values, width, bottom, label=str(name), color=color, alpha=0.85)
        bottom += values.to_numpy()
    ax.set_xlabel("steps ahead", color=TEXT)
    ax.xaxis.get_major_locator().set_params(integer=True)
    plain(ax, f"weight in the forecast of {target}")
    ax.legend(loc="center left", bbox_to_anchor=(1, 0.5), reverse=True, **OUTSIDE)
    ax.set_ylim(0, 1)
    return ax


def plot_drift(model: Any, *, target: Hashable | None = None, ax: Any = None) -> Any:
    """Plot the changes that a model has noted: of error, level, scale and phase.

    Parameters
    ----------
    model : forecaster
        Fitted, of one stream or a panel.
    target : label, optional
        Target to show; all of them by default.
    ax : array of matplotlib Axes, optional
        Where to draw, one for each of error, level, scale and phase that the log has; a new figure
        of pyplot by default.

    Returns
    -------
    array of Axes, or Axes where the log has errors alone

    Raises
    ------
    ValueError
        The target is not there, or nothing was noted.
    AttributeError
        The model has no drift log.
    ImportError
        matplotlib is not installed.

    Examples
    --------
    >>> from matplotlib.figure import Figure
    >>> from tsrnn import RNNForecaster, datasets
    >>> flow = datasets.load_water_flow()[:500]
    >>> model = RNNForecaster(3, max_iter=3, hidden_size=4, random_state=0).fit(flow[:300])
    >>> jumped = flow[300:] + 100.0
    >>> axes = plot_drift(model.partial_fit(jumped), ax=Figure().subplots(4))
    >>> [ax.get_ylabel().split(",")[0] for ax in axes]
    ['error', 'level', 'scale', 'phase']
    """
    log = model.drift_log_
    if target is not None:
        _require(target, log["target"].unique(), "target")
        log = log[log["target"] == target]
    if log.empty:
        raise ValueError("found no change in drift_log_, expected one at least: nothing to show")
    shown = [name for name in CHANGES if name in log]
    axes = axes_for(shown, ax)
    leading = list(log.columns[: list(log.columns).index("time")])  # the id, of a panel
    by = [name for name in [*leading, "target"] if len(log[name].unique()) > 1]
    groups = list(log.groupby(by[0] if len(by) == 1 else by, sort=False)) if by else [("", log)]
    for one, name in zip(axes, shown, strict=True):
        label, unchanged = CHANGES[name]
        one.axhline(unchanged, **CUTOFF)
        for number, (group, rows) in enumerate(groups):
            color = COLORS[number % len(COLORS)]
            if number >= len(COLORS):  # further ones would have the colours of others
                color = COLORS[-1]
            called = ", ".join(map(str, group)) if isinstance(group, tuple) else str(group)
            x = times(pd.Index(rows["time"]))
            style: dict[str, Any] = {"color": color, "linewidth": 1.2, "marker": "o"}
            keep = number < len(COLORS) - 1
            one.plot(x, rows[name].to_numpy(dtype=float), drawstyle="steps-post",
                     label=called if keep and called else None, **style)  # fmt: skip
        finish(one, pd.Index(log["time"]), label)
        legend = one.get_legend()
        if one is not axes[0] and legend is not None:
            legend.remove()
    return as_given(axes, ax)


def _by_name(result: Results) -> dict[str, PrequentialResult]:
    if isinstance(result, Mapping):
        if not result:
            raise ValueError("found no results, expected some by name: {'name': result}")
        return {str(name): one for name, one in result.items()}
    return {"": result}


def _require(found: Any, known: Any, what: str) -> None:
    if found not in list(known):
        raise ValueError(f"found {what}={found!r}, expected one of {list(known)}; pass one")
