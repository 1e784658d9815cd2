"""``tsrnn update``: take new rows in, and save the model again."""

import argparse
import sys

import pandas as pd

from tsrnn.cli.io.frames import Complaints, read_frame
from tsrnn.cli.models import is_panel, newest, numbered, on_grid, read_forecaster, source_of
from tsrnn.cli.options import add_data_options, add_format, add_snap
from tsrnn.persistence import save

EPILOG = """\
examples:
  tsrnn update m.tsrnn today.csv
  tsrnn update m.tsrnn all.csv -o new.tsrnn       (rows seen before are passed over)
  zcat rows.jsonl.gz | tsrnn update m.tsrnn - --frozen
  tsrnn update sensors.tsrnn today.csv            (a panel: rows of any of its series, or new ones)
"""


def add(commands):
    """Add the command to the parser of ``tsrnn``."""
    parser = commands.add_parser(
        "update",
        help="let a model learn from new rows",
        description="Learn from the rows that are newer than the last one seen, and save the "
        "model. The file is replaced in one step: whatever happens, it holds the old model or "
        "the new one.",
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("model", metavar="MODEL", help="file of the model")
    parser.add_argument("data", metavar="DATA", help="file of rows; - is standard input")
    parser.add_argument("-o", "--output", metavar="FILE", help="save there (default: MODEL)")
    parser.add_argument("--frozen", action="store_true", help="take the rows in without learning")
    add_data_options(parser)
    add_format(parser)
    add_snap(parser)
    return parser


def run(args):
    """Run the command; return its exit code."""
    saved = read_forecaster(args.model, args.snap)
    model, complaints = saved.model, Complaints(args.on_error, "tsrnn update")
    new, n_seen = new_rows(saved, args, complaints)
    if len(new):
        (model.update if args.frozen else model.partial_fit)(new)
    notes = dict(saved.notes)
    if "rows" in notes:
        notes["rows"] += len(new)
    save(model, args.output or args.model, notes=notes)
    print(
        f"tsrnn update: {len(new):,} rows {'taken in' if args.frozen else 'learnt'}, {n_seen:,} "
        f"seen before, {complaints.n_skipped:,} skipped; the model ends at {newest(model)}",
        file=sys.stderr,
    )
    return 0


def new_rows(saved, args, complaints):
    """Return the rows of a file that the model has not seen, and how many it has."""
    source, model = source_of(saved, args)._replace(format=args.format), saved.model
    frame, _ = read_frame(args.data, source, complaints)
    if not source.time.columns:
        return numbered(frame, model), 0
    if newest(model) is None:
        return frame, 0
    times = pd.DatetimeIndex(frame[model.time_col] if None in source.names else frame.index)
    times = on_grid(times, model)
    if is_panel(model):
        cutoffs = model.cutoff_.reindex(frame[model.id_col]).array
        is_new = (times > cutoffs) | cutoffs.isna()
    else:
        is_new = times > model.cutoff_
    new = frame[is_new]
    return new, len(frame) - len(new)
