"""What forecasters have in common: ``forecast``, ``predict`` and ``score`` of steps ahead."""

from numbers import Real
from typing import Any, Literal, NamedTuple, Self

import numpy as np
import pandas as pd
from sklearn.metrics import r2_score
from sklearn.utils import check_scalar
from sklearn.utils.validation import check_is_fitted

from tsrnn.estimators import road
from tsrnn.estimators.search import require_scorer_of_forecasts
from tsrnn.frames.bands import add_offsets, bands_of, columns_beside
from tsrnn.frames.calendar import season_lengths
from tsrnn.frames.form import ids_refused
from tsrnn.frames.frequency import DAY_NS
from tsrnn.frames.future import known_inputs
from tsrnn.frames.groups import NEVER
from tsrnn.frames.holidays import HOLIDAY_NAMES
from tsrnn.frames.target_transform import restored, scale_factor
from tsrnn.frames.types import Data, Ids
from tsrnn.frames.validation import row_index
from tsrnn.online.intervals.tracking import Intervals
from tsrnn.online.storage.values import twin

ZERO = np.zeros(())  # NumPy takes thrice as long to see what kind of number 0.0 is
FAR = 3.0  # standard deviations: an input whose values are as far from 0 is never near it


class Outcome(NamedTuple):
    """Forecasts after rows, and what followed."""

    forecast: np.ndarray  # (n, J, M)
    actual: np.ndarray  # (n, J, M), NaN where the rows hold none
    ids: pd.Index | None  # of each row, of a panel


class ForecasterMixin:
    """What a forecaster of the next ``horizon`` values adds to a `StreamingEstimator`.

    Final classes have the parameters ``horizon``, ``target``, ``freq``, ``gap``, ``max_gap`` and
    ``late``.
    """

    lower = upper = coverage = None  # parameters that a subclass may have

    def forget(self, ids: Ids) -> Self:
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
        if not self._reader.form.has_ids:
            raise ids_refused(ids)
        state = self._state
        kept = np.setdiff1d(np.arange(len(state.ids)), road.places_of(state, ids))
        self._state = road.only(state, kept)
        return self

    def split(self, ids: Ids) -> Self:
        """Return an estimator of some series of a panel, which goes on by itself.

        So each partition of a large panel may have a model of its own, all of them from one fit:
        they start from the same network and readouts, and share nothing from then on. This
        estimator stays as it was.

        Parameters
        ----------
        ids : id or list of ids

        Returns
        -------
        object
            Of the class of this one, with the same parameters.

        Raises
        ------
        ValueError
            There is no such series, or it is no panel.

        Examples
        --------
        >>> import pandas as pd
        >>> from tsrnn.baselines import NaiveForecaster
        >>> days = pd.date_range("2024-03-01", periods=3, name="day")
        >>> sold = pd.DataFrame({"a": [1.0, 2.0, 4.0], "b": 7.0}, days).melt(
        ...     ignore_index=False, var_name="shop", value_name="sold"
        ... )
        >>> model = NaiveForecaster(1, id_col="shop", time_col="day").fit(sold.reset_index())
        >>> model.split(["b"]).forecast()
          shop        day  sold
        0    b 2024-03-04   7.0
        """
        check_is_fitted(self)
        if not self._reader.form.has_ids:
            raise ids_refused(ids)
        part, state = twin(self), self._state
        part._state = road.only(state, road.places_of(state, ids))
        return part

    def forecast(
        self,
        horizon: int | None = None,
        X_future: Data | None = None,
        coverage: float | list[float] | None = None,
        quantiles: list[float] | None = None,
        ids: Ids = None,
        active: bool | int = False,
    ) -> pd.DataFrame:
        """Forecast the values after the last row seen. The estimator stays as it was.

        Intervals are conformal and online. They are quantiles of the errors of earlier forecasts,
        of each target and step and of each series of a panel, and are tracked as labels arrive. So
        they cover their share in the long run. Of a panel, the edges of the estimator's
        ``coverage`` are tracked (those of 0.9 where it has none); others are interpolated.

        Parameters
        ----------
        horizon : int, optional
            Steps ahead, at most the fitted ``horizon``, which is the default.
        X_future : DataFrame, Series, or array where rows have no names
            The ``future_cols`` at the next ``horizon`` rows, those of `future_index`. Rows are
            picked by time stamp, of a panel by id and time stamp, which are columns or levels of
            the index; others, and other columns, are not used. Missing values are carried forward.
            Rows without time stamps are those of `future_index`, in its order.
        coverage : float or list of float in (0, 1), optional
            Shares of the actuals that intervals are to cover; by default the estimator's
            ``coverage``, if it has one. Wider coverage has wider intervals.
        quantiles : list of float in (0, 1), optional
            Quantiles to forecast.
        ids : id or list of ids, optional
            Of a panel: the series to forecast, in this order; by default all that have rows.
        active : bool or int, default=False
            Of a panel: forecast only series whose cutoff is the newest one, or within so many steps
            of it; series that have ended are left out.

        Returns
        -------
        DataFrame of shape (horizon, n_targets)
            Of a panel ``horizon`` rows for each series, in the form in which rows came. Indexed
            by the next ``horizon`` time stamps, a column for each target; behind them
            ``<target>_lower_0.9`` and ``<target>_upper_0.9`` for a coverage of 0.9, and
            ``<target>_quantile_0.1`` for a quantile of 0.1. After a fit on a frame of polars or
            Arrow it is one of those, with ids and times as columns.

        Raises
        ------
        ValueError
            ``horizon`` is larger than the fitted one, no row has been seen since ``reset_state``,
            ``X_future`` does not hold what it should, or a coverage or quantile is not between 0
            and 1.
        """
        self._require_fitted()
        asked = horizon, X_future, coverage, quantiles, ids, active
        return self._forecast_frame(*asked, write=self._writer.native_forecast)

    def _forecast_frame(
        self,
        horizon=None,
        X_future=None,
        coverage=None,
        quantiles=None,
        ids=None,
        active=False,
        write=None,
    ):
        """As `forecast`, in a frame of pandas whatever rows came in, or in what `write` makes."""
        self._require_fitted()
        write = self._writer.forecast if write is None else write
        bands = bands_of(self.coverage if coverage is None else coverage, quantiles)
        horizon, within = self._checked_horizon(horizon), _steps_within(active)
        self._require_ids(ids)
        while True:
            state = self._state  # once: another thread may replace it
            frame = self._forecast_of(state, ids, horizon, X_future, bands, within, write)
            if not state.learner.overtaken_by(self._state.learner):
                return frame

    def _forecast_of(self, state, ids, horizon, X_future, bands, within, write):
        learner, targets = state.learner, self._reader.columns.target_names
        places, names, heads = slice(None), state.ids, learner.heads
        distinct = set(heads.tolist())
        if ids is not None or NEVER in distinct or not distinct or within is not None:
            places = self._started_places(state, ids, within)
            names, heads = names[places], heads[places]
            distinct = set(heads.tolist())
        ahead = self._known_ahead(names, heads, horizon, X_future)
        issued = None if len(distinct) == 1 else np.empty((len(heads), len(targets), horizon))
        edges = np.empty((len(heads), len(targets), len(bands), horizon)) if bands else None
        for head in distinct:
            which, series = slice(None), places
            if len(distinct) > 1:
                which = np.flatnonzero(heads == head)
                series = which if isinstance(places, slice) else places[which]
            series = series if isinstance(series, slice) else road.all_of(series, len(state.ids))
            known = None if ahead is None else ahead[which]
            outputs = learner.output(head, series, self._reader.calendar_after, known)
            signed = state.below_zero[:, series, None]
            values = self._restored(state, series, outputs[..., :horizon])
            values = self._bounded(values, signed).swapaxes(0, 1)  # (B, J, M)
            if issued is None:
                issued = values
            else:
                issued[which] = values
            if bands:
                offsets = learner.offsets([p for _, p in bands], head, series)
                values = add_offsets(outputs, offsets, bands)[..., :horizon]
                values = self._bounded(self._restored(state, series, values), signed)
                edges[which] = values.transpose(2, 1, 0, 3)  # (B, J, P, M)
        columns, values = targets, issued
        if bands:
            beside = columns_beside(targets, [name for name, _ in bands])
            columns = [*targets, *beside]
            edges = edges.reshape(len(edges), len(targets) * len(bands), horizon)
            values = np.concatenate([issued, edges], axis=1)
        return write(names, heads, values, columns)

    def explain(
        self, horizon: int | None = None, X_future: Data | None = None, ids: Ids = None
    ) -> pd.DataFrame:
        """Return what the forecast is made of: each row adds up to ``forecast()`` at that step.

        A forecast is a weighted mean of experts, and the readouts among them are weighted sums, so
        that it can be taken apart exactly. The columns, in the units of the target:

        - ``level``: the newest value, the constants of readouts, and where the stream is against
          its usual level,
        - ``lags``, ``season``, ``calendar``: values just before, values of earlier seasons and
          their profiles, hour and weekday, as the readouts see them,
        - ``network``: the hidden state of the recurrent network,
        - each input by its name: what it adds at the step where it is known ahead, and what its
          newest values do. It is measured from 0 of it, or, where 0 lies more than 3 standard
          deviations from its mean, from its mean; of categories from none of them,
        - each expert that is no readout, by its name: how far it pulls the forecast away from the
          newest value,
        - ``bounds``: what ``lower`` and ``upper`` cut off.

        With a ``target_transform`` parts are those on the scale that is learnt, all but the level
        times one factor at each step, so that they add up on the target's own.

        Parameters
        ----------
        horizon, X_future, ids
            As in ``forecast``.

        Returns
        -------
        DataFrame
            Indexed by target and step, of a panel by id, target and step.

        Raises
        ------
        ValueError
            As in ``forecast``.

        Examples
        --------
        >>> import numpy as np
        >>> import pandas as pd
        >>> from tsrnn import RNNForecaster
        >>> rng = np.random.default_rng(0)
        >>> days = pd.date_range("2024", periods=400, name="day")
        >>> promotion = (rng.random(400) < 0.2).astype(float)
        >>> sold = 10.0 + 4.0 * promotion + rng.normal(scale=0.3, size=400)
        >>> sales = pd.DataFrame({"sold": sold, "promotion": promotion}, days)
        >>> model = RNNForecaster(2, target="sold", future_cols="promotion", max_iter=3,
        ...                       hidden_size=4, random_state=0).fit(sales[:398])
        >>> ahead = pd.DataFrame({"promotion": [0.0, 1.0]}, model.future_index())
        >>> model.explain(X_future=ahead)["promotion"].round(0).abs().tolist()
        [0.0, 4.0]
        """
        self._require_fitted()
        horizon = self._checked_horizon(horizon)
        self._require_ids(ids)
        while True:
            state = self._state  # once: another thread may replace it
            frame = self._explanation_of(state, ids, horizon, X_future)
            if not state.learner.overtaken_by(self._state.learner):
                return frame

    def _explanation_of(self, state, ids, horizon, X_future):
        reader, learner = self._reader, state.learner
        places = self._started_places(state, ids)
        names, heads = state.ids[places], learner.heads[places]
        ahead = self._known_ahead(names, heads, horizon, X_future)
        input_names = [*reader.columns.expanded_names, *HOLIDAY_NAMES][: reader.n_inputs]
        usual, found = usual_inputs(reader), {}
        shape = len(heads), len(reader.columns.target_names), horizon
        for head in np.unique(heads):
            which = np.flatnonzero(heads == head)
            known = None if ahead is None else ahead[which]
            rows = head, places[which], reader.calendar_after, known
            parts = learner.explain(*rows, usual)
            for name, part in self._in_units(state, places[which], parts).items():
                label = name if isinstance(name, str) else input_names[name]
                values = found.setdefault((isinstance(name, str), label), np.zeros(shape))
                values[which] += part[..., :horizon].swapaxes(0, 1)
        return self._writer.explanation(names, found, reader.columns.target_names)

    def _in_units(self, state, series, parts):
        """Return parts (J, B, M) of outputs in the units of the targets, that of the bounds too."""
        total = sum(parts.values())
        zero = state.scaling.undo(series, np.zeros_like(total))
        scale = state.scaling.undo(series, np.ones_like(total)) - zero
        learnt = {name: part * scale for name, part in parts.items()}
        level = learnt["level"] + zero
        whole, alone = total * scale + zero, restored(self._transform, level)
        free = restored(self._transform, whole)
        if self._transform is not None:
            factor = scale_factor(whole, level, free, alone)
            learnt = {name: part * factor for name, part in learnt.items()}
        learnt["level"] = alone
        cut = self._bounded(free, state.below_zero[:, series, None])
        return learnt | {"bounds": cut - free}

    def _restored(self, state, series, values):
        """Return outputs (..., J, B, M) of the learner in the units of the targets."""
        return restored(self._transform, state.scaling.undo(series, values))

    def future_index(
        self, horizon: int | None = None, *, ids: Ids = None, active: bool | int = False
    ) -> pd.Index:
        """Return the index of the next ``horizon`` rows: of ``forecast`` and its ``X_future``.

        Parameters
        ----------
        horizon, ids, active : optional
            As in ``forecast``.

        Returns
        -------
        DatetimeIndex, PeriodIndex, Index of row numbers, or, of a panel, MultiIndex (id, time)
            After a fit on a frame of polars or Arrow a frame of these columns.

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
        return self._future_index(horizon, ids, active, self._writer.native_index_after)

    def _future_index(self, horizon=None, ids=None, active=False, write=None):
        """As `future_index`, an index of pandas whatever rows came in, or what `write` makes."""
        self._require_fitted()
        write = self._writer.index_after if write is None else write
        self._require_ids(ids)
        state, horizon = self._state, self._checked_horizon(horizon)
        places = self._started_places(state, ids, _steps_within(active))
        heads = state.learner.heads[places]
        return write(state.ids[places], heads, horizon)

    def predict(
        self,
        X: Data,
        y: Data | None = None,
        *,
        ids: Ids = None,
        start: Literal["fit", "cutoff"] | None = None,
    ) -> np.ndarray:
        """Return what would have been forecast after each row. The estimator stays as it was.

        Rows newer than the cutoff, and rows of arrays, go on from the carried state. If the first
        time stamp or number is at or before the cutoff, all rows roll from the zero state with the
        final weights (in-sample); of a panel, this holds for each series.

        Parameters
        ----------
        X : DataFrame, Series or array of shape (n_rows, n_columns)
        y : Series, DataFrame or array, optional
            Targets, if they came as ``y`` at fit; without it they count as missing.
        ids : array-like of shape (n_rows,), optional
            As in ``fit``.
        start : {"fit", "cutoff"}, optional
            "fit": roll from the zero state, of rows of arrays too. "cutoff": go on from the carried
            state, for which all rows must be newer than the cutoff. By default as described above.

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
        outputs, _ = self._outputs(X, y, ids, start)
        flat = outputs.reshape(len(outputs), -1)
        return flat[:, 0] if flat.shape[1] == 1 else flat

    def score(self, X: Data, y: Data | None = None, *, ids: Ids = None) -> float:
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
        outcome = self._outcome(X, y, ids)
        return mean_r2(outcome.actual, outcome.forecast)

    def p_values(
        self,
        X: Data,
        y: Data | None = None,
        *,
        ids: Ids = None,
        start: Literal["fit", "cutoff"] | None = None,
    ) -> pd.DataFrame:
        """Return how improbable each row is under the forecast issued one row before it.

        The p-value of a row is the two-sided probability of a value at least as far out, given the
        row's own inputs known ahead: small is anomalous. If errors go on as they were, one row in a
        hundred has a p-value below 0.01. So a limit is a rate of false alarms.

        P-values agree with the intervals as far as quantiles are tracked: a value outside the
        interval of coverage 0.95 has one below 0.05. Further out (below 0.01; of a panel, beyond
        the edges of its ``coverage``) errors follow a generalized Pareto distribution. Its mean
        and variance move with the stream, of a panel with all its series.

        The estimator stays as it was, and learns nothing from one row to the next. To score each
        row by a model that has learnt the rows before, call it row by row, before ``partial_fit``.

        Parameters
        ----------
        X, y, ids, start
            As in ``predict``, which rows roll from.

        Returns
        -------
        DataFrame of shape (n_rows, n_targets)
            Indexed as X, a column for each target; NaN where its value is missing, or no row of
            the series comes before. After a fit on a frame of polars or Arrow it is one of those,
            with ids and times as columns.

        Raises
        ------
        ValueError
            As in ``predict``, or y is missing although targets came as y at fit.

        Examples
        --------
        >>> import numpy as np
        >>> from tsrnn import RNNForecaster
        >>> noise = np.random.default_rng(0).normal(size=(600, 1))
        >>> model = RNNForecaster(max_iter=3, hidden_size=4, random_state=0).fit(noise[:598])
        >>> noise[-1] = 6.0
        >>> model.p_values(noise[598:]).round(2)
             x0
        0  0.12
        1  0.00
        """
        rows, found = self._p_values_of(X, y, ids, start)
        if self._reader.form.native is None:
            return self._p_values_by_row(X, found)
        names = self._reader.columns.target_names
        return self._writer.native_by_row(X, rows.ids, rows.times, found, names)

    def _p_values_frame(self, X, y=None, ids=None, start=None):
        """As `p_values`, in a frame of pandas whatever rows came in."""
        return self._p_values_by_row(X, self._p_values_of(X, y, ids, start)[1])

    def _p_values_of(self, X, y, ids, start):
        """Return the rows of a call and their p-values (n, J)."""
        self._require_fitted()
        self._require_targets(y)
        rows = self._read_to_roll(X, y, ids, start)
        return rows, road.p_values(self, self._state, rows, start)

    def _p_values_by_row(self, X, found):
        """Return p-values (n, J) as a frame indexed as X."""
        index = row_index(self._reader.form.received(X))
        return self._writer.by_row(found, index, self._reader.columns.target_names)

    def _take_scored(self, X, learning):
        """As `partial_fit`, or `update`, of rows; return their `p_values` before, (n, n_targets).

        What rows of a stream are, and where, is found out once for both.
        """
        self._require_targets(None)
        rows, how = self._reader.read(self, X), "learn" if learning else "advance"
        self._state, found = road.take_scored(self, self._state, rows, how)
        return found

    def _require_targets(self, y):
        """Refuse rows without the targets that came as y at fit."""
        columns = self._reader.columns
        if y is None and columns.targets is None:
            raise ValueError(
                f"found y=None, expected the targets {columns.target_names}, which came as y at "
                "fit; pass y"
            )

    def _outcome(self, X, y=None, ids=None):
        """Return the `Outcome` of the forecasts after each row."""
        check_is_fitted(self)
        columns = self._reader.columns
        if y is None and columns.targets is None:
            raise ValueError(
                f"found y=None, expected the targets {columns.target_names} to score against, "
                "which came as y at fit; pass y"
            )
        outputs, rows = self._outputs(X, y, ids)
        ids = self._reader.form.take_apart(X, ids).ids
        return Outcome(outputs, _actuals_of(rows, self._horizon), ids)

    @property
    def drift_log_(self) -> pd.DataFrame:
        """Changes of the stream since the last reset, and what was done about them.

        A DataFrame with a row for each, at most the newest 200: ``time``, ``target``, and, as they
        then stood,

        - ``error``: the recent size of the scaled errors in units of what was to be expected; a
          change above 2 or below 0.4 is noted,
        - ``level`` and ``scale``: how far, in standard deviations of the history, and by what
          factor the newest season has left the history, which a recurrent network sees; a change
          by 1 or by half is noted,
        - ``phase``: rows by which the season has come to be early against the calendar, which is
          corrected by them,
        - ``kind``: which of these has changed, and ``done``: what is done about it.

        Changes of level, scale and phase are noted by `fit` and `partial_fit`, every
        ``window_size`` rows, not by `update`.

        Of a panel it begins with the ``id`` and holds the newest 100 changes of all series that
        have not been forgotten; their ``phase`` is not followed, and is 0.
        """
        check_is_fitted(self)
        state = self._state
        sizes = state.learner.change_sizes
        targets = self._reader.columns.target_names
        return self._writer.changes(state.ids, state.learner.changes(), sizes, targets)

    @property
    def outliers_(self) -> pd.DataFrame:
        """The newest values that were taken for absurd, at most 100, since the last reset.

        A DataFrame with a row for each, oldest first: ``time``, ``target``, ``value``, and
        ``believed``: whether the next known row agreed with it, so that the change was taken for
        real. What is not believed is never learnt from. Of a panel it begins with the ``id``.
        """
        check_is_fitted(self)
        state = self._state
        if not state.learner.lists_outliers:
            raise AttributeError(
                f"found {type(self).__name__}, expected an RNNForecaster: baselines believe every "
                "value"
            )
        listed = state.learner.outliers()
        scaled = np.array([found[3] for found in listed])
        for number, (_, place, target, *_) in enumerate(listed):
            units = np.full((len(state.scaling.mean), 1, 1), scaled[number])
            value = self._restored(state, np.array([place]), units)[target, 0, 0]
            scaled[number] = float(f"{value:.12g}")  # as it came: scaling rounds the last digits
        targets = self._reader.columns.target_names
        return self._writer.outliers(state.ids, listed, scaled, targets)

    @property
    def naive_error_(self) -> pd.Series | pd.DataFrame:
        """Mean absolute change of the history from row to row, by target; of a panel by id too.

        It is the error over the history of repeating the newest value, the scale of MASE.
        """
        check_is_fitted(self)
        names, errors = self._naive_error
        targets = self._reader.columns.target_names
        return naive_error_table(names, errors, targets, self._reader.form)

    @property
    def n_late_(self) -> int:
        """Rows dropped since the fit because they were not newer than the cutoff."""
        check_is_fitted(self)
        return self._state.n_late

    @property
    def freq_(self) -> Any:
        """Frequency of the time axis; None where rows are counted."""
        check_is_fitted(self)
        return self._reader.axis.freq

    def _started_places(self, state, ids, within=None):
        """Return the places of series to forecast; by default of all that have rows.

        `within` are the steps before the newest cutoff of all series, of which theirs may be.

        Raises
        ------
        ValueError
            One of those asked for has none, or none of all has.
        """
        places = road.places_of(state, ids)
        started = state.learner.heads[places] != NEVER
        if started.all():
            if within is not None and len(places):
                heads = state.learner.heads
                places = places[heads[places] >= heads.max() - within]
            return places
        if ids is not None or not started.any():
            named = f" of {list(state.ids[places[~started]][:3])}" if ids is not None else ""
            raise ValueError(
                f"found no row since reset_state(){named}, expected at least one to forecast from; "
                "pass rows to update() or partial_fit() first"
            )
        return self._started_places(state, state.ids[places[started]], within)

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

    def _check_params(self):
        require_scorer_of_forecasts()
        check_scalar(self.horizon, "horizon", (int, np.integer), min_val=1)
        self._horizon = int(self.horizon)
        bands_of(self.coverage)
        check_scalar(self.max_gap, "max_gap", (int, np.integer), min_val=0)
        for name in ("lower", "upper"):
            bound = getattr(self, name)
            if name == "lower" and isinstance(bound, str) and bound == "auto":
                continue
            if bound is not None:
                check_scalar(bound, name, Real)
                if not np.isfinite(bound):
                    raise ValueError(f"found {name}={bound}, expected a finite number or None")
        lower = None if isinstance(self.lower, str) else self.lower
        if None not in (lower, self.upper) and not lower < self.upper:
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

    def _known_ahead(self, ids, heads, horizon, X_future):
        """Return the inputs (n_series, horizon, F) of the rows to forecast, None without any."""
        reader = self._reader
        future, known = reader.columns.future, None
        if X_future is None and not reader.future:
            return None
        if not len(heads):
            return np.empty((0, horizon, len(reader.future)))
        if X_future is not None or future:
            index = self._writer.index_after(ids, heads, horizon)
            scaling, X_future = reader.input_scaling, reader.form.received(X_future, "X_future")
            inputs = known_inputs(X_future, index, reader.columns, scaling, reader.form)
            known = inputs[:, future].reshape(len(heads), horizon, len(future))
        return reader.with_holidays_ahead(known, heads, horizon)

    def _bounded(self, values, below_zero):
        lower = self.lower
        if isinstance(lower, str):  # "auto"
            if below_zero.size == 1:  # a stream: a number is faster than an array
                lower = None if below_zero.item() else ZERO
            else:
                lower = np.where(below_zero, -np.inf, 0.0)
        if lower is not None:  # np.clip takes several times as long for the forecast of a row
            values = np.maximum(values, lower)
        return values if self.upper is None else np.minimum(values, self.upper)

    def _lags_of(self, default, n_rows):
        """Newest values to look at: those asked for, or the default as the history allows."""
        if self.lags is None:
            return min(default, n_rows // 4)
        check_scalar(self.lags, "lags", (int, np.integer), min_val=0)
        needed = self._horizon + self.lags + 2
        if n_rows < needed:
            raise ValueError(
                f"found {n_rows} samples, expected at least {needed} rows for "
                f"horizon={self._horizon} and lags={self.lags}; pass a longer history or fewer lags"
            )
        return self.lags

    def _seasons_of(self, n_rows=None):
        """Seasons in rows: those asked for, or those of the frequency.

        With `n_rows`, those alone that a history of so many rows shows.
        """
        if isinstance(self.season, str) and self.season == "auto":
            return self._calendar_seasons(n_rows)
        seasons = () if self.season is None else np.atleast_1d(self.season)
        for season in seasons:
            check_scalar(season, "season", (int, np.integer), min_val=2)
            if n_rows is not None and season >= n_rows:
                raise ValueError(
                    f"found {n_rows} rows, expected more than season={season}; pass a longer "
                    "history or a shorter season"
                )
        return tuple(sorted({int(s) for s in seasons}))

    def _calendar_seasons(self, n_rows=None):
        """Seasons of the frequency; with `n_rows`, those that a history of so many rows shows."""
        seasons = season_lengths(self._reader.axis)
        return seasons if n_rows is None else tuple(s for s in seasons if 2 * s <= n_rows)

    def _looks_back_by_days(self):
        """Whether what happened at the same time of days before is looked at: by a season."""
        step_ns = self._reader.axis.step_ns
        if step_ns is None or "season" not in self.get_params(deep=False):
            return False
        return any(season * step_ns % DAY_NS == 0 for season in self._seasons_of())

    def _make_intervals(self, history, seasons=None):
        """Return intervals with nothing learnt yet; hours of the day have their own width.

        Seasons are those of the history by default.
        """
        n_streams, n_effects = history.record.targets.shape[1], 2 * len(self._reader.future)
        seasons = self._calendar_seasons(history.n_rows) if seasons is None else seasons
        return Intervals(self._horizon, n_streams, seasons, n_effects)

    @property
    def _min_rows(self):
        return self.horizon + 2


def naive_error_table(names, errors, targets, form):
    """Return errors (B, J) by target, of a panel by the ids `names` too."""
    if not form.has_ids:
        return pd.Series(errors[0], targets)
    return pd.DataFrame(errors, names.rename(form.id_name), targets)


def mean_r2(actual, outputs):
    """Return the mean R² over targets and steps of outputs (n, J, M); NaN in `actual` counts not.

    Raises
    ------
    ValueError
        Fewer than two rows have a known value ahead of them.
    """
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


def usual_inputs(reader):
    """Return the values (E,), scaled, that what inputs add to a forecast is measured from.

    That is 0 of an input, or its mean where 0 is far from all its values.
    """
    scaling = reader.input_scaling
    usual = np.zeros(reader.n_inputs)
    with np.errstate(invalid="ignore"):
        zero = -scaling.mean / scaling.scale
    near = (np.abs(zero) <= FAR) | reader.columns.one_hot
    usual[: len(zero)] = np.where(near & np.isfinite(zero), zero, 0.0)
    return usual


def _steps_within(active):
    """Return the steps that a series may have ended ago, None where any may."""
    if active is False or active is None:
        return None
    if active is True:
        return 0
    check_scalar(active, "active", (int, np.integer), min_val=0)
    return int(active)


def _actuals_of(rows, horizon):
    """Return the targets (n, J, M) of the rows that follow each of its series, NaN where none."""
    order = np.lexsort((rows.positions, rows.series))
    low, span = rows.positions.min(), np.ptp(rows.positions) + horizon + 1
    keys = rows.series * span + (rows.positions - low)
    ahead = keys[:, None] + 1 + np.arange(horizon)
    found = np.searchsorted(keys[order], ahead).clip(max=len(order) - 1)
    rows_ahead = order[found]
    actual = np.where((keys[rows_ahead] == ahead)[..., None], rows.targets[rows_ahead], np.nan)
    return actual.swapaxes(1, 2)
