"""``tsrnn stream``: forecast and learn row by row, for months, through kills and restarts."""

import argparse
import json
import os
import signal
import sys
import time
from contextlib import contextmanager, suppress

import numpy as np
import pandas as pd

from tsrnn.persistence import leftovers, save

from .forecast import add_forecast_options, forecast_options
from .frames import Complaints, is_parquet
from .inbox import Inbox
from .lines import line_blocks
from .models import known_ahead, read_forecaster, source_of
from .options import add_data_options
from .output import NobodyReadsError, Output
from .rows import RowParser

EPILOG = """\
examples:
  sensor | tsrnn stream m.tsrnn | consumer
  tsrnn stream m.tsrnn --input rows.csv --output forecasts.jsonl
  tsrnn stream m.tsrnn --input log.csv --follow --output forecasts.jsonl \\
      --checkpoint state.tsrnn --every 60s --on-error log

Each row gives a line of JSON: its time stamp as "cutoff", and under "forecast" for each column the
values of the steps after it. Rows are CSV with a header, or JSON lines; they are learnt one by one.

With --checkpoint the same command goes on where it was stopped or killed: rows that the model has
seen are known by their time stamp and passed over, so the input may begin anew. An --output file is
cut back to what the checkpoint had seen, and so holds each forecast once; on standard output a
forecast may come again, the same to the last digit. Give each stream a checkpoint of its own.
SIGINT and SIGTERM end a stream in good order: the checkpoint is written, the exit code is 0.
"""


def add(commands):
    """Add the command to the parser of ``tsrnn``."""
    parser = commands.add_parser(
        "stream",
        help="forecast and learn row by row",
        description="Read rows as they come, learn from each, and write a forecast after each.",
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("model", metavar="MODEL", help="file of the model to start from")
    parser.add_argument(
        "--input", default="-", metavar="FILE", help="rows to read (default: standard input)"
    )
    parser.add_argument("--follow", action="store_true", help="wait for the file to grow")
    parser.add_argument(
        "--output", metavar="FILE", help="file to write to (default: standard output)"
    )
    parser.add_argument(
        "--checkpoint",
        metavar="FILE",
        help="file to save the model to, and to go on from where it exists; without one, what is "
        "learnt is gone in the end",
    )
    parser.add_argument(
        "--every",
        type=_every,
        default=(None, 60.0),
        metavar="N",
        help="rows between checkpoints, or seconds, such as 30s (default: 60s)",
    )
    parser.add_argument("--frozen", action="store_true", help="take the rows in without learning")
    parser.add_argument(
        "--no-header",
        action="store_true",
        help="CSV without a header: its fields are those of the file that was fitted",
    )
    add_forecast_options(parser)
    add_data_options(parser)
    return parser


def _every(text):
    """Read rows or seconds: the type of an argument."""
    number = text.removesuffix("s")
    with suppress(ValueError):
        if text.endswith("s") and 0 < float(number) < float("inf"):
            return None, float(number)
        if int(number) > 0:
            return int(number), None
    raise argparse.ArgumentTypeError(f"found {text!r}, expected rows, such as 500, or seconds: 30s")


def run(args):
    """Run the command; return its exit code."""
    if args.follow and args.input == "-":
        raise ValueError("found --follow without --input, expected the file to follow")
    if is_parquet(args.input):
        raise ValueError(
            f"found {args.input}, expected CSV or JSON lines: Parquet cannot be read row by row; "
            "use tsrnn update or evaluate"
        )
    resumed = args.checkpoint is not None and os.path.exists(args.checkpoint)
    saved = read_forecaster(args.checkpoint if resumed else args.model)
    session = Session(saved, args, resumed)
    inbox = Inbox(line_blocks(args.input, args.follow))
    # when nobody takes the output any more, the last checkpoint is the one to go on from
    with _stopping(session, inbox), suppress(NobodyReadsError):
        try:
            session.run(inbox)
        except ValueError:
            session.checkpoint()  # the rows before the bad one are learnt, and their forecasts out
            raise
        session.checkpoint()
    session.report()
    return 0


class Session:
    """A stream from its start, or a restart, to its end.

    Parameters
    ----------
    saved : Checkpoint
    args : argparse.Namespace
    resumed : bool
        Whether `saved` is the checkpoint of an earlier run.
    """

    def __init__(self, saved, args, resumed):
        self.model, self.notes = saved.model, dict(saved.notes)
        self.path, (self.every_rows, self.every_seconds) = args.checkpoint, args.every
        if known_ahead(self.model):
            raise ValueError(
                f"found a model that must be told {known_ahead(self.model)} ahead, which rows that "
                "come cannot; use tsrnn update and tsrnn forecast --future"
            )
        source = source_of(saved, args)
        header = source.header if args.no_header else None
        if args.no_header and header is None:
            raise ValueError("found --no-header, but the file says nothing of the fields at fit")
        self.parser = RowParser(source.columns, source.time, source.sep, header)
        self.take_in = self.model.update if args.frozen else self.model.partial_fit
        self.options = forecast_options(args, self.model)
        self.complaints = Complaints(args.on_error, "tsrnn stream")
        self.output = Output(args.output, self.notes.get("output") if resumed else None)
        self.stopped = False
        self.n_rows = self.n_seen = self._n_since = 0
        self._saved_at = time.monotonic()
        cutoff = self.model.cutoff_
        self._newest = cutoff.as_unit("ns").value if isinstance(cutoff, pd.Timestamp) else None
        if resumed:
            _say(f"goes on from {self.path}, after {cutoff}")
            for file in leftovers(self.path):  # of checkpoints that a kill has cut short
                file.unlink(missing_ok=True)
        self.checkpoint()  # now, so that a restart finds where the output began

    def run(self, inbox):
        """Take in rows until there are no more, or `stopped` is set."""
        while not self.stopped:
            try:
                block = inbox.next(self._seconds_left())
            except StopIteration:
                return
            if block is not None:
                self._take_block(*block)
            elif self._seconds_left() == 0:
                self.checkpoint()

    def _take_block(self, first, lines):
        rows = self.parser.parse(first, lines)
        frame = pd.DataFrame(rows.numbers, rows.index, self.model.feature_names_in_)
        stamps = None if rows.index is None else rows.index.as_unit("ns").asi8.tolist()
        bad = sorted(rows.problems)
        for row, line in enumerate(rows.lines):
            while bad and bad[0] < line:
                place = bad.pop(0)
                self.complaints.add(place, rows.problems[place])
            if self.stopped:
                return
            if stamps is not None and self._newest is not None and stamps[row] <= self._newest:
                self.n_seen += 1
                continue
            try:
                self.take_in(frame[row : row + 1])
            except ValueError as error:
                self.complaints.add(line, error)
                continue
            self._newest = None if stamps is None else stamps[row]
            self._issue()
        for line in bad:
            self.complaints.add(line, rows.problems[line])

    def _issue(self):
        """Write the forecast after the newest row, and save the model if it is time."""
        forecast = self.model.forecast(**self.options)
        self.output.write(forecast_line(self.model.cutoff_, forecast))
        self.n_rows += 1
        self._n_since += 1
        if self._n_since == self.every_rows or self._seconds_left() == 0:
            self.checkpoint()

    def _seconds_left(self):
        """Seconds to the next checkpoint; None where rows decide, or nothing is new."""
        if self.every_seconds is None or self.path is None or not self._n_since:
            return None
        return max(0.0, self._saved_at + self.every_seconds - time.monotonic())

    def checkpoint(self):
        """Bring the output to the disk, then save the model with the place reached in it."""
        mark = self.output.mark()
        if self.path is not None:
            self.notes["output"] = mark
            save(self.model, self.path, self.notes)
        self._n_since, self._saved_at = 0, time.monotonic()

    def report(self):
        """Say how many rows there were."""
        _say(
            f"{self.n_rows:,} rows, {self.n_seen:,} not newer than those before, "
            f"{self.complaints.n_skipped:,} skipped; the model ends at {self.model.cutoff_}"
        )


def forecast_line(cutoff, forecast):
    """Return a forecast as a line of JSON.

    Examples
    --------
    >>> forecast_line(pd.Timestamp("2024-01-01"), pd.DataFrame({"load": [1.5, 2.0]}))
    '{"cutoff": "2024-01-01T00:00:00", "forecast": {"load": [1.5, 2.0]}}'
    """
    values = forecast.to_numpy()
    columns = values.T.tolist()
    if not np.isfinite(values).all():
        columns = [[v if np.isfinite(v) else None for v in column] for column in columns]
    stamp = cutoff.isoformat() if isinstance(cutoff, pd.Timestamp) else cutoff
    names = map(str, forecast.columns)
    return json.dumps({"cutoff": stamp, "forecast": dict(zip(names, columns, strict=True))})


@contextmanager
def _stopping(session, inbox):
    """Let SIGINT and SIGTERM end the session in good order; a second one ends it at once."""

    def stop(number, _):
        signal.signal(number, signal.SIG_DFL)
        session.stopped, session.output.patient = True, False
        inbox.wake()

    old = {number: signal.signal(number, stop) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield
    finally:
        for number, handler in old.items():
            signal.signal(number, handler)


def _say(text):
    print(f"tsrnn stream: {text}", file=sys.stderr, flush=True)
