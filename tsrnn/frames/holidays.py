"""Public holidays of a country as inputs that are known of every step."""

import datetime
import importlib
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from tsrnn.frames.frequency import DAY_NS
from tsrnn.persistence.registry import saved

HOLIDAY_NAMES = ("holiday", "holiday_eve", "day_after_holiday")
EPOCH = datetime.date(1970, 1, 1).toordinal()


@saved("holiday-calendar")
@dataclass(frozen=True)
class HolidayCalendar:
    """Whether the day of a step is a holiday, the eve of one, or the day after one.

    The days are those of the package ``holidays``, in the wall-clock time of the rows.

    Attributes
    ----------
    country : str
        ISO code, such as "PT".
    subdivision : str or None
        Such as "BY".
    """

    country: str
    subdivision: str | None = None

    n_columns = len(HOLIDAY_NAMES)

    @classmethod
    def of(cls, holidays, axis):
        """Check the parameter ``holidays``, against the axis of the rows too.

        Raises
        ------
        ValueError
            It names no country, or rows have no time stamps or are longer than a day.
        ImportError
            The package is not installed.
        """
        if holidays is None:
            return None
        names = (holidays,) if isinstance(holidays, str) else holidays
        if (
            not isinstance(names, Sequence)
            or len(names) not in (1, 2)
            or not all(isinstance(name, str) for name in names)
        ):
            raise ValueError(
                f"found holidays={holidays!r}, expected a country, or a country and a subdivision; "
                'pass such as "PT" or ("DE", "BY")'
            )
        if axis.shortest_step_ns is None or axis.shortest_step_ns > DAY_NS:
            found = "without time stamps" if axis.shortest_step_ns is None else "longer than a day"
            raise ValueError(
                f"found holidays={holidays!r} and rows {found}, expected rows of a day or shorter; "
                "leave holidays out"
            )
        calendar = cls(*names)
        _ = calendar._days  # that there are such
        return calendar

    def features(self, wall_ns):
        """Return the columns (n, 3) of wall-clock times in nanoseconds since 1970, 0 or 1."""
        days = wall_ns // DAY_NS
        return np.stack([self._are(days + shift) for shift in (0, 1, -1)], axis=1)

    def at(self, axis, positions):
        """Return the columns (n, 3) of steps at positions of an axis."""
        return self.features(axis.wall_ns(axis.stamps_at(positions)))

    def _are(self, days):
        return np.array([self._is(day) for day in days.tolist()], dtype=float)

    def _is(self, day):
        found = self._known.get(day)
        if found is None:
            found = self._known[day] = datetime.date.fromordinal(EPOCH + day) in self._days
        return found

    @cached_property
    def _known(self):
        """Days asked for before, and whether they are holidays."""
        return {}

    @cached_property
    def _days(self):
        try:
            package = importlib.import_module("holidays")
        except ImportError as error:
            raise ImportError(
                f"found holidays={self.country!r} without the package holidays, expected it to be "
                'installed; run pip install "tsrnn[holidays]"'
            ) from error
        try:
            return package.country_holidays(self.country, subdiv=self.subdivision)
        except NotImplementedError as error:
            raise ValueError(
                f"found holidays of {self.country!r}, {self.subdivision!r}, expected a country and "
                f"a subdivision that the package holidays has; correct it ({error})"
            ) from error
