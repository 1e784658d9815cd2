"""Times of rows in whatever kind they come: time stamps, periods, dates, texts or row numbers."""

import re

import pandas as pd

LARGEST_NUMBER = 2**60  # of a row; beyond it, differences might overflow
DATES = {"date", "datetime", "datetime64"}  # objects, as pandas infers them
TEXTS = {"string", "empty"}
OFFSET = re.compile(r"\d[T ].*\d(Z|[+-]\d\d(?::?\d\d)?)$")  # from UTC, behind a time of day


def read_times(times, name="X"):
    """Return times as a DatetimeIndex, a PeriodIndex, or an Index of integers.

    Parameters
    ----------
    times : pandas.Index or Series
        Time stamps and periods of any kind that pandas or Arrow has, dates, texts in ISO 8601, or
        integers.
    name : str
        What they are the times of, for errors.

    Raises
    ------
    ValueError
        They are none of these. It says what they are, and the remedy.

    Examples
    --------
    >>> read_times(pd.Index(["2024-01-31", "2024-02-29"])).month.tolist()
    [1, 2]
    """
    index = times
    if not isinstance(times, pd.Index):  # another takes a while
        index = pd.Index(times, dtype=object if times.dtype == object else None)
    if isinstance(index, (pd.DatetimeIndex, pd.PeriodIndex)):
        return index
    if isinstance(index.dtype, pd.CategoricalDtype):
        return read_times(index.astype(index.categories.dtype), name)
    if pd.api.types.is_integer_dtype(index.dtype):
        return _numbers(index)
    if isinstance(index.dtype, pd.ArrowDtype) and index.dtype.kind in "MO":
        texts = index.dtype.kind == "O" and pd.api.types.is_string_dtype(index.dtype)
        return _stamps(index.astype(object), name, texts)
    kind = pd.api.types.infer_dtype(index, skipna=True)
    if kind == "period":
        return pd.PeriodIndex(index, name=index.name)
    if kind in DATES or (kind in TEXTS and len(index)):
        return _stamps(index, name, kind in TEXTS)
    raise ValueError(
        f"found times of {name} of type {index.dtype}, expected time stamps or row numbers; "
        "convert them by pd.to_datetime(...), or drop an index that is none by "
        f"{name}.reset_index(drop=True)"
    )


def are_times(index):
    """Whether an index holds times, other than row numbers.

    Examples
    --------
    >>> are_times(pd.Index(["2024-01-31"])), are_times(pd.Index(["a"])), are_times(pd.Index([1]))
    (True, False, False)
    """
    if isinstance(index, pd.RangeIndex) or pd.api.types.is_numeric_dtype(index.dtype):
        return False
    try:
        return len(read_times(index[:1])) > 0
    except ValueError:
        return False


def _numbers(index):
    if isinstance(index, pd.RangeIndex):
        return index
    if index.hasnans:
        raise ValueError(
            f"found {int(index.isna().sum())} rows without a number, expected one in each; drop "
            "those rows"
        )
    if len(index) and max(abs(int(index.min())), abs(int(index.max()))) > LARGEST_NUMBER:
        raise ValueError(
            f"found row numbers from {index.min()} to {index.max()}, expected none beyond 2**60; "
            "if they are time stamps, convert them by pd.to_datetime(..., unit=...)"
        )
    return index.astype("int64")


def _stamps(index, name, texts):
    try:
        if texts:
            _require_one_offset(index)
            return pd.DatetimeIndex(pd.to_datetime(index, format="ISO8601"), name=index.name)
        return pd.DatetimeIndex(index, name=index.name)
    except (ValueError, TypeError, OverflowError) as error:
        found = next((value for value in index if not pd.isna(value)), None)
        raise ValueError(
            f"found times of {name} of type {index.dtype}, such as {found!r}, expected time "
            "stamps, or texts in ISO 8601 such as 2024-01-31T15:00, all with an offset from UTC "
            "or none; convert them by pd.to_datetime(..., dayfirst=True), where the day stands "
            "before the month, pd.to_datetime(..., format=..., utc=...), or, of quarters such as "
            "2024Q1, pd.PeriodIndex(..., freq='Q')"
        ) from error


def _require_one_offset(texts):
    """Refuse texts with several offsets from UTC, of which pandas 2 only warns.

    To make an error of that warning is not safe where other threads run.
    """
    offsets = set()
    for text in texts:
        found = OFFSET.search(text) if isinstance(text, str) else None
        if found or (isinstance(text, str) and text):
            offsets.add(found and found[1].replace(":", "").replace("Z", "+0000").ljust(5, "0"))
    if len(offsets) > 1:
        raise ValueError("found several offsets from UTC")
