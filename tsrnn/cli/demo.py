"""``tsrnn demo``: stream real data through every forecaster, print a table, draw a picture."""

import sys
import time
from pathlib import Path

from tsrnn.cli.options import whole_number
from tsrnn.datasets import load_electricity
from tsrnn.estimators.baselines import LinearForecaster, NaiveForecaster, SeasonalNaiveForecaster
from tsrnn.estimators.forecaster import RNNForecaster
from tsrnn.evaluation.prequential import prequential
from tsrnn.plotting.static import plot_forecast, plot_prequential

HORIZON = 24  # hours
WEEK = 7 * HORIZON
HISTORY = 4000  # rows to fit on
MAX_WEEKS = 132  # a day of the data is left over, to draw beside the last forecast
REFERENCE = "SeasonalNaive, day"  # the unit of squared error in the table


def demo(output, weeks, seed):
    """Stream weeks of the electricity series through every forecaster; print and draw the result.

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
    figure = matplotlib.figure.Figure(figsize=(11, 4.4), dpi=150, layout="constrained")
    problem = _cannot_write(output, figure.canvas.get_supported_filetypes())
    if problem:
        return _fail(problem)

    data = load_electricity()
    history, stream = data[:HISTORY], data[HISTORY : HISTORY + weeks * WEEK]
    console = rich.console.Console(highlight=False)
    console.print(
        f"Hourly electricity load: fit on {HISTORY:,} rows, then stream {len(stream):,} "
        f"({weeks} week{'s' if weeks > 1 else ''}).\n"
        f"At each row: forecast the next {HORIZON} hours, then learn from the row that comes."
    )
    results = _stream_all(_models(seed), history, stream)
    console.print(_table(results, len(stream), console.options.ascii_only))
    _draw(figure, results["RNNForecaster"], data)
    figure.savefig(output, format=_format(output))
    console.print(f"Picture: {output}", soft_wrap=True)
    return 0


def add(commands):
    """Add the command to the parser of ``tsrnn``."""
    parser = commands.add_parser(
        "demo",
        help="forecast a real series row by row, against simple baselines",
        description="Fit forecasters on the history of an hourly electricity load, then forecast "
        "and learn row by row. Prints a table of errors and saves a picture.",
        epilog="example: tsrnn demo --weeks 4 --output load.png",
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
        default=12,
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


def _models(seed):
    return {
        "RNNForecaster": RNNForecaster(HORIZON, random_state=seed),
        "LinearForecaster": LinearForecaster(HORIZON),
        "SeasonalNaive, day": SeasonalNaiveForecaster(HORIZON),
        "SeasonalNaive, week": SeasonalNaiveForecaster(HORIZON, season=WEEK),
        "NaiveForecaster": NaiveForecaster(HORIZON),
    }


def _stream_all(models, history, stream):
    """Fit and stream each model under one live line on stderr, if that is a terminal."""
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

    console = Console(stderr=True)
    console.quiet = not console.is_terminal
    columns = [BarColumn(14), TimeElapsedColumn(), TextColumn("{task.description}")]
    results = {}
    with Progress(*columns, console=console, transient=True, disable=console.quiet) as bar:
        line = bar.add_task("", total=len(models) * len(stream))
        for name, model in models.items():
            bar.update(line, description=f"{name}  fitting {len(history):,} rows")
            model.fit(history)
            report = _reporter(bar, line, name, rows_before=len(results) * len(stream))
            results[name] = prequential(model, stream, progress=report)
    return results


def _reporter(bar, line, name, rows_before):
    start = time.perf_counter()

    def report(done, total):
        rate = done / (time.perf_counter() - start)
        text = f"{name}  {done:,} of {total:,} rows  {rate:,.0f} rows/s"
        bar.update(line, completed=rows_before + done, description=text)

    return report


def _table(results, n_rows, ascii_only):
    from rich import box
    from rich.table import Table

    micro = "us" if ascii_only else "µs"
    table = Table(
        box=box.SIMPLE_HEAD,
        title=f"Errors over steps 1 to {HORIZON} from {n_rows:,} cutoffs",
        title_justify="left",
        caption=f"relative MSE: 1 is {REFERENCE}; {micro} a row: forecast and learn",
        caption_justify="left",
    )
    table.add_column("model")
    for heading in ("MAE, kW", "RMSE, kW", "relative MSE", f"{micro} a row"):
        table.add_column(heading, justify="right")
    scores = {name: result.metrics.loc[("all", "all")] for name, result in results.items()}
    best = min(scores, key=lambda name: scores[name]["RMSE"])
    for name, score in scores.items():
        relative = (score["RMSE"] / scores[REFERENCE]["RMSE"]) ** 2
        table.add_row(
            name,
            f"{score['MAE']:.1f}",
            f"{score['RMSE']:.1f}",
            f"{relative:.3f}",
            f"{1e6 * results[name].seconds_per_row:.0f}",
            style="bold" if name == best else None,
        )
    return table


def _draw(figure, result, data):
    """Draw two weeks of forecasts a day ahead, and the path of the newest one."""
    ax = plot_prequential(result, step=HORIZON, last=2 * WEEK, ax=figure.subplots())
    plot_forecast(data, result.model.forecast(), actual=data, last=1, ax=ax)
    ax.get_legend().get_texts()[-1].set_text("newest forecast")
    ax.set_ylabel("load, kW")
    ax.set_title("Electricity load, forecast a day ahead by RNNForecaster", loc="left")


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
