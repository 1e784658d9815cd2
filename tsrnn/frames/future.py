"""Reading what is known ahead: the rows of ``X_future``, picked by time stamp and id."""

import numpy as np
import pandas as pd
from sklearn.utils import check_array

from tsrnn.frames.categories import encode
from tsrnn.frames.times import are_times, read_times
from tsrnn.frames.validation import require_finite, require_numeric, row_index

FEW = 3  # ids that an error names


def known_inputs(X_future, index, columns, scaling, form=None):
    """Return all inputs of the rows to forecast, scaled, as far as they are known.

    Parameters
    ----------
    X_future, index, columns, form
        As in `read_future`.
    scaling : Scaling
        Of the E expanded inputs.

    Returns
    -------
    ndarray of shape (len(index), E) or None
        NaN but where known ahead; None where no input is.

    Raises
    ------
    ValueError
        As in `read_future`.
    """
    known = read_future(X_future, index, columns, form)
    if known is None:
        return None
    inputs = np.full((len(index), len(columns.expanded_names)), np.nan)
    inputs[:, columns.future] = columns.expand(known, columns.future_names)
    return scaling.apply(inputs)


def read_future(X_future, index, columns, form=None):
    """Return the inputs known ahead of the rows to forecast, None where no input is.

    Rows are looked up by their time stamp, of a panel by id and time stamp: rows of other times and
    series, other columns and any order do no harm. Rows without time stamps are taken in order.

    Parameters
    ----------
    X_future : DataFrame, Series, array or None
        The columns known ahead, and any others. Ids and times are columns or levels of its index.
    index : Index of length n
        Of the rows to forecast; of a panel a MultiIndex (id, time).
    columns : Columns
    form : Form, optional
        Names of the columns of ids and times; None: one stream indexed by time.

    Returns
    -------
    ndarray of float64, shape (n, F)
        Categories as codes; see `Columns.expand`. NaN where not known.

    Raises
    ------
    ValueError
        X_future is superfluous, or lacks rows or columns, or has one of the rows twice.
    """
    names = columns.future_names
    if X_future is None and not names:
        return None
    if X_future is None:
        raise ValueError(
            f"found no X_future, expected {names} of the {len(index)} rows "
            f"{_span(index)}, since they are future_cols; pass them, with the index future_index()"
        )
    if not names:
        raise ValueError(
            "found X_future, expected none: no column is known ahead since fit; leave it out, or "
            "name future_cols and fit again"
        )
    if not len(index):
        return np.empty((0, len(names)))
    if isinstance(X_future, pd.Series):
        X_future = X_future.to_frame()
    named = columns.names is not None
    if named:
        _require_columns(X_future, names, form)
    rows = _rows_of(X_future, index, form)
    values = _named_values(X_future, rows, columns) if named else _values(X_future, rows, columns)
    require_finite(values, names, allow_nan=True)
    return values


def following_inputs(series, positions, inputs, horizon):
    """Return what the rows of a call know of the inputs of the steps that follow each of them.

    Parameters
    ----------
    series, positions : ndarray of int, shape (n,)
        Of each row, in any order.
    inputs : ndarray of shape (n, F)
    horizon : int

    Returns
    -------
    ndarray of shape (n, horizon, F)
        The newest value that a later row of the series has at or before each step, NaN where none.

    Examples
    --------
    >>> following_inputs(np.zeros(3, int), np.arange(3), np.array([[1.0], [2.0], [4.0]]), 2)[..., 0]
    array([[ 2.,  4.],
           [ 4.,  4.],
           [nan, nan]])
    """
    order = np.lexsort((positions, series))
    sorted_series, sorted_positions, values = series[order], positions[order], inputs[order]
    low, span = positions.min(), np.ptp(positions) + horizon + 1
    keys = sorted_series * span + (sorted_positions - low)
    steps = np.arange(1, horizon + 1)
    reached = np.searchsorted(keys, keys[:, None] + steps, side="right") - 1
    numbers = np.arange(len(keys))[:, None]
    newest = np.maximum.accumulate(np.where(np.isfinite(values), numbers, -1), axis=0)
    source = newest[reached]
    known = values[source, np.arange(values.shape[1])]
    following = np.empty_like(known)
    following[order] = np.where(source > numbers[:, None], known, np.nan)
    return following


# --- columns --------------------------------------------------------------------------------------


def _require_columns(X_future, names, form):
    keys = [] if form is None else [form.id_name] * form.id_column
    keys += [] if form is None else [form.time_name] * form.time_column
    if not isinstance(X_future, pd.DataFrame):
        raise ValueError(
            f"found X_future as {type(X_future).__name__}, expected a DataFrame with the columns "
            f"{[*keys, *names]}, since X was one at fit; pass that, with the rows of future_index()"
        )
    found = list(X_future.columns)
    missing = [name for name in names if name not in found]
    if missing:
        raise ValueError(
            f"found the columns {found} of X_future without {missing}, expected the future_cols "
            f"{names}; add {missing}, with NaN where nothing is known"
        )
    doubled = [name for name in [*keys, *names] if found.count(name) > 1]
    if doubled:
        raise ValueError(
            f"found the columns {doubled} of X_future more than once, expected unique names; "
            "rename or drop them"
        )


def _named_values(X_future, rows, columns):
    names = columns.future_names
    found = [X_future[name] for name in names]
    if all(column.dtype == np.float64 for column in found) and not columns.categories:
        return np.stack([column.to_numpy()[rows] for column in found], axis=1)
    chosen = encode(X_future[names].iloc[rows], columns.categories)
    require_numeric(chosen, "X_future")
    return _floats(chosen)


def _values(X_future, rows, columns):
    """Return the columns known ahead of rows without names: alone, or among all columns of X."""
    values, names = _floats(np.asarray(X_future)), columns.future_names
    values = values.reshape(len(values), -1)[rows]
    n_columns = len(columns.input_names) + len(columns.targets or ())
    if values.shape[1] == n_columns:
        return values[:, [columns.inputs[columns.input_names.index(name)] for name in names]]
    if values.shape[1] != len(names):
        raise ValueError(
            f"found X_future with {values.shape[1]} columns, expected the {len(names)} future_cols "
            f"{names}, or all {n_columns} columns of X; select them"
        )
    return values


def _floats(values):
    return check_array(
        values, dtype=np.float64, ensure_2d=False, ensure_all_finite=False, input_name="X_future"
    )


# --- rows -----------------------------------------------------------------------------------------


def _rows_of(X_future, index, form):
    """Return where each row to forecast stands in X_future."""
    panel = isinstance(index, pd.MultiIndex)
    bare = row_index(X_future) is None  # of an array, in the order of the forecast
    if bare or not (panel or are_times(index)):
        return _rows_in_order(X_future, index)
    if not panel:
        times = _labels(X_future, _time_name(form, index), 1, form is not None and form.time_column)
        times = _times_like(times, index, index)
        if len(times) == len(index) and times.equals(index):
            return np.arange(len(index))
        places, wanted, found = _time_keys(times, index)
    else:
        ids, times = _ids_and_times(X_future, index, form)
        if times is None:
            return _rows_counted(ids, index)
        places, wanted, found = _series_keys(ids, times, index)
    rows, counts = _look_up(wanted, found)
    if not counts.all():
        raise _missing(index, counts == 0, times)
    if (counts > 1).any():
        raise ValueError(
            f"found {int((counts > 1).sum())} of the {len(index)} rows to forecast more than once "
            f"in X_future, the first that {_label(index, counts > 1)}; expected each once: drop "
            "the others, such as by X_future[~X_future.index.duplicated()] or drop_duplicates()"
        )
    return places[rows]


def _rows_in_order(X_future, index):
    """Return the rows of X_future one after the other, or by their numbers if those are there."""
    numbers = row_index(X_future)
    if numbers is not None and pd.api.types.is_integer_dtype(numbers.dtype) and numbers.is_unique:
        rows = numbers.get_indexer(index)
        if (rows >= 0).all():
            return rows
    if len(X_future) != len(index):
        raise ValueError(
            f"found X_future with {len(X_future)} rows, expected {len(index)}: rows without time "
            f"stamps are taken in order, and are those {_span(index)}, as future_index() lists "
            "them; select them, or fill up with NaN what is not known"
        )
    return np.arange(len(index))


def _rows_counted(ids, index):
    """Return the rows of a panel without times: those of each series in their order."""
    found, wanted = index.levels[0].get_indexer(ids), np.asarray(index.codes[0])
    n_found = np.bincount(found[found >= 0], minlength=len(index.levels[0]))
    n_wanted = np.bincount(wanted, minlength=len(index.levels[0]))
    bad = (n_wanted > 0) & (n_found != n_wanted)
    if bad.any():
        series = int(bad.argmax())
        raise ValueError(
            f"found X_future with other numbers of rows for {int(bad.sum())} series, such as "
            f"{n_found[series]} of {index.levels[0][series]!r}, expected {n_wanted[series]}: rows "
            "without time stamps are taken in order, from the one after the cutoff of their series "
            "on, as future_index() lists them; select them, or fill up with NaN"
        )
    rows = np.empty(len(wanted), dtype=np.intp)
    in_series = np.flatnonzero(n_wanted[found] * (found >= 0))
    rows[np.argsort(wanted, kind="stable")] = in_series[np.argsort(found[in_series], kind="stable")]
    return rows


def _labels(X_future, name, place, is_column):
    """Return the ids (place 0) or times (place 1) of rows: a column or a level; None without."""
    index = X_future.index
    has_column = name is not None and name in X_future.columns
    if not (is_column and has_column):
        if name is not None and list(index.names).count(name) == 1:
            return index.get_level_values(name)
        if isinstance(index, pd.MultiIndex) and index.nlevels == 2:
            return index.get_level_values(place)
        if place == 1 and are_times(index):
            return index
    return pd.Index(X_future[name]) if has_column else None


def _time_name(form, index):
    return index.names[-1] if form is None or form.time_name is None else form.time_name


def _ids_and_times(X_future, index, form):
    """Return the ids of rows, and their times; None where these are counted.

    Raises
    ------
    ValueError
        There are none.
    """
    ids = _labels(X_future, form.id_name, 0, form.id_column)
    counted = form.id_column and not form.time_column
    counted = counted and pd.api.types.is_integer_dtype(index.levels[1].dtype)
    times = _labels(X_future, _time_name(form, index), 1, form.time_column)
    absent = [form.id_name] * (ids is None) + [form.time_name] * (times is None and not counted)
    if absent and (form.id_column or form.time_column):
        raise ValueError(
            f"found X_future without the columns {absent}, expected them, as at fit, or an (id, "
            "time) index; add them, such as by merging with future_index().to_frame(index=False)"
        )
    if absent:
        raise ValueError(
            f"found rows of X_future without an (id, time) index, expected one, as forecasts "
            f"have; use X_future.set_index([{form.id_name!r}, {form.time_name!r}]) or "
            "X_future.set_index(model.future_index())"
        )
    if counted:
        return ids, None
    return ids, _times_like(times, index.levels[1], index)


def _times_like(times, wanted, index):
    """Return times of the kind and zone of those of the rows to forecast; refuse others."""
    times = None if times is None else read_times(times, "X_future")
    if isinstance(wanted, pd.PeriodIndex):
        if isinstance(times, pd.PeriodIndex) and times.freqstr == wanted.freqstr:
            return times
        raise ValueError(
            f"found X_future with times of type {getattr(times, 'dtype', None)}, expected periods "
            f"of {wanted.freqstr}, as at fit; index it by them, such as by "
            f"X_future.index.to_period({wanted.freqstr!r})"
        )
    if not isinstance(wanted, pd.DatetimeIndex):
        if pd.api.types.is_integer_dtype(times.dtype):
            return times
        raise ValueError(
            f"found times of X_future of type {times.dtype}, expected row numbers, as at fit; take "
            "those of future_index()"
        )
    if not isinstance(times, pd.DatetimeIndex):
        found = "no times" if times is None else f"times of type {times.dtype}"
        raise ValueError(
            f"found X_future with {found}, expected time stamps to find the rows {_span(index)} "
            "by; index it by time, such as by set_index(model.future_index()) where its rows are "
            "those, or convert them by pd.to_datetime(...)"
        )
    if str(times.tz) != str(wanted.tz):
        raise ValueError(
            f"found X_future with the time zone {times.tz}, expected {wanted.tz}, as at fit (its "
            "rows are looked up by future_index()); convert with tz_convert(...), or "
            "tz_localize(...) for naive stamps"
        )
    return times


def _time_keys(times, wanted):
    """Return the places of rows near the wanted times, and both times as numbers."""
    if isinstance(wanted, pd.PeriodIndex):
        return np.arange(len(times)), wanted.asi8, times.asi8
    if not isinstance(wanted, pd.DatetimeIndex):
        return np.arange(len(times)), np.asarray(wanted, dtype=np.int64), times.to_numpy(np.int64)
    near = np.flatnonzero((times >= wanted.min()) & (times <= wanted.max()))  # not so of NaT
    return near, wanted.as_unit("ns").asi8, times[near].as_unit("ns").asi8


def _series_keys(ids, times, index):
    """Return the places of rows of the wanted series and times, and a number for each pair."""
    used = np.unique(index.codes[1])
    places, moments, found = _time_keys(times, index.levels[1].take(used))
    order = np.argsort(moments)
    spots = order[np.searchsorted(moments, found, sorter=order).clip(max=len(order) - 1)]
    series = index.levels[0].get_indexer(ids[places])
    good = moments[spots] == found  # a series that is not wanted has a number below zero
    wanted = index.codes[0].astype(np.int64) * len(used) + np.searchsorted(used, index.codes[1])
    return places[good], wanted, series[good] * len(used) + spots[good]


def _look_up(wanted, found):
    """Return where each wanted key stands among those found, and how often."""
    order = np.argsort(found, kind="stable")
    keys = found[order]
    first = np.searchsorted(keys, wanted)
    counts = np.searchsorted(keys, wanted, side="right") - first
    if not len(order):
        return first, counts
    return order[first.clip(max=len(order) - 1)], counts


# --- what errors say ------------------------------------------------------------------------------


def _missing(index, missing, times):
    """Return the error for rows that X_future lacks."""
    found = f"{int(missing.sum())} of the {len(index)} rows to forecast"
    remedy, its_own = "X_future.reindex(model.future_index())", ""
    if isinstance(index, pd.MultiIndex):
        series = np.asarray(index.codes[0])
        n_missing = np.bincount(series[missing], minlength=len(index.levels[0]))
        absent = (n_missing > 0) & (n_missing == np.bincount(series, minlength=len(n_missing)))
        if absent.any():
            names = ", ".join(repr(name) for name in index.levels[0][absent][:FEW])
            dots = " ..." * bool(absent.sum() > FEW)
            found += f" (all of {int(absent.sum())} series: {names}{dots})"
        remedy += " of an (id, time) index, or future_index().to_frame(index=False).merge(X_future)"
    else:
        n_there = int(missing.argmax())
        if n_there and missing[n_there:].all():
            remedy += f", or forecast(horizon={n_there}), for which they are enough"
        if len(times):
            its_own = f" (its own are from {times.min()} to {times.max()})"
    return ValueError(
        f"found X_future without {found}, the first that {_label(index, missing)}{its_own}; "
        "expected a row for each of future_index(), with NaN for what is not known: " + remedy
    )


def _label(index, chosen):
    """Name the first chosen row: by its time, of a panel by its id and time."""
    return _named(index[int(np.argmax(chosen))])


def _named(label):
    return f"of {label[0]!r} at {label[1]}" if isinstance(label, tuple) else f"at {label}"


def _span(index):
    if isinstance(index, pd.MultiIndex):
        return f"from that {_named(index[0])} to that {_named(index[-1])}"
    return f"from {index[0]} to {index[-1]}"
