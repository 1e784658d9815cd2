"""``tsrnn fit``: learn a history, and save the model."""

import argparse
import inspect
import sys

from tsrnn.cli.io.frames import (
    UNNAMED,
    Complaints,
    is_parquet,
    look,
    named,
    read_frame,
    time_columns,
)
from tsrnn.cli.io.source import Source
from tsrnn.cli.io.times import TimeOptions
from tsrnn.cli.models import newest
from tsrnn.cli.options import (
    MODELS,
    add_data_options,
    add_format,
    add_parameters,
    parameters,
    whole_number,
)
from tsrnn.persistence import save

EPILOG = """\
examples:
  tsrnn fit data.csv --time ds --target y --horizon 24 -o m.tsrnn
  tsrnn fit load.csv.gz --time time --target load --horizon 24 --lower 0 -o load.tsrnn
  tsrnn fit sensors.csv --time time --horizon 12 -o all.tsrnn        (every column is a target)
  tsrnn fit air.csv --time year,month,day,hour --target pm2.5 --inputs TEMP,PRES -o air.tsrnn
  tsrnn fit raw.csv --time date_time --target volume --horizon 24 --on-error skip \\
      --gap reset --max-gap 10000 -o raw.tsrnn                       (doubled rows, long gaps)
  tsrnn fit sensors.csv --time time --id sensor --target count --horizon 24 -o sensors.tsrnn
  tsrnn fit shops.csv --time day --id shop --target sold --inputs price --static-cols region \
      --horizon 7 -o shops.tsrnn                                     (a panel, with categories)

--id makes a panel: a row for each series and time stamp, one model for all. Inputs that are texts
become categories, of at most 100 values: those of --inputs, --static-cols and --future-cols.
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
        help="past inputs to look at beside the targets, or none; texts are taken for categories "
        "(default: every other column of numbers, if there is a --target)",
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
    parser.add_argument("--verbose", action="store_true", help="show the progress of training")
    add_data_options(parser)
    add_format(parser)
    add_parameters(parser)
    return parser


def run(args):
    """Run the command; return its exit code."""
    cls = MODELS[args.model]
    params = parameters(args, cls)
    sep = (args.sep or ",").replace("\\t", "\t")
    header, numeric, dated = look(args.data, sep, args.format)
    time = time_columns(args.time, header, dated)
    numeric = _without_row_numbers(header, numeric, args)
    targets = _named_all(args.target, header)
    columns, categories = _columns(args, header, numeric, time, targets, params)
    names = {}
    if args.id is not None:
        named(args.id, header)
        params["id_col"] = args.id
        if time:
            names[None] = params["time_col"] = time[0] if len(time) == 1 else "time"
    options = TimeOptions(time, args.time_format, args.tz, precision=args.precision or "ns")
    source = Source(columns, options, sep, header, categories, args.id, names, format=args.format)
    complaints = Complaints(args.on_error, "tsrnn fit")
    frame, _ = read_frame(args.data, source, complaints)
    if not targets and categories:
        roles = [*params.get("static_cols", ()), *params.get("future_cols", ())]
        targets = [name for name in columns if name not in {*categories, *roles}]
    if targets and targets != columns:
        params["target"] = targets if len(targets) > 1 else targets[0]
    if args.verbose and "verbose" in inspect.signature(cls).parameters:
        params["verbose"] = True
    model = cls(args.horizon, **params)
    try:
        model.fit(frame)
    except ValueError as error:
        raise ValueError(f"{error} (parameters are options here: --freq, --gap ...)") from error
    if is_parquet(args.data):
        source = source._replace(header=None)
    save(model, args.output, notes={"source": source.notes(), "rows": len(frame)})
    print(
        f"{args.output}: {cls.__name__} of {', '.join(map(repr, targets or columns))}, "
        f"{args.horizon} step{'s' * (args.horizon > 1)} ahead, learnt from {len(frame):,} rows "
        + (f"of {len(model.cutoff_):,} series " if args.id is not None else "")
        + f"up to {newest(model)}"
        + f", {complaints.n_skipped:,} skipped" * bool(complaints.n_skipped),
        file=sys.stderr,
    )
    return 0


def _without_row_numbers(header, numeric, args):
    """Leave out the numbers of rows that pandas writes as a first column without a name."""
    if header[0] not in UNNAMED or header[0] not in numeric:
        return numeric
    print(
        f"tsrnn fit: leaves out {header[0]!r}, the first column, which has no name: an index of "
        "pandas; name it, or write the file with index=False, if it is data",
        file=sys.stderr,
    )
    return [name for name in numeric if name != header[0]]


def _named_all(texts, columns):
    return [name for text in texts or () for name in named(text, columns)]


def _columns(args, header, numeric, time, targets, params):
    """Return the columns to read, in the order of the file, and those of them that are texts."""
    given = args.inputs and args.inputs != ["none"]
    inputs = _named_all(args.inputs, header) if given else []
    categories = _named_all(args.categories, header)
    for role in ("static_cols", "future_cols"):
        inputs += named(",".join(params.get(role) or ()), header) if params.get(role) else []
    if args.inputs is None:
        numeric_ones = [name for name in numeric if name not in {*time, args.id}]
        unnamed = header[:1] if header[0] in UNNAMED else []  # told already
        used = {*numeric_ones, *time, *targets, *inputs, *categories, args.id, *unnamed}
        inputs += numeric_ones
        if left_out := [name for name in header if name not in used]:
            print(
                f"tsrnn fit: leaves out {', '.join(map(repr, left_out))}: not numbers; as "
                "categories they are taken with --categories",
                file=sys.stderr,
            )
    wanted = {*targets, *inputs, *categories}
    columns = [name for name in header if name in wanted]
    texts = [name for name in columns if name not in {*numeric, *targets} or name in categories]
    if not set(columns) - set(texts):
        raise ValueError(f"found no column of numbers among {header}, expected some")
    return columns, texts
