"""One HTML file of figures, tables, numbers and the scripts that bring them together.

All that the file needs is in it, and its content security policy keeps a browser from loading
anything else.
"""

import html
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from bokeh.embed import components
from bokeh.resources import Resources

FOLDER = Path(__file__).parent
DASH = "\N{EN DASH}"  # where there is no number
# BokehJS compiles nothing here; data: is what its save tool hands out.
POLICY = (
    "default-src 'none'; script-src 'unsafe-inline'; style-src 'unsafe-inline'; "
    "img-src data: blob:; connect-src {connect}"
)


def render(
    title: str,
    body: str,
    figures: Mapping[str, Any],
    data: Any,
    scripts: Sequence[str],
    *,
    connect: str = "'none'",
) -> str:
    """Return the HTML of a page.

    Parameters
    ----------
    title : str
        Plain text.
    body : str
        HTML, in which ``{{NAME}}`` stands where a figure goes.
    figures : mapping of str to figure
    data : JSON-like
        What scripts find as ``DATA``.
    scripts : sequence of str
        Files of this folder, run in their order when the figures are there.
    connect : str
        Where scripts may connect to, as a content security policy names it.

    Returns
    -------
    str
    """
    script, places = components(dict(figures), wrap_script=False)
    for name, place in places.items():
        body = body.replace("{{" + name + "}}", place)
    bokeh = "\n".join(Resources(mode="inline", components=["bokeh"]).js_raw)
    own = "\n".join((FOLDER / name).read_text(encoding="utf-8") for name in ("page.js", *scripts))
    return "\n".join(
        [
            '<!DOCTYPE html>\n<html lang="en">\n<head>\n<meta charset="utf-8">',
            '<meta http-equiv="Content-Security-Policy" '
            f'content="{POLICY.format(connect=connect)}">',
            '<meta name="viewport" content="width=device-width, initial-scale=1">',
            '<meta name="color-scheme" content="light dark">',
            f"<title>{text(title)}</title>",
            '<link rel="icon" href="data:,">',
            f"<style>{(FOLDER / 'page.css').read_text(encoding='utf-8')}</style>",
            f"</head>\n<body>\n{body}",
            f'<script type="application/json" id="data">{as_json(data)}</script>',
            f"<script>{bokeh}</script>",
            f"<script>{script}</script>",
            f"<script>{own}</script>",
            "</body>\n</html>\n",
        ]
    )


def text(value: Any) -> str:
    """Return a value as HTML shows it, whatever characters are in it.

    Examples
    --------
    >>> text("<b>")
    '&lt;b&gt;'
    """
    return html.escape(str(value))


def as_json(data: Any) -> str:
    r"""Return data as JSON that may stand in a script of HTML.

    Examples
    --------
    >>> as_json({"name": "</script>"})
    '{"name":"\\u003c/script>"}'
    """
    encoded = json.dumps(data, separators=(",", ":"), allow_nan=False)
    return encoded.replace("<", "\\u003c")


def number(value: Any) -> str:
    """Return a number in four digits, and a dash where there is none.

    Examples
    --------
    >>> number(1234.5678), number(0.00012341), number(float("nan"))
    ('1,235', '0.0001234', '–')
    """
    if not np.isfinite(value):
        return DASH
    if abs(value) >= 1000:
        return f"{value:,.0f}"
    return f"{value:.4g}"


def table(frame: pd.DataFrame, *, sortable: bool = False, chosen: str | None = None) -> str:
    """Return a table of HTML.

    Parameters
    ----------
    frame : DataFrame
        Numbers are shown in four digits.
    sortable : bool, default=False
        Whether a click on a heading sorts.
    chosen : str, optional
        Column that holds what a click on a row chooses; it is not shown.
    """
    shown = frame.drop(columns=[] if chosen is None else [chosen])
    numeric = [pd.api.types.is_numeric_dtype(kind) for kind in shown.dtypes]
    heads = "".join(
        f'<th scope="col"{_right(right)}>'
        + (f'<button type="button">{text(name)}</button>' if sortable else text(name))
        + "</th>"
        for name, right in zip(shown.columns, numeric, strict=True)
    )
    keys = [None] * len(frame) if chosen is None else frame[chosen].tolist()
    columns = [shown.iloc[:, place].tolist() for place in range(shown.shape[1])]
    rows = []
    for key, values in zip(keys, zip(*columns, strict=True), strict=True):
        start = "<tr>" if key is None else f'<tr data-key="{text(key)}" tabindex="0">'
        cells = (_cell(value, right) for value, right in zip(values, numeric, strict=True))
        rows.append(start + "".join(cells) + "</tr>")
    kind = ' class="sortable"' if sortable else ""
    return (
        f'<div class="wide"><table{kind}><thead><tr>{heads}</tr></thead>'
        f"<tbody>{''.join(rows)}</tbody></table></div>"
    )


def _cell(value: Any, right: bool) -> str:
    if not right:
        return f"<td>{text(value)}</td>"
    # sorted by the value itself; what is missing comes last
    exact = repr(float(value)) if np.isfinite(value) else ""
    return f'<td class="n" data-value="{exact}">{number(value)}</td>'


def _right(right: bool) -> str:
    return ' class="n"' if right else ""
