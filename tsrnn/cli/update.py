"""``tsrnn update``: take new rows in, and save the model again."""

import argparse
import sys

from tsrnn.persistence import save

from .frames import Complaints, read_frame
from .models import read_forecaster, source_of
from .options import add_data_options

EPILOG = """\
examples:
  tsrnn update m.tsrnn today.csv
  tsrnn update m.tsrnn all.csv -o new.tsrnn       (rows seen before are passed over)
  zcat rows.jsonl.gz | tsrnn update m.tsrnn - --frozen
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
    return parser


def run(args):
    """Run the command; return its exit code."""
    saved = read_forecaster(args.model)
    model, complaints = saved.model, Complaints(args.on_error, "tsrnn update")
    new, n_seen = new_rows(saved, args, complaints)
    if len(new):
        (model.update if args.frozen else model.partial_fit)(new)
    save(model, args.output or args.model, notes=saved.notes)
    print(
        f"tsrnn update: {len(new):,} rows {'taken in' if args.frozen else 'learnt'}, {n_seen:,} "
        f"seen before, {complaints.n_skipped:,} skipped; the model ends at {model.cutoff_}",
        file=sys.stderr,
    )
    return 0


def new_rows(saved, args, complaints):
    """Return the rows of a file that the model has not seen, and how many it has."""
    source = source_of(saved, args)
    frame, _ = read_frame(args.data, source, complaints)
    frame.columns = saved.model.feature_names_in_
    if not source.time.columns or saved.model.cutoff_ is None:
        return frame.reset_index(drop=True) if not source.time.columns else frame, 0
    new = frame[frame.index > saved.model.cutoff_]
    return new, len(frame) - len(new)
