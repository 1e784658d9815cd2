"""What every forecaster shares: the time axis, ``predict``, ``forecast`` and ``score``."""

from functools import lru_cache
from numbers import Real

import numpy as np
import pandas as pd
from sklearn.metrics import r2_score
from sklearn.utils import check_scalar
from sklearn.utils.validation import check_is_fitted

from tsrnn.estimators.panel.fitting import fit_panel
from tsrnn.estimators.panel.forecasting import (
    actuals_of,
    cutoffs_of,
    follow_panel,
    forecast_panel,
    forget_panel,
    reset_panel,
    roll_panel,
)
from tsrnn.estimators.panel.future import future_index_of
from tsrnn.estimators.panel.inspection import drift_of
from tsrnn.estimators.timed import TimedEstimator
from tsrnn.frames.bands import add_offsets, bands_of
from tsrnn.frames.calendar import season_lengths
from tsrnn.frames.future import read_future
from tsrnn.frames.panels import PanelForm
from tsrnn.online.intervals.tracking import Intervals
from tsrnn.online.readouts.targets import origin_targets
from tsrnn.online.regime import CHANGE_COLUMNS, changes_of


class BaseForecaster(TimedEstimator):
    """A forecaster of the next ``horizon`` values of its target columns.

    Subclasses have the parameters ``horizon``, ``target``, ``freq``, ``gap``, ``max_gap`` and
    ``late`` and make their learner in ``_make_learner(record)``, to learn the history next.
    """

    # What subclasses may have as parameters: bounds of the forecasts, coverage of the intervals.
    lower = upper = coverage = max_series = None
    id_col = time_col = None  # columns of a panel

    def fit(self, X, y=None, *, ids=None):
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
        return self._fit_anew(X, y, ids)

    def partial_fit(self, X, y=None, *, ids=None):
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
        if not hasattr(self, "_stream"):
            return self.fit(X, y, ids=ids)
        self._stream = self._after(X, y, ids, "learn")
        return self

    def update(self, X, y=None, *, ids=None):
        """Take in new rows without learning: only the state and the lags move on.

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
        check_is_fitted(self)
        self._stream = self._after(X, y, ids, "advance")
        return self

    def reset_state(self, ids=None):
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
        if self._form:
            self._stream = reset_panel(self, ids)
            return self
        self._refuse_ids(ids)
        return super().reset_state()

    def forget(self, ids):
        """Drop series of a panel that are done; what was learnt from them stays.

        Parameters
        ----------
        ids : id or list of ids

        Returns
        -------
        self : object

        Raises
        ------
        ValueError
            There is no such series.
        """
        check_is_fitted(self)
        if self._form is None:
            self._refuse_ids(ids)
        self._stream = forget_panel(self, ids)
        return self

    def forecast(self, horizon=None, X_future=None, coverage=None, quantiles=None, ids=None):
        """Forecast the values after the last row seen. The estimator stays as it was.

        Intervals are conformal and online: quantiles of the errors of the forecasts of each target
        and step, of a panel for each series, tracked as labels arrive, so that they cover their
        share in the long run. Of a panel, the edges of the estimator's ``coverage`` are tracked,
        those of 0.9 where it has none; others are interpolated.

        Parameters
        ----------
        horizon : int, optional
            Steps ahead, at most the fitted ``horizon``, which is the default.
        X_future : DataFrame, or array where rows have no names, of shape (horizon, n_future_cols)
            The ``future_cols`` at the next ``horizon`` rows, those of `future_index`; other columns
            of X may stand beside them and are not used. Missing values are carried forward. Of a
            panel, ``horizon`` rows for each series asked for, in any order, in the form in which
            rows came: with the id and time columns, or an (id, time) index (also where ids come
            beside X, unless that is an array: then in the order of `future_index`).
        coverage : float or list of float in (0, 1), optional
            Shares of the actuals that intervals are to cover; by default the estimator's
            ``coverage``, if it has one. Wider coverage has wider intervals.
        quantiles : list of float in (0, 1), optional
            Quantiles to forecast.
        ids : id or list of ids, optional
            Of a panel: the series to forecast, in this order; by default all that have rows.

        Returns
        -------
        DataFrame of shape (horizon, n_targets)
            Of a panel ``horizon`` rows for each series, in the form in which rows came. Indexed
            by the next ``horizon`` time stamps, a column for each target; behind them
            ``<target>_lower_0.9`` and ``<target>_upper_0.9`` for a coverage of 0.9, and
            ``<target>_quantile_0.1`` for a quantile of 0.1.

        Raises
        ------
        ValueError
            ``horizon`` is larger than the fitted one, no row has been seen since ``reset_state``,
            ``X_future`` does not hold what it should, or a coverage or quantile is not between 0
            and 1 (or asked for of a panel with ``future_cols`` or of a baseline's panel, for which
            there are no intervals yet).
        """
        self._require_fitted()
        bands = bands_of(self.coverage if coverage is None else coverage, quantiles)
        if self._form:
            return forecast_panel(self, self._checked_horizon(horizon), ids, X_future, bands)
        self._refuse_ids(ids)
        learner, cutoff, _ = self._stream  # once: another thread may replace it
        index = self._index_after(cutoff, horizon)
        outputs = learner.output(self._known_ahead(X_future, index))[:, : len(index)]
        values, columns = self._in_units(outputs), self._columns.target_names
        if bands:
            offsets = learner.offsets([probability for _, probability in bands])
            edges = self._in_units(add_offsets(outputs, offsets[..., : len(index)], bands))
            columns = [*columns, *(f"{t}_{name}" for t in columns for name, _ in bands)]
            values = np.concatenate([values, edges.swapaxes(0, 1).reshape(-1, len(index))])
        if all(type(column) is str for column in columns):
            columns = _index_of(*columns).view()  # its name is the caller's to set
        return pd.DataFrame(values.T, index=index, columns=columns)

    def future_index(self, horizon=None, *, ids=None):
        """Return the index of the next ``horizon`` rows: of ``forecast`` and its ``X_future``.

        Parameters
        ----------
        horizon, ids : optional
            As in ``forecast``.

        Returns
        -------
        DatetimeIndex, Index of row numbers, or, of a panel, MultiIndex (id, time)

        Raises
        ------
        ValueError
            As in ``forecast``.

        Examples
        --------
        >>> import pandas as pd
        >>> from tsrnn.baselines import NaiveForecaster
        >>> days = pd.date_range("2024-03-01", periods=3, name="day")
        >>> sold = pd.DataFrame({"shop": "a", "sold": [1.0, 2.0, 4.0]}, days).reset_index()
        >>> model = NaiveForecaster(2, id_col="shop", time_col="day").fit(sold)
        >>> model.future_index().to_frame(index=False)
          shop        day
        0    a 2024-03-04
        1    a 2024-03-05
        """
        check_is_fitted(self)
        if self._form:
            return future_index_of(self, self._checked_horizon(horizon), ids)
        self._refuse_ids(ids)
        return self._index_after(self._stream.cutoff, horizon)

    def _index_after(self, cutoff, horizon):
        horizon = self._checked_horizon(horizon)
        if cutoff is None:
            raise ValueError(
                "found no row since reset_state(), expected at least one to forecast from; pass "
                "rows to update() or partial_fit() first"
            )
        return self._axis.index_after(cutoff, horizon)

    def _checked_horizon(self, horizon):
        if horizon is None:
            return self._horizon
        check_scalar(horizon, "horizon", (int, np.integer), min_val=1)
        if horizon > self._horizon:
            raise ValueError(
                f"found horizon={horizon}, expected at most the fitted horizon {self._horizon}; "
                "fit again with a longer one"
            )
        return horizon

    def predict(self, X, y=None, *, ids=None):
        """Return what would have been forecast after each row. The estimator stays as it was.

        Rows newer than the cutoff, and rows without time stamps, go on from the carried state.
        If the first time stamp is at or before the cutoff, all rows roll from the zero state with
        the final weights (in-sample); of a panel, this holds for each series.

        Parameters
        ----------
        X : DataFrame, Series or array of shape (n_rows, n_columns)
        y : Series, DataFrame or array, optional
            Targets, if they came as ``y`` at fit; without it they count as missing.
        ids : array-like of shape (n_rows,), optional
            As in ``fit``.

        Returns
        -------
        ndarray
            Of shape (n_rows, horizon) for one target, (n_rows, n_targets * horizon),
            target-major, for several, (n_rows,) when both are 1.

        Raises
        ------
        ValueError
            As in ``partial_fit``.
        """
        outputs, _ = self._rolled(X, y, ids)
        flat = outputs.reshape(len(outputs), -1)
        return flat[:, 0] if flat.shape[1] == 1 else flat

    def score(self, X, y=None, *, ids=None):
        """Return R² of each row's forecast against the rows that follow it in X.

        Parameters
        ----------
        X, y, ids
            As in ``predict``, at least three rows more than the horizon to say much.

        Returns
        -------
        float
            Mean over targets and steps of the coefficient of determination.

        Raises
        ------
        ValueError
            X has fewer than two rows with a known value ahead of them.
        """
        check_is_fitted(self)
        if y is None and self._columns.targets is None:
            raise ValueError(
                f"found y=None, expected the targets {self._columns.target_names} to score "
                "against, which came as y at fit; pass y"
            )
        outputs, rows = self._rolled(X, y, ids)
        actual = self._actuals(rows)
        scores = []
        for truth, guess in zip(
            actual.reshape(len(actual), -1).T, outputs.reshape(len(actual), -1).T, strict=True
        ):
            known = np.isfinite(truth)
            if known.sum() > 1:
                scores.append(r2_score(truth[known], guess[known]))
        if not scores:
            raise ValueError(
                f"found {len(outputs)} rows, expected at least two that have a known value within "
                "the horizon; score on more rows"
            )
        return float(np.mean(scores))

    @property
    def cutoff_(self):
        """Time stamp (or number) of the last row seen; of a panel a Series, by id."""
        check_is_fitted(self)
        return cutoffs_of(self) if self._form else super().cutoff_

    @property
    def drift_log_(self):
        """Changes of the stream since the last reset, and what was done about them.

        A DataFrame with a row for each, at most the newest 200: ``time``, ``target``, and, as they
        then stood,

        - ``error``: the recent size of the scaled errors in units of what was to be expected; a
          change above 2 or below 0.4 is noted,
        - ``level`` and ``scale``: how far, in standard deviations of the history, and by what
          factor the newest season has left the history, as a recurrent network is told; a change
          by 1 or by half is noted,
        - ``phase``: rows by which the season has come to be early against the calendar, which is
          corrected by them.

        Changes of level, scale and phase are noted by `fit` and `partial_fit`, every
        ``window_size`` rows, not by `update`.

        Of a panel it begins with the ``id``, ends with the ``error``, and holds the changes of all
        series that have not been forgotten.
        """
        check_is_fitted(self)
        if self._form:
            return drift_of(self)
        learner, cutoff, _ = self._stream
        intervals, regime = (getattr(learner, name, None) for name in ("intervals", "regime"))
        rows = changes_of(intervals, regime)
        newest = (intervals.row if intervals else learner.n_rows) - 1
        times = [self._axis.label(self._axis.before(cutoff, newest - row)) for row, *_ in rows]
        targets = [self._columns.target_names[stream] for _, stream, *_ in rows]
        found = pd.DataFrame([row[2:] for row in rows], columns=CHANGE_COLUMNS, dtype=float)
        return pd.DataFrame({"time": times, "target": targets}).join(found.astype({"phase": int}))

    def _learn_history(self, X, y, ids):
        form = PanelForm.of(X, ids, self.id_col, self.time_col)
        if form is None:
            self._form = None
            self._learn_stream(self._dated(X), y)
        else:
            fit_panel(self, form, X, y, ids)

    def _learn_stream(self, X, y):
        super()._learn_history(X, y)

    def _check_params(self):
        check_scalar(self.horizon, "horizon", (int, np.integer), min_val=1)
        self._horizon = int(self.horizon)
        bands_of(self.coverage)
        check_scalar(self.max_gap, "max_gap", (int, np.integer), min_val=0)
        for name in ("lower", "upper"):
            bound = getattr(self, name)
            if bound is not None:
                check_scalar(bound, name, Real)
                if not np.isfinite(bound):
                    raise ValueError(f"found {name}={bound}, expected a finite number or None")
        if None not in (self.lower, self.upper) and not self.lower < self.upper:
            raise ValueError(
                f"found lower={self.lower} and upper={self.upper}, expected lower < upper; swap or "
                "drop one"
            )
        for name, known in (("gap", ("raise", "fill", "reset")), ("late", ("raise", "drop"))):
            found = getattr(self, name)
            if found not in known:
                raise ValueError(
                    f"found {name}={found!r}, expected one of {known}; pass one of them"
                )

    def _known_ahead(self, X_future, index):
        """Return inputs (len(index), E) of rows to come, scaled, NaN but where known ahead.

        None where no input is.
        """
        columns, scaling = self._columns, self._input_scaling
        known = read_future(X_future, index, columns)
        if known is None:
            return None
        inputs = np.full((len(index), len(scaling.mean)), np.nan)
        inputs[:, columns.future] = columns.expand(known, columns.future_names)
        return scaling.apply(inputs)

    def _after(self, X, y, ids, how):
        """Return the stream after new rows."""
        if self._form:
            return follow_panel(self, X, y, ids, how)
        self._refuse_ids(ids)
        return self._follow(self._dated(X), y, how)

    def _rolled(self, X, y, ids):
        """Return forecasts after each row, (n_rows, S, M), in units, and the rows."""
        self._require_fitted()
        if self._form:
            return roll_panel(self, X, y, ids)
        self._refuse_ids(ids)
        outputs, rows = self._roll(self._dated(X), y)
        return self._in_units(outputs), rows

    def _actuals(self, rows):
        """Return what the forecasts after rows forecast, (n_rows, S, M), in units."""
        if self._form:
            return actuals_of(rows, self._horizon)
        zero = np.zeros_like(rows.record.targets)
        delays = np.arange(1, self._horizon + 1)
        actual = origin_targets(zero, rows.record.targets[..., None], delays)[rows.places]
        return self._scaling.undo(actual)

    def _dated(self, X):
        """Make a column of times the index of a stream without ids."""
        if self.time_col is None:
            return X
        if not (isinstance(X, pd.DataFrame) and self.time_col in X.columns):
            raise ValueError(
                f"found X without a column {self.time_col!r}, expected the time_col; add it (an "
                "index becomes a column by X.reset_index()) or leave time_col out"
            )
        return X.set_index(self.time_col)

    def _refuse_ids(self, ids):
        if ids is not None:
            raise ValueError(
                f"found ids={ids!r}, expected None: this forecaster was fitted to one stream "
                "without ids; leave ids out, or fit with id_col, an (id, time) index or ids"
            )

    def _in_units(self, outputs):
        """Bring outputs (..., S, horizon) back to the targets' units, and within their bounds."""
        return self._bounded(self._scaling.undo(outputs))

    def _bounded(self, values):
        if self.lower is None and self.upper is None:
            return values
        return np.clip(values, self.lower, self.upper)

    def _panel_widths(self, n_rows):
        """Return what `PanelExperts` is told of intervals: those of 0.9 without a coverage."""
        bands = bands_of(0.9 if self.coverage is None else self.coverage)
        seasons = [s for s in season_lengths(self._axis) if 2 * s <= n_rows]
        return {"profile": min(seasons, default=1), "probabilities": sorted({p for _, p in bands})}

    def _make_intervals(self, record):
        """Return intervals with nothing learnt yet; hours of the day have their own width."""
        seasons = [s for s in season_lengths(self._axis) if 2 * s <= len(record)]
        n_effects = 2 * len(self._columns.future)
        return Intervals(self._horizon, record.targets.shape[1], seasons, n_effects)


@lru_cache(maxsize=64)
def _index_of(*names):
    """Return the index of these strings: pandas takes longer to make one than to use it."""
    return pd.Index(names)
