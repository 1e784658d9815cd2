"""``tsrnn fit``: learn a history, and save the model."""

import argparse
import sys

from tsrnn.persistence import save

from .frames import Complaints, Source, is_parquet, look, named, read_frame, time_columns
from .options import MODELS, add_data_options, add_parameters, parameters, whole_number
from .times import TimeOptions

EPILOG = """\
examples:
  tsrnn fit data.csv --time ds --target y --horizon 24 -o m.tsrnn
  tsrnn fit load.csv.gz --time time --target load --horizon 24 --lower 0 -o load.tsrnn
  tsrnn fit sensors.csv --time time --horizon 12 -o all.tsrnn        (every column is a target)
  tsrnn fit air.csv --time year,month,day,hour --target pm2.5 --inputs TEMP,PRES -o air.tsrnn
  tsrnn fit raw.csv --time date_time --target volume --horizon 24 --on-error skip \\
      --gap reset --max-gap 10000 -o raw.tsrnn                       (doubled rows, long gaps)
"""


def add(commands):
    """Add the command to the parser of ``tsrnn``."""
    parser = commands.add_parser(
        "fit",
        help="learn a history, and save the model",
        description="Learn from the rows of a file (CSV with a header, JSON lines, either "
        "compressed, or Parquet) and save the model.",
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("data", metavar="DATA", help="file of the history, oldest row first")
    parser.add_argument(
        "-o", "--output", required=True, metavar="MODEL", help="file to save the model to"
    )
    parser.add_argument(
        "--target",
        action="append",
        metavar="COL",
        help="column to forecast; give it again, or commas, for several (default: every column of "
        "numbers)",
    )
    parser.add_argument(
        "--inputs",
        action="append",
        metavar="COLS",
        help="past inputs to look at beside the targets, or none (default: every other column of "
        "numbers, if there is a --target)",
    )
    parser.add_argument(
        "--horizon",
        type=whole_number(1, 100_000),
        default=1,
        metavar="N",
        help="steps to forecast ahead (default: %(default)s)",
    )
    parser.add_argument(
        "--model", choices=MODELS, default="rnn", help="kind of forecaster (default: %(default)s)"
    )
    add_data_options(parser)
    add_parameters(parser)
    return parser


def run(args):
    """Run the command; return its exit code."""
    cls = MODELS[args.model]
    params = parameters(args, cls)
    sep = (args.sep or ",").replace("\\t", "\t")
    header, numeric = look(args.data, sep)
    time = time_columns(args.time, header)
    targets = _named_all(args.target, header)
    columns = _columns(args, header, numeric, time, targets)
    source = Source(columns, TimeOptions(time, args.time_format, args.tz), sep, header)
    complaints = Complaints(args.on_error, "tsrnn fit")
    frame, _ = read_frame(args.data, source, complaints)
    if targets and targets != columns:
        params["target"] = targets if len(targets) > 1 else targets[0]
    model = cls(args.horizon, **params)
    try:
        model.fit(frame)
    except ValueError as error:
        raise ValueError(f"{error} (parameters are options here: --freq, --gap ...)") from error
    if is_parquet(args.data):
        source = source._replace(header=None)
    save(model, args.output, notes={"source": source.notes()})
    print(
        f"{args.output}: {cls.__name__} of {', '.join(map(repr, targets or columns))}, "
        f"{args.horizon} steps ahead, learnt from {len(frame):,} rows up to {model.cutoff_}"
        + f", {complaints.n_skipped:,} skipped"
        * bool(complaints.n_skipped),
        file=sys.stderr,
    )
    return 0


def _named_all(texts, columns):
    return [name for text in texts or () for name in named(text, columns)]


def _columns(args, header, numeric, time, targets):
    """Return the columns to read, in the order of the file."""
    given = args.inputs and args.inputs != ["none"]
    inputs = _named_all(args.inputs, header) if given else []
    if args.inputs is None:
        inputs = [name for name in numeric if name not in time]
        left_out = [name for name in header if name not in {*numeric, *time, *targets}]
        if left_out:
            print(
                f"tsrnn fit: leaves out {', '.join(map(repr, left_out))}: not numbers",
                file=sys.stderr,
            )
    wanted = {*targets, *inputs}
    columns = [name for name in header if name in wanted]
    if not columns:
        raise ValueError(f"found no column of numbers among {header}, expected some")
    return columns
