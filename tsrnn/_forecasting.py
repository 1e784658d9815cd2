"""What every forecaster shares: the time axis, ``predict``, ``forecast`` and ``score``."""

from numbers import Real

import numpy as np
import pandas as pd
from sklearn.metrics import r2_score
from sklearn.utils import check_scalar
from sklearn.utils.validation import check_is_fitted

from ._intervals import add_offsets, bands_of
from ._streaming import Run, StreamingEstimator
from .learning import Intervals, origin_targets
from .stream import Calendar, TimeAxis, season_lengths


class BaseForecaster(StreamingEstimator):
    """A forecaster of the next ``horizon`` values of its target columns.

    Subclasses have the parameters ``horizon``, ``target``, ``freq``, ``gap``, ``max_gap`` and
    ``late`` and make their learner in ``_make_learner(record)``, to learn the history next.
    """

    # What subclasses may have as parameters: bounds of the forecasts, coverage of the intervals.
    lower = upper = coverage = None

    def forecast(self, horizon=None, coverage=None, quantiles=None):
        """Forecast the values after the last row seen. The estimator stays as it was.

        Intervals are conformal and online: quantiles of the errors of the forecasts of each target
        and step, tracked as labels arrive, so that they cover their share in the long run.

        Parameters
        ----------
        horizon : int, optional
            Steps ahead, at most the fitted ``horizon``, which is the default.
        coverage : float or list of float in (0, 1), optional
            Shares of the actuals that intervals are to cover; by default the estimator's
            ``coverage``, if it has one. Wider coverage has wider intervals.
        quantiles : list of float in (0, 1), optional
            Quantiles to forecast.

        Returns
        -------
        DataFrame of shape (horizon, n_targets)
            Indexed by the next ``horizon`` time stamps, a column for each target; behind them
            ``<target>_lower_0.9`` and ``<target>_upper_0.9`` for a coverage of 0.9, and
            ``<target>_quantile_0.1`` for a quantile of 0.1.

        Raises
        ------
        ValueError
            ``horizon`` is larger than the fitted one, or no row has been seen since
            ``reset_state``, or a coverage or quantile is not between 0 and 1.
        """
        check_is_fitted(self)
        bands = bands_of(self.coverage if coverage is None else coverage, quantiles)
        learner, cutoff, _ = self._stream
        horizon = self._horizon if horizon is None else horizon
        check_scalar(horizon, "horizon", (int, np.integer), min_val=1)
        if horizon > self._horizon:
            raise ValueError(
                f"found horizon={horizon}, expected at most the fitted horizon {self._horizon}; "
                "fit again with a longer one"
            )
        if cutoff is None:
            raise ValueError(
                "found no row since reset_state(), expected at least one to forecast from; pass "
                "rows to update() or partial_fit() first"
            )
        values = self._in_units(learner.output())[:, :horizon]
        index = self._axis.index(self._axis.following(cutoff, horizon))
        columns = list(self._columns.target_names)
        if bands:
            offsets = learner.offsets([probability for _, probability in bands])[..., :horizon]
            edges = self._in_units(add_offsets(learner.output()[:, :horizon], offsets, bands))
            columns += [f"{target}_{name}" for target in columns for name, _ in bands]
            values = np.concatenate([values, edges.swapaxes(0, 1).reshape(-1, horizon)])
        return pd.DataFrame(values.T, index=index, columns=columns)

    def predict(self, X, y=None):
        """Return what would have been forecast after each row. The estimator stays as it was.

        Rows newer than the cutoff, and rows without time stamps, go on from the carried state.
        If the first time stamp is at or before the cutoff, all rows roll from the zero state with
        the final weights (in-sample).

        Parameters
        ----------
        X : DataFrame, Series or array of shape (n_rows, n_columns)
        y : Series, DataFrame or array, optional
            Targets, if they came as ``y`` at fit; without it they count as missing.

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
        outputs, _ = self._roll(X, y)
        outputs = self._in_units(outputs)
        flat = outputs.reshape(len(outputs), -1)
        return flat[:, 0] if flat.shape[1] == 1 else flat

    def score(self, X, y=None):
        """Return R² of each row's forecast against the rows that follow it in X.

        Parameters
        ----------
        X, y
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
        outputs, rows = self._roll(X, y)
        outputs = self._in_units(outputs)
        zero = np.zeros_like(rows.record.targets)
        delays = np.arange(1, self._horizon + 1)
        actual = origin_targets(zero, rows.record.targets[..., None], delays)[rows.places]
        actual = self._scaling.undo(actual)
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
    def drift_log_(self):
        """Changes of the error level since the last reset, at most the newest 100.

        A DataFrame with a row for each: ``time``, ``target`` and ``error``, the recent size of the
        scaled errors in units of what was to be expected: above 2 or below 0.4.
        """
        check_is_fitted(self)
        stream, intervals = self._stream, self._stream.learner.intervals
        changes = intervals.drift.changes
        ago = [intervals.row - 1 - row for row, _, _ in changes]
        times = [self._axis.label(self._axis.before(stream.cutoff, n)) for n in ago]
        targets = [self._columns.target_names[s] for _, s, _ in changes]
        errors = [size for _, _, size in changes]
        return pd.DataFrame({"time": times, "target": targets, "error": errors})

    @property
    def n_late_(self):
        """Rows dropped since the fit because they were not newer than the cutoff."""
        check_is_fitted(self)
        return self._stream.n_late

    @property
    def freq_(self):
        """Frequency of the time axis; None where rows are counted."""
        check_is_fitted(self)
        return self._axis.freq

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

    def _in_units(self, outputs):
        """Bring outputs (..., S, horizon) back to the targets' units, and within their bounds."""
        values = self._scaling.undo(outputs)
        if self.lower is None and self.upper is None:
            return values
        return np.clip(values, self.lower, self.upper)

    def _make_intervals(self, record):
        """Return intervals with nothing learnt yet; hours of the day have their own width."""
        seasons = [s for s in season_lengths(self._axis) if 2 * s <= len(record)]
        return Intervals(np.arange(1, self._horizon + 1), record.targets.shape[1], seasons)

    def _lags(self, default, n_rows):
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

    def _seasons(self, n_rows):
        """Seasons in rows: those asked for, or those of the frequency that the history shows."""
        if isinstance(self.season, str) and self.season == "auto":
            return tuple(s for s in season_lengths(self._axis) if 2 * s <= n_rows)
        seasons = () if self.season is None else np.atleast_1d(self.season)
        for season in seasons:
            check_scalar(season, "season", (int, np.integer), min_val=2)
            if season >= n_rows:
                raise ValueError(
                    f"found {n_rows} rows, expected more than season={season}; pass a longer "
                    "history or a shorter season"
                )
        return tuple(sorted({int(s) for s in seasons}))

    def _steps(self, stamps, cutoff):
        steps = self._axis.steps_after(stamps, cutoff)
        missing = np.diff(steps, prepend=0) - 1
        limit = 0 if self.gap == "raise" else self.max_gap
        if missing.max() > limit:
            row = missing.argmax()
            raise ValueError(
                f"found a gap of {missing[row]} missing rows before {self._axis.label(stamps[row])}"
                f", expected at most {limit} (gap={self.gap!r}, max_gap={self.max_gap}); see that "
                "the time stamp is right, insert "
                f"the rows (X.asfreq({self._axis.freq.freqstr!r})), raise max_gap with gap='fill' "
                "or 'reset', or call reset_state() to start a new run after the gap"
            )
        return steps

    def _newer(self, stamps, cutoff):
        if self.late == "raise" or cutoff is None:
            return super()._newer(stamps, cutoff)
        return stamps > cutoff

    def _runs(self, steps):
        if self.gap != "reset":
            return super()._runs(steps)
        breaks = np.flatnonzero(np.diff(steps) > 1) + 1  # rows that come after a gap
        return [
            Run(slice(part[0] - 1, part[-1]), fresh=bool(row) or steps[0] > 1)
            for row, part in enumerate(np.split(steps, breaks))
        ]

    def _calendar_features(self, stamps, steps, cutoff):
        """Features of the step after each step of the grid, shape (steps[-1], C)."""
        axis = self._axis
        if not self._calendar.weekly:
            return np.zeros((steps[-1], 0))
        if cutoff is None:
            later = np.append(axis.following(stamps[0], steps[-1] - 1), 0)
            later[-1] = axis.following(stamps[-1], 1)[0]
        else:
            later = axis.following(cutoff, steps[-1] + 1)[1:]
        return self._calendar.features(axis.wall_ns(later))

    @property
    def _min_rows(self):
        return self.horizon + 2

    def _make_axis(self, index):
        axis = TimeAxis.of(index, self.freq)
        self._calendar = Calendar.of_step(_step_ns(axis))
        return axis


def _step_ns(axis):
    """Nanoseconds of a step, of the shortest one where they differ."""
    if axis.counts or axis.step_ns is not None:
        return axis.step_ns
    ahead = pd.date_range("2001-01-01", periods=3, freq=axis.freq).as_unit("ns").asi8
    return int(np.diff(ahead).min())
