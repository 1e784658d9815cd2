"""Rows as they are passed in: frames of polars and Arrow, masked arrays, and what is refused."""

import sys
from collections.abc import Iterator
from numbers import Number

import numpy as np
import pandas as pd

from tsrnn.frames.framing import frame_of, index_of
from tsrnn.frames.native_columns import made_column, made_frame, read_columns, read_numbers, stamps
from tsrnn.frames.validation import row_index

PLAIN = {pd.DataFrame, pd.Series, np.ndarray}  # taken as they are
LIBRARIES = ("polars", "pyarrow")


def incoming(data, name="X"):
    """Return data as a frame or series of pandas, an array or a sequence.

    Frames of polars and Arrow become frames of pandas with the same columns; what is masked in an
    array becomes NaN.

    Raises
    ------
    ValueError
        It is a dict, a single number, a text, rows of another kind, or a lazy frame.
    ImportError
        It is a frame of another library and narwhals is not installed.

    Examples
    --------
    >>> incoming(np.ma.masked_equal([1.0, 2.0], 2.0))
    array([ 1., nan])
    """
    if type(data) in PLAIN or data is None or isinstance(data, (pd.DataFrame, pd.Series)):
        return data
    if isinstance(data, np.ma.MaskedArray):
        return data.astype(float).filled(np.nan)
    if type(data) is dict:  # sparse matrices of scipy may be dicts too
        raise ValueError(
            f"found {name} as a dict, expected rows of a DataFrame, Series or array; pass a frame "
            "of one row, such as df.iloc[[-1]], or pd.DataFrame([row], index=[time])"
        )
    if isinstance(data, Number):
        raise ValueError(
            f"found {name} as the number {data}, expected rows of a DataFrame, Series or array; of "
            "one row pass a slice, which keeps its time stamp, such as series[-1:]"
        )
    if isinstance(data, (str, bytes, set, Iterator)):
        raise ValueError(
            f"found {name} as a {type(data).__name__}, expected rows of a DataFrame, Series or "
            "array; read a file by pd.read_csv(...), and make a list of what comes one by one"
        )
    if isinstance(data, (list, tuple)) and (found := _no_number(data)) is not None:
        raise ValueError(
            f"found {name} as a {type(data).__name__} with {found!r} in it, expected rows of a "
            "DataFrame, Series or array; pass a frame of one row, such as df.iloc[[-1]], or "
            "pd.DataFrame(rows, index=times)"
        )
    if (columns := plain_columns(data)) is not None:
        return pd.DataFrame(columns)
    if (column := read_numbers(data)) is not None:
        values, label = column
        return pd.Series(values, name=label)
    frame = _narwhals(data, name)
    if frame is None:
        return data
    return _frame(frame) if hasattr(frame, "columns") else _pandas(frame).rename(frame.name or None)


def _no_number(data):
    """Return what in a sequence is neither a number nor numbers of a row, None where all is.

    Such as a dict, a row of ``df.itertuples()``, or the time stamp of one of ``df.iterrows()``.
    """
    plain = (Number, list, tuple, np.ndarray, pd.Series, type(None))
    for value in data:
        if not isinstance(value, plain) or hasattr(value, "_fields"):
            return value
    return None


def indexed(data, time, name="X"):
    """Return data as `incoming` does, a frame of another library indexed by its times.

    Parameters
    ----------
    data : as passed to a method
    time : label or None
        Column of times, if it is there; else the only column of time stamps.
    """
    columns = plain_columns(data)
    if columns is not None and len(columns) > 1 and isinstance(columns.get(time), pd.DatetimeIndex):
        index = columns.pop(time)
        return framed(columns, index)
    if columns is None:
        frame = _narwhals(data, name)
        if frame is None or not hasattr(frame, "columns"):
            return incoming(data, name)
        found = _frame(frame)
    else:
        found = pd.DataFrame(columns)
    time = time if time in found.columns else time_of(found)
    return found if time is None else found.set_index(time)


def plain_columns(data):
    """Return the columns of rows of another library as `read_columns`; None of what is none."""
    if type(data) in PLAIN:
        return None
    return read_columns(data)


def framed(columns, index=None):
    """Return columns of `plain_columns` as a frame of pandas.

    Floats are put side by side: column by column pandas takes three times as long for a row.
    """
    values = list(columns.values())
    if not all(isinstance(v, np.ndarray) and v.dtype == np.float64 for v in values):
        return pd.DataFrame(columns) if index is None else pd.DataFrame(columns).set_axis(index)
    values = values[0][None] if len(values) == 1 else np.stack(values)
    return frame_of(
        values, pd.RangeIndex(values.shape[1]) if index is None else index, index_of(*columns)
    )


def beside(y, X):
    """Return targets that are passed beside X as `incoming` does, with the index of X."""
    if y is None or type(y) in PLAIN:
        return y
    index = row_index(X)
    if index is not None and (column := read_numbers(y)) and len(column[0]) == len(index):
        return pd.Series(column[0], index, name=column[1])
    found = incoming(y, "y")
    if found is y or index is None or len(index) != len(found) or row_index(found) is None:
        return found
    return found.set_axis(index)


def native_of(data):
    """Return the library of a frame by narwhals' name; None where it is pandas, or no frame."""
    frame = None if type(data) in PLAIN else _narwhals(data, "X")
    if frame is None or not hasattr(frame, "columns"):
        return None
    return frame.implementation.value


def time_of(frame):
    """Return the name of the only column of time stamps; None where there is none.

    Raises
    ------
    ValueError
        There are several.
    """
    found = [
        name for name, dtype in frame.dtypes.items() if pd.api.types.is_datetime64_any_dtype(dtype)
    ]
    if len(found) > 1:
        raise ValueError(
            f"found several columns of time stamps, {found}, expected one to tell the time of each "
            "row; name it: time_col=..., and drop the others"
        )
    return found[0] if found else None


def has_dates(data, name):
    """Whether a column of a frame of another library holds dates, without a time of day."""
    frame = _narwhals(data, "X")
    return name is not None and str(frame.get_column(name).dtype) == "Date"


def outgoing(frame, library, dates=False):
    """Return rows of pandas as a frame of another library.

    Parameters
    ----------
    frame : DataFrame or dict of str to Index, Series or ndarray
        Columns; the index of a DataFrame is left out. A column may be of the library already.
    library : str
        By narwhals' name.
    dates : bool
        Whether time stamps become dates.
    """
    named = [(str(name), column) for name, column in frame.items()]
    made = {name: made_column(name, column, library, dates) for name, column in named}
    plain = made and all(column is not None for column in made.values())
    if plain and len(made) == len(frame.keys()):
        return made_frame(made, library)
    import narwhals as nw

    columns, changed = {}, []
    for name, column in frame.items():
        if not isinstance(column, np.ndarray):
            column, change = _values(pd.Index(column), nw.col(str(name)).dt, dates)
            changed += [] if change is None else [change]
        columns[str(name)] = column
    found = nw.from_dict(columns, backend=library)
    return (found.with_columns(*changed) if changed else found).to_native()


def _values(index, label, dates):
    """Return the values of an index for narwhals, and what makes zones or dates of them."""
    change = None
    if isinstance(index, pd.PeriodIndex):
        index = index.to_timestamp()
    if isinstance(index, pd.DatetimeIndex):
        if index.tz is not None:
            change = label.replace_time_zone("UTC").dt.convert_time_zone(str(index.tz))
            index = index.tz_convert(None)
        elif dates:
            change = label.date()
        values = index.to_numpy()
        return (values.astype("M8[ms]") if index.unit == "s" else values), change
    plain = isinstance(index.dtype, np.dtype) and index.dtype.kind in "biuf"
    return (index.to_numpy() if plain else index.tolist()), change


def _narwhals(data, name):
    """Return a frame or series of narwhals, None for what is none of another library."""
    library = type(data).__module__.partition(".")[0]
    if library in ("builtins", "numpy", "pandas"):
        return None
    try:
        import narwhals as nw
    except ImportError as error:
        if library in LIBRARIES:
            raise ImportError(
                f"found {name} as a {type(data).__name__} of {library}, which is read by narwhals; "
                'install it by: pip install "tsrnn[polars]"'
            ) from error
        return None
    if type(data).__name__ == "RecordBatch":
        data = sys.modules[library].Table.from_batches([data])
    frame = nw.from_native(data, pass_through=True, allow_series=True)
    if isinstance(frame, nw.LazyFrame):
        raise ValueError(
            f"found {name} as a lazy frame of {library}, expected rows; pass {name}.collect()"
        )
    return frame if isinstance(frame, (nw.DataFrame, nw.Series)) else None


def _pandas(column):
    """Return a column of narwhals as a Series of pandas, missing values as NaN, None or NaT."""
    dtype = column.dtype
    if dtype.is_decimal():
        return pd.Series(column.to_list(), dtype=float)
    if dtype.is_numeric():
        return pd.Series(np.asarray(column.to_numpy()))
    if str(dtype) == "Date":
        return pd.Series(np.asarray(column.to_numpy()).astype("M8[s]"))
    if dtype.is_temporal() and hasattr(dtype, "time_zone"):
        return pd.Series(stamps(np.asarray(column.to_numpy()), dtype.time_zone))
    if str(dtype) == "Boolean" and not column.null_count():
        return pd.Series(np.asarray(column.to_numpy()))
    return pd.Series(column.to_list(), dtype=object)


def _frame(frame):
    return pd.DataFrame({column.name: _pandas(column) for column in frame.iter_columns()})
