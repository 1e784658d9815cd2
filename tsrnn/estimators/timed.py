"""Rows of one stream on a regular time axis: gaps, late rows, seasons and the calendar."""

import numpy as np
import pandas as pd
from sklearn.utils import check_scalar
from sklearn.utils.validation import check_is_fitted

from tsrnn.estimators.base import Run, StreamingEstimator
from tsrnn.frames.calendar import Calendar, season_lengths
from tsrnn.frames.time_axis import TimeAxis


class TimedEstimator(StreamingEstimator):
    """An estimator whose rows follow a frequency.

    Subclasses have the parameters ``horizon``, ``freq``, ``gap``, ``max_gap`` and ``late``, and
    may have ``lags`` and ``season``.
    """

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
        if steps[-1] == len(steps):  # each is the next one, as it is of most rows
            return steps
        missing = steps - 1
        missing[1:] -= steps[:-1]
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
        newer = stamps > cutoff
        return None if newer.all() else newer

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
        if len(stamps) == steps[-1] == 1 and axis.step_ns is not None and axis.tz is None:
            return self._calendar.one(int(stamps[0]) + axis.step_ns)
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
        self._set_axis(axis)
        return axis

    def _set_axis(self, axis):
        self._axis, self._calendar = axis, Calendar.of_step(_step_ns(axis))


def _step_ns(axis):
    """Nanoseconds of a step, of the shortest one where they differ."""
    if axis.counts or axis.step_ns is not None:
        return axis.step_ns
    ahead = pd.date_range("2001-01-01", periods=3, freq=axis.freq).as_unit("ns").asi8
    return int(np.diff(ahead).min())
