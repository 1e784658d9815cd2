"""From lines to rows: CSV or JSON to time stamps and numbers, each bad line with its number."""

import csv
import json
from typing import NamedTuple

import numpy as np
import pandas as pd

from tsrnn.cli.io.times import MISSING, joined_time, parse_times


class Rows(NamedTuple):
    """Rows of a block.

    Attributes
    ----------
    lines : ndarray of int, shape (n,)
        Where each row stands in the input, from 1.
    index : DatetimeIndex or None
    numbers : ndarray of float, shape (n, p)
        NaN where missing.
    problems : dict
        What is wrong with the other lines, by number.
    labels : ndarray of object, shape (n, q)
        Fields that are no numbers: the id where there is one, then categories, None where missing.
    """

    lines: np.ndarray
    index: pd.DatetimeIndex | None
    numbers: np.ndarray
    problems: dict
    labels: np.ndarray


class RowParser:
    """Turns blocks of lines into rows; the first lines tell CSV (with a header) from JSON lines.

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
    """

    def __init__(self, columns, time, sep=",", header=None, labels=()):
        self.columns, self.time, self.sep = columns, time, sep
        self.label_names = [name for name, _ in labels]
        self._labels = [read for _, read in labels]
        self._read = None
        self._first = None  # the header's line: the same line further on is no row
        if header is not None:
            self._use(header)

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
        kept, fields, problems = [], [], {}
        for place, line in enumerate(lines, first):
            line = line.rstrip(b"\r")
            if not line or line == self._first:
                continue
            try:
                text = line.decode("utf-8-sig")
                if self._read is None and self._start(text):
                    self._first = line
                    continue
                fields.append(self._read(text))
                kept.append(place)
            except UnicodeDecodeError:
                problems[place] = "found bytes that are no UTF-8"
            except _BadRow as error:
                problems[place] = str(error)
        values = np.array([row for _, row, _ in fields], dtype=float)
        values = values.reshape(len(fields), len(self.columns))
        labels = np.array([row for *_, row in fields], dtype=object)
        labels = labels.reshape(len(fields), len(self._labels))
        if not self.time.columns:
            return Rows(np.array(kept, dtype=int), None, values, problems, labels)
        index = parse_times([stamp for stamp, *_ in fields], self.time, kept, problems)
        good = ~index.isna()
        if good.any():  # the first stamps decide for the others
            self.time = self.time._replace(tz=index.tz, strict=True)
        lines = np.array(kept, dtype=int)[good]
        return Rows(lines, index[good], values[good], problems, labels[good])

    def _start(self, text):
        """Look at the first line; return whether it was a header."""
        if text.lstrip().startswith("{"):
            self._read = self._read_json
            return False
        self._use(split(text, self.sep))
        return True

    def _use(self, header):
        require_columns(header, [*self.time.columns, *self.columns, *self.label_names])
        self._header, self._read = header, self._read_csv
        self._places = [header.index(name) for name in self.columns]
        self._time_places = [header.index(name) for name in self.time.columns]
        self._label_places = [header.index(name) for name in self.label_names]

    def _read_csv(self, text):
        fields = split(text, self.sep)
        if len(fields) != len(self._header):
            raise _BadRow(f"found {len(fields)} fields, expected {len(self._header)}")
        stamp = joined_time([fields[place] for place in self._time_places])
        values = [number(fields[place], self._header[place]) for place in self._places]
        return stamp, values, self._read_labels([fields[place] for place in self._label_places])

    def _read_json(self, text):
        row = json_object(text)
        missing = [name for name in self.time.columns if row.get(name) is None]
        if missing:
            raise _BadRow(f"found no {missing[0]!r}, expected the time of the row")
        wanted = [*self.columns, *self.label_names]
        if wanted and not row.keys() & set(wanted):
            raise _BadRow(f"found none of the columns {wanted}")
        stamp = joined_time([str(row[name]) for name in self.time.columns])
        values = [number(row.get(name), name) for name in self.columns]
        return stamp, values, self._read_labels([row.get(name) for name in self.label_names])

    def _read_labels(self, fields):
        pairs = zip(self._labels, fields, self.label_names, strict=True)
        return [read(field, name) for read, field, name in pairs]


class _BadRow(ValueError):
    """A line that is no row."""


def json_object(text):
    """Read a line of JSON lines."""
    try:
        row = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise _BadRow(f"found no JSON: {error}") from error
    if not isinstance(row, dict):
        raise _BadRow("found no JSON object, expected one such as {...}")
    return row


def split(text, sep):
    """Split a line of CSV into its fields."""
    if '"' not in text:
        return text.split(sep)
    return next(csv.reader([text], delimiter=sep))


def require_columns(found, wanted):
    """Refuse a header that lacks a column or has one twice."""
    missing = [name for name in wanted if name not in found]
    if missing:
        raise ValueError(f"found the columns {found}, expected {missing} among them")
    doubled = [name for name in wanted if found.count(name) > 1]
    if doubled:
        raise ValueError(f"found the column {doubled[0]!r} more than once; rename one of them")


def number(value, name):
    """Read a field as a float, NaN where it is missing."""
    if value is None:
        return np.nan
    try:
        if isinstance(value, str) and "_" in value:  # which Python takes for a thousands separator
            raise ValueError
        return float(value)
    except (ValueError, TypeError, OverflowError):
        if isinstance(value, str) and value.strip().lower() in MISSING:
            return np.nan
        shown = str(value) if len(str(value)) <= 40 else str(value)[:40] + "..."
        raise _BadRow(f"found {shown!r} in column {name!r}, expected a number") from None


def category(value, name):
    """Read a field as a text, None where it is missing; JSON's true is the True of a CSV."""
    text = "" if value is None else str(value).strip()
    return None if text.lower() in MISSING else text


def text_id(value, name):
    """Read the id of a series, which may be any text: NA is a country."""
    text = "" if value is None else str(value).strip()
    if not text:
        raise _BadRow(f"found nothing in column {name!r}, expected the id of a series")
    return text


def whole_id(value, name):
    """Read the id of a series where ids are whole numbers, as in a model fitted in Python."""
    text = text_id(value, name)
    try:
        return int(text)
    except ValueError:
        raise _BadRow(f"found {text!r} in column {name!r}, expected a whole number") from None
