"""From lines to rows: CSV or JSON to time stamps and numbers, each bad line with its number."""

import csv
import json
import re
from typing import NamedTuple

import numpy as np
import pandas as pd

MISSING = {"", "na", "n/a", "#n/a", "<na>", "nan", "null", "none"}  # in lower case
OFFSET = re.compile(r"(Z|[+-]\d\d(:?\d\d)?)$")  # of a time stamp, after its date
EPOCH_UNITS = ("s", "ms", "us", "ns")
DATE_LENGTH = len("2024-01-31")


class TimeOptions(NamedTuple):
    """How time stamps are written.

    Attributes
    ----------
    columns : list of str
        One, or year, month, day, hour ... in this order; empty: rows are counted.
    format : str or None
        None: ISO 8601.
    tz : str, tzinfo or None
        The zone that the rows are to be in; stamps without an offset are its wall clock.
    strict : bool
        Refuse stamps that have an offset where `tz` is None; else those are taken to UTC.
    """

    columns: list
    format: str | None = None
    tz: object = None
    strict: bool = False


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
    """

    lines: np.ndarray
    index: pd.DatetimeIndex | None
    numbers: np.ndarray
    problems: dict


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
    """

    def __init__(self, columns, time, sep=",", header=None):
        self.columns, self.time, self.sep = columns, time, sep
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
        values = np.array([row for _, row in fields], dtype=float).reshape(-1, len(self.columns))
        if not self.time.columns:
            return Rows(np.array(kept, dtype=int), None, values, problems)
        index = parse_times([stamp for stamp, _ in fields], self.time, kept, problems)
        good = ~index.isna()
        if good.any():  # the first stamps decide for the others
            self.time = self.time._replace(tz=index.tz, strict=True)
        return Rows(np.array(kept, dtype=int)[good], index[good], values[good], problems)

    def _start(self, text):
        """Look at the first line; return whether it was a header."""
        if text.lstrip().startswith("{"):
            self._read = self._read_json
            return False
        self._use(split(text, self.sep))
        return True

    def _use(self, header):
        require_columns(header, [*self.time.columns, *self.columns])
        self._header, self._read = header, self._read_csv
        self._places = [header.index(name) for name in self.columns]
        self._time_places = [header.index(name) for name in self.time.columns]

    def _read_csv(self, text):
        fields = split(text, self.sep)
        if len(fields) != len(self._header):
            raise _BadRow(f"found {len(fields)} fields, expected {len(self._header)}")
        stamp = joined_time([fields[place] for place in self._time_places])
        return stamp, [number(fields[place], self._header[place]) for place in self._places]

    def _read_json(self, text):
        row = json_object(text)
        missing = [name for name in self.time.columns if row.get(name) is None]
        if missing:
            raise _BadRow(f"found no {missing[0]!r}, expected the time of the row")
        if self.columns and not row.keys() & set(self.columns):
            raise _BadRow(f"found none of the columns {self.columns}")
        stamp = joined_time([str(row[name]) for name in self.time.columns])
        return stamp, [number(row.get(name), name) for name in self.columns]


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


def joined_time(parts):
    """Return the text of a time stamp: as it is, or ISO 8601 out of year, month, day, hour ..."""
    if len(parts) < 2:
        return parts[0].strip() if parts else ""
    date, clock = parts[:3], parts[3:]
    date = "-".join(part.strip().zfill(2) for part in [*date, *["01"] * (3 - len(date))])
    if not clock:
        return date
    return (
        f"{date}T{':'.join(part.strip().zfill(2) for part in [*clock, *['0'] * (2 - len(clock))])}"
    )


def parse_times(texts, time, lines, problems):
    """Return the stamps of texts as a DatetimeIndex in the zone of `time`; NaT for bad ones.

    Parameters
    ----------
    texts : list of str
    time : TimeOptions
    lines : list of int
        Their numbers; bad ones are entered in `problems`.
    problems : dict
    """
    try:
        index = _times(texts, time)
        if not index.hasnans:
            return index
    except (ValueError, OverflowError, TypeError):
        pass
    stamps = []  # one by one, to find the bad ones
    for text, line in zip(texts, lines, strict=True):
        try:
            stamp = _times([text], time)[0]
            if stamp is pd.NaT:
                raise ValueError
            time = time._replace(tz=stamp.tz, strict=True)  # the first decides for the others
        except (ValueError, OverflowError, TypeError) as error:
            stamp, problems[line] = pd.NaT, _bad_time(text, time, error)
        stamps.append(stamp)
    index = pd.DatetimeIndex(stamps)
    if index.tz is None and time.tz is not None:  # all bad
        index = index.tz_localize(time.tz)
    return index


def _times(texts, time):
    if time.format in EPOCH_UNITS:
        index = pd.to_datetime(np.array(texts, dtype=float), unit=time.format, utc=True)
        return index.tz_convert(time.tz)
    if time.format is None:
        aware = [OFFSET.search(text, DATE_LENGTH) is not None for text in texts]
    else:
        aware = ["%z" in time.format] * len(texts)
    if any(aware):
        if not all(aware) or (time.strict and time.tz is None):
            raise ValueError("an offset from UTC, expected none")
        index = pd.to_datetime(texts, format=time.format or "ISO8601", utc=True)
        return index if time.tz is None else index.tz_convert(time.tz)
    index = pd.DatetimeIndex(pd.to_datetime(texts, format=time.format or "ISO8601"))
    if time.tz is None:
        return index
    return index.tz_localize(time.tz, ambiguous="NaT", nonexistent="NaT")


def _bad_time(text, time, error):
    if not text or text.lower() in MISSING:
        return "found no time stamp"
    if time.format is None and not re.match(r"\d{4}-?\d\d", text):
        return (
            f"found {text!r} as time stamp, expected ISO 8601 such as 2024-01-31T15:00; pass "
            "--time-format, such as '%d/%m/%Y %H:%M'"
        )
    if not str(error):  # pandas made NaT of it
        return f"found {text!r} as time stamp, which is none, or comes twice or never in the zone"
    return f"found {text!r} as time stamp: {' '.join(str(error).split())}"
