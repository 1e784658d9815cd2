"""A whole file as a DataFrame of numbers: for the commands that need all rows at once."""

import itertools
import re
import sys
from pathlib import Path

import numpy as np
import pandas as pd

from tsrnn.cli.io.fields import number, require_columns, require_named
from tsrnn.cli.io.formats import READERS, format_of
from tsrnn.cli.io.lines import line_blocks
from tsrnn.cli.io.rows import Rows
from tsrnn.cli.io.times import TWICE, joined_time, parse_times
from tsrnn.frames.frequency import HOUR_NS

LOOKED_AT = 1000  # lines whose values tell columns of numbers from others
TIME_NAMES = {"time", "timestamp", "datetime", "date_time", "date", "ds"}
SHOWN = 3
DATE = re.compile(r"\s*\d{4}-\d\d-\d\d([T ]|\s*$)")
UNNAMED = "", "Unnamed: 0"  # what pandas writes over an index without a name, and reads it as


class Complaints:
    """What becomes of rows that cannot be used: ``--on-error``.

    Parameters
    ----------
    policy : {"raise", "skip", "log"}
    name : str
        Of the command.
    file : str, optional
        Of the rows, where a command reads more than one.
    """

    def __init__(self, policy, name, file=None):
        self.policy, self.name, self.n_skipped = policy, name, 0
        self._where = "line" if file is None else f"{file}, line"

    def add(self, line, message):
        """Raise, or count the row and maybe say so."""
        text = f"{self._where} {line}: {' '.join(str(message).split())}"
        if self.policy == "raise":
            raise ValueError(f"{text}; mend it, or pass --on-error skip")
        self.n_skipped += 1
        if self.policy == "log" or self.n_skipped <= SHOWN:
            print(f"{self.name}: skipped {text}", file=sys.stderr)
            if self.policy == "skip" and self.n_skipped == SHOWN:
                print(f"{self.name}: ... further ones are only counted", file=sys.stderr)


def is_parquet(name):
    """Whether a file is Parquet, by its name."""
    return Path(name).suffix in (".parquet", ".pq")


def look(name, sep, format=None):
    """Return the columns of a file, those of numbers and those of dates, by its first lines.

    Parameters
    ----------
    name : str
    sep : str
        Between the fields of CSV.
    format : str, optional
        One of `READERS`; by default as the first line tells.

    Raises
    ------
    ValueError
        The file is empty, or standard input, which cannot be read twice.
    """
    if name == "-":
        raise ValueError("found '-', expected a file: the data of a fit are read twice")
    if is_parquet(name):
        frame = read_parquet(name)
        numeric = [c for c in frame if pd.api.types.is_numeric_dtype(frame[c].dtype)]
        dated = [c for c in frame if pd.api.types.is_datetime64_any_dtype(frame[c].dtype)]
        return [[str(column) for column in columns] for columns in (frame, numeric, dated)]
    lines = itertools.chain.from_iterable(lines for _, lines in line_blocks(name))
    texts = [
        line.decode("utf-8-sig", errors="replace").rstrip("\r")
        for line in itertools.islice(lines, LOOKED_AT)
    ]
    texts = [text for text in texts if text]
    if not texts:
        raise ValueError(f"{name} is empty, expected rows")
    values = READERS[format or format_of(texts[0])].look(texts, sep)
    return [*values], *_by_kind(values.items())


def _by_kind(columns):
    """Return the names of columns of numbers, and of those whose values are dates."""
    numeric = [name for name, found in columns if _are_numbers(found)]
    rest = [(name, found) for name, found in columns if name not in numeric]
    return numeric, [name for name, found in rest if all(map(_is_date, found))]


def _is_date(value):
    return isinstance(value, str) and DATE.match(value) is not None


def _are_numbers(values):
    """Whether most of the values that are there are numbers."""
    good = bad = 0
    for value in values:
        try:
            good += not np.isnan(number(value, ""))
        except ValueError:
            bad += 1
    return good > bad or good == bad == 0


def time_columns(text, columns, dated=()):
    """Return the columns that ``--time`` names; without one, a column whose name says it.

    An index without a name that holds dates, as pandas writes it, is taken too; other columns of
    dates are told.
    """
    if text is not None:
        return named(text, columns)
    found = [name for name in columns if name.lower() in TIME_NAMES]
    found += [name for name in columns if name in UNNAMED and name in dated]
    if found:
        print(f"tsrnn: takes {found[0]!r} for the time (--time)", file=sys.stderr)
    elif dated:
        print(
            f"tsrnn: warning: found dates in {dated[0]!r} and no --time: rows are counted, and "
            f"seasons of the calendar are not seen; pass --time {dated[0]}",
            file=sys.stderr,
        )
    return found[:1]


def named(text, columns):
    """Return the columns that a text names: one, or several with commas between."""
    names = [text] if text in columns else text.split(",")
    require_named(names, columns)
    return names


def read_frame(name, source, complaints, in_order=True):
    """Read all rows of a file.

    Parameters
    ----------
    name : str
    source : Source
    complaints : Complaints
        Hears of each row that cannot be used: no number, no time, not newer than those before.
    in_order : bool
        False: rows may come in any order of time.

    Returns
    -------
    frame : DataFrame of shape (n, p)
        Indexed by time, if the rows have one; of a panel as its model takes it.
    lines : ndarray of int, shape (n,)
    """
    if is_parquet(name):
        blocks = [parquet_rows(name, source)]
    else:
        blocks = source.parser().blocks(line_blocks(name))
    indexes, values, labels, lines, newest = [], [], [], [], {}
    for rows in blocks:
        for line in sorted(rows.problems):
            complaints.add(line, rows.problems[line])
        good = np.ones(len(rows.lines), dtype=bool)
        if rows.index is not None and len(rows.index):
            if in_order:
                good = _newer(rows, newest, complaints, source.id is not None)
            indexes.append(rows.index[good])
        values.append(rows.numbers[good])
        labels.append(rows.labels[good])
        lines.append(rows.lines[good])
    if not values or not sum(map(len, values)):
        raise ValueError(f"found no row in {name} that can be used, expected some")
    index = None
    if source.time.columns:
        name = source.time.columns[0] if len(source.time.columns) == 1 else "time"
        index = indexes[0].append(indexes[1:]).set_names(name)
    frame = source.frame(index, np.concatenate(values), np.concatenate(labels))
    return frame, np.concatenate(lines)


def _newer(rows, newest, complaints, panel):
    """Tell rows that are newer than all before them, of their series; complain of the others."""
    good = np.ones(len(rows.lines), dtype=bool)
    series = rows.labels[:, 0] if panel else [None] * len(good)
    stamps = rows.index.as_unit("ns").asi8.tolist()
    for row, (one, stamp) in enumerate(zip(series, stamps, strict=True)):
        before = newest.get(one)
        if before is None or stamp > before:
            newest[one] = stamp
            continue
        good[row] = False
        found = f"the time stamp {rows.index[row]} " + f"of {one!r} " * panel
        found += "has come before" if stamp == before else "is older than one before it"
        expected = "expected rows in the order of time"
        if rows.index.tz is None and before - stamp < HOUR_NS:
            expected += f"; where clocks go back, {TWICE}"
        complaints.add(rows.lines[row], f"{found}, {expected}")
    return good


def read_parquet(name):
    """Read a Parquet file, if pandas has what it takes."""
    try:
        return pd.read_parquet(name)
    except ImportError as error:
        raise ImportError("Parquet needs pyarrow: pip install pyarrow") from error
    except ValueError as error:
        raise ValueError(f"found no Parquet in {name}, expected a whole file of it") from error


def parquet_rows(name, source):
    """Return a Parquet file as `Rows`; a time stamp may be of a type of its own, or a text."""
    frame = read_parquet(name).reset_index(drop=False)
    frame.columns = [str(column) for column in frame.columns]
    require_columns(
        [*frame], [*source.time.columns, *source.numbers, *(name for name, _ in source.labels)]
    )
    for column in source.numbers:
        if not pd.api.types.is_numeric_dtype(frame[column].dtype):
            raise ValueError(f"found no numbers in column {column!r} of {name}, expected some")
    values = frame[source.numbers].to_numpy(dtype=float, na_value=np.nan)
    lines, problems, time = np.arange(1, len(frame) + 1), {}, source.time
    labels = np.empty((len(frame), len(source.labels)), dtype=object)
    for place, (name, read) in enumerate(source.labels):
        column = frame[name].astype(object)
        labels[:, place] = [read(x, name) for x in column.where(column.notna(), None)]
    if not time.columns:
        return Rows(lines, None, values, problems, labels)
    stamps = frame[time.columns[0]]
    if len(time.columns) == 1 and pd.api.types.is_datetime64_any_dtype(stamps.dtype):
        index = pd.DatetimeIndex(stamps)
        if time.tz is not None:
            to_zone = index.tz_localize if index.tz is None else index.tz_convert
            index = to_zone(time.tz)
    else:
        parts = zip(*(frame[column].astype(str) for column in time.columns), strict=True)
        index = parse_times([joined_time(list(part)) for part in parts], time, lines, problems)
    good = ~index.isna()
    return Rows(lines[good], index[good], values[good], problems, labels[good])
