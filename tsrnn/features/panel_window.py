"""Newest raw rows of many series, in ring buffers indexed by position on the time axis.

A series has a column of its own in every ring, so that the rows of one time stamp, which are those
of many series, are written and read in one piece. Nothing here is per series in Python.
"""

from dataclasses import replace

import numpy as np

from tsrnn.features.carried import carried
from tsrnn.features.outlier_filter import PLAIN, filter_outliers, start_from
from tsrnn.features.ring_buffer import Ring, joined_each
from tsrnn.persistence.registry import saved

FAST, SLOW = 0.3, 0.05  # weight of the newest value of its phase in the two profiles
AGREEMENT_DISCOUNT = 0.998  # of the sums of `agreement`, at each row


@saved("panel-window")
class PanelWindow:
    """The rings of `Window`'s fields, for many series, and profiles over their longest season.

    The profile of a row is how far values of its phase have been from the series' level of late, in
    units of its scale: that of a season before, moved by a share of the row's own deviation from
    it, which is limited. There are a fast and a slow one. In missing rows levels go on as the fast
    one does, as far as changes from row to row were those of the profile before (a regression, of a
    slope between 0 and 1): so lags tell the pattern of a series after a week without values, and a
    random walk stays where it was.

    Attributes
    ----------
    targets, levels : Ring
        As in `Window`, by target and series, but for what levels are in missing rows.
    newest : Ring
        Newest known value at each row, in a short ring.
    spreads, refused, jumps : Ring
        As in `Window`, in short rings: of each series only the newest rows are looked at.
    inputs, missing : Ring
        Likewise, by input (in the place of targets) and series.
    profiles : tuple of Ring
        Fast and slow, by target and series, in rings of a season and `n_origins` rows; of no rows
        where there is no season. NaN where a series has none yet.
    scales : Ring
        Scale of each series, as a factor of that of its history, at the newest origins; of no rows
        where it is not followed.
    agreement : Ring
        Running sums of the products of changes with those of the fast profile, and of the squares
        of the latter, in a short ring.
    season : int
        Rows of the season of the profiles, 0 for none.
    reach : int
        Rows before its first one that a series is looked back on.
    screen : Screen or None
        By which absurd targets count as missing (see `filter_outliers`); None: none do.
    announced : Ring
        What the screen remembers of each series, in a short ring; of no inputs where none is known
        ahead.
    """

    def __init__(
        self, targets, levels, newest, spreads, refused, jumps, inputs, missing, scales, profiles,
        agreement, announced, *settings,
    ):  # fmt: skip
        self.targets, self.levels, self.newest = targets, levels, newest
        self.spreads, self.refused, self.jumps = spreads, refused, jumps
        self.inputs, self.missing = inputs, missing
        self.scales, self.profiles = scales, profiles
        self.agreement, self.announced, self._settings = agreement, announced, settings
        self.reach, self.screen, self.season = settings

    @classmethod
    def empty(
        cls, n_targets, n_inputs, length, n_newest, reach, screen=PLAIN, season=0, n_origins=0
    ):
        """Return rings of ``length`` rows, short ones of ``n_newest``, for no series yet."""
        lengths = (length, length, *[n_newest] * 4)
        by_target = (Ring.zeros(n_rows, n_targets, 0) for n_rows in lengths)
        missing = Ring.zeros(length, n_inputs, 0, dtype=bool)
        inputs = Ring.zeros(length, n_inputs, 0)
        n_rows = season and season + n_origins
        profiles = tuple(Ring.zeros(n_rows, n_targets, 0, dtype=np.float32) for _ in range(2))
        scales = Ring.zeros(season and n_origins, n_targets, 0)
        n_future = len(screen.future) if screen and np.isfinite(screen.most) else 0
        announced = Ring.zeros(n_newest, n_targets, 0, n_future, 4)
        agreement = Ring.zeros(season and n_newest, n_targets, 0, 2)
        of_series = scales, profiles, agreement, announced
        return cls(*by_target, inputs, missing, *of_series, reach, screen, season)

    def taken(self, series, n_more=0):
        """Return rings of their own for these series; see `Ring.taken`."""
        return self._each(lambda ring: ring.taken(series, n_more))

    def joined(self, others):
        """Return rings of its series and those of others; see `Ring.joined`."""
        return joined_each(self, others)

    def cleaned(self, heads, n_kept, n_spare):
        """Return rings of their own, zero but where rows are kept; see `Ring.cleaned`.

        Of the scales and the profiles, all but `n_spare` rows are.
        """
        cleaned = self._each(lambda ring: ring.cleaned(heads, n_kept))
        for name in ("newest", "spreads", "refused", "jumps", "announced"):
            setattr(cleaned, name, getattr(self, name).cleaned(heads, 1))
        if self.season:
            cleaned.agreement = self.agreement.cleaned(heads, 1)
            cleaned.scales = self.scales.cleaned(heads, len(self.scales) - n_spare)
            cleaned.profiles = tuple(
                ring.cleaned(heads, len(ring) - n_spare) for ring in self.profiles
            )
        return cleaned

    def push(self, start, series, targets, inputs, fresh, initial_level, levels=None):
        """Write new rows of some series; missing values are carried forward, absurd ones screened.

        Parameters
        ----------
        start : int
            Position of the first of T rows.
        series : ndarray of int, shape (B,), or slice
        targets : ndarray of shape (T, J, B)
            Scaled, NaN where missing.
        inputs : ndarray of shape (T, E, B)
        fresh : ndarray of bool, shape (B,)
            Series that start here: what lies before is not theirs.
        initial_level : ndarray of shape (J, B)
            Level that the first value of a fresh series is held against (see `filter_outliers`).
        levels : ndarray of shape (J, B), optional
            That missing values of the first row are carried on from, in place of the newest; NaN:
            that.
        """
        before = self.newest.read(start - 1, series)
        if levels is not None:
            levels = levels - self.jumps.read(start - 1, series)
            before = np.where(np.isfinite(levels), levels, before)
        before = np.where(fresh, initial_level, before)
        if self.screen:
            known = carried(inputs, np.where(fresh, 0.0, self.inputs.read(start - 1, series)))
            rows = targets, known, fresh, initial_level
            targets, levels = self._screened(start, series, before, *rows)
        else:
            levels = carried(targets, before)
        newest = np.where(fresh, 0.0, self.inputs.read(start - 1, series))
        for ring, values in (
            (self.targets, targets),
            (self.levels, levels),
            (self.newest, levels),
            (self.inputs, carried(inputs, newest)),
            (self.missing, np.isnan(inputs)),
        ):
            ring.write(start, series, values)
        if fresh.any():
            self._pad(start, series, fresh)

    def follow_profiles(self, start, series, center, scales, limit):
        """Let the profiles follow the rows that were pushed last.

        Parameters
        ----------
        start : int
            Position of the first of T rows.
        series : ndarray of int, shape (B,), or slice
        center : ndarray of shape (J, B)
            Levels that profiles are measured from.
        scales : ndarray of shape (T, J, B)
            Units that they are measured in.
        limit : ndarray of shape (J, B)
            Largest step that moves them, in those.
        """
        if not self.season:
            return
        self.scales.write(start, series, scales)
        positions = np.arange(start, start + len(scales))
        targets = (self.targets.read(positions, series) - center) / scales
        self._follow_agreement(start, series, center, targets, limit)
        levels = (self.levels.read(positions, series) - center) / scales
        for row, (target, level) in enumerate(zip(targets, levels, strict=True)):
            for ring, rate in zip(self.profiles, (FAST, SLOW), strict=True):
                before = ring.read(start + row - self.season, series)
                moved = before + rate * np.clip(target - before, -limit, limit)
                moved = np.where(np.isnan(target), before, moved)
                moved = np.where(np.isnan(before), level, moved)
                ring.write(start + row, series, moved[None].astype(np.float32))

    def _follow_agreement(self, start, series, center, targets, limit):
        """Let the sums of `agreement` follow deviations (T, J, B) from the level."""
        rows = np.arange(start - 1, start + len(targets)) - self.season
        expected = np.diff(self.profiles[0].read(rows, series), axis=0)
        before = self.targets.read(start - 1, series) - center
        before = before / self.scales.read(start - 1, series)
        changes = np.diff(np.concatenate([before[None], targets]), axis=0).clip(-limit, limit)
        sums = self.agreement.read(start - 1, series)
        for row, (change, of_profile) in enumerate(zip(changes, expected, strict=True)):
            products = np.stack([change * of_profile, of_profile**2], axis=2)
            sums = np.where(
                np.isnan(products).any(axis=2, keepdims=True),
                sums,
                AGREEMENT_DISCOUNT * sums + products,
            )
            self.agreement.write(start + row, series, sums[None])

    def fill(self, start, series, scales, ages):
        """Let the levels of missing rows, which were pushed last, follow the fast profile.

        Parameters
        ----------
        start : int
            Position of the first of T rows.
        series : ndarray of int, shape (B,), or slice
        scales : ndarray of shape (T, J, B)
        ages : ndarray of int, shape (J, B), or None
            How many rows before the first one the value is from that it is carried on from: 1 where
            it is the newest, as all are where None is given.
        """
        if not self.season:
            return
        n_rows = len(scales)
        missing = np.isnan(self.targets.read(np.arange(start, start + n_rows), series))
        columns = np.flatnonzero(missing.any(axis=(0, 1)))
        if not len(columns):
            return
        places = columns if isinstance(series, slice) else series[columns]
        level, before = self._carried_from(
            start, places, None if ages is None else ages[:, columns]
        )
        for row in range(n_rows):
            now = self.profiles[0].read(start + row, places) * scales[row][:, columns]
            here = self.levels.read(start + row, places)
            product, square = np.moveaxis(self.agreement.read(start + row, places), 2, 0)
            slope = product.clip(0.0, square) / np.where(square > 0.0, square, 1.0)
            moved = level + slope * (now - before)
            filled = missing[row][:, columns] & (square > 0.0) & np.isfinite(moved)
            level, before = np.where(filled, moved, here), now
            if filled.any():
                self.levels.write(start + row, places, level[None])

    def _carried_from(self, start, series, ages):
        """Return the levels (J, B) that missing rows go on from, and the fast profile there."""
        ring = self.profiles[0]
        level, profile = self.levels.read(start - 1, series), ring.read(start - 1, series)
        if ages is not None:
            older = ages > 1
            rows = (start - 1 - (ages - 1) % self.season) % len(ring)
            of_older = ring.array[rows, np.arange(len(level))[:, None], series]
            level = np.where(older, self.newest.read(start, series), level)
            profile = np.where(older, of_older, profile)
        return level, profile * self.scales.read(start - 1, series)

    def _screened(self, start, series, level, targets, inputs, fresh, initial_level):
        """Return targets without absurd values and the levels, and let the guard move on."""
        rings = self.spreads, self.refused, self.jumps
        guard = [
            np.where(fresh, first, ring.read(start - 1, series)).ravel()
            for ring, first in zip(rings, start_from(initial_level)[1:], strict=False)
        ]
        screen, by_stream = self.screen, None
        if self.announced.array.size:
            known = self.announced.read(start - 1, series).copy()  # it is written to
            known[:, fresh] = np.nan
            screen = replace(screen, known=known.reshape(-1, *known.shape[2:]))
            by_stream = inputs[:, list(screen.future)].transpose(0, 2, 1)
            by_stream = np.tile(by_stream, (1, len(initial_level), 1))
        flat = targets.reshape(len(targets), -1)
        screened = filter_outliers(flat, level.ravel(), *guard, screen, by_stream)
        if self.announced.array.size:
            known = screen.known.reshape(1, *initial_level.shape, *screen.known.shape[1:])
            self.announced.write(start + len(targets) - 1, series, known)
        targets, levels, *guarded = (a.reshape(targets.shape) for a in screened)
        for ring, values in zip(rings, guarded, strict=True):
            ring.write(start, series, values)
        return targets, levels

    def judged_by(self, position, series, fresh, initial_level):
        """Return what the rows after a position are judged by: levels and refused, (J, B) each.

        Levels with their jumps put back; those of fresh series are initial ones.
        """
        levels = self.newest.read(position, series) + self.jumps.read(position, series)
        refused = self.refused.read(position, series)
        return np.where(fresh, initial_level, levels), np.where(fresh, np.nan, refused)

    def _each(self, change):
        by_target = self.targets, self.levels, self.newest, self.spreads, self.refused, self.jumps
        fields = (*by_target, self.inputs, self.missing)
        of_season = self.scales, self.profiles, self.agreement
        if self.season:
            profiles = tuple(map(change, self.profiles))
            of_season = change(self.scales), profiles, change(self.agreement)
        return PanelWindow(
            *map(change, fields), *of_season, change(self.announced), *self._settings
        )

    def _pad(self, start, series, fresh):
        """Let fresh series have known nothing all the time before, and held their first inputs."""
        columns = np.flatnonzero(fresh) if isinstance(series, slice) else series[fresh]
        rows = (np.arange(start - self.reach, start) % len(self.levels))[:, None]
        first = start % len(self.levels)
        for ring in (self.targets, self.levels):
            ring.array[rows, :, columns] = np.nan
        self.newest.array[(start - 1) % len(self.newest)][:, columns] = np.nan
        for ring in (self.inputs, self.missing):
            ring.array[rows, :, columns] = ring.array[first][:, columns].T
        if self.season:
            rows = (np.arange(start - self.season, start) % len(self.profiles[0]))[:, None]
            for ring in self.profiles:
                ring.array[rows, :, columns] = np.nan
            self.agreement.array[:, :, columns] = 0.0
            self.scales.array[:, :, columns] = 1.0

    def view(self, series, calendar, start):
        """Return what looks like a `Window` of these series, indexed by position.

        The first row of ``calendar`` is that of position ``start``.
        """
        return PanelWindowView(self, series, Shifted(calendar, start))


class PanelWindowView:
    """Rows of some series in the fields of a `Window`, with positions in place of row numbers.

    Streams are the targets of each series, target by target: stream ``j * B + b``.
    """

    def __init__(self, rings, series, calendar):
        self.targets = Lookup(rings.targets, series)
        self.levels = Lookup(rings.levels, series)
        n_targets = rings.targets.array.shape[1]
        self.inputs = InputLookup(rings.inputs, series, n_targets)
        self.missing = InputLookup(rings.missing, series, n_targets)
        self.calendar = calendar


class Lookup:
    """A ring that answers like an array of shape (n, S), by position."""

    def __init__(self, ring, series):
        self.ring, self.series = ring, series

    def __getitem__(self, rows):
        if isinstance(rows, slice):
            rows = np.arange(rows.start, rows.stop)
        values = self.ring.read(rows, self.series)
        return values.reshape(*values.shape[:-2], np.prod(values.shape[-2:]))


class InputLookup(Lookup):
    """The inputs of each series, given to each of its streams: (n, S, E)."""

    def __init__(self, ring, series, n_targets):
        super().__init__(ring, series)
        self.n_targets = n_targets

    def __getitem__(self, rows):
        values = self.ring.read(np.arange(rows.start, rows.stop), self.series)
        return np.tile(values.transpose(0, 2, 1), (1, self.n_targets, 1))


class Shifted:
    """An array whose first row is at position ``start``."""

    def __init__(self, array, start):
        self.array, self.start = array, start

    def __getitem__(self, rows):
        return self.array[rows.start - self.start : rows.stop - self.start]
