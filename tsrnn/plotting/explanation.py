"""A picture of what a forecast is made of."""

from collections.abc import Hashable
from typing import Any

import numpy as np
import pandas as pd

from tsrnn.plotting.scores import OUTSIDE, _require
from tsrnn.plotting.style import COLORS, TEXT, new_axes, plain

MOST = 7  # parts that are shown by name, the largest ones


def plot_explanation(
    explanation: pd.DataFrame,
    *,
    target: Hashable | None = None,
    id: Hashable | None = None,
    ax: Any = None,
) -> Any:
    """Plot what a forecast is made of, step by step: the level, and what the parts add to it.

    What raises the forecast is stacked above the level, what lowers it below; the line is the
    forecast. The largest parts have a name, the others are shown together.

    Parameters
    ----------
    explanation : DataFrame
        What ``explain`` returned.
    target : label, optional
        Needed if there are several.
    id : label, optional
        Of a panel: the series; needed if there are several.
    ax : matplotlib Axes, optional
        Where to draw; a new figure of pyplot by default.

    Returns
    -------
    matplotlib Axes

    Raises
    ------
    ValueError
        The target or series is ambiguous, or not there.
    ImportError
        matplotlib is not installed.

    Examples
    --------
    >>> from matplotlib.figure import Figure
    >>> from tsrnn import RNNForecaster, datasets
    >>> flow = datasets.load_water_flow()[:300]
    >>> model = RNNForecaster(3, max_iter=3, hidden_size=4, random_state=0).fit(flow)
    >>> plot_explanation(model.explain(), ax=Figure().subplots()).get_xlabel()
    'steps ahead'
    """
    parts = explanation
    if parts.index.nlevels > 2:
        parts = _one_of(parts, id, "id")
    elif id is not None:
        raise ValueError(f"found id={id!r} and an explanation of one stream; leave id out")
    targets = parts.index.get_level_values("target").unique()
    target = targets[0] if target is None and len(targets) == 1 else target
    parts = _one_of(parts, target, "target")
    level, others = parts["level"], parts.drop(columns="level")
    size = others.abs().mean().sort_values(ascending=False, kind="stable")
    shown = others[size.index[:MOST][size.iloc[:MOST] > 0.0]]
    rest = others.drop(columns=shown.columns).sum(axis=1)
    if rest.abs().max() > 0.0:
        shown = shown.assign(**{"all others": rest})
    ax = new_axes() if ax is None else ax
    width = 1.0 if len(parts) > 48 else 0.85
    above, below = level.to_numpy(copy=True), level.to_numpy(copy=True)
    for number, (name, values) in enumerate(shown.items()):
        added = values.to_numpy()
        up, down = np.maximum(added, 0.0), np.minimum(added, 0.0)
        color = COLORS[number % len(COLORS)]
        ax.bar(parts.index, up, width, above, label=str(name), color=color, alpha=0.85)
        ax.bar(parts.index, down, width, below, color=color, alpha=0.85)
        above, below = above + up, below + down
    ax.step(parts.index, level, where="mid", color=TEXT, linestyle="--", label="level")
    forecast = parts.sum(axis=1)
    ax.plot(parts.index, forecast, color=TEXT, marker="o", markersize=3, label="forecast")
    low, high = min(below.min(), forecast.min()), max(above.max(), forecast.max())
    margin = 0.08 * max(high - low, 1e-9)
    ax.set_ylim(low - margin, high + margin)
    ax.set_xlabel("steps ahead", color=TEXT)
    ax.xaxis.get_major_locator().set_params(integer=True)
    plain(ax, f"what the forecast of {target} is made of")
    ax.legend(loc="center left", bbox_to_anchor=(1, 0.5), **OUTSIDE)
    return ax


def _one_of(parts: pd.DataFrame, wanted: Hashable | None, what: str) -> pd.DataFrame:
    """Return the rows of one series or target, which is the first level."""
    known = parts.index.get_level_values(0).unique()
    wanted = known[0] if wanted is None and len(known) == 1 else wanted
    _require(wanted, known, what)
    return parts[parts.index.get_level_values(0) == wanted].droplevel(0)
