"""``tsrnn forecast``: the values after the last row that a model has seen."""

import argparse
import inspect
import sys
from contextlib import nullcontext

from tsrnn.cli.io.formats import WRITERS
from tsrnn.cli.io.frames import Complaints, read_frame
from tsrnn.cli.io.issued import Issued, WriterOptions
from tsrnn.cli.io.json_lines import write_rows
from tsrnn.cli.io.line_protocol import LineProtocolWriter, origin_of
from tsrnn.cli.models import (
    blank_forecast,
    by_time,
    is_panel,
    known_ahead,
    newest,
    read_forecaster,
    source_ahead,
    source_of,
)
from tsrnn.cli.options import add_data_options, coverage, whole_number

EPILOG = """\
examples:
  tsrnn forecast m.tsrnn
  tsrnn forecast m.tsrnn --horizon 6 --format jsonl
  tsrnn forecast m.tsrnn --format influx --measurement load_ahead --precision s
  tsrnn forecast m.tsrnn --coverage 0.9 -o next.csv
  tsrnn forecast m.tsrnn --future holidays.csv
  tsrnn forecast sensors.tsrnn --series "45 Queen Street" --series "210 Queen Street"
"""


def add(commands):
    """Add the command to the parser of ``tsrnn``."""
    parser = commands.add_parser(
        "forecast",
        help="print the values to come",
        description="Print what a model forecasts after the last row it has seen: as CSV, as JSON "
        "lines, or as line protocol, in which the forecast of load is the field load_forecast and "
        "the series of a panel a tag. The model stays as it is.",
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("model", metavar="MODEL", help="file of the model")
    add_forecast_options(parser)
    parser.add_argument(
        "--future",
        metavar="FILE",
        help="rows to come of the columns that are known ahead (--future-cols of the fit); they "
        "are picked by time stamp, and in a panel by id, so that others may stand among them",
    )
    parser.add_argument(
        "--series",
        action="append",
        metavar="ID",
        help="series of a panel to forecast; may be given again (default: all)",
    )
    parser.add_argument("-o", "--output", metavar="FILE", help="file to write to instead")
    parser.add_argument(
        "--format",
        choices=WRITERS,
        help="of what is written (default: CSV); rows to come are read as their first line tells",
    )
    parser.add_argument("--json", action="store_true", help="the same as --format jsonl")
    parser.add_argument(
        "--measurement",
        metavar="NAME",
        default="forecast",
        help="what lines of line protocol are written under (default: %(default)s)",
    )
    add_data_options(parser)
    return parser


def add_forecast_options(parser):
    """Add the arguments that go to ``forecast``."""
    parser.add_argument(
        "--horizon",
        type=whole_number(1, 100_000),
        metavar="N",
        help="steps ahead (default, and most: as fitted)",
    )
    parser.add_argument(
        "--coverage",
        type=coverage,
        action="append",
        metavar="SHARE",
        help="add bounds that hold such a share of the values; may be given again",
    )


def forecast_options(args, model):
    """Return the arguments for ``model.forecast``.

    Raises
    ------
    ValueError
        The model cannot do what is asked for.
    """
    options = {"horizon": args.horizon}
    if args.coverage:
        if "coverage" not in inspect.signature(model.forecast).parameters:
            raise ValueError(f"{type(model).__name__} has no bounds; leave --coverage out")
        options["coverage"] = args.coverage
    return options


def run(args):
    """Run the command; return its exit code."""
    saved = read_forecaster(args.model)
    model, options = saved.model, forecast_options(args, saved.model)
    if args.future is not None:
        source = source_ahead(saved, args)
        complaints = Complaints(args.on_error, "tsrnn forecast")
        options["X_future"], _ = read_frame(args.future, source, complaints, in_order=False)
    elif known_ahead(model):
        raise ValueError(
            f"found a model with inputs known ahead, {known_ahead(model)}, and no --future, "
            "expected the file of their rows to come; pass --future FILE"
        )
    panel = is_panel(model)
    if args.series:
        source = source_of(saved, args)
        if not panel:
            raise ValueError(f"found --series {args.series[0]} and a model of one series")
        options["ids"] = [source.read_id(text, source.id) for text in args.series]
    frame, form = model.forecast(**options), args.format or ("jsonl" if args.json else "csv")
    lines = None
    if form == "influx":
        lines = _line_protocol(frame, model, source_of(saved, args), args.measurement)
    elif not (panel and model.time_col is not None):
        if not (panel and model.id_col is None):  # whose index has levels, with names
            frame.index.name = frame.index.name or "time"
        frame = frame.reset_index()
    with nullcontext(sys.stdout) if args.output is None else open(args.output, "w") as file:
        if lines is not None:
            file.writelines(f"{line}\n" for line in lines)
        elif form == "jsonl":
            write_rows(frame, file)
        else:
            frame.to_csv(file, index=False, lineterminator="\n")
    return 0


def _line_protocol(frame, model, source, measurement):
    """Return the lines of a forecast.

    Raises
    ------
    ValueError
        Rows have no time stamps.
    """
    targets = [str(name) for name in blank_forecast(model).columns]
    dated, precision = bool(source.time.columns), source.time.precision
    options = WriterOptions(targets, is_panel(model), dated, precision=precision)
    writer = LineProtocolWriter(options)
    if not is_panel(model):
        return writer.forecasts([Issued(newest(model), frame, origin=origin_of(measurement))])
    ids, ahead, issued = frame[model.id_col], by_time(frame, model), []
    for name in ids.unique():
        origin = origin_of(measurement, {str(model.id_col): name})
        issued.append(Issued(newest(model), ahead[(ids == name).to_numpy()], origin=origin))
    return writer.forecasts(issued)
