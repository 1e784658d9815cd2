"""What pictures share: colours, axes, a light grid, a legend above."""

from collections.abc import Hashable, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

if TYPE_CHECKING:
    from matplotlib.axes import Axes

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
FAINT, TEXT = "#dddddd", "#444444"


# Of Okabe & Ito (2008), for what has no colour of its own.
COLORS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#8a8a8a", "#222222")


def times(index: pd.Index) -> np.ndarray:
    """Positions on the x axis. Time stamps go in UTC; the axis knows the time zone."""
    if isinstance(index, pd.PeriodIndex):
        index = index.to_timestamp()
    if isinstance(index, pd.DatetimeIndex) and index.tz is not None:
        index = index.tz_convert(None)
    return index.to_numpy()


def new_axes(n: int = 1, height: float = 3.6) -> Any:
    """Return new Axes, or an array of n of them, one below the other."""
    try:
        from matplotlib import pyplot
    except ImportError as error:
        raise ImportError(
            'plots need matplotlib. Install it by: pip install "tsrnn[plot]"'
        ) from error
    size = 9, height if n == 1 else 1.2 + (height - 1.2) * 0.8 * n
    return pyplot.subplots(n, figsize=size, layout="constrained", sharex=True)[1]


def axes_for(names: Sequence[Hashable], ax: Any) -> list["Axes"]:
    """Return the axes to draw so many pictures on: those given, or new ones.

    Raises
    ------
    ValueError
        Those given are of another number.
    """
    given: list[Axes] = np.ravel(new_axes(len(names)) if ax is None else ax).tolist()
    if len(given) != len(names):
        raise ValueError(
            f"found {len(given)} axes for {len(names)} pictures ({list(names)[:3]} ...), expected "
            "one for each; pass as many, or leave ax out"
        )
    return given


def as_given(axes: list["Axes"], ax: Any) -> Any:
    """Return one Axes as it is, several as an array."""
    return axes[0] if len(axes) == 1 and np.ndim(ax) == 0 else np.array(axes)


def broken(x: np.ndarray, joined: np.ndarray, *values: np.ndarray) -> list[np.ndarray]:
    """Return x and values with a gap (NaN) before each point that is not joined to the last one."""
    cuts = np.flatnonzero(~joined[1:]) + 1
    between = x[cuts - 1] + (x[cuts] - x[cuts - 1]) / 2
    if x.dtype.kind in "iu":
        x = x.astype(float)
    return [np.insert(x, cuts, between), *(np.insert(y, cuts, np.nan) for y in values)]


def band(
    ax: "Axes", x: np.ndarray, lower: np.ndarray, upper: np.ndarray, share: str, color: str
) -> None:
    """Draw an interval that covers a share of the actuals."""
    label = f"{100 * float(share):g} % interval"
    ax.fill_between(x, lower, upper, color=color, label=label, **BAND)


def finish(ax: "Axes", index: pd.Index, target: Hashable) -> "Axes":
    """Give the axes a light grid, short dates, and a legend."""
    if isinstance(index, pd.PeriodIndex):
        index = index.to_timestamp()
    if isinstance(index, pd.DatetimeIndex):
        from matplotlib.dates import AutoDateLocator, ConciseDateFormatter

        locator = AutoDateLocator(tz=index.tz, minticks=4, maxticks=9)
        ax.xaxis.set_major_locator(locator)
        ax.xaxis.set_major_formatter(ConciseDateFormatter(locator, tz=index.tz))
    else:
        ax.set_xlabel(str(index.name or "row"), color=TEXT)
    return plain(ax, str(target))


def plain(ax: "Axes", ylabel: str) -> "Axes":
    """Give the axes a light grid, and a legend where something has a label."""
    ax.set_ylabel(ylabel, color=TEXT)
    ax.grid(axis="y", color=FAINT, linewidth=0.8)
    ax.set_axisbelow(True)
    ax.spines[["top", "right", "left"]].set_visible(False)
    ax.spines["bottom"].set_color(FAINT)
    ax.tick_params(color=FAINT, labelcolor=TEXT, length=4)
    ax.tick_params(axis="y", length=0)
    ax.margins(x=0.01, y=0.06)
    handles, labels = ax.get_legend_handles_labels()
    unique = dict(zip(labels, handles, strict=True))  # "actual" once, also of two plots on one axes
    if unique:
        ax.legend(list(unique.values()), list(unique), ncols=len(unique), labelcolor=TEXT, **LEGEND)
    return ax
