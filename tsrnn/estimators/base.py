"""What every estimator shares: reading rows, learning from them, and committing at the end."""

import copy
from numbers import Real
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
from sklearn.base import BaseEstimator
from sklearn.utils import check_scalar
from sklearn.utils.validation import check_is_fitted

from tsrnn.features.window import Window
from tsrnn.frames.columns import Columns
from tsrnn.frames.reader import read_rows
from tsrnn.frames.scaling import Scaling
from tsrnn.frames.validation import require_finite, row_index
from tsrnn.persistence import save, unmapped
from tsrnn.persistence.registry import saved
from tsrnn.threads import one_blas_thread


@saved("stream")
class Stream(NamedTuple):
    """Where a fitted estimator stands; replaced as a whole, never changed."""

    learner: Any
    cutoff: int | None  # position of the last row on the time axis; None before the first one
    n_late: int = 0  # rows dropped because they were not newer than the cutoff


class Run(NamedTuple):
    """Consecutive rows of a record that a learner takes in one go."""

    rows: slice
    fresh: bool  # whether they start a new run, from the zero state


class NewRows(NamedTuple):
    """Rows of one call, checked and on the grid of the time axis."""

    record: Window  # one row for each step, those of gaps missing
    places: np.ndarray  # where in the record each row of the call is
    runs: list  # of `Run`
    cutoff: int  # position of the last row


class StreamingEstimator(BaseEstimator):
    """Base of the estimators: ``fit``, ``partial_fit``, ``update`` over one carried stream.

    Subclasses check their parameters in ``_check_params``, read the time axis in ``_make_axis``,
    build the learner in ``_make_learner`` and state ``_min_rows``. All that moves with the stream
    is in ``_stream``, assigned once at the end of a call, so that a call that raises changes
    nothing.
    """

    _targets_may_be_missing = True

    def __setstate__(self, state):
        """Read what joblib maps into memory (``mmap_mode``): a stream writes to its arrays."""
        super().__setstate__(unmapped(state))

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
        return self._fit_anew(X, y)

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
        self._stream = self._follow(X, y, "learn")
        return self

    def update(self, X, y=None):
        """Take in new rows without learning: only the state and the lags move on.

        A later ``partial_fit`` learns from the rows it is given alone: the labels it brings for
        forecasts issued at these rows are passed over. (A network, where there is one, learns from
        whole windows: its next one may look back on these rows.)

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
        self._require_fitted()
        self._stream = self._follow(X, y, "advance")
        return self

    def reset_state(self):
        """Go back to before the first row, with everything learnt kept.

        The next rows start a new run: they may lie anywhere in time.

        Returns
        -------
        self : object
        """
        check_is_fitted(self)
        self._stream = Stream(self._stream.learner.restarted(anew=True), None, self._stream.n_late)
        return self

    def save(self, path):
        """Write the estimator to one file; `tsrnn.load` brings it back and runs no code of it.

        Parameters
        ----------
        path : str or Path
            Replaced in one step, once the new content is safely on the disk.

        Raises
        ------
        TypeError
            A parameter is something that is no part of tsrnn; nothing is written.
        OSError
            The file cannot be written; what was there before is as it was. It names the file.
        """
        save(self, path)

    @property
    def cutoff_(self):
        """Time stamp (or number) of the last row seen; None after ``reset_state``."""
        check_is_fitted(self)
        cutoff = self._stream.cutoff
        return None if cutoff is None else self._axis.label(cutoff)

    def _require_fitted(self):
        """As `check_is_fitted`, without its look at every attribute and tag for each row."""
        if not hasattr(self, "_stream"):
            check_is_fitted(self)

    @one_blas_thread
    def _fit_anew(self, *rows):
        """Learn a history on a copy, and become it in one assignment.

        A RandomState that is a parameter is drawn from, not copied; if the call fails, it goes back
        to where it was.
        """
        fitted, drawn = copy.copy(self), getattr(self, "random_state", None)
        drawn = drawn if isinstance(drawn, np.random.RandomState) else None
        before = drawn and drawn.get_state(legacy=False)
        try:
            fitted._learn_history(*rows)
            self.__dict__ = vars(fitted)
        except BaseException:
            if drawn:
                drawn.set_state(before)
            raise
        return self

    def _learn_history(self, X, y):
        self._fit(X, y, *read_rows(self, X, y))

    def _fit(self, X, y, values, y_values):
        self._check_params()
        self._columns = Columns.of(X, y, values.shape[1], **self._roles)
        self._axis = self._make_axis(row_index(X))
        targets, inputs = self._split(values, y_values)
        if len(values) < self._min_rows:
            raise ValueError(
                f"found {len(values)} sample(s), expected at least {self._min_rows} rows to learn "
                "from with these parameters; pass a longer history"
            )
        if not np.isfinite(targets).any():
            raise ValueError(
                f"found no known value of the targets {self._columns.target_names}, expected some "
                "to learn from; see that X and y have the same index and that values are not NaN"
            )
        self._scaling, self._input_scaling = (
            Scaling.fit(targets),
            Scaling.of_inputs(inputs, self._columns.one_hot),
        )
        stamps = self._axis.stamps(row_index(X), len(values))
        rows = self._on_grid(values, y_values, stamps, None)
        learner = self._make_learner(rows.record)
        recent = max(0, len(rows.record) - learner.replayed)
        for run in rows.runs:
            learner = _taken_in(learner, rows.record, _from(run, recent), "learn")
        self._stream = Stream(learner, rows.cutoff)

    @property
    def _roles(self):
        """Parameters that name columns, None where a subclass does not have them."""
        roles = ("target", "future_cols", "static_cols")
        return {role: getattr(self, role, None) for role in roles}

    def _check_forgetting(self):
        check_scalar(self.forgetting, "forgetting", Real)
        if not 0.0 < self.forgetting <= 1.0:
            raise ValueError(
                f"found forgetting={self.forgetting}, expected a number in (0, 1]; 0.9995 "
                "remembers some 2,000 rows"
            )

    def _follow(self, X, y, how):
        """Return the stream after these rows, its learner having learnt or just advanced."""
        stream = self._stream
        if how == "learn" and y is None and self._columns.targets is None:
            raise ValueError(
                f"found y=None, expected the targets {self._columns.target_names}, which came as "
                "y at fit; pass y, or use update(X) for rows whose targets are unknown"
            )
        values, y = read_rows(self, X, y, self._columns)
        stamps = self._axis.stamps(row_index(X), len(values), stream.cutoff)
        newer, n_late = self._newer(stamps, stream.cutoff), stream.n_late
        if newer is not None:
            n_late += len(stamps) - int(newer.sum())
            values, y, stamps = values[newer], None if y is None else y[newer], stamps[newer]
            if not len(stamps):
                return stream._replace(n_late=n_late)
        rows = self._on_grid(values, y, stamps, stream.cutoff)
        learner = stream.learner
        for run in rows.runs:
            learner = _taken_in(learner, rows.record, run, how)
        return Stream(learner, rows.cutoff, n_late)

    def _newer(self, stamps, cutoff):
        """Tell rows to take in from late ones to drop; None: there are none to drop."""
        return None

    def _roll(self, X, y):
        """Return the learner's outputs (n_rows, S, M) after each row of X, and the new rows."""
        self._require_fitted()
        learner, cutoff, _ = self._stream
        if self._starts_in_sample(X):
            learner, cutoff = learner.restarted(anew=True), None
        values, y = read_rows(self, X, y, self._columns)
        stamps = self._axis.stamps(row_index(X), len(values), cutoff)
        rows = self._on_grid(values, y, stamps, cutoff)
        outputs = []
        for run in rows.runs:
            learner = learner.restarted() if run.fresh else learner
            following = rows.record.inputs[run.rows.stop :]
            run_outputs, learner = learner.outputs(rows.record[run.rows], following)
            outputs.append(run_outputs)
        if len(rows.runs) == 1 and len(rows.record) == len(rows.places):
            return outputs[0], rows
        taken = np.concatenate([np.arange(len(rows.record))[run.rows] for run in rows.runs])
        return np.concatenate(outputs)[np.searchsorted(taken, rows.places)], rows

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
        """Divide values into targets and inputs, finite or missing (NaN)."""
        targets, inputs = self._columns.split(values, y)
        may_be_missing = self._targets_may_be_missing or y is None
        require_finite(targets, self._columns.target_names, allow_nan=may_be_missing)
        require_finite(inputs, self._columns.expanded_names, allow_nan=True)
        return targets, inputs

    def _on_grid(self, values, y, stamps, cutoff):
        """Scale the values and put them on the steps that follow the cutoff."""
        steps = self._steps(stamps, cutoff)
        targets, inputs = self._split(values, y)
        targets, inputs = self._scaling.apply(targets), self._input_scaling.apply(inputs)
        if steps[-1] != len(steps):
            targets, inputs = (_spread(a, steps) for a in (targets, inputs))
        calendar = self._calendar_features(stamps, steps, cutoff)
        record = Window(targets, inputs, calendar)
        return NewRows(record, steps - 1, self._runs(steps), int(stamps[-1]))

    def __sklearn_tags__(self):
        """Return the tags of an estimator that takes missing values."""
        tags = super().__sklearn_tags__()
        tags.input_tags.allow_nan = True
        return tags

    def _runs(self, steps):
        """Divide the grid into runs: by default it is one, and goes on from the carried state."""
        return [Run(slice(0, steps[-1]), fresh=False)]


def _taken_in(learner, record, run, how):
    """Return the learner after a run of rows."""
    learner = learner.restarted() if run.fresh else learner
    return getattr(learner, how)(record[run.rows])


def _from(run, first):
    """Cut off the rows of a run before `first`."""
    return run._replace(rows=slice(max(run.rows.start, first), max(run.rows.stop, first)))


def _spread(values, steps):
    """Put rows (n, S) at their steps, NaN at those between."""
    grid = np.full((steps[-1], values.shape[1]), np.nan)
    grid[steps - 1] = values
    return grid
