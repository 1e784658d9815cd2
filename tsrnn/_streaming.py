"""What every estimator shares: reading rows, learning from them, and committing at the end."""

import copy
from numbers import Real
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
from sklearn.base import BaseEstimator
from sklearn.utils import check_scalar
from sklearn.utils.validation import check_is_fitted

from ._reading import read_rows
from .stream import Columns, Record, Scaling
from .stream.frames import require_finite, row_index


class Stream(NamedTuple):
    """Where a fitted estimator stands; replaced as a whole, never changed."""

    learner: Any
    cutoff: int | None  # position of the last row on the time axis; None before the first one


class NewRows(NamedTuple):
    """Rows of one call, checked and on the grid of the time axis."""

    record: Record  # one row for each step, those of gaps missing
    places: np.ndarray  # where in the record each row of the call is
    cutoff: int  # position of the last row


class StreamingEstimator(BaseEstimator):
    """Base of the estimators: ``fit``, ``partial_fit``, ``update`` over one carried stream.

    Subclasses check their parameters in ``_check_params``, read the time axis in ``_make_axis``,
    build the learner in ``_make_learner`` and state ``_min_rows``. All that moves with the stream
    is in ``_stream``, assigned once at the end of a call, so that a call that raises changes
    nothing.
    """

    _targets_may_be_missing = True

    def fit(self, X, y=None):
        """Forget everything, learn from this history, end with the state after its last row.

        Parameters
        ----------
        X : DataFrame, Series or array of shape (n_rows, n_columns)
            Rows are consecutive time steps.
        y : Series, DataFrame or array of shape (n_rows,) or (n_rows, n_targets), optional
            Targets, if they are not columns of X.

        Returns
        -------
        self : object

        Raises
        ------
        ValueError
            The rows, the parameters, or the two together cannot be used; nothing has changed.
        """
        fitted = copy.copy(self)
        fitted._fit(X, y, *read_rows(fitted, X, y))
        self.__dict__ = vars(fitted)
        return self

    def partial_fit(self, X, y=None):
        """Learn from new rows, one by one, and advance the state.

        The first call is ``fit`` on these rows. After that, any split of the rows into calls gives
        the same estimator, to the last bit.

        Parameters
        ----------
        X : DataFrame, Series or array of shape (n_rows, n_columns)
            The rows after the last one seen.
        y : Series, DataFrame or array, optional
            As in ``fit``.

        Returns
        -------
        self : object

        Raises
        ------
        ValueError
            The rows do not follow the last one, or differ from those of ``fit``; nothing has
            changed.
        """
        if not hasattr(self, "_stream"):
            return self.fit(X, y)
        rows, stream = self._new_rows(X, y), self._stream
        self._stream = Stream(stream.learner.learn(rows.record), rows.cutoff)
        return self

    def update(self, X, y=None):
        """Take in new rows without learning: only the state and the lags move on.

        A later ``partial_fit`` learns from the rows it is given alone: the labels it brings for
        forecasts issued at these rows are passed over.

        Parameters
        ----------
        X, y
            As in ``partial_fit``; without ``y``, targets that came as ``y`` count as missing.

        Returns
        -------
        self : object

        Raises
        ------
        ValueError
            As in ``partial_fit``.
        """
        check_is_fitted(self)
        rows, stream = self._new_rows(X, y, need_y=False), self._stream
        self._stream = Stream(stream.learner.advance(rows.record), rows.cutoff)
        return self

    def reset_state(self):
        """Go back to before the first row, with everything learnt kept.

        The next rows start a new run: they may lie anywhere in time.

        Returns
        -------
        self : object
        """
        check_is_fitted(self)
        self._stream = Stream(self._stream.learner.restarted(), None)
        return self

    @property
    def cutoff_(self):
        """Time stamp (or number) of the last row seen; None after ``reset_state``."""
        cutoff = self._stream.cutoff
        return None if cutoff is None else self._axis.label(cutoff)

    def _fit(self, X, y, values, y_values):
        self._check_params()
        self._columns = Columns.of(X, y, values.shape[1], getattr(self, "target", None))
        self._axis = self._make_axis(row_index(X))
        targets, inputs = self._split(values, y_values)
        if len(values) < self._min_rows:
            raise ValueError(
                f"found {len(values)} sample(s), expected at least {self._min_rows} rows to learn "
                "from with these parameters; pass a longer history"
            )
        self._scaling, self._input_scaling = Scaling.fit(targets), Scaling.fit(inputs)
        stamps = self._axis.stamps(row_index(X), len(values))
        rows = self._on_grid(values, y_values, stamps, None)
        self._stream = Stream(self._make_learner(rows.record), rows.cutoff)

    def _check_forgetting(self):
        check_scalar(self.forgetting, "forgetting", Real)
        if not 0.0 < self.forgetting <= 1.0:
            raise ValueError(
                f"found forgetting={self.forgetting}, expected a number in (0, 1]; 0.9995 "
                "remembers some 2,000 rows"
            )

    def _new_rows(self, X, y, *, need_y=True, stream=None):
        """Check the rows of a call against the stream that they go on from."""
        stream = self._stream if stream is None else stream
        values, y = read_rows(self, X, y, self._columns)
        if need_y and y is None and self._columns.targets is None:
            raise ValueError(
                f"found y=None, expected the targets {self._columns.target_names}, which came as "
                "y at fit; pass y, or use update(X) for rows whose targets are unknown"
            )
        stamps = self._axis.stamps(row_index(X), len(values), stream.cutoff)
        return self._on_grid(values, y, stamps, stream.cutoff)

    def _roll(self, X, y):
        """Return the learner's outputs (n_rows, S, M) after each row of X, and the new rows."""
        check_is_fitted(self)
        stream = self._stream
        if self._starts_in_sample(X):
            stream = Stream(stream.learner.restarted(), None)
        rows = self._new_rows(X, y, need_y=False, stream=stream)
        return stream.learner.outputs(rows.record)[rows.places], rows

    def _starts_in_sample(self, X):
        index, cutoff = row_index(X), self._stream.cutoff
        if cutoff is None or not isinstance(index, pd.DatetimeIndex) or self._axis.counts:
            return False
        return len(index) > 0 and self._axis.stamps(index[:1], 1)[0] <= cutoff

    def _steps(self, stamps, cutoff):
        """Count the steps from the cutoff to each row."""
        return self._axis.steps_after(stamps, cutoff)

    def _calendar_features(self, stamps, steps, cutoff):
        return np.zeros((steps[-1], 0))

    def _split(self, values, y):
        """Divide values into finite inputs and targets, which may be missing (NaN)."""
        targets, inputs = self._columns.split(values, y)
        may_be_missing = self._targets_may_be_missing or y is None
        require_finite(targets, self._columns.target_names, allow_nan=may_be_missing)
        require_finite(inputs, self._columns.input_names)
        return targets, inputs

    def _on_grid(self, values, y, stamps, cutoff):
        """Scale the values and put them on the steps that follow the cutoff."""
        steps = self._steps(stamps, cutoff)
        targets, inputs = self._split(values, y)
        targets, inputs = self._scaling.apply(targets), self._input_scaling.apply(inputs)
        if steps[-1] != len(steps):
            targets, inputs = (_spread(a, steps) for a in (targets, inputs))
        calendar = self._calendar_features(stamps, steps, cutoff)
        return NewRows(Record(targets, inputs, calendar), steps - 1, int(stamps[-1]))


def _spread(values, steps):
    """Put rows (n, S) at their steps, NaN at those between."""
    grid = np.full((steps[-1], values.shape[1]), np.nan)
    grid[steps - 1] = values
    return grid
