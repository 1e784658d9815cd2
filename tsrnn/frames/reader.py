"""Reading the rows of a call: frames, series and arrays to plain arrays. pandas ends here."""

from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

import numpy as np
import pandas as pd
from sklearn.utils import check_array
from sklearn.utils.validation import check_consistent_length, validate_data

from tsrnn.frames.calendar import Calendar
from tsrnn.frames.categories import encode, find_categories
from tsrnn.frames.columns import Columns, divide
from tsrnn.frames.form import Form
from tsrnn.frames.groups import NEVER
from tsrnn.frames.holidays import HolidayCalendar
from tsrnn.frames.native import PLAIN, beside
from tsrnn.frames.scaling import Scaling
from tsrnn.frames.time_axis import TimeAxis, require_increasing, require_increasing_numbers
from tsrnn.frames.times import are_times
from tsrnn.frames.validation import (
    column_names,
    require_finite,
    require_numeric,
    require_same_names,
    require_unique,
    row_index,
)
from tsrnn.persistence.registry import saved


class CallRows(NamedTuple):
    """The rows of a call, not yet assigned to series and positions."""

    ids: pd.Index | None  # of each row; None: all are of one stream
    times: pd.Index | None  # None: rows are counted
    first: int  # number of the first row, where they are
    targets: np.ndarray  # (n, J), in their units, NaN where missing
    inputs: np.ndarray  # (n, E), scaled, NaN where missing

    def of(self, chosen):
        """Return some of the rows."""
        ids, times, first, targets, inputs = self
        return CallRows(
            None if ids is None else ids[chosen],
            None if times is None else times[chosen],
            first,
            targets[chosen],
            inputs[chosen],
        )


class Rows(NamedTuple):
    """Rows of a call: checked, by the place of their series and their position in time."""

    series: np.ndarray  # (n,)
    positions: np.ndarray  # (n,)
    targets: np.ndarray  # (n, J), in their units, NaN where missing
    inputs: np.ndarray  # (n, E), scaled, NaN where missing

    def of(self, chosen):
        """Return some of the rows."""
        return Rows(*(field[chosen] for field in self))


@saved("reader")
@dataclass(frozen=True)
class Reader:
    """How the rows of a fitted estimator are read. It is fixed at fit.

    Attributes
    ----------
    form : Form
        Where their ids and times are.
    columns : Columns
        Which columns are targets, and which are inputs of what kind.
    axis : TimeAxis
    calendar : Calendar
    input_scaling : Scaling
        Of the inputs; that of the targets is by series, and moves on when series come.
    complete_targets : bool
        Whether targets that are missing are refused.
    holidays : HolidayCalendar or None
        Whose columns stand behind the inputs, and are known ahead.
    """

    form: Form
    columns: Columns
    axis: TimeAxis
    calendar: Calendar
    input_scaling: Scaling
    complete_targets: bool = False
    holidays: HolidayCalendar | None = None

    @cached_property
    def n_inputs(self):
        """Inputs of a row, those of the holidays included."""
        return len(self.columns.expanded_names) + len(self.holiday_columns)

    @cached_property
    def future(self):
        """Positions of the inputs that are known ahead."""
        return [*self.columns.future, *self.holiday_columns]

    @cached_property
    def holiday_columns(self):
        """Positions of the inputs that tell holidays."""
        first = len(self.columns.expanded_names)
        return list(range(first, first + (self.holidays.n_columns if self.holidays else 0)))

    def with_holidays(self, inputs, positions):
        """Return the inputs (T, E, B) of positions (T,) with those of the holidays."""
        if self.holidays is None:
            return inputs
        found = self.holidays.at(self.axis, positions)
        shape = *found.shape, inputs.shape[2]
        return np.concatenate([inputs, np.broadcast_to(found[..., None], shape)], axis=1)

    def with_holidays_ahead(self, following, positions, horizon):
        """Return inputs known ahead (n, horizon, F) of positions (n,), with the holidays.

        `following` is None where no column is known ahead.
        """
        if self.holidays is None:
            return following
        ahead = (positions[:, None] + 1 + np.arange(horizon)).ravel()
        distinct, place = np.unique(ahead, return_inverse=True)
        found = self.holidays.at(self.axis, distinct)[place].reshape(len(positions), horizon, -1)
        return found if following is None else np.concatenate([following, found], axis=2)

    def read(self, estimator, X, y=None, ids=None):
        """Return the rows of a call.

        Parameters
        ----------
        estimator : StreamingEstimator
            Whose ``n_features_in_`` and ``feature_names_in_`` the columns are compared with.
        X, y, ids : as passed to a method

        Returns
        -------
        CallRows

        Raises
        ------
        ValueError
            They are not of the form, the columns or the kind of those of ``fit``.
        """
        parts = None
        if type(X) not in PLAIN or self.form.native is not None:
            parts = self.form.native_parts(X) if ids is None else None
            X = self.form.received(X) if parts is None else parts.X
        if y is not None:
            y = beside(y, X)
            require_same_index(X, y)
        if isinstance(X, pd.Series):
            _require_no_row(X, self.columns.names)
        parts = self.form.take_apart(X, ids) if parts is None else parts
        values, y_values = read_values(estimator, parts.X, y, self.columns, self._seen)
        targets, inputs = split_values(self.columns, values, y_values, self.complete_targets)
        inputs = self.input_scaling.apply(inputs) if inputs.size else inputs
        return CallRows(parts.ids, parts.times, parts.first, targets, inputs)

    def no_rows(self):
        """Return the rows of a call without any: of a partition that has none."""
        shape = 0, len(self.columns.target_names)
        inputs = np.zeros((0, len(self.columns.expanded_names)))
        return CallRows(pd.Index([], dtype=object), None, 0, np.zeros(shape), inputs)

    @cached_property
    def _seen(self):
        """The columns that were last found to be those of fit."""
        return []

    def positions(self, rows, series, heads, newest=None):
        """Return the positions (n,) of rows; of late ones, not newer than the last of their series.

        Parameters
        ----------
        rows : CallRows
        series : ndarray of int, shape (n,)
            The places of their series.
        heads : ndarray of int, shape (C,)
            Position of the last row of each series.
        newest : int or None
            Stamp of the last row, where only the order of stamps matters.

        Raises
        ------
        ValueError
            The times are of another kind than those of ``fit``, or off the frequency.
        """
        axis, n_late = self.axis, 0
        if not len(rows.targets):
            return np.zeros(0, dtype=np.int64)
        if not axis.counts and not axis.ordered:
            return axis.positions(rows.times)
        if not axis.ordered:
            if not axis.just_follows(rows.times, panel=rows.ids is not None):
                return axis.positions(rows.times)
            require_increasing_numbers(rows.times)
        elif rows.times is not None or not axis.counts:
            stamps = axis.stamps(rows.times)
            (require_increasing_numbers if axis.counts else require_increasing)(rows.times)
            n_late = 0 if newest is None else int(np.searchsorted(stamps, newest, "right"))
        last = heads[series]
        last = np.where(last == NEVER, rows.first - 1, last)
        return last + 1 - n_late + counted(series)

    def calendar_after(self, start, n):
        """Return the calendar features (n, C) of the step after each of n positions."""
        return self.calendar.after(self.axis, start, n)


def _require_no_row(X, names):
    """Refuse a row of a frame that has become a series: its index are the columns."""
    if names is not None and len(X) and not X.name == names[0] and X.index.isin(names).any():
        raise ValueError(
            f"found a Series indexed by the columns {list(X.index[:3])}, expected rows of a "
            "DataFrame; of one row pass df.iloc[[-1]], not df.iloc[-1]"
        )


def counted(series):
    """Return the number (n,) of each row within its series.

    Examples
    --------
    >>> counted(np.array([0, 1, 0, 0]))
    array([0, 0, 1, 2])
    """
    if (series == series[:1]).all():
        return np.arange(len(series))
    return pd.Series(series).groupby(series).cumcount().to_numpy()


def require_same_index(X, y):
    """Refuse y of other rows than X, which must have an equal index where X is indexed by time.

    Raises
    ------
    ValueError
        It is another one, or y has another number of rows.
    """
    if y is None:
        return
    index, y_index = row_index(X), row_index(y)
    if y_index is None or y_index is not index:
        check_consistent_length(X, y)
    timed = index is not None and y_index is not None
    timed = timed and (isinstance(index, pd.MultiIndex) or are_times(index))
    if timed and y_index is not index and not index.equals(y_index):
        raise ValueError(
            "found X and y with different indexes, expected the same ids and times; align them: "
            "y = y.reindex(X.index), or y.set_axis(X.index) if their rows do correspond"
        )


def split_values(columns, values, y, complete_targets=False):
    """Divide values into targets (n, J) and inputs (n, E), finite or missing (NaN)."""
    targets, inputs = columns.split(values, y)
    may_be_missing = not complete_targets or y is None
    require_finite(targets, columns.target_names, allow_nan=may_be_missing)
    require_finite(inputs, columns.expanded_names, allow_nan=True)
    return targets, inputs


def read_values(estimator, X, y, columns=None, seen=None):
    """Return the values of X and y, with NaN and infinities still in.

    Parameters
    ----------
    estimator : StreamingEstimator
        Whose ``n_features_in_`` and ``feature_names_in_`` are set at fit and compared after it.
    X, y : as passed to a method, X without ids and times
    columns : Columns, optional
        Those of fit; None at fit itself.
    seen : list of Index, optional
        At most one, which has been found to be the columns of fit, and is found again at once.

    Returns
    -------
    values : ndarray of float64, shape (n, p)
        Categories as codes; see `Columns.split`.
    y_values : ndarray of float64, shape (n, J), or None

    Raises
    ------
    ValueError
        Columns differ from those of fit or hold no numbers, or X and y do not go together.
    """
    values = None if columns is None or columns.categories else _familiar(estimator, X, seen)
    if values is None:
        values = _read_any(estimator, X, y, columns)
    if y is None:
        return values, None
    return values, _read_y(y, columns)


def _familiar(estimator, X, seen):
    """Return the values of rows that are floats in the very columns of fit, else None.

    They need none of the checks that other input gets: this is the way of a streamed row.
    """
    names = getattr(estimator, "feature_names_in_", None)
    if isinstance(X, pd.DataFrame):
        if not (seen and X.columns.is_(seen[0])):
            if names is None or X.columns.tolist() != names.tolist():
                return None
            seen[:] = [X.columns]
        values = X.to_numpy()
    elif isinstance(X, np.ndarray) and names is None and X.ndim == 2:
        values = X
    else:
        return None
    familiar = values.dtype == np.float64 and values.shape[1] == estimator.n_features_in_
    return values if familiar and len(values) else None


def _read_any(estimator, X, y, columns):
    at_fit = columns is None
    if isinstance(X, pd.Series):
        X = X.to_frame("y" if X.name is None else X.name)
    elif isinstance(X, pd.DataFrame) and not X.columns.size and columns is not None:
        expected = [*columns.names] if columns.names else f"{estimator.n_features_in_} columns"
        raise ValueError(
            f"found X with no columns besides ids and times, expected {expected}, as at fit; "
            "add them, with NaN for what is not known"
        )
    elif np.asarray(X).ndim == 1 and y is None and (at_fit or columns.one_series):
        X = np.reshape(X, (-1, 1))
    if isinstance(X, pd.DataFrame):
        require_unique(X)
        X = encode(X, _categories(estimator, X, y) if at_fit else columns.categories)
        require_numeric(X)
    values = validate_data(estimator, X, reset=at_fit, dtype=np.float64, ensure_all_finite=False)
    if not at_fit:  # scikit-learn compares names that are strings, and those alone
        require_same_names(X, columns.names, "X")
    return values


def _categories(estimator, X, y):
    """Find the categories of inputs at fit. Targets are numbers, or refused."""
    labels = column_names(X, X.shape[1])
    targets, *_ = divide(labels, y is not None, **estimator._roles)
    return find_categories(X, [label for label in labels if label not in targets])


def _read_y(y, columns):
    if columns is not None:
        if columns.targets is not None:
            raise ValueError(
                f"found y, expected none: the targets {columns.target_names} are columns of X "
                "since fit; pass X alone"
            )
        require_same_names(y, columns.y_names, "y")
    if isinstance(y, pd.DataFrame):
        require_unique(y, "y")
        require_numeric(y, "y")
    values = y.to_numpy() if isinstance(y, pd.Series) else y
    plain = isinstance(values, np.ndarray) and values.dtype == np.float64 and values.ndim in (1, 2)
    if not (plain and values.size):  # what check_array would return as it is, in 150 µs
        values = check_array(
            y, dtype=np.float64, ensure_2d=False, ensure_all_finite=False, input_name="y"
        )
    values = values.reshape(len(values), -1)
    if columns is not None and values.shape[1] != len(columns.target_names):
        raise ValueError(
            f"found y with {values.shape[1]} columns, expected the {len(columns.target_names)} of "
            f"fit, {columns.target_names}; pass those"
        )
    return values
