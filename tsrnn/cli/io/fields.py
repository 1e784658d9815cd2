"""Fields of a line: what is a number, a category, the id of a series, and what is none of them."""

from typing import Any, NamedTuple

import numpy as np

from tsrnn.cli.io.times import MISSING


class BadRow(ValueError):
    """A line that is no row."""


class UnfinishedRow(ValueError):
    """A line that ends within quotes: the row goes on in the next one."""


class Wanted(NamedTuple):
    """What a reader is to find in a line.

    Attributes
    ----------
    time : list of str
        Columns of the time stamp.
    columns : list of str
        Columns of values, in the order in which they are to be returned.
    sep : str
        Between the fields of CSV.
    header : list of str or None
        Names of the fields of CSV without a header.
    """

    time: list
    columns: list
    sep: str = ","
    header: list | None = None


class Fields(NamedTuple):
    """Fields of a row, as they stand in the line.

    Attributes
    ----------
    time : str
        Empty where no column of time is wanted.
    found : list
        Of the columns: texts, or what JSON made of them; None where missing.
    origin : str
        What a forecast of the row is to be written under: of line protocol, measurement and tags.
    """

    time: str
    found: list
    origin: Any = None


def require_named(names, columns):
    """Refuse columns without some of the names: as where fields have something else between."""
    missing = [name for name in names if name not in columns]
    if not missing:
        return
    other = [mark for mark in ";\t|" if len(columns) == 1 and mark in columns[0]]
    remedy = f"; pass --sep {other[0]!r}" if other else ""
    raise ValueError(f"found the columns {[*columns]}, expected {missing} among them{remedy}")


def require_columns(found, wanted):
    """Refuse a header that lacks a column or has one twice."""
    require_named(wanted, found)
    doubled = [name for name in wanted if found.count(name) > 1]
    if doubled:
        raise ValueError(f"found the column {doubled[0]!r} more than once; rename one of them")


def of_row(row, columns):
    """Return the values of a row by name; refuse one without any of the columns."""
    if columns and not row.keys() & set(columns):
        raise BadRow(f"found none of the columns {columns}")
    return [row.get(name) for name in columns]


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
        raise BadRow(f"found {shown!r} in column {name!r}, expected a number") from None


def category(value, name):
    """Read a field as a text, None where it is missing; JSON's true is the True of a CSV."""
    text = "" if value is None else str(value).strip()
    return None if text.lower() in MISSING else text


def text_id(value, name):
    """Read the id of a series, which may be any text: NA is a country."""
    text = "" if value is None else str(value).strip()
    if not text:
        raise BadRow(f"found nothing in column {name!r}, expected the id of a series")
    return text


def whole_id(value, name):
    """Read the id of a series where ids are whole numbers, as in a model fitted in Python."""
    text = text_id(value, name)
    try:
        return int(text)
    except ValueError:
        raise BadRow(f"found {text!r} in column {name!r}, expected a whole number") from None
