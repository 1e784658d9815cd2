"""What a forecaster's learner sees of a record: network inputs, readout features and labels."""

from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np

from tsrnn.features.instance_norm import LARGEST, SMALLEST, InstanceNorm
from tsrnn.features.known_future import ahead_of, ahead_of_series, arrived_of_series
from tsrnn.features.outlier_filter import start_from
from tsrnn.features.phase import CalendarProfile, repeats
from tsrnn.features.scored_steps import ScoredSteps
from tsrnn.frames.scaling import first_levels
from tsrnn.kernels.numpy_.seasons import rows_back
from tsrnn.persistence.registry import saved

INPUT_LIMIT = 8.0  # standard deviations: one absurd value must not saturate the network for long


def lag_offsets(lags, seasons, horizon):
    """Rows back from the origin at which values are looked up, ascending.

    The last ``lags`` values, and for each season the values one season before each target step
    (the newest of that phase that is known).

    Examples
    --------
    >>> lag_offsets(lags=2, seasons=(7,), horizon=2)
    array([1, 2, 5, 6])
    """
    offsets = set(range(1, lags + 1))
    for season in seasons:
        offsets |= {rows_back(step, season) for step in range(1, horizon + 1)}
    return np.array(sorted(offsets - {0}), dtype=np.intp)


@saved("forecast-design")
@dataclass(frozen=True)
class ForecastDesign:
    """Forecasting: each target column is a stream, its next ``horizon`` values the outputs.

    The readout sees earlier values relative to the newest one, the newest value, the calendar of
    the next step, past inputs and a constant; its targets are changes from the newest value. What
    lies before the first row counts as no change, so that a season, or a lag, arrives with the
    first row that is as far back. The network sees the newest value and its last change, the change
    that followed one season ago, the calendar, past inputs, and which of them are missing: the
    newest value of its stream, and the flagged inputs. The readout does not see these flags: about
    one that never changed in the history it has learnt nothing, and its first change would move the
    forecasts at random. Where there is a `norm`, the network sees values as they would have been at
    the history's level and scale, and the readout the newest value as measured from the level at
    which the series now is.

    Attributes
    ----------
    horizon : int
    offsets : ndarray of int
        See `lag_offsets`.
    seasons : tuple of int
    n_calendar : int
        Leading calendar columns that are used.
    n_inputs : int
    flagged : list of int
        Inputs that have a flag of missing values among the inputs of the network.
    change_scale : ndarray of shape (S,)
        Standard deviation of one-step changes, in scaled units.
    filter_start : tuple of ndarray of shape (S,), or None
        What `filter_outliers` starts from at the history's start, where outliers are filtered.
    future : list of int
        Inputs that are known ahead.
    pooled : bool
        Whether the streams are series of a panel, which share one readout.
    norm : InstanceNorm or None
        Of what the network sees.
    profile : CalendarProfile or None
        By which a changed phase is recognized.
    phase : int
        Rows by which the season is early: the calendar that is seen is that many rows on.
    lags : int or None
        Newest values that a short autoregression sees: None: all up to the first gap in `offsets`.
    zero : ndarray of shape (S,) or None
        Where zero is, in scaled units; None where that is unknown.
    year : int or None
        Rows of a year, where it is no season: experts that smooth follow it.
    carried_by : tuple of int
        Seasons by which levels of missing rows go on (see `follow_season`); none in files of
        0.1.0, where they are the newest value.
    """

    horizon: int
    offsets: np.ndarray
    seasons: tuple
    n_calendar: int
    n_inputs: int
    flagged: list
    change_scale: np.ndarray
    filter_start: tuple | None
    future: list
    pooled: bool = False
    norm: InstanceNorm | None = None
    profile: CalendarProfile | None = None
    phase: int = 0
    lags: int | None = None
    zero: np.ndarray | None = None
    year: int | None = None
    carried_by: tuple = ()

    @classmethod
    def of(
        cls,
        record,
        horizon,
        lags,
        seasons,
        *,
        n_calendar=None,
        n_inputs=None,
        flagged=None,
        future=(),
        screen=None,
        pooled=False,
        normalized=False,
        zero=None,
        year=None,
        n_cyclic=None,
    ):
        """Fit the design to a history; by default it uses all that the record holds.

        Outliers are filtered by a `Screen`, where there is one. The phase of the seasons is told by
        the first `n_cyclic` columns of the calendar.
        """
        filter_start = None
        if screen is not None:
            filter_start = start_from(first_levels(record.targets), screen)
        record = record.padded(0, filter_start, seasons=tuple(seasons))
        change_scale = np.diff(record.levels, axis=0).std(axis=0)
        n_inputs = record.inputs.shape[-1] if n_inputs is None else n_inputs
        norm = profile = None
        shown = [season for season in seasons if 2 * season <= len(record)]
        if normalized and shown:
            norm = InstanceNorm.of(record.targets, shown[-1])
            if repeats(record.calendar[:, :n_cyclic], shown[-1]):
                profile = CalendarProfile.of(record.levels, record.calendar[:, :n_cyclic], shown)
        return cls(
            horizon,
            lag_offsets(lags, seasons, horizon),
            seasons,
            record.calendar.shape[-1] if n_calendar is None else n_calendar,
            n_inputs,
            list(range(n_inputs)) if flagged is None else flagged,
            np.where(change_scale > 0, change_scale, 1.0),
            filter_start,
            list(future),
            pooled,
            norm,
            profile,
            lags=lags,
            zero=zero,
            year=year,
            carried_by=tuple(seasons),
        )

    @cached_property
    def carried_by_array(self):
        """Seasons of `carried_by` for a compiled loop."""
        return np.array(self.carried_by, dtype=np.intp)

    def follow(self, record, n_rows):
        """Return the design after `n_rows` more: where the newest season of a record is now.

        It follows the phase, and levels that have moved far.
        """
        norm, phase = self.norm.settled(record.targets, n_rows), self.phase
        if self.profile:
            n_cyclic = len(self.profile.coefficients)
            phase = self.profile.phase(record.targets, record.calendar[:, :n_cyclic], phase)
        return replace(self, norm=norm, phase=phase)

    def restarted(self, anew):
        """Return the design in the calendar's phase; `anew`, also at the level of the history."""
        if self.norm is None:
            return self
        return replace(self, norm=self.norm.unmoved() if anew else self.norm, phase=0)

    @cached_property
    def delays(self):
        """Rows until the label of each output arrives."""
        return np.arange(1, self.horizon + 1)

    @cached_property
    def trained_on(self):
        """Outputs that a network is trained on: those of the scored steps."""
        return ScoredSteps.of(self.horizon).places

    @property
    def longest_delay(self):
        """Rows until the last label of an origin is in."""
        return self.horizon

    @cached_property
    def reach(self):
        """Rows before an origin that it looks at."""
        return int(max([1, *self.offsets, *self.seasons, self.horizon if self.future else 0]))

    @property
    def n_streams(self):
        """Streams: the target columns."""
        return len(self.change_scale)

    @property
    def n_features(self):
        """Readout features beside the hidden state."""
        return len(self.offsets) + 1 + self.n_calendar + self.n_inputs + 1

    @property
    def n_flags(self):
        """Network inputs, the last ones, that tell what is missing."""
        return 1 + len(set(self.flagged) - set(self.future))

    @property
    def n_ahead(self):
        """What is known ahead of each step: two values for every input that is."""
        return 2 * len(self.future)

    @cached_property
    def autoregression(self):
        """Columns of `skip` for a short autoregression: newest values, calendar and constant."""
        n_offsets = len(self.offsets)
        n_lags = int((self.offsets == np.arange(1, n_offsets + 1)).sum())  # without seasons
        if self.lags is not None:  # those of a long horizon leave no gap behind the newest values
            n_lags = min(n_lags, self.lags)
        known = np.arange(n_offsets, n_offsets + 1 + self.n_calendar)
        return np.array([*range(n_lags), *known, self.n_features - 1])

    def base(self, record, start):
        """Return the newest value at each row, shape (n, S)."""
        return record.levels[start:]

    def labels(self, record, start):
        """Return the value that arrives with each row, shape (n, S, 1)."""
        return record.targets[start:, :, None]

    def views(self, record, start, stop, loop=None):
        """Return what is seen of rows of a record.

        A compiled `loop` makes it in the place of NumPy, to the last digits alike: for a row it is
        much faster.

        Returns
        -------
        skip : ndarray of shape (n, S, K)
            What the readout sees beside the hidden state.
        inputs : ndarray of shape (n, S, D)
            What the network sees.
        local : tuple of ndarray of shape (n, S), or None
            Center and scale that the inputs were normalized by.
        """
        if loop:
            rows = record.levels, record.targets, record.calendar, record.inputs, record.missing
            looked_at, back = self.looked_at
            skip, inputs, local = loop(rows, *looked_at, (start, stop, back))
            return skip, self._of_network(inputs), local if self.norm else None
        local = self.local(record, start, stop)
        return self.skip(record, start, stop), self.inputs(record, start, stop, local), local

    @cached_property
    def looked_at(self):
        """Arrays and numbers that tell a compiled loop what to look at, and how far back."""
        numbers = np.array(self.seasons, dtype=np.intp), np.array(self.flagged, dtype=np.intp)
        arrays = self.offsets, *numbers, self.change_scale
        norm, season = (self.change_scale, self.change_scale[None]), 0  # not looked at
        if self.norm:
            norm, season = (self.norm.spread, self.norm.moved), self.norm.season
        norm = *norm, self._level
        widths = self.n_calendar, self.n_inputs, season
        return (arrays, norm, widths, (SMALLEST, LARGEST, INPUT_LIMIT)), self._back

    def skip(self, record, start, stop, loop=None):
        """Return the readout features, shape (n, S, K).

        As for `views`, a `loop` may make them.
        """
        if loop:
            rows = record.levels, record.calendar, record.inputs, self.offsets
            looked_at = self._level, self.n_calendar, self.n_inputs
            return loop(*rows, *looked_at, start, stop, self._back)
        levels = record.levels
        rows = np.arange(start, stop)
        newest = levels[start:stop][..., None]
        n_lags, n_calendar = len(self.offsets), self.n_calendar
        features = np.ones((*newest.shape[:2], self.n_features))
        earlier = levels[rows[:, None] - self.offsets].swapaxes(1, 2)
        np.subtract(earlier, newest, out=features[..., :n_lags])
        _zero_unseen(features[..., :n_lags])
        features[..., n_lags] = newest[..., 0] - (self._level if self.norm else 0.0)
        known = n_lags + 1 + n_calendar
        features[..., n_lags + 1 : known] = _by_stream(self._calendar(record, start, stop))[
            ..., :n_calendar
        ]
        features[..., known:-1] = _by_stream(record.inputs[start:stop])[..., : self.n_inputs]
        return features

    @cached_property
    def _level(self):
        """Level that the newest value of each stream is measured from."""
        return self.norm.level if self.norm else np.zeros(self.n_streams)

    @property
    def _back(self):
        """Rows back from a row to where the calendar of its phase is: a season at most."""
        return self.profile.season - self.phase if self.phase > 0 else -self.phase

    def _calendar(self, record, start, stop):
        """Return the calendar of the rows as their phase is."""
        return record.calendar[start - self._back : stop - self._back]

    def ahead(self, record, start, following):
        """Return what is known ahead of the rows from start on, shape (n, 1, horizon, Z).

        `following` are inputs (m, E) of the rows after the record, NaN where missing; what is
        beyond them is carried forward.
        """
        rows = record.followed_by(following[: self.horizon], start)[:, self.future]
        return ahead_of(rows, len(record) - start, self.horizon)[:, None]

    def arrived(self, record, start):
        """Return what was known ahead of the labels that arrive with each row, as `ahead`."""
        rows = record.inputs[start - self.horizon :, self.future]
        known = ahead_of(rows, len(rows), self.horizon)
        arrivals = np.arange(self.horizon, len(rows))[:, None]
        return known[arrivals - self.delays, self.delays - 1][:, None]

    def ahead_of_series(self, newest, following):
        """As `ahead`, of the series of a panel: (..., horizon, Z); see `ahead_of_series`."""
        return ahead_of_series(newest, following, self.horizon)

    def arrived_of_series(self, inputs):
        """As `arrived`, of the newest rows (horizon, E, B) of series: (horizon, Z, B)."""
        return arrived_of_series(inputs[:, self.future])

    def local(self, record, start, stop):
        """Return center and scale of the rows, each (n, S), or None without a `norm`."""
        return self.norm and self.norm.at(record.targets, start, stop)

    def inputs(self, record, start, stop, local=None):
        """Return the network inputs, shape (n, S, D), normalized by center and scale."""
        levels = record.levels
        newest = levels[start:stop]
        change = (newest - levels[start - 1 : stop - 1]) / self.change_scale
        changes = [newest, _zero_unseen(change)]
        for season in self.seasons:
            change = levels[start + 1 - season : stop + 1 - season] - newest
            changes.append(_zero_unseen(change))
        if local is not None:
            center, scale = local
            changes[0] = newest - center
            changes = [values / scale for values in changes]
        n_changes, known = len(changes), len(changes) + self.n_calendar
        flags = known + self.n_inputs
        inputs = np.empty((*newest.shape, flags + 1 + len(self.flagged)))
        for change, values in enumerate(changes):
            inputs[..., change] = values
        inputs[..., n_changes:known] = _by_stream(self._calendar(record, start, stop))[
            ..., : self.n_calendar
        ]
        inputs[..., known:flags] = _by_stream(record.inputs[start:stop])[..., : self.n_inputs]
        inputs[..., flags] = np.isnan(record.targets[start:stop])
        inputs[..., flags + 1 :] = _by_stream(record.missing[start:stop])[..., self.flagged]
        np.maximum(inputs, -INPUT_LIMIT, out=inputs)
        return self._of_network(np.minimum(inputs, INPUT_LIMIT, out=inputs))

    def _of_network(self, inputs):
        """Leave out of (..., D) the inputs that are known ahead, and their flags.

        What counts is their value at the step, which the readouts see. From the values at the
        origin a network would learn by heart when something was.
        """
        return np.take(inputs, self._seen_by_network, axis=-1) if self.future else inputs

    @cached_property
    def _seen_by_network(self):
        """Columns that the network sees, of all that are made for it."""
        first = 2 + len(self.seasons) + self.n_calendar
        flags = first + self.n_inputs + 1
        left_out = [first + column for column in self.future]
        left_out += [flags + i for i, column in enumerate(self.flagged) if column in self.future]
        return np.setdiff1d(np.arange(flags + len(self.flagged)), left_out)


def _zero_unseen(changes):
    """Put 0, in place, for changes since rows before the first one: they have not come yet."""
    changes[np.isnan(changes)] = 0.0
    return changes


def _by_stream(values):
    """Give rows (n, E) that all streams share an axis for them; (n, S, E) have it."""
    return values[:, None] if values.ndim == 2 else values
