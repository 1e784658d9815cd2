"""What every estimator is: it reads rows, lets its learner take them in, and commits at the end."""

from dataclasses import replace
from numbers import Real
from typing import Any, Self

import numpy as np
from sklearn.utils import check_scalar
from sklearn.utils.validation import check_is_fitted

from tsrnn.estimators import road
from tsrnn.estimators.history import read_history
from tsrnn.estimators.typed_bases import BaseEstimator
from tsrnn.frames.form import Form, ids_refused
from tsrnn.frames.native import beside, has_dates, incoming, native_of
from tsrnn.frames.types import Data, Ids
from tsrnn.frames.validation import row_index
from tsrnn.frames.writer import Writer
from tsrnn.memory import LARGE, release_free_memory
from tsrnn.online.storage.values import twin
from tsrnn.persistence import File, save, unmapped
from tsrnn.threads import one_blas_thread


class StreamingEstimator(BaseEstimator):
    """Base of all estimators: ``fit``, ``partial_fit``, ``update`` over what is carried along.

    What is fixed at fit is in ``_reader`` and ``_writer``; all that moves with the rows is in
    ``_state``, which is assigned once at the end of a call, so that a call that raises changes
    nothing. One stream is a panel of one series, without a road of its own.

    Subclasses check their parameters in ``_check_params``, state ``_min_rows`` and make their
    learner in ``_make_learner(history)``, to learn the history next.
    """

    # Parameters that a subclass may have; these are what they are where it has not.
    target = future_cols = static_cols = id_col = time_col = freq = snap = max_series = None
    gap, max_gap, late = "fill", 0, "raise"

    _takes_panels = _regular = True  # whether there may be ids; whether rows need a frequency
    _complete_targets = False
    _watches_sensors = False  # whether what a stuck one repeats is missing
    _horizon = 1  # outputs for each target

    def __setstate__(self, state):
        """Read what joblib maps into memory (``mmap_mode``): a stream writes to its arrays."""
        super().__setstate__(unmapped(state))

    def __copy__(self):
        """Return a copy that goes on by itself: the rings of a panel are written in place."""
        copied = twin(self)
        if hasattr(self, "_state"):
            copied._state = road.only(self._state, slice(None))
        return copied

    def set_params(self, **params: Any) -> Self:
        """Set parameters; once fitted, refuse what ``fit`` would refuse.

        Those that say how rows are learnt hold from the next ``fit`` on; bounds and the policies of
        rows, such as ``gap``, ``late`` and ``snap``, from the next call.

        Parameters
        ----------
        **params
            By name.

        Returns
        -------
        self : object

        Raises
        ------
        ValueError, TypeError
            There is no such parameter, or it cannot be that; nothing has changed.
        """
        before = self.get_params(deep=False)
        super().set_params(**params)
        if hasattr(self, "_state"):
            try:
                twin(self)._check_params()
                if "snap" in params:
                    axis = self._reader.axis.snapping(self.snap)
                    self._reader = replace(self._reader, axis=axis)
                    self._writer = replace(self._writer, axis=axis)
            except (ValueError, TypeError):
                vars(self).update(before)
                raise
        return self

    def fit(self, X: Data, y: Data | None = None, *, ids: Ids = None) -> Self:
        """Forget everything, learn from this history, end with the state after its last row.

        Parameters
        ----------
        X : DataFrame, Series or array of shape (n_rows, n_columns)
            Rows are consecutive time steps; of a panel, those of each series are, and series may
            be mixed in any way.
        y : Series, DataFrame or array of shape (n_rows,) or (n_rows, n_targets), optional
            Targets, if they are not columns of X.
        ids : array-like of shape (n_rows,), optional
            The series of each row, where neither ``id_col`` nor the index tells it.

        Returns
        -------
        self : object

        Raises
        ------
        ValueError
            The rows, the parameters, or the two together cannot be used; nothing has changed.
        """
        return self._fit(X, y, ids)

    def partial_fit(self, X: Data, y: Data | None = None, *, ids: Ids = None) -> Self:
        """Learn from new rows, one by one, and advance the state.

        The first call is ``fit`` on these rows. After that, any split of the rows into calls gives
        the same estimator, to the last bit; of a panel, any split between time stamps, up to
        rounding: its rows of one time stamp are forecast with the weights before it, and then
        learnt together.

        Parameters
        ----------
        X : DataFrame, Series or array of shape (n_rows, n_columns)
            The rows after the last one seen; of a panel, those of any of its series or new ones.
        y, ids
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
        if not hasattr(self, "_state"):
            return self.fit(X, y, ids=ids)
        self._state = self._take(X, y, ids, "learn")
        return self

    def update(self, X: Data, y: Data | None = None, *, ids: Ids = None) -> Self:
        """Take in new rows without learning: network and readouts stay as they are.

        The state and the lags move on. So do the weights of a mixture and the widths of intervals,
        which follow what the forecasts were worth.

        A later ``partial_fit`` learns from the rows it is given alone: the labels it brings for
        forecasts issued at these rows are passed over. (A network, where there is one, learns from
        whole windows: its next one may look back on these rows.)

        Parameters
        ----------
        X, y, ids
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
        self._state = self._take(X, y, ids, "advance")
        return self

    def reset_state(self, ids: Ids = None) -> Self:
        """Go back to before the first row, with everything learnt kept.

        The next rows start a new run: they may lie anywhere in time.

        Parameters
        ----------
        ids : id or list of ids, optional
            Of a panel: the series that go back; all of them by default.

        Returns
        -------
        self : object

        Raises
        ------
        ValueError
            There is no such series.
        """
        check_is_fitted(self)
        self._require_ids(ids)
        state = self._state
        self._state = road.restarted(state, road.places_of(state, ids))._replace(newest=None)
        return self

    def save(self, path: File) -> None:
        """Write the estimator to one file; `tsrnn.load` brings it back and runs no code of it.

        Parameters
        ----------
        path : str, Path or binary file
            A path is replaced in one step, once the new content is safely on the disk. A file
            that is open for writing in binary mode gets the whole content in one ``write``.

        Raises
        ------
        TypeError
            A parameter is something that is no part of tsrnn, or the file is open for text;
            nothing is written.
        OSError
            The file cannot be written; what was there before is as it was. It names the file.
        """
        save(self, path)

    @property
    def cutoff_(self) -> Any:
        """Time stamp (or number) of the last row seen; of a panel a Series, by id.

        None, or NaT, where there is none, as after ``reset_state``.
        """
        check_is_fitted(self)
        state = self._state
        return self._writer.cutoffs(state.ids, state.learner.heads, state.newest)

    def _require_fitted(self):
        """As `check_is_fitted`, without its look at every attribute and tag for each row."""
        if not hasattr(self, "_state"):
            check_is_fitted(self)

    def _fit(self, X, y, ids=None):
        """Learn a history on a copy, and become it in one assignment, which nothing comes after.

        A RandomState that is a parameter is drawn from, not copied; if the call fails, it goes back
        to where it was.
        """
        fitted, drawn = twin(self), getattr(self, "random_state", None)
        drawn = drawn if isinstance(drawn, np.random.RandomState) else None
        before = drawn and drawn.get_state(legacy=False)
        try:
            with one_blas_thread:
                n_rows = fitted._learn_history(X, y, ids)
            if n_rows >= LARGE:
                release_free_memory()
            self.__dict__ = vars(fitted)
        except BaseException:
            if drawn:
                drawn.set_state(before)
            raise
        return self

    def _learn_history(self, X, y, ids):
        """Become what has learnt a history; return its rows."""
        native, passed = native_of(X), X
        X = incoming(X)
        form = self._form_of(X, ids, native)
        if native is not None and form.time_name is not None:
            form = replace(form, dates=has_dates(passed, form.time_name))
            X = X if form.has_ids else X.set_index(form.time_name)
        y = beside(y, X)
        # What reading the history took is free again before rows are taken in: at ten thousand
        # series of 400 rows that is 300 MB, which would lie below what the learner keeps for good.
        self._reader, state, rows, newest = read_history(self, form, X, y, ids)
        self._writer = Writer(form, self._reader.axis)
        watch = state.watch  # of the history's end
        state = road.taken_in(self, state._replace(watch=None), rows, "learn")
        state = state._replace(watch=watch)
        if self.max_series is not None and len(state.ids) > self.max_series:
            kept = np.sort(np.argsort(-newest, kind="stable")[: self.max_series])
            state = road.only(state, kept)
        self._state = state
        return len(rows.series)

    def _form_of(self, X, ids, native=None):
        if not self._takes_panels and ids is not None:
            raise ids_refused(ids)
        if native is not None:
            form = Form.of_native(X, native, ids, self.id_col, self.time_col)
        elif not self._takes_panels:
            return Form(has_ids=False, time_name=getattr(row_index(X), "name", None))
        else:
            form = Form.of(X, ids, self.id_col, self.time_col)
        if self.static_cols is not None and not form.has_ids:
            raise ValueError(
                f"found static_cols={self.static_cols!r} and one stream without ids, expected a "
                "panel: of one series a constant says nothing; pass id_col, or drop static_cols"
            )
        return form

    def _take(self, X, y, ids, how):
        """Return the state after new rows, its learner having learnt (or just advanced)."""
        if hasattr(X, "__len__") and not len(X):  # no rows, nothing to do
            return self._state
        columns = self._reader.columns
        if how == "learn" and y is None and columns.targets is None:
            raise ValueError(
                f"found y=None, expected the targets {columns.target_names}, which came as y at "
                "fit; pass y, or use update(X) for rows whose targets are unknown"
            )
        return road.take(self, self._state, self._reader.read(self, X, y, ids), how)

    def _require_ids(self, ids):
        """Refuse ids of series where rows have none."""
        if ids is not None and not self._reader.form.has_ids:
            raise ids_refused(ids)

    def _outputs(self, X, y, ids, start=None, n_outputs=None, state=None):
        """Return the outputs (n, J, M) after each row, in the targets' units, and the rows."""
        rows = self._read_to_roll(X, y, ids, start)
        state = self._state if state is None else state
        return road.roll(self, state, rows, n_outputs, start)

    def _read_to_roll(self, X, y, ids, start):
        """Return the rows of a call that rolls over them and changes nothing."""
        self._require_fitted()
        if start not in (None, "fit", "cutoff"):
            raise ValueError(
                f"found start={start!r}, expected 'fit', 'cutoff' or None; pass one of them"
            )
        return self._reader.read(self, X, y, ids)

    _transform: str | None = None  # see `tsrnn.frames.target_transform`

    def _bounded(self, values, below_zero):
        """Return values within the bounds of the targets, where there are any.

        `below_zero` tells which targets have been negative.
        """
        return values

    @property
    def _roles(self):
        """Parameters that name columns."""
        return {role: getattr(self, role) for role in ("target", "future_cols", "static_cols")}

    def _looks_back_by_days(self):
        """Whether what happened at the same time of days before is looked at."""
        return False

    def _check_forgetting(self):
        check_scalar(self.forgetting, "forgetting", Real)
        if not 0.0 < self.forgetting <= 1.0:
            raise ValueError(
                f"found forgetting={self.forgetting}, expected a number in (0, 1]; 0.9995 "
                "remembers some 2,000 rows"
            )

    def __sklearn_tags__(self):
        """Return the tags of an estimator that takes missing values."""
        tags = super().__sklearn_tags__()
        tags.input_tags.allow_nan = True
        return tags
