"""Columns of polars and Arrow, read and made by the libraries' own calls.

For the one row of a stream narwhals takes ten times as long. So it is asked only for what is none
of the plain kinds: numbers, time stamps, dates and texts.
"""

import numpy as np
import pandas as pd

MADE_OF_SECONDS = "ms"  # the unit of time stamps that have whole seconds: polars has no other


def read_columns(data):
    """Return the columns of a frame of polars or Arrow by name.

    Numbers become arrays, NaN where missing; time stamps and dates a DatetimeIndex; texts an Index
    of objects, None where missing.

    Parameters
    ----------
    data : object

    Returns
    -------
    dict or None
        None: it is no such frame, or has columns of other kinds, such as categories.
    """
    read = READERS.get(_kind(data))
    return None if read is None else read(data)


def read_numbers(data):
    """Return a single column of polars or Arrow and its name; None, if it is not one of numbers."""
    kind = _kind(data)
    if kind == ("polars", "Series") and data.dtype.is_numeric() and not data.dtype.is_decimal():
        return data.to_numpy(), data.name or None
    if kind == ("pyarrow", "ChunkedArray"):
        from pyarrow import types

        if types.is_integer(data.type) or types.is_floating(data.type):
            return data.to_numpy(), None
    return None


def own_column(data, name, library):
    """Return a column of a frame of the library as it is; None where this is none, or has none."""
    kind = _kind(data)
    if kind not in READERS or kind[0] != library:
        return None
    if library == "polars":
        return data.get_column(name) if name in data.columns else None
    return data.column(name) if name in data.column_names else None


def _kind(data):
    return type(data).__module__.partition(".")[0], type(data).__name__


def made_column(name, values, library, dates=False):
    """Return a column of another library.

    Parameters
    ----------
    name : str
    values : Index, Series, ndarray, or a column of the library
        The last comes back as it is.
    library : {"polars", "pyarrow"} or another name of narwhals
    dates : bool
        Whether time stamps become dates.

    Returns
    -------
    polars.Series, pyarrow.Array or None
        None: the library is another one, or these are none of the plain kinds.
    """
    make = MAKERS.get(library)
    if make is None:
        return None
    if type(values).__module__.startswith(library):
        return values
    if isinstance(values, pd.Series):
        values = pd.Index(values)
    if isinstance(values, pd.PeriodIndex):
        values = values.to_timestamp()
    if isinstance(values, pd.DatetimeIndex):
        if values.hasnans:
            return None
        unit = MADE_OF_SECONDS if values.unit == "s" else values.unit
        stamps = (values if values.unit == unit else values.as_unit(unit)).asi8
        zone = None if values.tz is None else str(values.tz)
        return make(name, stamps, (unit, zone, dates and zone is None))
    if isinstance(values.dtype, np.dtype) and values.dtype.kind in "iuf":
        return make(name, values if isinstance(values, np.ndarray) else values.to_numpy())
    texts = values.tolist()
    return make(name, texts) if texts and set(map(type, texts)) == {str} else None


def made_frame(columns, library):
    """Return a frame of columns of `made_column`, by name."""
    if library == "polars":
        first, *rest = columns.values()
        return first.to_frame().hstack(rest)
    import pyarrow as pa

    return pa.Table.from_arrays(list(columns.values()), names=list(columns))


def _read_polars(frame):
    import polars as pl

    found = {}
    for column in frame.get_columns():
        values = column.to_numpy()
        kind, name = values.dtype.kind, column.name
        if kind == "M":
            found[name] = stamps(values, getattr(column.dtype, "time_zone", None), name)
        elif kind in "fiu" and not column.dtype.is_decimal():
            found[name] = values
        elif column.dtype == pl.String:
            found[name] = pd.Index(column.to_list(), dtype=object, name=name)
        else:
            return None
    return found


def _read_arrow(table):
    from pyarrow import types

    found = {}
    for name, column in zip(table.column_names, table.columns, strict=True):
        kind = column.type
        if types.is_timestamp(kind):
            found[name] = stamps(column.to_numpy(), kind.tz, name)
        elif types.is_date32(kind):
            found[name] = stamps(column.to_numpy(), None, name)
        elif types.is_integer(kind) or types.is_floating(kind):
            found[name] = column.to_numpy()
        elif types.is_string(kind) or types.is_large_string(kind):
            found[name] = pd.Index(column.to_pylist(), dtype=object, name=name)
        else:
            return None
    return found if len(found) == table.num_columns else None  # of several, one name


def stamps(values, zone, name=None):
    """Return time stamps, where there is a zone in UTC, as a DatetimeIndex."""
    if values.dtype == "M8[D]":
        values = values.astype("M8[s]")
    index = pd.DatetimeIndex(values, name=name)
    return index if zone is None else index.tz_localize("UTC").tz_convert(zone)


def _make_polars(name, values, stamped=None):
    import polars as pl

    column = pl.Series(name, values)
    if stamped is None:
        return column
    unit, zone, dates = stamped
    column = column.cast(pl.Datetime(unit, zone))
    return column.cast(pl.Date) if dates else column


def _make_arrow(name, values, stamped=None):
    import pyarrow as pa

    column = pa.array(values)
    if stamped is None:
        return column
    unit, zone, dates = stamped
    column = column.cast(pa.timestamp(unit, zone))
    return column.cast(pa.date32()) if dates else column


READERS = {("polars", "DataFrame"): _read_polars, ("pyarrow", "Table"): _read_arrow}
MAKERS = {"polars": _make_polars, "pyarrow": _make_arrow}
