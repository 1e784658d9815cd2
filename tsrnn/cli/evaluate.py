"""``tsrnn evaluate``: how well a model forecasts rows it has not seen."""

import argparse
import sys

import numpy as np
import pandas as pd

from tsrnn.cli.io.frames import Complaints
from tsrnn.cli.io.json_lines import write_rows
from tsrnn.cli.models import newest, read_forecaster
from tsrnn.cli.options import add_data_options, add_format, add_snap, coverage, whole_number
from tsrnn.cli.update import new_rows
from tsrnn.evaluation.metrics import mae
from tsrnn.evaluation.prequential import prequential

EPILOG = """\
examples:
  tsrnn evaluate m.tsrnn later.csv
  tsrnn evaluate m.tsrnn later.csv --frozen --by-step --json
  tsrnn evaluate m.tsrnn later.csv --coverage 0.5 --coverage 0.9 --report report.html
  tsrnn evaluate sensors.tsrnn later.csv                 (a panel: errors of all series together)
"""


def add(commands):
    """Add the command to the parser of ``tsrnn``."""
    parser = commands.add_parser(
        "evaluate",
        help="score a model on rows it has not seen",
        description="Forecast, then learn, row by row, and print the errors. The file of the "
        "model stays as it is.",
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("model", metavar="MODEL", help="file of the model")
    parser.add_argument("data", metavar="DATA", help="file of rows; - is standard input")
    parser.add_argument("--frozen", action="store_true", help="take the rows in without learning")
    parser.add_argument(
        "--chunk",
        type=whole_number(1, 1_000_000),
        default=1,
        metavar="N",
        help="rows (of a panel: time stamps) from one forecast to the next (default: %(default)s)",
    )
    parser.add_argument(
        "--coverage",
        type=coverage,
        action="append",
        metavar="SHARE",
        help="score bounds that are to hold such a share of the values too; may be given again",
    )
    parser.add_argument("--by-step", action="store_true", help="a line for each step ahead too")
    parser.add_argument(
        "--report",
        metavar="FILE",
        help="write a page for a browser too: forecasts, errors, calibration (needs the extra "
        "report)",
    )
    parser.add_argument("--json", action="store_true", help="JSON lines instead of a table")
    add_data_options(parser)
    add_format(parser)
    add_snap(parser)
    return parser


def run(args):
    """Run the command; return its exit code."""
    saved = read_forecaster(args.model, args.snap)
    complaints = Complaints(args.on_error, "tsrnn evaluate")
    new, n_seen = new_rows(saved, args, complaints)
    if not len(new):
        raise ValueError(f"found no row newer than {newest(saved.model)} in {args.data}")
    result = prequential(
        saved.model, new, chunk=args.chunk, learn=not args.frozen, coverage=args.coverage
    )
    if args.report is not None:
        result.report(args.report)
    table = result.metrics.reset_index()
    if not args.by_step:
        table = table[table["step"] == "all"].drop(columns="step")
    if args.json:
        write_rows(table, sys.stdout)
    else:
        print(table.to_string(index=False, float_format=lambda x: f"{x:.6g}"))
    print(
        f"tsrnn evaluate: {len(new):,} rows, {n_seen:,} seen before, {complaints.n_skipped:,} "
        f"skipped; {1e6 * result.seconds_per_row:,.0f} µs a row",
        file=sys.stderr,
    )
    if beside := _naive_beside(result.forecasts):
        print(f"tsrnn evaluate: {beside}", file=sys.stderr)
    return 0


def _naive_beside(table):
    """Say how far the newest value would have been off, on the forecasts where it is known."""
    keys = [*table.columns[: list(table.columns).index("cutoff")], "target"]  # an id, of a panel
    known = table.drop_duplicates([*keys, "time"]).set_index([*keys, "time"])["actual"]
    at = pd.MultiIndex.from_frame(table[[*keys, "cutoff"]])
    naive = known.reindex(at).to_numpy()
    rows = table[np.isfinite(naive) & table["actual"].notna().to_numpy()]
    if rows.empty:
        return None
    errors = mae(rows["actual"], naive[rows.index]), mae(rows["actual"], rows["forecast"])
    return (
        f"repeating the newest value would have had an MAE of {errors[0]:.6g}, where the model had "
        f"{errors[1]:.6g}, over the {len(rows):,} forecasts made at rows of this file"
    )
