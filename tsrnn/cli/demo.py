"""``tsrnn demo``: a stream whose level falls, forecast row by row by a model that learns.

Beside it go a frozen copy of it and simple forecasters. A terminal shows them as they go; in the
end there are a table, a picture, and what the model noted.
"""

import copy
import math
import sys
import time
from collections import deque
from pathlib import Path

import numpy as np
import pandas as pd

from tsrnn.cli.options import whole_number
from tsrnn.datasets import load_pedestrians
from tsrnn.estimators.baselines import LinearForecaster, SeasonalNaiveForecaster
from tsrnn.estimators.forecaster import RNNForecaster
from tsrnn.evaluation.metrics import mae
from tsrnn.evaluation.results import ForecastLog
from tsrnn.plotting.style import ACTUAL, AHEAD, COLORS, CUTOFF, band, finish, times

SENSOR = "188 Quay Street Lower Albert (NS)"
START, SHIFT = "2023-12-01", pd.Timestamp("2024-03-20")  # about half the people from then on
HORIZON = 24  # hours
WEEK = 7 * HORIZON
HISTORY = 2000  # rows to fit on
MAX_WEEKS = 18
COVERAGE = 0.9
LEARNING, FROZEN = "RNNForecaster, learning", "RNNForecaster, frozen"
EVERY = 0.12  # seconds between two looks of a terminal at the stream
BARS, PLAIN_BARS = "▁▂▃▄▅▆▇█", "_.-:=+*#"
NEXT = """\
What next:
  tsrnn fit data.csv --time time --target y --horizon 24 -o m.tsrnn    a model of your own rows
  tsrnn stream m.tsrnn --input data.csv --follow                       let it learn as they come
  tsrnn stream m.tsrnn --live 127.0.0.1:8765                           and watch it in a browser
  tsrnn evaluate m.tsrnn later.csv --report report.html                see how good it is"""


def demo(output, weeks, seed):
    """Stream weeks of hourly counts through every forecaster; print and draw the result.

    Parameters
    ----------
    output : Path
        Of the picture; its suffix is the format.
    weeks : int
    seed : int

    Returns
    -------
    int
        Exit code.
    """
    try:
        import matplotlib.figure
        import rich.console
    except ImportError:
        return _fail('the demo needs rich and matplotlib: pip install "tsrnn[cli,plot]"')
    figure = matplotlib.figure.Figure(figsize=(10, 6), dpi=150, layout="constrained")
    problem = _cannot_write(output, figure.canvas.get_supported_filetypes())
    if problem:
        return _fail(problem)

    rows = load_pedestrians(SENSOR).loc[START:].set_axis(["people"], axis=1)
    history, stream = rows[:HISTORY], rows[HISTORY : HISTORY + weeks * WEEK]
    console = rich.console.Console(highlight=False)
    console.print(
        f"People an hour at 188 Quay Street, Auckland: fit on {len(history):,} rows,\n"
        f"then stream {len(stream):,} ({weeks} week{'s' if weeks > 1 else ''}). After each row: "
        f"learn from it, then forecast the\nnext {HORIZON} hours, with an interval for "
        f"{100 * COVERAGE:g} %. On {SHIFT:%d %B %Y} the level halves."
    )
    runs = _stream_all(_runs(seed, stream), history, stream)
    results = {run.name: run.log.result(run.model, run.seconds / len(stream)) for run in runs}
    console.print(_table(results, console.options.ascii_only))
    console.print(_noted(results[LEARNING].model, stream.index[0]))
    _draw(figure, results)
    figure.savefig(output, format=_format(output))
    console.print(f"Picture: {output}\n", soft_wrap=True)
    console.print(NEXT, soft_wrap=True)
    return 0


def add(commands):
    """Add the command to the parser of ``tsrnn``."""
    parser = commands.add_parser(
        "demo",
        help="watch a model learn through a change of its stream, beside simpler ones",
        description="Fit forecasters on hourly counts of people, then forecast and learn row by "
        "row, through the day from which only half of them come. Prints a table of errors and "
        "saves a picture.",
        epilog="example: tsrnn demo --weeks 5 --output people.png",
    )
    parser.add_argument(
        "--output",
        type=Path,
        default=Path("tsrnn-demo.png"),
        metavar="PATH",
        help="where to save the picture; .png, .svg, .pdf ... (default: %(default)s)",
    )
    parser.add_argument(
        "--weeks",
        type=whole_number(1, MAX_WEEKS),
        default=9,
        metavar="N",
        help=f"weeks to stream, 1 to {MAX_WEEKS} (default: %(default)s)",
    )
    parser.add_argument(
        "--seed",
        type=whole_number(0, 2**32 - 1),
        default=0,
        metavar="N",
        help="of the network's first weights (default: %(default)s)",
    )
    return parser


def run(args):
    """Run the command; return its exit code."""
    return demo(args.output, args.weeks, args.seed)


class Run:
    """A forecaster on its way through the stream, and how good it was so far.

    What a terminal sees is the error of the forecast that was issued a day ahead of each row, and
    whether its interval held the row.
    """

    def __init__(self, name, model, stream, learns=True):
        self.name, self.model, self.learns, self.seconds = name, model, learns, 0.0
        self.log = ForecastLog(stream, len(stream), [COVERAGE])
        self.errors, self.held, self.n_held = deque(maxlen=WEEK), 0, 0
        self._ahead = deque(maxlen=HORIZON)  # of the rows to come: forecast, lower, upper

    def walk(self, place, row):
        """Forecast, then take in the row at this place of the stream."""
        begin = time.perf_counter()
        self.forecast = self.model.forecast(coverage=COVERAGE)
        cutoff = self.model.cutoff_
        (self.model.partial_fit if self.learns else self.model.update)(row)
        self.seconds += time.perf_counter() - begin
        self.log.add(place, cutoff, self.forecast)
        self._ahead.append(self.forecast.to_numpy()[-1])
        actual = row.to_numpy()[0, 0]
        if len(self._ahead) == HORIZON and np.isfinite(actual):
            forecast, lower, upper = self._ahead[0]
            self.errors.append(abs(actual - forecast))
            self.held += lower <= actual <= upper
            self.n_held += 1


def _runs(seed, stream):
    model = RNNForecaster(HORIZON, lower=0, random_state=seed)
    return [
        Run(LEARNING, model, stream),
        Run(FROZEN, model, stream, learns=False),  # of the same model, once it is fitted
        Run("LinearForecaster", LinearForecaster(HORIZON), stream),
        Run("the hour a week ago", SeasonalNaiveForecaster(HORIZON, season=WEEK), stream),
    ]


def _stream_all(runs, history, stream):
    """Fit and stream all forecasters side by side, under a live view if that is a terminal."""
    from rich.console import Console
    from rich.live import Live

    console = Console(stderr=True, highlight=False)
    console.quiet = not console.is_terminal
    view = _View(runs, stream, console.options.ascii_only)
    with Live(view.fitting(history), console=console, transient=True, auto_refresh=False) as live:
        learning, frozen, *others = runs
        for run in (learning, *others):
            run.model.fit(history)
        frozen.model = copy.deepcopy(learning.model)
        seen = view.started = time.perf_counter()
        for place in range(len(stream)):
            row = stream[place : place + 1]
            for run in runs:
                run.walk(place, row)
            if console.is_terminal and time.perf_counter() - seen > EVERY:
                live.update(view.of(place + 1), refresh=True)
                seen = time.perf_counter()
    return runs


class _View:
    """What a terminal shows while the stream runs."""

    def __init__(self, runs, stream, ascii_only):
        self._runs, self._stream = runs, stream
        self._bars = PLAIN_BARS if ascii_only else BARS

    def fitting(self, history):
        from rich.text import Text

        return Text(f"fitting {len(history):,} rows ...", style="dim")

    def of(self, n_rows):
        """Return what is shown after so many rows."""
        from rich.console import Group
        from rich.table import Table
        from rich.text import Text

        learning, total = self._runs[0], len(self._stream)
        rate = n_rows / (time.perf_counter() - self.started)
        past = self._stream["people"].to_numpy()[max(0, n_rows - 2 * HORIZON) : n_rows]
        ahead = learning.forecast["people"].to_numpy()
        most = max(np.nanmax(past, initial=0.0), ahead.max(), 1.0)
        newest = self._stream.index[n_rows - 1]
        head = Text(f"{newest:%a %d %b %Y %H:%M}", style="bold")
        head.append(f"   {n_rows:,} of {total:,} rows   {rate:,.0f} rows/s", style="dim")
        line = Text("two days ")
        line.append(self._sparkline(past, most), style="white")
        line.append(self._sparkline(ahead, most), style="bold dark_orange")
        line.append(" the next")
        table = Table(box=None, padding=(0, 2, 0, 0), header_style="dim")
        table.add_column("a day ahead")
        for heading in ("error of the last week", f"in the {100 * COVERAGE:g} % interval so far"):
            table.add_column(heading, justify="right")
        means = [np.mean(run.errors) if run.errors else np.nan for run in self._runs]
        for run, mean in zip(self._runs, means, strict=True):
            held = f"{100 * run.held / run.n_held:.0f} %" if run.n_held else ""
            best = "bold green" if mean == np.nanmin([*means, np.inf]) else None
            table.add_row(run.name, "" if math.isnan(mean) else f"{mean:.0f}", held, style=best)
        log = learning.model.drift_log_
        log = log[log["time"] >= self._stream.index[0]]
        noted = f"noted: {_change(log.iloc[-1])}" if len(log) else "noted: no change yet"
        return Group(head, line, table, Text(noted, style="dim"))

    def _sparkline(self, values, most):
        places = np.nan_to_num(values) / most * (len(self._bars) - 1)
        return "".join(self._bars[int(place)] for place in np.clip(places, 0, 7).round())


def _change(change):
    """Say what a row of the drift log noted."""
    return (
        f"{change['time']:%d %b %H:%M}: errors {change['error']:.1f} times the usual size, level "
        f"{change['level']:+.1f} standard deviations, scale {change['scale']:.2f}"
    )


def _noted(model, start):
    """Return what the model noted in the stream: its newest changes."""
    log = model.drift_log_
    log = log[log["time"] >= start]
    if log.empty:
        return "The model noted no change in the stream."
    lines = [f"  {_change(change)}" for _, change in log.iloc[-6:].iterrows()]
    left_out = f", the newest {len(lines)} of {len(log)}" if len(log) > len(lines) else ""
    return "\n".join([f"What the model noted (drift_log_{left_out}):", *lines, ""])


def _table(results, ascii_only):
    from rich import box
    from rich.table import Table

    micro = "us" if ascii_only else "µs"
    table = Table(
        box=box.SIMPLE_HEAD,
        title=f"Mean absolute error over steps 1 to {HORIZON}, people an hour",
        title_justify="left",
        caption=f"held: actual values inside {100 * COVERAGE:g} % intervals; {micro} a row: "
        "forecast and learn",
        caption_justify="left",
    )
    table.add_column("model")
    for heading in ("before the fall", "after it", "held", f"{micro} a row"):
        table.add_column(heading, justify="right")
    scores = {name: _errors(result.forecasts) for name, result in results.items()}
    best = min(scores, key=lambda name: np.nansum(scores[name]))
    for name, result in results.items():
        held = result.metrics.loc[("all", "all"), f"coverage_{COVERAGE}"]
        table.add_row(
            name,
            *("" if math.isnan(score) else f"{score:.1f}" for score in scores[name]),
            f"{100 * held:.1f} %",
            f"{1e6 * result.seconds_per_row:.0f}",
            style="bold" if name == best else None,
        )
    return table


def _errors(table):
    """Return the mean absolute error of what came before the shift, and of what came after it."""
    after = table["time"] >= SHIFT
    return [mae(part["actual"], part["forecast"]) for part in (table[~after], table[after])]


def _draw(figure, results):
    """Draw forecasts and interval through the shift, and the errors week by week."""
    above, below = figure.subplots(2, height_ratios=(1.6, 1))
    table = results[LEARNING].forecasts
    issued = table[table["cutoff"].isin(table["cutoff"].unique()[::HORIZON])].set_index("time")
    near = issued.loc[SHIFT - pd.Timedelta("7D") : SHIFT + pd.Timedelta("12D")]
    near = issued.iloc[-2 * WEEK :] if near.empty else near
    x = times(near.index)
    above.plot(x, near["actual"], label="actual", **ACTUAL)
    above.plot(x, near["forecast"], label="forecast, once a day", **AHEAD)
    edges = (near[f"{edge}_{COVERAGE}"] for edge in ("lower", "upper"))
    band(above, x, *edges, str(COVERAGE), AHEAD["color"])
    for (name, result), color in zip(results.items(), COLORS, strict=False):
        scored = result.forecasts.set_index("time")
        error = (scored["forecast"] - scored["actual"]).abs().resample("W-TUE").mean()
        below.plot(times(error.index), error, "o-", label=name, color=color, markersize=4)
    for ax, heading in ((above, "people an hour"), (below, "mean absolute error, by week")):
        shown = near.index if ax is above else issued.index
        if shown[0] < SHIFT < shown[-1]:
            ax.axvline(SHIFT, **CUTOFF)
        finish(ax, shown, heading)
    below.set_ylim(bottom=0)


def _cannot_write(path, formats):
    """Say why no picture can be saved at `path`; None if it can."""
    if _format(path) not in formats:
        return f"cannot save a picture as {path}: expected one of .{', .'.join(sorted(formats))}"
    is_new = not path.exists()
    try:
        path.open("ab").close()
    except OSError as error:
        return f"cannot write {path}: {error.strerror}; pass another --output"
    if is_new:
        path.unlink()
    return None


def _format(path):
    return path.suffix.lstrip(".").lower() or "png"


def _fail(message):
    print(f"tsrnn demo: {message}", file=sys.stderr)
    return 2
