"""Figures of pages. Their data sources have names, by which a page's script fills them.

Backgrounds are transparent, and ``page.js`` paints axes for a dark or a light page.
"""

import html
from collections.abc import Sequence
from typing import Any, NamedTuple

from bokeh.models import ColumnDataSource, DataRange1d, HoverTool, Span
from bokeh.plotting import figure

from tsrnn.plotting.style import ACTUAL, AHEAD, COLORS, ISSUED

HEIGHT = 300  # pixels
TOOLS = "xpan,xwheel_zoom,xbox_zoom,reset,save"
DATED = {"@x": "datetime"}
HUES = COLORS[:-1]  # seen on a dark page too
ALPHAS = 0.34, 0.24, 0.16, 0.12  # of bands, the narrowest first


def plain(name: str, *, dated: bool = False, height: int = HEIGHT, **options: Any) -> figure:
    """Return an empty figure over time (`dated`) or numbers."""
    kind = "datetime" if dated else "linear"
    new = figure(
        name=name, height=height, sizing_mode="stretch_width", tools=TOOLS, x_axis_type=kind,
        background_fill_color=None, border_fill_color=None, outline_line_color=None, **options,
    )  # fmt: skip
    new.toolbar.logo = None
    new.toolbar.active_drag = None  # a finger is to scroll the page
    new.xgrid.visible = False
    new.yaxis.formatter.use_scientific = False
    return new


def source(name: str, *columns: str) -> ColumnDataSource:
    """Return a source of data; its one point, without which BokehJS complains, is replaced."""
    return ColumnDataSource({column: [0.0] for column in columns}, name=name)


class Entry(NamedTuple):
    """What a legend says of something drawn; a click on it hides what is tagged with its name."""

    name: str
    label: str
    color: str
    alpha: float = 1.0


def legend(fig: figure) -> str:
    """Return the legend of a figure as HTML, which breaks its line on a phone."""
    entries = [Entry(*entry) for entry in fig.tags]
    buttons = (
        f'<button type="button" aria-pressed="true" data-figure="{fig.name}" data-name="{e.name}">'
        f'<i style="background:{e.color};opacity:{e.alpha}"></i>{html.escape(e.label)}</button>'
        for e in entries
    )
    return f'<div class="legend">{"".join(buttons)}</div>' if len(entries) > 1 else ""


def hover(fig: figure, glyphs: Sequence[Any], dated: bool, *values: tuple[str, str]) -> None:
    """Show the values of a point near the pointer."""
    x = ("time", "@x{%F %H:%M}") if dated else ("row", "@x{0}")
    formatters = DATED if dated else {}
    fig.add_tools(
        HoverTool(renderers=list(glyphs), tooltips=[x, *values], formatters=formatters,
                  mode="vline", visible=False)
    )  # fmt: skip


def forecasts(shares: Sequence[str], dated: bool, *, ahead: bool) -> figure:
    """Return a figure of actual values and the path issued at one origin, with its intervals.

    Sources: ``actual`` (x, y), ``path`` (x, y), ``band_0.9`` (x, lower, upper) for each share,
    ``origin`` (x); and ``ahead`` (x, y), forecasts of one distance, if asked for.
    """
    fig = plain("forecasts", dated=dated, height=360, window_axis="x", x_range=(0, 1))
    grey, orange, blue = ACTUAL["color"], ISSUED["color"], AHEAD["color"]
    entries = [Entry("actual", "actual", grey), Entry("path", "forecast", orange)]
    shares = sorted(shares, key=float)
    for number, share in reversed(list(enumerate(shares))):  # the widest lies behind
        name, alpha = f"band_{share}", ALPHAS[min(number, len(ALPHAS) - 1)]
        data = source(name, "x", "lower", "upper")
        fig.varea("x", "lower", "upper", source=data, tags=[name], color=orange, alpha=alpha)
        label = f"{100 * float(share):g} % interval"
        entries.insert(2, Entry(name, label, orange, min(1.0, 2 * alpha)))
    actual = fig.line(
        "x", "y", source=source("actual", "x", "y"), tags=["actual"], color=grey, width=2
    )
    points = source("points", "x", "y")
    fig.scatter("x", "y", source=points, tags=["actual"], size=4, color=grey)
    if ahead:
        data = source("ahead", "x", "y")
        fig.scatter("x", "y", source=data, tags=["ahead"], size=4, color=blue)
        entries.append(Entry("ahead", "forecasts of one distance", blue))
    path = fig.line("x", "y", source=source("path", "x", "y"), tags=["path"], color=orange, width=2)
    points = source("path_points", "x", "y")
    fig.scatter("x", "y", source=points, tags=["path"], size=4, color=orange)
    fig.add_layout(
        Span(dimension="height", name="origin", location=0, line_color=ACTUAL["color"],
             line_dash="dotted", line_width=1, visible=False)
    )  # fmt: skip
    fig.tags = entries
    hover(fig, [actual], dated, ("actual", "@y{0,0.[000]}"))
    hover(fig, [path], dated, ("forecast", "@y{0,0.[000]}"))
    return fig


def lines(
    name: str, labels: Sequence[str], dated: bool, *, dots: float = 4, **options: Any
) -> figure:
    """Return a figure of a line for each label; sources ``NAME_0``, ``NAME_1``, ... (x, y)."""
    fig = plain(name, dated=dated, **{"y_range": DataRange1d(start=0), **options})
    for number, label in enumerate(labels):
        entry = Entry(f"{name}_{number}", label, HUES[number % len(HUES)])
        data = source(entry.name, "x", "y")
        line = fig.line("x", "y", source=data, tags=[entry.name], color=entry.color, width=2)
        fig.scatter("x", "y", source=data, tags=[entry.name], color=entry.color, size=dots)
        hover(fig, [line], dated, (label, "@y{0,0.[0000]}"))
        fig.tags.append(entry)
    return fig


def stacked(name: str, labels: Sequence[str]) -> figure:
    """Return a figure of stacked bars; sources ``NAME_0``, ... (x, bottom, top)."""
    fig = plain(name, y_range=(0, 1))
    for number, label in enumerate(labels):
        entry = Entry(f"{name}_{number}", label, HUES[number % len(HUES)])
        data = source(entry.name, "x", "bottom", "top")
        fig.vbar("x", 0.9, "top", "bottom", source=data, tags=[entry.name], color=entry.color)
        fig.tags.append(entry)
    return fig
