"""Transformers in front of a forecaster or regressor, on a stream that goes on."""

import copy
from collections.abc import Callable, Hashable, Sequence
from typing import Any, NamedTuple, Self

import numpy as np
import pandas as pd
from sklearn.base import OneToOneFeatureMixin, clone
from sklearn.utils.metaestimators import available_if
from sklearn.utils.validation import check_is_fitted

from tsrnn.estimators.forecasting import mean_r2, naive_error_table
from tsrnn.estimators.history import naive_errors
from tsrnn.estimators.typed_bases import Pipeline
from tsrnn.frames.native import incoming, indexed, native_of, outgoing
from tsrnn.frames.target_transform import scale_factor
from tsrnn.frames.types import Data, Ids
from tsrnn.frames.validation import column_names
from tsrnn.online.storage.values import twin
from tsrnn.persistence import File, save
from tsrnn.persistence.registry import saved

CHECKED_ROWS = 1000  # newest ones of the history, on which inverses are checked
ALIKE = 1e-6  # relative difference of a value that went through a transformer and back


@saved("pipeline-inverse")
class Inverse(NamedTuple):
    """How the targets come back through one of the transformers."""

    step: int  # its place among the steps
    names: list | None  # of the columns that it gives; None where they have none
    row: list  # a row of these, into which targets are set
    inner: list  # positions of the targets in it
    outer: list  # their positions in front of the transformer


def _last_has(name: str) -> Callable[[Any], bool]:
    """Return the check of whether the last step has an attribute."""

    def check(self):
        return hasattr(self.steps[-1][1], name)

    return check


def _of_last(name: str, *default: Any) -> property:
    """Return the property that is an attribute of the last step."""

    def read(self) -> Any:
        return getattr(self.steps[-1][1], name, *default)

    return property(read, doc="As of the last step.")


def _nothing(self) -> None:
    """Return None, whatever a file may say."""


@saved("streaming-pipeline")
class StreamingPipeline(Pipeline):
    """A scikit-learn Pipeline that goes on: new rows and forecasts pass its fitted transformers.

    Rows keep their index, and the columns of ids and time (``id_col``, ``time_col`` of the last
    step) pass by the transformers. Forecasts, interval ends and quantiles come back through
    ``inverse_transform``, in the units of the rows; where a transformer changes a target and has no
    inverse, `fit` refuses it. A target that came as ``y`` is not transformed.

    Forecasters scale by themselves: `StandardScaler` in front of one changes little. A pipeline is
    for what the forecaster does not do, such as encoding, selecting and combining columns, or a
    logarithm.

    Parameters
    ----------
    steps : list of (str, estimator)
        Transformers and, at the end, a forecaster or `RNNRegressor`. `fit` fits copies of the
        transformers and puts them in their place, as ``named_steps`` shows.
    learn_transformers : bool, default=False
        Whether `partial_fit` lets transformers that have a ``partial_fit`` learn too: each row (of
        a panel: the rows of each time stamp) is transformed by what was known before it, and then
        learnt, so that any split of the rows gives the same. By default they stay as fitted.
    verbose : bool, default=False
        As in scikit-learn.

    Attributes
    ----------
    named_steps : Bunch
        The steps by name, as in scikit-learn.
    cutoff_, freq_, n_late_, expert_weights_, drift_log_, outliers_
        Those of the last step.

    See Also
    --------
    RNNForecaster : What ``future_cols`` and panels are.

    Examples
    --------
    >>> import tsrnn
    >>> from sklearn.preprocessing import PowerTransformer
    >>> flow = tsrnn.datasets.load_water_flow().interpolate()
    >>> model = tsrnn.StreamingPipeline([
    ...     ("power", PowerTransformer()),
    ...     ("forecast", tsrnn.baselines.LinearForecaster(horizon=24)),
    ... ])
    >>> forecast = model.fit(flow[:600]).partial_fit(flow[600:700]).forecast()
    >>> forecast.index[0] == flow.index[700], bool(forecast["flow"].between(0, 300).all())
    (True, True)
    >>> tsrnn.loads(tsrnn.dumps(model)).forecast().equals(forecast)
    True
    """

    def __init__(
        self,
        steps: Sequence[tuple[str, Any]],
        *,
        learn_transformers: bool = False,
        verbose: bool = False,
    ):
        self.steps = steps
        self.learn_transformers = learn_transformers
        self.verbose = verbose

    # Parameters of scikit-learn's Pipeline that mean nothing here, a cache on disk above all.
    memory = property(_nothing)
    transform_input = property(_nothing)

    def __getitem__(self, ind: Any) -> Any:
        """Return a step by number or name, or a pipeline of some of them, as scikit-learn does."""
        if not isinstance(ind, slice):
            return super().__getitem__(ind)
        if ind.step not in (1, None):
            raise ValueError("found a slice with a step, expected neighbouring steps; leave it out")
        return Pipeline(self.steps[ind], verbose=self.verbose)

    def fit(self, X: Data, y: Data | None = None, *, ids: Ids = None) -> Self:
        """Fit the transformers one after the other, and the last step to what they give.

        Parameters
        ----------
        X, y, ids
            As of the last step.

        Returns
        -------
        self : object

        Raises
        ------
        ValueError
            The rows cannot be used, or a transformer changes a target and cannot bring it back;
            nothing has changed.
        TypeError
            The last step is none that forecasts or estimates.
        """
        self._validate_steps()
        name, last = self.steps[-1]
        if not (hasattr(last, "partial_fit") and hasattr(last, "update")):
            raise TypeError(
                f"found {last!r} as the last step, expected a forecaster or RNNRegressor of tsrnn; "
                "use scikit-learn's Pipeline for others"
            )
        rows = self._rows(X)
        steps, passed, values = [], [], rows.table
        for number, (label, transformer) in enumerate(self.steps[:-1]):
            if transformer is not None and transformer != "passthrough":
                transformer, before = clone(transformer), values
                values = _framed(transformer.fit_transform(values, y), before, transformer)
                passed.append((number, transformer, before, values))
            steps.append((label, transformer))
        last = copy.copy(last).fit(rows.joined(values), y, **_given(ids=ids))
        fitted = copy.copy(self)
        fitted.steps, fitted._inverses = [*steps, (name, last)], _inverses(last, passed)
        fitted._native = native_of(X)
        fitted._sample = _newest_known(rows.table)
        if fitted._inverses:
            fitted._naive_error = fitted._naive_errors_of(values, rows, ids)
        fitted._made_of = fitted._columns_behind_future_cols(rows.table)
        self.__dict__ = vars(fitted)
        return self

    def partial_fit(self, X: Data, y: Data | None = None, *, ids: Ids = None) -> Self:
        """Learn from new rows; the first call is ``fit`` on them.

        Parameters
        ----------
        X, y, ids
            As of the last step.

        Returns
        -------
        self : object

        Raises
        ------
        ValueError
            As of a transformer or the last step; nothing has changed.
        """
        if not self.__sklearn_is_fitted__():
            return self.fit(X, y, ids=ids)
        rows, steps = self._rows(X), self.steps
        if not len(rows.table):
            return self
        if self.learn_transformers:
            steps, values = self._learnt(rows, ids)
        else:
            values = self._transformed(rows.table)
        self._last.partial_fit(rows.joined(values), y, **_given(ids=ids))
        self.steps = steps
        return self

    def update(self, X: Data, y: Data | None = None, *, ids: Ids = None) -> Self:
        """Take in new rows without learning.

        Parameters
        ----------
        X, y, ids
            As of the last step.

        Returns
        -------
        self : object
        """
        check_is_fitted(self)
        if len(X):
            self._last.update(self._prepared(X), y, **_given(ids=ids))
        return self

    @available_if(_last_has("forecast"))
    def forecast(
        self,
        horizon: int | None = None,
        X_future: Data | None = None,
        coverage: float | list[float] | None = None,
        quantiles: list[float] | None = None,
        ids: Ids = None,
        active: bool | int = False,
    ) -> pd.DataFrame:
        """Forecast the values after the last row seen, in the units of the rows.

        Parameters
        ----------
        horizon, coverage, quantiles, ids, active
            As of the last step.
        X_future : DataFrame, optional
            The columns, as they were in front of the transformers, that ``future_cols`` are made
            of, at the next ``horizon`` rows; other columns and rows do no harm. Missing values are
            carried forward.

        Returns
        -------
        DataFrame
            As of the last step.

        Raises
        ------
        ValueError
            As of the last step, or ``X_future`` lacks a column that a transformer needs.
        """
        check_is_fitted(self)
        frame = self._forecast_frame(horizon, X_future, coverage, quantiles, ids, active)
        return frame if self._native is None else outgoing(_flat(frame), self._native)

    def _forecast_frame(
        self, horizon=None, X_future=None, coverage=None, quantiles=None, ids=None, active=False
    ):
        """As `forecast`, in a frame of pandas whatever rows came in."""
        ahead = _given(X_future=X_future, quantiles=quantiles, ids=ids, active=active or None)
        if X_future is not None and self.future_cols is not None:
            ahead["X_future"] = self._transformed_ahead(X_future)
        frame = self._last.forecast(horizon, **_given(coverage=coverage), **ahead)
        if not self._inverses:
            return frame
        n_keys = len([key for key in self._keys if key in frame.columns])
        n_targets = len(self._last._reader.columns.target_names)
        values = frame.iloc[:, n_keys:].to_numpy(dtype=float)  # targets, then bands by target
        points, bands = values[:, None, :n_targets], values[:, n_targets:]
        bands = bands.reshape(len(values), n_targets, -1).swapaxes(1, 2)
        back = self._original(np.concatenate([points, bands], axis=1))
        flat = back[:, 1:].swapaxes(1, 2).reshape(len(values), -1)
        back = np.concatenate([back[:, 0], flat], axis=1)
        found = pd.DataFrame(back, frame.index, frame.columns[n_keys:])
        return pd.concat([frame.iloc[:, :n_keys], found], axis=1) if n_keys else found

    @available_if(_last_has("explain"))
    def explain(
        self, horizon: int | None = None, X_future: Data | None = None, ids: Ids = None
    ) -> pd.DataFrame:
        """Return what the forecast is made of, in the units of the rows.

        Each row adds up to ``forecast()`` at that step. Parts are those of the last step, on the
        scale on which it learns: all but the level times one factor at each step, so that they add
        up on the scale of the rows. Inputs are those behind the transformers, by their names there;
        where a scaler has centred one, it is measured from its mean.

        Parameters
        ----------
        horizon, X_future, ids
            As in ``forecast``.

        Returns
        -------
        DataFrame
            As of the last step.

        Raises
        ------
        ValueError
            As in ``forecast``.
        """
        check_is_fitted(self)
        ahead = _given(X_future=X_future, ids=ids)
        if X_future is not None and self.future_cols is not None:
            ahead["X_future"] = self._transformed_ahead(X_future)
        found = self._last.explain(horizon, **ahead)
        if not self._inverses:
            return found
        n_steps = found.index.get_level_values("step").max()
        n_targets = len(self._last._reader.columns.target_names)
        whole, level = found.sum(axis=1).to_numpy(), found["level"].to_numpy()
        rows = np.stack([whole, level]).reshape(2, -1, n_targets, n_steps)
        back = self._original(rows.transpose(1, 3, 0, 2).reshape(-1, 2, n_targets))
        back = back.reshape(-1, n_steps, 2, n_targets).transpose(2, 0, 3, 1)
        forecast, alone = back.reshape(2, -1)
        found = found.mul(scale_factor(whole, level, forecast, alone), axis=0)
        return found.assign(level=forecast - found.drop(columns="level").sum(axis=1))

    def predict(self, X: Data, y: Data | None = None, *, ids: Ids = None) -> np.ndarray:
        """Return what the last step predicts of each row, in the units of the rows.

        Parameters
        ----------
        X, y, ids
            As of the last step.

        Returns
        -------
        ndarray
        """
        found = self._last.predict(self._prepared(X), *_given_y(y), **_given(ids=ids))
        if not self._inverses:
            return found
        n_targets = len(self._last._reader.columns.target_names)
        by_target = found.reshape(len(found), n_targets, -1).swapaxes(1, 2)
        return self._original(by_target).swapaxes(1, 2).reshape(found.shape)

    def score(self, X: Data, y: Data | None = None, *, ids: Ids = None) -> float:
        """Return R² as the last step does, in the units of the rows.

        Parameters
        ----------
        X, y, ids
            As of the last step.

        Returns
        -------
        float
        """
        if not hasattr(self._last, "forecast"):
            return self._last.score(self._prepared(X), y)
        outcome = self._outcome(X, y, ids)
        return mean_r2(outcome.actual, outcome.forecast)

    @available_if(_last_has("p_values"))
    def p_values(self, X: Data, **options: Any) -> pd.DataFrame:
        """Return how probable values at least as far out were, as the last step does.

        Parameters
        ----------
        X : DataFrame, Series or array
            As of the last step.
        **options
            Others of its parameters.

        Returns
        -------
        DataFrame of shape (n_rows, n_targets)
        """
        found = self._p_values_frame(X, **options)
        return found if self._native is None else outgoing(_flat(found), self._native)

    def _p_values_frame(self, X, **options):
        """As `p_values`, in a frame of pandas whatever rows came in."""
        return self._last.p_values(self._prepared(X), **options)

    @available_if(_last_has("p_values"))
    def _take_scored(self, X, learning):
        """As `partial_fit`, or `update`, of rows; return their `p_values` before, an array."""
        found = self._p_values_frame(X).to_numpy()
        (self.partial_fit if learning else self.update)(X)
        return found

    @available_if(_last_has("predict_interval"))
    def predict_interval(
        self, X: Data, y: Data | None = None, *, coverage: float = 0.9
    ) -> np.ndarray:
        """Return the interval of each row, as `RNNRegressor.predict_interval` does.

        Parameters
        ----------
        X, y, coverage
            As of the last step.

        Returns
        -------
        ndarray of shape (n_rows, 2) or (n_rows, n_targets, 2)
        """
        return self._last.predict_interval(self._prepared(X), *_given_y(y), coverage=coverage)

    @available_if(_last_has("future_index"))
    def future_index(
        self, horizon: int | None = None, *, ids: Ids = None, active: bool | int = False
    ) -> pd.Index:
        """Return the index of the next ``horizon`` rows, as the last step does.

        Parameters
        ----------
        horizon, ids, active
            As of the last step.

        Returns
        -------
        Index
        """
        check_is_fitted(self)
        index = self._future_index(horizon, ids, active)
        return index if self._native is None else outgoing(index.to_frame(False), self._native)

    def _future_index(self, horizon=None, ids=None, active=False):
        """As `future_index`, an index of pandas whatever rows came in."""
        return self._last.future_index(horizon, **_given(ids=ids, active=active or None))

    @available_if(_last_has("forget"))
    def forget(self, ids: Ids) -> Self:
        """Drop series of a panel that are done, as the last step does.

        Parameters
        ----------
        ids : id or list of ids

        Returns
        -------
        self : object
        """
        self._last.forget(ids)
        return self

    @available_if(_last_has("split"))
    def split(self, ids: Ids) -> Self:
        """Return a pipeline of some series of a panel, as the last step does.

        Parameters
        ----------
        ids : id or list of ids

        Returns
        -------
        StreamingPipeline
        """
        part, (name, last) = twin(self), self.steps[-1]
        part.steps = [*self.steps[:-1], (name, last.split(ids))]
        return part

    def reset_state(self, ids: Ids = None) -> Self:
        """Go back to before the first row, with everything learnt kept.

        Parameters
        ----------
        ids : id or list of ids, optional

        Returns
        -------
        self : object
        """
        self._last.reset_state(ids)
        return self

    def save(self, path: File) -> None:
        """Write the pipeline to one file, for `tsrnn.load`.

        Parameters
        ----------
        path : str, Path or binary file

        Raises
        ------
        TypeError
            A transformer is of a class that no file may name: scikit-learn's common ones can be
            saved, a `FunctionTransformer` where its functions are NumPy's.
        OSError
            The file cannot be written.
        """
        save(self, path)

    # What the last step tells of itself; what it need not have is None.
    cutoff_ = _of_last("cutoff_")
    freq_ = _of_last("freq_")
    n_late_ = _of_last("n_late_")
    expert_weights_ = _of_last("expert_weights_")
    drift_log_ = _of_last("drift_log_")
    outliers_ = _of_last("outliers_")
    horizon = _of_last("horizon")
    coverage = _of_last("coverage", None)
    future_cols = _of_last("future_cols", None)
    id_col = _of_last("id_col", None)
    time_col = _of_last("time_col", None)

    @property
    def _last(self):
        return self.steps[-1][1]

    @property
    def _reader(self):
        return self._last._reader

    @property
    def _keys(self) -> list[Hashable]:
        """Columns that are no values: of ids and of time."""
        return [key for key in (self.id_col, self.time_col) if key is not None]

    def _rows(self, X):
        return _Rows.of(self._received(X), self._keys)

    def _received(self, X, name="X"):
        """Return rows of other libraries as a frame of pandas, indexed by time but for a column."""
        return indexed(X, None, name) if self.time_col is None else incoming(X, name)

    def _prepared(self, X):
        """Return rows as the last step takes them."""
        check_is_fitted(self)
        rows = self._rows(X)
        return rows.joined(self._transformed(rows.table))

    def _transformed(self, values, steps=None):
        for _, transformer in self.steps[:-1] if steps is None else steps:
            if transformer is not None and transformer != "passthrough":
                values = _framed(transformer.transform(values), values, transformer)
        return values

    def _learnt(self, rows, ids):
        """Return the steps after rows, and the rows as they were seen, stamp by stamp."""
        steps, last = copy.deepcopy(self.steps[:-1]), self.steps[-1]
        numbers, known = rows.stamps(last[1], ids)
        parts = []
        order = np.argsort(numbers, kind="stable")
        for group in np.split(order, np.flatnonzero(np.diff(numbers[order])) + 1):
            values = _picked(rows.table, group)
            new = ~known[group]
            for _, transformer in steps:
                if transformer is None or transformer == "passthrough" or not len(values):
                    continue
                seen = _framed(transformer.transform(values), values, transformer)
                if hasattr(transformer, "partial_fit") and new.any():
                    transformer.partial_fit(_picked(values, np.flatnonzero(new)))
                values = seen
            parts.append(values)
        back = np.argsort(order, kind="stable")
        values = pd.concat(parts) if isinstance(parts[0], pd.DataFrame) else np.concatenate(parts)
        return [*steps, last], _picked(values, back)

    def _original(self, values):
        """Return values (n, k, J) of the targets in the units of the rows."""
        flat = values.reshape(-1, values.shape[2])
        for inverse in reversed(self._inverses):
            full = _repeated(inverse.names, inverse.row, len(flat))
            full = _with_columns(full, inverse.inner, flat)
            found = self.steps[inverse.step][1].inverse_transform(full)
            flat = np.asarray(found)[:, inverse.outer].astype(float)
        return flat.reshape(values.shape)

    def _outcome(self, X, y=None, ids=None):
        """Return the `Outcome` of the forecasts after each row."""
        found = self._last._outcome(self._prepared(X), y, ids)
        if not self._inverses:
            return found
        back = [
            self._original(values.swapaxes(1, 2)).swapaxes(1, 2)
            for values in (found.forecast, found.actual)
        ]
        return found._replace(forecast=back[0], actual=back[1])

    def _naive_errors_of(self, values, rows, ids):
        """Return the ids of the series of the history, and their `naive_errors`."""
        reader = self._last._reader
        targets = self._original(_floats(values, reader.columns.targets)[:, None])[:, 0]
        ids = reader.form.take_apart(rows.joined(values), ids).ids
        series, names = np.zeros(len(targets), dtype=np.intp), pd.RangeIndex(1)
        if ids is not None:
            series, names = pd.factorize(ids)
        order = np.argsort(series, kind="stable")
        return pd.Index(names), naive_errors(series[order], targets[order], len(names))

    @property
    def naive_error_(self) -> pd.Series | pd.DataFrame:
        """Mean absolute change of the history from row to row, in the units of the rows."""
        check_is_fitted(self)
        if not self._inverses:
            return self._last.naive_error_
        reader = self._last._reader
        return naive_error_table(*self._naive_error, reader.columns.target_names, reader.form)

    def _transformed_ahead(self, X_future):
        """Return rows to come as the last step takes them.

        Columns that are not known ahead, and that ``future_cols`` are not made of, stand at a value
        of the history: transformers may refuse missing ones.
        """
        X_future = self._received(X_future, "X_future")
        if isinstance(X_future, pd.Series):
            X_future = X_future.to_frame()
        names, row = self._sample
        if not isinstance(X_future, pd.DataFrame) or names is None:
            raise ValueError(
                f"found X_future as {type(X_future).__name__}, expected a DataFrame with the "
                f"columns {list(self._made_of)}, and DataFrames at fit: names tell what is known "
                "ahead"
            )
        missing = [name for name in self._made_of if name not in X_future.columns]
        if missing:
            raise ValueError(
                f"found the columns {list(X_future.columns)} of X_future, expected {missing} among "
                "them, of which future_cols are made; add them"
            )
        full = _repeated(names, row, len(X_future)).set_axis(X_future.index)
        for name in self._made_of:
            full[name] = X_future[name].where(X_future[name].notna(), full[name])
        seen = self._transformed(full)
        for name, made in self._made_of.items():  # the forecaster carries the newest known one on
            seen.loc[X_future[name].isna().to_numpy(), made] = np.nan
        keys = [key for key in self._keys if key in X_future.columns]
        return _Rows(full, X_future[keys] if keys else None).joined(seen)

    def _columns_behind_future_cols(self, values):
        """Return the columns of X whose change shows in ``future_cols``, and in which of these.

        Raises
        ------
        ValueError
            A target is one of them.
        """
        columns = self._last._reader.columns
        future = columns.future_names
        if not future or not isinstance(values, pd.DataFrame):
            return {}
        values = values.iloc[-CHECKED_ROWS:]
        before, found = self._transformed(values), {}
        for name in values.columns:
            turned = values.copy()
            turned[name] = values[name].to_numpy()[::-1]
            after = self._transformed(turned)
            made = [x for x in future if x == name or not after[x].equals(before[x])]
            if made:
                found[name] = made
        targets = columns.target_names if columns.targets is not None else []
        if wrong := [name for name in found if name in targets]:
            raise ValueError(
                f"found future_cols={future} that transformers make of the targets {wrong}, "
                "expected inputs that are known ahead; take them out of future_cols"
            )
        return found


class _Rows(NamedTuple):
    """Rows of a call: values for the transformers, and the columns of ids and time."""

    table: Any  # values for the transformers: DataFrame, or array of two dimensions
    keys: pd.DataFrame | None = None
    flat: bool = False  # whether they came in one dimension

    @classmethod
    def of(cls, X, keys):
        if isinstance(X, pd.Series):
            return cls(X.to_frame(column_names(X, 1)[0]))
        if not isinstance(X, pd.DataFrame):
            values = np.asarray(X)
            return cls(values.reshape(len(values), -1), None, values.ndim == 1)
        keys = [key for key in keys if key in X.columns]
        return cls(X.drop(columns=keys), X[keys]) if keys else cls(X)

    def joined(self, values):
        """Return transformed values with the ids and times of these rows."""
        if self.flat and values.shape[1] == 1:
            return values[:, 0]
        if self.keys is None:
            return values
        return pd.concat([self.keys, values], axis=1)

    def stamps(self, last, ids):
        """Return a number for each row, equal for those of one time stamp of a panel.

        Also whether the last step will drop the row, since it is not newer than the cutoff.
        """
        parts = last._reader.form.take_apart(self.joined(self.table), ids)
        n = len(self.table)
        numbers, known = np.arange(n), np.zeros(n, dtype=bool)
        if parts.times is None:
            return numbers, known
        if parts.ids is not None:
            numbers = pd.factorize(parts.times, sort=True)[0]
        if last.late == "drop" and last.cutoff_ is not None:
            cutoffs = last.cutoff_
            cutoffs = cutoffs if parts.ids is None else pd.Index(cutoffs.reindex(parts.ids))
            known = np.asarray(parts.times <= cutoffs)
        return numbers, known


def _given(**options):
    """Return the options that are not None: those that a last step need not have."""
    return {name: value for name, value in options.items() if value is not None}


def _given_y(y):
    return () if y is None else (y,)


def _flat(frame):
    """Return a forecast with ids and times as columns."""
    counted = type(frame.index) is pd.RangeIndex and frame.index.name is None
    return frame if counted else frame.reset_index()


def _picked(values, rows):
    return values.iloc[rows] if isinstance(values, pd.DataFrame) else values[rows]


def _framed(values, before, transformer):
    """Return what a transformer has made of rows with their index, and with names.

    Raises
    ------
    ValueError
        The number of rows has changed, or new columns have no names.
    """
    if len(getattr(before, "index", before)) != values.shape[0]:
        raise ValueError(
            f"found {values.shape[0]} rows behind {transformer!r} for {len(before)} before it, "
            "expected as many; a transformer of a stream may not drop rows"
        )
    if hasattr(values, "toarray"):
        values = values.toarray()
    if isinstance(values, pd.DataFrame) or not isinstance(before, pd.DataFrame):
        return values
    one_to_one = isinstance(transformer, OneToOneFeatureMixin)
    if hasattr(transformer, "get_feature_names_out") and not one_to_one:
        names = transformer.get_feature_names_out()
    elif values.shape[1] == before.shape[1]:
        names = before.columns
    else:
        raise ValueError(
            f"found {values.shape[1]} columns without names behind {transformer!r}, expected "
            "names; use transformer.set_output(transform='pandas') or feature_names_out="
        )
    return pd.DataFrame(values, before.index, names)


def _repeated(names, row, n):
    """Return a row n times, as a frame where it has names."""
    if names is None:
        return np.tile(np.array(row), (n, 1))
    return pd.DataFrame({name: [value] * n for name, value in zip(names, row, strict=True)})


def _with_columns(rows, places, values):
    if not isinstance(rows, pd.DataFrame):
        rows[:, places] = values
        return rows
    columns = dict(rows.items())
    columns |= {rows.columns[at]: column for at, column in zip(places, values.T, strict=True)}
    return pd.DataFrame(columns)


def _newest_known(values):
    """Return the names of columns and the newest known value of each."""
    if not isinstance(values, pd.DataFrame):
        return None, []
    row = [
        (column.dropna() if column.notna().any() else column).iloc[-1]
        for _, column in values.items()
    ]
    return list(values.columns), row


# --- the way back ---------------------------------------------------------------------------------


def _inverses(last, passed):
    """Return how targets come back through the transformers that they have passed.

    Parameters
    ----------
    last : estimator
        Fitted.
    passed : list of (int, transformer, rows before it, rows behind it)

    Raises
    ------
    ValueError
        A target has no way back.
    """
    columns = last._reader.columns
    if columns.targets is None:
        return []
    places, found = list(columns.targets), []
    for number, transformer, before, after in reversed(passed):
        outer = _places_before(places, before, after, columns.target_names, transformer)
        newest = slice(-CHECKED_ROWS, None)
        old, new = before[newest], after[newest]
        expected = _floats(old, outer)
        turned = _turned_back(transformer, new, outer)
        if turned is not None and _alike(turned, expected):
            _require_increasing(_floats(new, places), expected, transformer)
            names = list(new.columns) if isinstance(new, pd.DataFrame) else None
            row = _picked(new, [-1])
            row = row.iloc[0].tolist() if names is not None else row[0].tolist()
            found.append(Inverse(number, names, row, places, outer))
        elif not _same_where_known(_floats(new, places), expected):
            raise ValueError(
                f"found {transformer!r}, which changes the targets {columns.target_names} and has "
                "no inverse_transform that brings them back, expected forecasts in the units of "
                "the rows; leave the targets out of it, or name an inverse: a forecaster scales "
                "its targets by itself"
            )
        places = outer
    return found[::-1]


def _places_before(places, before, after, targets, transformer):
    if not isinstance(after, pd.DataFrame):
        if after.shape[1] == before.shape[1]:
            return places
        names = targets
    else:
        names = [after.columns[place] for place in places]
        if all(name in before.columns for name in names):
            return [before.columns.get_loc(name) for name in names]
    raise ValueError(
        f"found the targets {names} behind {transformer!r} and none of that name before it, "
        "expected targets to keep their names; name the target of the last step (target=), and "
        "use verbose_feature_names_out=False"
    )


def _floats(rows, places):
    values = rows.iloc[:, places] if isinstance(rows, pd.DataFrame) else rows[:, places]
    return np.asarray(values, dtype=float)


def _turned_back(transformer, rows, places):
    """Return the targets after ``inverse_transform``, None where there is none."""
    try:
        return np.asarray(transformer.inverse_transform(rows))[:, places].astype(float)
    except (AttributeError, ValueError, TypeError, IndexError):  # as each says that it has none
        return None


def _alike(found, expected):
    size = np.nanmax(np.abs(expected), initial=0.0) if np.isfinite(expected).any() else 0.0
    return found.shape == expected.shape and bool(
        np.allclose(found, expected, rtol=ALIKE, atol=ALIKE * 1e-3 * size, equal_nan=True)
    )


def _same_where_known(found, expected):
    known = ~np.isnan(expected)
    return bool((found[known] == expected[known]).all())


def _require_increasing(found, expected, transformer):
    """Refuse a transformer that turns targets upside down: a lower bound would be an upper one."""
    for inner, outer in zip(found.T, expected.T, strict=True):
        known = ~np.isnan(inner) & ~np.isnan(outer)
        if known.any() and (
            outer[known][inner[known].argmax()] < outer[known][inner[known].argmin()]
        ):
            raise ValueError(
                f"found {transformer!r}, under which larger targets become smaller ones, expected "
                "one that keeps their order; change its sign"
            )
