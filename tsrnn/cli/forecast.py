"""``tsrnn forecast``: the values after the last row that a model has seen."""

import argparse
import inspect
import sys
from contextlib import nullcontext

from tsrnn.cli.io.frames import Complaints, read_frame
from tsrnn.cli.models import is_panel, known_ahead, read_forecaster, source_ahead, source_of
from tsrnn.cli.options import add_data_options, coverage, whole_number

EPILOG = """\
examples:
  tsrnn forecast m.tsrnn
  tsrnn forecast m.tsrnn --horizon 6 --json
  tsrnn forecast m.tsrnn --coverage 0.9 -o next.csv
  tsrnn forecast m.tsrnn --future holidays.csv
  tsrnn forecast sensors.tsrnn --series "45 Queen Street" --series "210 Queen Street"
"""


def add(commands):
    """Add the command to the parser of ``tsrnn``."""
    parser = commands.add_parser(
        "forecast",
        help="print the values to come",
        description="Print what a model forecasts after the last row it has seen, as CSV. The "
        "model stays as it is.",
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
    parser.add_argument("--json", action="store_true", help="JSON lines instead of CSV")
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
    frame = model.forecast(**options)
    if not (panel and model.time_col is not None):
        if not (panel and model.id_col is None):  # whose index has levels, with names
            frame.index.name = frame.index.name or "time"
        frame = frame.reset_index()
    with nullcontext(sys.stdout) if args.output is None else open(args.output, "w") as file:
        if args.json:
            frame.to_json(file, orient="records", lines=True, date_format="iso")
        else:
            frame.to_csv(file, index=False, lineterminator="\n")
    return 0
