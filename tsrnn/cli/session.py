"""A stream from its start, or a restart, to its end: rows in, forecasts out, checkpoints."""

import sys
import time

import numpy as np
import pandas as pd

from tsrnn.cli.forecast import forecast_options
from tsrnn.cli.io.formats import WRITERS
from tsrnn.cli.io.frames import Complaints
from tsrnn.cli.io.future import FutureRows
from tsrnn.cli.io.issued import Issued, WriterOptions
from tsrnn.cli.io.output import Output
from tsrnn.cli.models import (
    blank_forecast,
    by_time,
    is_panel,
    known_ahead,
    newest,
    numbered,
    on_grid,
    source_ahead,
    source_of,
    unknown_ahead,
)
from tsrnn.persistence import leftovers, save


class Session:
    """A stream from its start, or a restart, to its end.

    Parameters
    ----------
    saved : Checkpoint
    args : argparse.Namespace
    resumed : bool
        Whether `saved` is the checkpoint of an earlier run.
    live : LivePage, optional
        Page that is to show the stream.
    """

    def __init__(self, saved, args, resumed, live=None):
        self.model, self.notes = saved.model, dict(saved.notes)
        self.path, (self.every_rows, self.every_seconds) = args.checkpoint, args.every
        source = self.source = source_of(saved, args)._replace(format=args.format)
        header = source.header if args.no_header else None
        if args.no_header and header is None:
            raise ValueError("found --no-header, but the file says nothing of the fields at fit")
        self.parser = source.parser(header)
        self.learning = not args.frozen
        self.options = forecast_options(args, self.model)
        self.complaints = Complaints(args.on_error, "tsrnn stream")
        self.future = future_of(saved, args)
        expected = require_forecast(self.model, self.options)
        self.writer = writer_of(self.model, source, args)
        self.output = Output(args.output, self.notes.get("output") if resumed else None)
        self.writer.begin(expected, self.output.is_empty)
        self.live, self._shown = live, places_of_targets(self.model, source)
        self._targets = list(map(str, blank_forecast(self.model).columns))
        self.stopped, self.one_for_one, self._issued = False, args.one_for_one, []
        self.n_rows = self.n_seen = self._n_since = 0
        self._saved_at = time.monotonic()
        self._newest = self._seen()
        if resumed:
            say(f"goes on from {self.path}, after {newest(self.model)}")
            for file in leftovers(self.path):  # of checkpoints that a kill has cut short
                file.unlink(missing_ok=True)
        self.checkpoint()  # now, so that a restart finds where the output began

    def _seen(self):
        """Return what tells rows that the model has seen: the newest stamp of them, in ns."""
        cutoff = self.model.cutoff_
        return cutoff.as_unit("ns").value if isinstance(cutoff, pd.Timestamp) else None

    def run(self, inbox):
        """Take in rows until there are no more, or `stopped` is set."""
        while not self.stopped:
            try:
                block = inbox.next(self._seconds_left())
            except StopIteration:
                return self._end()
            if block is not None:
                self._take_block(*block)
            elif self._seconds_left() == 0:
                self.checkpoint()

    def _take_block(self, first, lines):
        rows = self.parser.parse(first, lines)
        if rows.index is not None:
            rows = rows._replace(index=on_grid(rows.index, self.model))
        self._start_block(rows)
        stamps = None if rows.index is None else rows.index.as_unit("ns").asi8.tolist()
        places = {line: row for row, line in enumerate(rows.lines.tolist())}
        for line in range(first, first + len(lines)):
            if line in rows.problems:
                self.complaints.add(line, rows.problems[line])
            if self.stopped:
                return
            if (row := places.get(line)) is not None:
                self._take_row(row, None if stamps is None else stamps[row], line)
            if self._issued or self.one_for_one:
                self._write(lines[line - first])
                if self._n_since >= (self.every_rows or np.inf) or self._seconds_left() == 0:
                    self.checkpoint()

    def _end(self):
        """Take in what is left when the input has ended."""
        for line, problem in self.parser.end().problems.items():
            self.complaints.add(line, problem)
        self.finish()
        if self.one_for_one and self._issued:
            n_rows, self._issued = len(self._issued), []
            self._count(n_rows)
            say(f"the input ends: no line is left to answer with the last {n_rows} forecasts")
        elif self._issued:
            self._write()

    def _write(self, line=b""):
        """Write what is issued and not written yet: one for one, as the answer to a line."""
        issued, self._issued = self._issued, []
        if self.one_for_one:
            text = line.decode(errors="replace").rstrip("\r")
            self.output.write(self.writer.answer(issued, text))
        elif lines := self.writer.forecasts(issued):
            self.output.write("\n".join(lines))
        self._count(len(issued))

    def _count(self, n_rows):
        """Count rows taken in."""
        self.n_rows += n_rows
        self._n_since += n_rows

    def _start_block(self, rows):
        """Look at a block of rows before they are taken in, one by one."""
        self._rows = rows
        self._frame = self.source.frame(rows.index, rows.numbers, rows.labels)

    def _take_row(self, row, stamp, line):
        """Take in a row of the block, and write the forecast after it."""
        if stamp is not None and self._newest is not None and stamp <= self._newest:
            self.n_seen += 1
            return
        if self.future is not None:
            self.future.read()
        try:
            rows = self._frame[row : row + 1]
            rows = rows if self.source.time.columns else numbered(rows, self.model)
            [p_values] = self.take_in(rows)
        except ValueError as error:
            self.complaints.add(line, error)
            return
        self._newest = stamp
        forecast, reason, options = self._forecast()
        origin = self._rows.origins[row]
        self._issued.append(Issued(self.model.cutoff_, forecast, reason, None, origin, p_values))
        if self.live is not None:
            actual = self._rows.numbers[row : row + 1, self._shown]
            odds = self.odds([p_values])
            self.live.take(self.model.cutoff_, actual, forecast, options, None, odds)

    def take_in(self, rows):
        """Take in rows; return the p-values of each, by target, None where there are none.

        Nothing is known of rows before the first one.
        """
        model = self.model
        if newest(model) is None:
            (model.partial_fit if self.learning else model.update)(rows)
            return [None] * len(rows)
        found = model._take_scored(rows, self.learning)
        return [dict(zip(self._targets, row, strict=True)) for row in found.tolist()]

    def _forecast(self):
        """Return the forecast after the newest row, why there is none, what it was asked with."""
        model, options = self.model, self.options
        if self.future is None:
            return model.forecast(**options), None, options
        X_future, reasons = self.future.ahead(model.future_index(options["horizon"]))
        if reasons:
            return None, reasons[None], None
        options = {**options, "X_future": X_future}
        return model.forecast(**options), None, options

    def odds(self, p_values):
        """Return the p-values of rows, by target each, as an array (n_rows, n_targets)."""
        names = self.writer.options.targets
        return np.array([[(row or {}).get(name, np.nan) for name in names] for row in p_values])

    def finish(self):
        """Take in what is left when the input has ended: nothing, where each row stands alone."""

    def _seconds_left(self):
        """Seconds to the next checkpoint; None where rows decide, or nothing is new."""
        if self.every_seconds is None or self.path is None or not self._n_since:
            return None
        return max(0.0, self._saved_at + self.every_seconds - time.monotonic())

    def checkpoint(self):
        """Bring the output to the disk, then save the model with the place reached in it."""
        if self._issued:  # what is learnt is out, even if the row after it stops the stream
            self._write()
        mark = self.output.mark()
        if self.path is not None:
            self.notes["output"] = mark
            if "rows" in self.notes:
                self.notes["rows"] += self._n_since
            save(self.model, self.path, self.notes)
        self._n_since, self._saved_at = 0, time.monotonic()

    def close(self):
        """Close the file of the rows to come."""
        if self.future is not None:
            self.future.close()

    def report(self):
        """Say how many rows there were."""
        say(
            f"{self.n_rows:,} rows, {self.n_seen:,} not newer than those before, "
            f"{self.complaints.n_skipped:,} skipped; the model ends at {newest(self.model)}"
        )


def future_of(saved, args):
    """Return the `FutureRows` of ``--future``; None for a model that needs none.

    Raises
    ------
    ValueError
        There is no file, or no use for it.
    """
    columns = known_ahead(saved.model)
    if args.future is None:
        if not columns:
            return None
        raise ValueError(
            f"found a model with inputs known ahead, {columns}, and no --future, expected the file "
            "of their rows to come; pass --future FILE"
        )
    source = source_ahead(saved, args)
    if not source.time.columns:
        raise ValueError(
            "found --future and rows without time stamps, expected rows with one, by which those "
            "to come are known; fit with --time, or use tsrnn update and tsrnn forecast --future"
        )
    complaints = Complaints(args.on_error, "tsrnn stream", args.future)
    return FutureRows(args.future, source, complaints, args.follow)


def writer_of(model, source, args):
    """Return what writes forecasts in the format of ``--format``, JSON lines by default.

    Raises
    ------
    ValueError
        The format cannot write them.
    """
    options = WriterOptions(
        [str(name) for name in blank_forecast(model).columns],
        is_panel(model),
        bool(source.time.columns),
        bool(known_ahead(model)),
        args.one_for_one,
        not args.no_header,
        source.time.precision,
    )
    return WRITERS[args.format or "jsonl"](options)


def places_of_targets(model, source):
    """Return where the targets of a model stand among the numbers of a row."""
    names = [source.names.get(name, name) for name in source.numbers]
    return [names.index(target) for target in blank_forecast(model).columns]


def require_forecast(model, options):
    """Refuse what the model cannot do, before the first row is learnt; return a forecast.

    Raises
    ------
    ValueError
        What `forecast` says against these options.
    """
    if newest(model) is not None:
        X_future = unknown_ahead(model, options["horizon"]) if known_ahead(model) else None
        ahead = {} if X_future is None else {"X_future": X_future}
        return by_time(model.forecast(**options, **ahead), model)
    return None


def say(text):
    """Say something beside the forecasts."""
    print(f"tsrnn stream: {text}", file=sys.stderr, flush=True)
