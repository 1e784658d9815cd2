"""Rows of inputs that are known ahead, kept until their time has come."""

import os
import sys
from pathlib import Path

import numpy as np

from tsrnn.cli.io.frames import is_parquet, parquet_rows
from tsrnn.cli.io.lines import OPENERS, GrowingFile, Lines, line_blocks
from tsrnn.frames.validation import LARGEST

LAST_YEAR = 2261  # whose stamps all fit into nanoseconds; a later one is never forecast
MANY = 1000  # rows of a series, before those of the past are dropped


class FutureRows:
    """What a file tells of the rows to come, looked up by id and time stamp.

    A row that comes again replaces the one before it: plans change. Rows whose time has passed are
    dropped, so that memory holds what is still ahead.

    Parameters
    ----------
    name : str
        Of a CSV file with a header, of JSON lines, either compressed, or of Parquet.
    source : Source
        Of the columns known ahead alone, with time stamps.
    complaints : Complaints
        Hears of each row that cannot be used.
    follow : bool
        Whether `read` goes on with what the file has got since; one that is replaced is read anew.

    Raises
    ------
    ValueError, OSError
        The file cannot be read.
    """

    def __init__(self, name, source, complaints, follow=False):
        self._name, self._source, self._complaints = name, source, complaints
        self._rows, self._many = {}, {}  # by series
        self._file = self._version = None
        self._parser, self._lines = source.parser(), Lines()
        whole = is_parquet(name) or Path(name).suffix in OPENERS  # not read line by line
        self._follows_whole = follow and whole
        if follow and not whole:
            self._file = GrowingFile(name)
            try:
                self.read()
            except BaseException:
                self.close()
                raise
        else:
            self._version = self._read_whole()

    def read(self):
        """Take in what the file has got since the last time, without waiting for more.

        Raises
        ------
        ValueError
            A row cannot be used, and is to stop the stream.
        """
        if self._file is not None:
            while data := self._file.read():
                for first, lines in self._lines.take(data):
                    self._take(self._parser.parse(first, lines))
        elif self._follows_whole and _version(self._name) not in (None, self._version):
            try:
                self._version = self._read_whole()
            except (OSError, ValueError, ImportError) as error:  # it may be half written
                self._version = _version(self._name)
                text = f"cannot read {self._name} again, goes on with its rows of before: {error}"
                print(f"tsrnn stream: {text}", file=sys.stderr, flush=True)

    def _read_whole(self):
        version = _version(self._name)
        if is_parquet(self._name):
            self._take(parquet_rows(self._name, self._source))
            return version
        for rows in self._source.parser().blocks(line_blocks(self._name)):
            self._take(rows)
        return version

    def close(self):
        """Close the file, if it is followed."""
        if self._file is not None:
            self._file.close()

    def _take(self, rows):
        problems, good = dict(rows.problems), np.ones(len(rows.lines), dtype=bool)
        with np.errstate(invalid="ignore"):
            for row, column in np.argwhere(np.abs(rows.numbers) > LARGEST):
                name, good[row] = self._source.numbers[column], False
                problems[rows.lines[row]] = f"found {rows.numbers[row, column]} in column {name!r}"
        for line in sorted(problems):
            self._complaints.add(line, problems[line])
        good &= rows.index.year <= LAST_YEAR
        stamps = rows.index[good].as_unit("ns").asi8.tolist()
        values = zip(rows.numbers[good].tolist(), rows.labels[good].tolist(), strict=True)
        for stamp, (numbers, labels) in zip(stamps, values, strict=True):
            series = None if self._source.id is None else labels[0]
            self._rows.setdefault(series, {})[stamp] = numbers, labels

    def ahead(self, index, ids=(None,)):
        """Return the rows of series at the next stamps, and why others cannot be forecast.

        Parameters
        ----------
        index : DatetimeIndex of length m
            The same for all of them; rows before it are needed no more.
        ids : sequence of length B
            (None,) for one stream.

        Returns
        -------
        X_future : DataFrame
            Of the series all of whose rows are there, in the order of `ids`.
        reasons : dict
            Why there is no forecast, of each other series.
        """
        stamps = index.as_unit("ns").asi8.tolist()
        numbers, labels, n_known, reasons = [], [], 0, {}
        for series in ids:
            rows = self._still_ahead(series, stamps[0])
            found = [rows.get(stamp) for stamp in stamps]
            if n_missing := found.count(None):
                first = index[found.index(None)].isoformat()
                reasons[series] = (
                    f"{n_missing} of the {len(stamps)} rows known ahead are not there, the first "
                    f"that of {first}"
                )
                continue
            n_known += 1
            for row_numbers, row_labels in found:
                numbers.append(row_numbers)
                labels.append(row_labels)
        source, n = self._source, len(numbers)
        numbers = np.array(numbers, dtype=float).reshape(n, len(source.numbers))
        texts = np.empty((n, len(source.labels)), dtype=object)
        if n and source.labels:
            texts[:] = labels
        times = index if n_known == 1 else index.take(np.tile(np.arange(len(index)), n_known))
        return source.frame(times, numbers, texts), reasons

    def _still_ahead(self, series, first):
        """Return the rows of a series; those of the past are dropped when they are many."""
        rows = self._rows.get(series, {})
        if len(rows) > self._many.get(series, MANY):
            rows = {stamp: row for stamp, row in rows.items() if stamp >= first}
            self._rows[series], self._many[series] = rows, 2 * len(rows) + MANY
        return rows


def _version(name):
    """Return what tells a file from the one that was read before; None where there is none."""
    try:
        found = os.stat(name)
    except FileNotFoundError:  # it is just being replaced
        return None
    return found.st_ino, found.st_size, found.st_mtime_ns
