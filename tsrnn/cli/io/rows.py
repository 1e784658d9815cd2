"""From lines to rows: time stamps and numbers, each bad line with its number."""

from typing import NamedTuple

import numpy as np
import pandas as pd

from tsrnn.cli.io.fields import BadRow, UnfinishedRow, Wanted, number
from tsrnn.cli.io.formats import READERS, format_of
from tsrnn.cli.io.times import parse_times

MOST_LINES = 1000  # of one row, whose quotes hold ends of lines


class Rows(NamedTuple):
    """Rows of a block.

    Attributes
    ----------
    lines : ndarray of int, shape (n,)
        Where each row ends in the input, from 1.
    index : DatetimeIndex or None
    numbers : ndarray of float, shape (n, p)
        NaN where missing.
    problems : dict
        What is wrong with the other lines, by number.
    labels : ndarray of object, shape (n, q)
        Fields that are no numbers: the id where there is one, then categories, None where missing.
    origins : list of length n, optional
        As in `Fields`.
    """

    lines: np.ndarray
    index: pd.DatetimeIndex | None
    numbers: np.ndarray
    problems: dict
    labels: np.ndarray
    origins: list | None = None


class RowParser:
    """Turns blocks of lines into rows.

    Parameters
    ----------
    columns : list of str
        Columns to read as numbers.
    time : TimeOptions
    sep : str
        Between the fields of CSV.
    header : list of str, optional
        Names of the fields, for CSV without a header.
    labels : list of (str, callable), optional
        Columns to read otherwise, and how the text of each is read: `category`, or an id.
    format : str, optional
        One of `READERS`; by default as the first line tells.
    """

    def __init__(self, columns, time, sep=",", header=None, labels=(), format=None):
        self.columns, self.time, self._labels = columns, time, list(labels)
        names = [*columns, *(name for name, _ in self._labels)]
        self._wanted = Wanted(time.columns, names, sep, header)
        self._reader, self._open = None, []  # lines of a row whose quotes are not closed yet
        self._opened_at = None
        if format is not None or header is not None:
            self._start(format or "csv")

    def _start(self, format):
        self._reader = READERS[format](self._wanted)
        self.time = self._reader.times(self.time)

    def parse(self, first, lines):
        """Return the `Rows` of a block.

        Parameters
        ----------
        first : int
            Number of the first line.
        lines : list of bytes

        Raises
        ------
        ValueError
            There is no header, or it lacks a column.
        """
        kept, rows, problems = [], [], {}
        for place, line in enumerate(lines, first):
            line = line.rstrip(b"\r")
            if not line and not self._open:
                continue
            try:
                row = self._read_line(line.decode("utf-8-sig"), place, problems)
            except UnicodeDecodeError:
                problems[place] = "found bytes that are no UTF-8"
            except BadRow as error:
                problems[place] = str(error)
            else:
                if row is not None:
                    rows.append(row)
                    kept.append(place)
        return self._rows(kept, rows, problems)

    def blocks(self, blocks):
        """Yield the `Rows` of all blocks of lines, with what is wrong at their end."""
        for first, lines in blocks:
            yield self.parse(first, lines)
        yield self.end()

    def _read_line(self, text, place, problems):
        """Return the row that a line ends: time, numbers, labels, origin; None if it ends none."""
        if self._reader is None:
            self._start(format_of(text))
        if self._open:
            return self._read_on(text, place, problems)
        try:
            return self._read(text)
        except UnfinishedRow:
            self._open, self._opened_at = [text], place
            return None

    def _read_on(self, text, place, problems):
        """Add a line to the row that is open, unless it is a row itself."""
        if '"' in text:
            self._open.append(text)
            try:
                text, self._open = "\n".join(self._open), []
                return self._read(text)
            except UnfinishedRow:
                self._open = text.split("\n")
        elif (row := self._row_alone(text)) is not None:
            problems[place] = self._unclosed()
            return row
        else:
            self._open.append(text)
        if len(self._open) > MOST_LINES:
            problems[place] = self._unclosed()
        return None

    def _row_alone(self, text):
        """Return the row that a line without quotes is, if it has a time and a number."""
        try:
            row = self._read(text)
        except ValueError:
            return None
        if row is None or not np.isfinite(row[1]).any():
            return None
        if self.time.columns and parse_times([row[0]], self.time, [0], {}).hasnans:
            return None
        return row

    def _unclosed(self):
        self._open = []
        return f"found quotes in line {self._opened_at} that are not closed"

    def end(self):
        """Return what is wrong where the input ends, as `Rows` without any."""
        problems = {self._opened_at: "found quotes that are not closed"} if self._open else {}
        self._open = []
        return self._rows([], [], problems)

    def _read(self, text):
        fields = self._reader.read(text)
        if fields is None:
            return None
        n_numbers = len(self.columns)
        pairs = zip(fields.found[:n_numbers], self.columns, strict=True)
        numbers = [number(value, name) for value, name in pairs]
        pairs = zip(fields.found[n_numbers:], self._labels, strict=True)
        labels = [read(value, name) for value, (name, read) in pairs]
        return fields.time, numbers, labels, fields.origin

    def _rows(self, kept, rows, problems):
        values = np.array([row for _, row, *_ in rows], dtype=float)
        values = values.reshape(len(rows), len(self.columns))
        labels = np.array([row for _, _, row, _ in rows], dtype=object)
        labels = labels.reshape(len(rows), len(self._labels))
        lines, origins = np.array(kept, dtype=int), [row[3] for row in rows]
        if not self.time.columns:
            return Rows(lines, None, values, problems, labels, origins)
        index = parse_times([row[0] for row in rows], self.time, kept, problems)
        good = ~index.isna()
        if good.any():  # the first stamps decide for the others
            self.time = self.time._replace(tz=index.tz, strict=True)
        origins = [origin for origin, is_good in zip(origins, good, strict=True) if is_good]
        return Rows(lines[good], index[good], values[good], problems, labels[good], origins)
