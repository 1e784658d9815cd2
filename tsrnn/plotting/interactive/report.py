"""The report of an evaluation: one HTML file that needs nothing from outside."""

import os
from typing import Any

import numpy as np
import pandas as pd
from bokeh.models import Span

from tsrnn.evaluation.results import compare
from tsrnn.persistence.atomic import replacing
from tsrnn.persistence.environment import environment
from tsrnn.plotting.interactive import figures, numbers
from tsrnn.plotting.interactive.page import DASH, number, render, table, text
from tsrnn.plotting.style import ACTUAL

NEWEST = 100  # rows of the tables of drift and outliers
LEAST = 20  # rows with the least p-values


def write(
    results: numbers.Results, path: str | os.PathLike[str], *, title: str | None = None
) -> None:
    """Write the report of evaluations to a file of HTML.

    Parameters
    ----------
    results : mapping of str to PrequentialResult
        The first one is shown in full, the others stand beside it.
    path : str or Path
        Replaced as a whole.
    title : str, optional

    Raises
    ------
    ValueError
        An evaluation holds no forecast.
    OSError
        The file cannot be written.
    """
    page = html(results, title)
    with replacing(path) as file:
        file.write(page.encode())


def html(results: numbers.Results, title: str | None = None) -> str:
    """Return the report of evaluations as HTML; see :func:`write`."""
    tables = {name: numbers.Tables.of(result) for name, result in results.items()}
    main = next(iter(results))
    parts = _Parts(results, tables, main)
    title = f"Evaluation of {main}" if title is None else title
    body = parts.body(title)
    shown = {fig.name: fig for fig in parts.figures}
    return render(title, body, shown, {**parts.data, "n_figures": len(shown)}, ["report.js"])


class _Parts:
    """The sections of a report, and what their figures are filled with."""

    def __init__(self, results: numbers.Results, tables: dict[str, numbers.Tables], main: str):
        self.results, self.tables, self.main = results, tables, main
        self.result, self.table = results[main], tables[main]
        self.dated = self.table.is_dated
        self.figures: list[Any] = []
        self.data: dict[str, Any] = {
            "models": list(results),
            "shares": self.table.shares,
            "dated": self.dated,
        }

    def body(self, title: str) -> str:
        sections = [
            self._head(title), self._comparison(), self._forecasts(), self._errors(),
            self._calibration(), self._experts(), self._changes(), self._unusual(),
            self._settings(),
        ]  # fmt: skip
        return "\n".join(sections)

    def _figure(self, fig: Any) -> str:
        self.figures.append(fig)
        return f'{figures.legend(fig)}<div class="figure">{{{{{fig.name}}}}}</div>'

    # --- sections ---------------------------------------------------------------------------------

    def _head(self, title: str) -> str:
        result, frame = self.result, self.table.frame
        overall = compare(self.results).loc[self.main]
        n_steps, n_origins = int(frame["step"].max()), frame["cutoff"].nunique()
        n_series = len(self.table.keys)
        series = f"{n_series:,} series, " if n_series > 1 else ""
        cards = [
            *((name, number(overall[name])) for name in ("MAE", "RMSE", "MASE", "sMAPE")),
            *(
                (f"held by {100 * float(s):g} % intervals", _percent(overall[f"coverage_{s}"]))
                for s in self.table.shares
            ),
            ("forecasts scored", f"{int(frame['actual'].notna().sum()):,}"),
            ("µs a row", number(1e6 * result.seconds_per_row)),
        ]  # fmt: skip
        zone = getattr(frame["time"].dt, "tz", None) if self.dated else None
        caption = (
            f"{series}{n_origins:,} origin{'s' if n_origins > 1 else ''} from "
            f"{frame['cutoff'].min()} to {frame['cutoff'].max()}, {n_steps} "
            f"step{'s' if n_steps > 1 else ''} ahead."
        )
        if zone is not None:
            caption += f" Times are those of {zone}."
        return (
            f"<header><div><h1>{text(title)}</h1><p>{text(caption)}</p></div>"
            '<button type="button" id="theme" title="dark or light" aria-label="dark or light">'
            "◐</button></header>"
            "<noscript>The figures of this page need JavaScript.</noscript>"
            f'<div class="cards">{"".join(_card(*card) for card in cards)}</div>'
        )

    def _comparison(self) -> str:
        if len(self.results) < 2:
            return ""
        overall = compare(self.results)
        overall.insert(0, "model", overall.index)
        for place, name in ((5, "n_scored"), (6, "µs a row")):
            values = (
                1e6 * overall.pop("seconds_per_row") if name != "n_scored" else overall.pop(name)
            )
            overall.insert(place, name, values)
        return (
            "<section><h2>Models side by side</h2><p>Over all targets and steps. Models are "
            "comparable where they scored the same forecasts: see n_scored.</p>"
            f"{table(overall, sortable=True)}</section>"
        )

    def _forecasts(self) -> str:
        errors = numbers.series_errors(self.table, getattr(self.result.model, "naive_error_", None))
        places = numbers.sample(len(errors), numbers.MOST_SERIES)
        shown = [int(place) for place in errors.index[places]]
        names = self.table.labels()
        keys = [tuple(key) for key in self.table.keys.to_numpy(dtype=object)[shown]]
        n_blocks = len(shown) * len(self.results)
        self.data["series"] = [names[place] for place in shown]
        self.data["paths"] = [
            numbers.paths(tables, _places_of(keys, tables), n_blocks)
            for tables in self.tables.values()
        ]
        self.data["last_step"] = int(self.table.frame["step"].max())
        fig = figures.forecasts(self.table.shares, self.dated, ahead=True)
        self.targets = list(dict.fromkeys(target for _, target in keys))
        caption = "Forecasts as they were issued at one origin; move the slider to see another."
        blocks = [block for model in self.data["paths"] for block in model]
        if any(len(block["cutoffs"]) < block["n"] for block in blocks):
            caption += (
                f" Of {max(b['n'] for b in blocks):,} origins, "
                f"{max(len(b['cutoffs']) for b in blocks):,} evenly spread ones are in this file."
            )
        return (
            f"<section><h2>Forecasts</h2><p>{caption}</p>"
            '<div class="controls"><label>series<select id="series"></select></label>'
            '<label>model<select id="model"></select></label>'
            '<label>also those of one distance<select id="ahead"></select></label>'
            '<label>shown<select id="span"></select></label></div>'
            '<div class="controls"><label class="grow"><span id="origin-name">origin</span>'
            '<span class="row"><button type="button" id="before" aria-label="origin before">'
            '&lsaquo;</button><input type="range" id="origin" min="0" step="1">'
            '<button type="button" id="after" aria-label="origin after">&rsaquo;</button>'
            "</span></label>"
            f"</div>{self._figure(fig)}</section>{self._series(errors, shown, names)}"
        )

    def _series(self, errors: pd.DataFrame, shown: list[int], names: list[str]) -> str:
        if len(errors) < 2:
            return ""
        listed = errors.iloc[numbers.sample(len(errors), numbers.MOST_LISTED)]
        places = {number: str(place) for place, number in enumerate(shown)}
        listed = listed.assign(key=[places.get(number, "") for number in listed.index])
        listed.insert(0, "series", [names[number] for number in listed.index])
        caption = "The worst first; click a heading to sort, a row to see its forecasts."
        if len(listed) < len(errors):
            n_worst = numbers.MOST_LISTED // 2
            caption = (
                f"Of {len(errors):,} series, this file holds the worst {n_worst} and "
                f"{len(listed) - n_worst} spread evenly over the others. {caption}"
            )
        if len(shown) < len(errors):
            caption += f" Forecasts are here of {len(shown)}: of the worst, and of a sample."
        return (
            f"<section><h2>Series</h2><p>{caption}</p><div id='series-table'>"
            f"{table(listed, sortable=True, chosen='key')}</div></section>"
        )

    def _errors(self) -> str:
        models = list(self.results)
        self.data["by_step"] = [numbers.by_step(r, self.targets) for r in self.results.values()]
        self.data["targets"] = ["all", *map(str, self.targets)]
        self.data["over_time"] = [numbers.over_time(tables) for tables in self.tables.values()]
        step = figures.lines("by_step", models, dated=False, x_axis_label="steps ahead")
        time = figures.lines("over_time", models, dated=self.dated, dots=2.5)
        for x in self._drift_times():
            time.add_layout(Span(dimension="height", location=x, line_color="#CC79A7",
                                 line_dash="dashed", line_width=1))  # fmt: skip
        return (
            '<div class="two"><section><h2>Error by step</h2>'
            '<div class="controls"><label>metric<select id="metric"></select></label>'
            '<label>target<select id="target"></select></label></div>'
            f"{self._figure(step)}</section>"
            "<section><h2>Error over time</h2>"
            '<div class="controls"><label>mean absolute error of<select id="steps"></select>'
            f"</label></div>{self._figure(time)}</section></div>"
        )

    def _calibration(self) -> str:
        held = {name: numbers.calibration(tables) for name, tables in self.tables.items()}
        held = {name: rows for name, rows in held.items() if len(rows)}
        if not held:
            return (
                "<section><h2>Calibration</h2><p>Evaluated without intervals; ask for them by "
                "coverage=[0.5, 0.8, 0.95].</p></section>"
            )
        fig = figures.lines(
            "calibration", list(held), dated=False, x_range=(0, 1), y_range=(0, 1.02),
            x_axis_label="share asked for", y_axis_label="share held",
        )  # fmt: skip
        fig.line([0, 1], [0, 1], color=ACTUAL["color"], line_dash="dotted")
        self.data["calibration"] = [
            {"x": rows["asked"].tolist(), "y": numbers.rounded(rows["held"].to_numpy(dtype=float))}
            for rows in held.values()
        ]
        several = len(held) > 1
        rows = pd.concat([r.assign(model=name) for name, r in held.items()])
        rows = rows[[*(["model"] if several else []), "asked", "held", "mean width"]]
        return (
            "<section><h2>Calibration</h2><p>On the dotted line intervals hold as many values as "
            "they were asked to; below it they are too narrow, above it too wide.</p>"
            f'<div class="two"><section>{self._figure(fig)}</section>'
            f"<section>{table(rows)}</section></div></section>"
        )

    def _experts(self) -> str:
        weights = numbers.experts(self.result.model)
        weights = {target: weights[target] for target in self.targets if target in weights}
        if not weights:
            return ""
        fig = figures.stacked("experts", [str(name) for name in next(iter(weights.values()))])
        fig.xaxis.axis_label = "steps ahead"
        self.data["experts"] = {
            "targets": [str(target) for target in weights],
            "steps": [int(step) for step in next(iter(weights.values())).index],
            "weights": [
                [numbers.rounded(column) for column in rows.to_numpy(dtype=float).T]
                for rows in weights.values()
            ],
        }
        mean = " (the mean over all series)" if self.table.keys["id"].notna().any() else ""
        return (
            f"<section><h2>Experts</h2><p>What each weighs in the newest forecast{mean}.</p>"
            '<div class="controls"><label>target<select id="experts-target"></select></label></div>'
            f"{self._figure(fig)}</section>"
        )

    def _changes(self) -> str:
        model, sections = self.result.model, []
        for heading, caption, name in (
            ("Drift", "Changes that the model noted in its stream, the newest first; dashed lines "
             "in the error over time.", "drift_log_"),
            ("Outliers", "Values that the model took for missing, or came to believe, the newest "
             "first.", "outliers_"),
        ):  # fmt: skip
            log = getattr(model, name, None)
            if log is None:
                continue
            newest = log.iloc[::-1].iloc[:NEWEST]
            if len(log) > NEWEST:
                caption += f" {NEWEST} of {len(log):,} are shown."
            content = table(newest) if len(log) else "<p>None.</p>"
            sections.append(f"<section><h2>{heading}</h2><p>{caption}</p>{content}</section>")
        return "".join(sections)

    def _unusual(self) -> str:
        rows = self.result.forecasts
        if "p_value" not in rows or rows["p_value"].isna().all():
            return ""
        names = ["id", "time", "target", "actual", "forecast", "p_value"]
        found = rows[[name for name in names if name in rows]].nsmallest(LEAST, "p_value")
        return (
            "<section><h2>Unusual rows</h2><p>Those with the least p-values, under the forecast of "
            f"the row before. Of {rows['p_value'].count():,} rows, one in a thousand is below "
            f"0.001 by chance.</p>{table(found)}</section>"
        )

    def _drift_times(self) -> list[float]:
        log = getattr(self.result.model, "drift_log_", None)
        if log is None or not len(log):
            return []
        times, shown = numbers.on_axis(log["time"]), numbers.on_axis(self.table.frame["time"])
        inside = (times >= shown.min()) & (times <= shown.max())
        return [float(x) for x in np.unique(times[inside])[-NEWEST:]]

    def _settings(self) -> str:
        model, about = self.result.model, environment()
        params = model.get_params() if hasattr(model, "get_params") else {}
        settings = pd.DataFrame(
            {"parameter": list(params), "value": [_shown(value) for value in params.values()]}
        )
        versions = {**about["versions"], "machine": about["machine"], "kernels": about["kernels"]}
        installed = pd.DataFrame({"package": list(versions), "version": list(versions.values())})
        return (
            f'<div class="two"><section><h2>Settings of {text(type(model).__name__)}</h2>'
            f"{table(settings)}</section><section><h2>Versions</h2>{table(installed)}</section></div>"
        )


def _places_of(keys: list[tuple[Any, Any]], tables: numbers.Tables) -> list[int]:
    """Return the numbers of series, as another evaluation has them; -1 where it lacks one."""
    known = {tuple(key): place for place, key in enumerate(tables.keys.to_numpy(dtype=object))}
    return [known.get(key, -1) for key in keys]


def _card(name: str, value: str) -> str:
    return f'<div class="card"><b>{text(value)}</b><span>{text(name)}</span></div>'


def _percent(share: Any) -> str:
    return f"{100 * share:.1f} %" if np.isfinite(share) else DASH


def _shown(value: Any) -> str:
    shown = repr(value)
    return shown if len(shown) <= 200 else shown[:199] + "…"
