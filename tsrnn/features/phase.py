"""The phase of the newest season against the calendar: clocks are set, habits move by hours."""

from dataclasses import dataclass

import numpy as np

from tsrnn.persistence.registry import saved

# A phase is changed where no more than this share of the unexplained variance is left: away from
# the calendar only for much, from one phase to the next, or back, also for little.
MUCH, LITTLE = 0.5, 0.9
SHORT_SEASONS = 3  # newest ones that are enough, where each of them says the same
NEARLY_ALL = 0.9  # share of each of those that has to be known
TINY = 1e-9  # of what the calendar explains: what rounding makes of nothing


@saved("calendar-profile")
@dataclass(frozen=True)
class CalendarProfile:
    """What the calendar says of the level, by which a changed phase is recognized.

    Attributes
    ----------
    season : int
        Rows of the longest season, over which phases are compared.
    most : int
        Rows by which it may have moved, at most: half of the shortest season.
    coefficients : ndarray of shape (C, S)
        Of the least-squares regression of the levels on the calendar.
    explained : ndarray of shape (S,)
        Share of the variance that it explains, by which streams count.
    shortest : int
        Rows of the shortest season; 0 where phases are compared over the longest alone.

    Examples
    --------
    A day of 24 hours that comes to begin three hours early:

    >>> import numpy as np
    >>> hours = 2 * np.pi * np.arange(1, 241) / 24  # calendar features are those of the next row
    >>> calendar = np.stack([np.sin(hours), np.cos(hours)], axis=1)
    >>> levels = np.sin(2 * np.pi * np.arange(240) / 24)[:, None]
    >>> profile = CalendarProfile.of(levels, calendar, seasons=(24,))
    >>> profile.phase(levels[30:60], calendar[30:60], current=0)
    0
    >>> profile.phase(levels[33:63], calendar[30:60], current=0)
    3
    """

    season: int
    most: int
    coefficients: np.ndarray
    explained: np.ndarray
    shortest: int = 0  # as of a file of 0.1.0

    @classmethod
    def of(cls, levels, calendar, seasons):
        """Regress the levels (n, S) of a history on the calendar (n, C) of the rows before."""
        features, known = calendar[:-1] - calendar[:-1].mean(axis=0), levels[1:]
        coefficients = np.linalg.lstsq(features, known - known.mean(axis=0), rcond=None)[0]
        correlation = (_standardized(features @ coefficients) * _standardized(known)).sum(axis=0)
        explained = np.square(correlation)
        return cls(seasons[-1], seasons[0] // 2, coefficients, explained, seasons[0])

    @property
    def moves_profiles(self):
        """Whether profiles go with a phase: where the calendar explains most of a level.

        Else a phase is chance. Those of files of 0.1.0 stay.
        """
        return self.shortest > 0 and self.explained.max() > MUCH

    def phase(self, targets, calendar, current):
        """Return by how many rows the newest season is early: the current phase, or a better one.

        The newest three of the shortest season are enough where nearly all of each is known, and is
        explained that much better by the same phase. No phase is taken that explains them worse.

        Parameters
        ----------
        targets : ndarray of shape (n, S)
            The newest n > season rows, NaN where missing. Streams that are constant, or of which
            less than half is known, tell nothing.
        calendar : ndarray of shape (n, C)
        current : int
            The phase so far.
        """
        expected = calendar[-1 - self.season : -1] @ self.coefficients
        targets, now = targets[-self.season :], current + self.most
        share = LITTLE if current else MUCH
        of_season = self._unexplained(targets, expected, slice(None))
        best = of_season.argmin()
        moved = of_season[best] < share * of_season[now]
        first = self.season - SHORT_SEASONS * self.shortest
        if 0 < first < self.season:
            newest = self._unexplained(targets, expected, slice(first, None))
            moved = moved and newest[best] <= newest[now]
            if not moved:
                best = newest.argmin()
                starts = np.arange(first, self.season, self.shortest)
                short = (slice(start, start + self.shortest) for start in starts)
                each = (self._unexplained(targets, expected, one, NEARLY_ALL) for one in short)
                moved = all(
                    x.min() < MUCH * x[now] and abs(x.argmin() - best) <= 1 for x in (newest, *each)
                )
        return int(best - self.most) if moved else current

    def _unexplained(self, targets, expected, rows, least_known=0.5):
        """Return what each phase leaves unexplained of some rows of the newest season.

        Of streams of which at least that share is known; 1 where there is none.
        """
        at = np.arange(self.season)[rows]
        phases = np.arange(-self.most, self.most + 1)
        at = (at + phases[:, None]) % self.season
        agreement, possible = np.zeros(len(phases)), 0.0
        for stream, found in enumerate(targets[rows].T):
            known = np.isfinite(found)
            if known.mean() < least_known or np.ptp(found[known]) == 0.0:
                continue
            moved = expected[at[:, known], stream]
            weight = self.explained[stream]
            agreement += weight * (_standardized(found[known]) @ _standardized(moved.T))
            possible += weight
        if not possible > TINY:
            return np.ones(len(phases))
        return 1.0 - np.maximum(agreement / possible, 0.0) ** 2


def repeats(calendar, season):
    """Tell whether calendar features (n, C) are the same a season ago, clock changes apart.

    Examples
    --------
    >>> import numpy as np
    >>> hours = np.arange(100) % 24.0
    >>> repeats(hours[:, None], 24), repeats(hours[:, None], 5), repeats(np.empty((100, 0)), 24)
    (True, False, False)
    """
    change = np.abs(calendar[season:] - calendar[:-season])
    return bool(change.size and np.median(change.max(axis=1)) < 1e-6)


def _standardized(values):
    """Return columns of mean zero and length one, or of zeros where nothing varies."""
    values = values - values.mean(axis=0)
    values /= np.maximum(np.abs(values).max(axis=0), np.finfo(float).tiny)  # squares stay finite
    length = np.sqrt(np.square(values).sum(axis=0))
    return values / np.where(length > 0.0, length, np.inf)
