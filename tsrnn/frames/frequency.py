"""The frequency of an index: inferred, and whether its steps are all the same length."""

import warnings

import numpy as np
import pandas as pd
from pandas.tseries.frequencies import to_offset

DAY_NS = 86_400 * 10**9
HOUR_NS = DAY_NS // 24
DAYS_OF_A_ZONE = {0, HOUR_NS, DAY_NS - HOUR_NS}  # 24, 25 and 23 hours, less whole days
SHORTEST_MONTH = 28 * DAY_NS
THURSDAY = 3  # 1970-01-01, days of the week counted from Monday
DECEMBER = 12
# Nanoseconds of steps that clocks make: fractions of a day, then seconds and fractions of one.
ROUND_STEPS = (
    *(DAY_NS // n for n in (1, 2, 3, 4, 6, 8, 12, 24, 48, 72, 96, 144, 288, 480, 720, 1440)),
    *(10**9 * n for n in (30, 20, 15, 10, 5, 2, 1)),
    *(10**6 * n for n in (500, 200, 100, 50, 20, 10, 5, 2, 1)),
)

DAYS_REMEDY = (
    "; if they are days of a time zone whose clocks change, tell it: "
    "X.tz_localize('UTC').tz_convert('America/New_York') of stamps in UTC, "
    "X.tz_convert(...) where they have a zone"
)


def infer_frequency(index):
    """Infer a frequency: whole days by the calendar, one regular step, a rule, the commonest step.

    Rows may be missing. Where stamps follow a rule such as business days or months but for these,
    the frequency is that rule.

    Raises
    ------
    ValueError
        There are fewer than three stamps, or they follow no frequency, or two that they cannot
        tell apart.
    """
    if len(index) < 3:
        raise ValueError(
            f"found {len(index)} time stamps, expected at least 3 to infer the frequency; pass freq"
        )
    local = index.tz_localize(None)
    wall = np.diff(local.as_unit("ns").asi8)
    if (wall == wall[0]).all() and wall[0] % DAY_NS == 0:  # by the calendar, clock changes or not
        days = int(wall[0] // DAY_NS)
        if days % 7 == 0:
            return pd.offsets.Week(days // 7, weekday=index[0].weekday())
        return pd.offsets.Day(days)
    steps = np.diff(index.as_unit("ns").asi8)
    if (steps == steps[0]).all():
        return to_offset(pd.Timedelta(steps[0], "ns"))
    with warnings.catch_warnings():  # pandas 3 announces that it will return an offset
        warnings.simplefilter("ignore")
        rule = pd.infer_freq(index)
    if rule is not None:
        return to_offset(rule)
    if (wall % DAY_NS == 0).all():
        rule = _months(local) if wall.min() >= SHORTEST_MONTH else _business_days(local, wall)
        if rule is not None:
            return rule
    lengths, counts = np.unique(wall if index.tz is None else steps, return_counts=True)
    common = lengths[counts.argmax()]
    if counts.max() <= len(steps) // 2 or (lengths % common).any():
        raise ValueError(
            "found time stamps without a regular frequency (steps such as "
            f"{', '.join(str(pd.Timedelta(s, 'ns')) for s in lengths[:3])}), expected evenly "
            "spaced rows; resample first, such as X.resample('h').mean(), or pass freq"
            f"{_snap_remedy(local)}"
        )
    days, rest = divmod(int(common), DAY_NS)
    return to_offset(pd.Timedelta(common, "ns")) if rest else pd.offsets.Day(days)


def fixed_ns(freq, tz):
    """Nanoseconds of a step, None where they are not all the same."""
    if isinstance(freq, pd.offsets.Day):  # a calendar day: 23 or 25 hours at a clock change
        return freq.n * DAY_NS if tz is None else None
    if isinstance(freq, pd.offsets.Tick):
        return pd.Timedelta(freq).as_unit("ns").value
    return None


def infer_step(numbers, freq=None):
    """Return the step of row numbers, of which some may be missing.

    Parameters
    ----------
    numbers : ndarray of int, shape (n,)
        In any order.
    freq : int, optional
        Overrules what is inferred.

    Raises
    ------
    ValueError
        Their steps are no multiples of the commonest one, or ``freq`` is no step.

    Examples
    --------
    >>> infer_step(np.array([0, 60, 120, 300]))
    60
    """
    if freq is not None:
        if isinstance(freq, (int, np.integer)) and freq > 0:
            return int(freq)
        raise ValueError(
            f"found freq={freq!r} and rows with numbers, expected the whole number between them, "
            "such as freq=1; or index rows by time stamps: X.set_index(pd.to_datetime(...))"
        )
    lengths, counts = np.unique(np.diff(np.unique(numbers)), return_counts=True)
    if not len(lengths):
        return 1
    common = int(lengths[counts.argmax()])
    if (lengths % common).any():
        odd = int(lengths[lengths % common != 0][0])
        smaller = int(np.gcd.reduce(lengths))
        raise ValueError(
            f"found row numbers in steps of {common}, and some of {odd}, expected multiples of one "
            f"step; pass freq={smaller} to count what is not there as missing rows, or drop the "
            "numbers where rows only follow each other (X.reset_index(drop=True))"
        )
    return common


def snapped(index, tolerance, step=None):
    """Return time stamps moved by at most a tolerance onto the ticks of a clock.

    Ticks are those of the longest round step, of `ROUND_STEPS`, that all stamps are near; else
    steps of the round length that is closest to the median one, in phase with the stamps.

    Parameters
    ----------
    index : DatetimeIndex
    tolerance : int
        Nanoseconds.
    step : int, optional
        Nanoseconds from row to row, where that is known.

    Raises
    ------
    ValueError
        Stamps are near no such ticks.

    Examples
    --------
    >>> minutes = pd.DatetimeIndex(["2024-01-01 00:00:03", "2024-01-01 00:00:58"])
    >>> snapped(minutes, 4_000_000_000).astype(str).tolist()
    ['2024-01-01 00:00:00', '2024-01-01 00:01:00']
    """
    wall = index.tz_localize(None).as_unit("ns").asi8
    for tick in ROUND_STEPS if step is None else (step,):
        if tick <= 2 * tolerance:
            break
        rest = _rest(wall, tick)
        if (np.abs(rest) <= tolerance).all():
            return _moved(index, rest)
    step = _round_step(wall) if step is None else step
    phase = int(np.median(_rest(wall - wall[0], step)))
    rest = _rest(wall - wall[0] - phase, step)
    if step <= 2 * tolerance or (np.abs(rest) > tolerance).any():
        worst = pd.Timedelta(int(np.abs(rest).max()), "ns")
        raise ValueError(
            f"found time stamps up to {worst} off steps of {pd.Timedelta(step, 'ns')}, expected "
            f"none further off than snap={pd.Timedelta(tolerance, 'ns')}, and that to be less than "
            "half a step; pass another snap, or resample first, such as X.resample('h').mean()"
        )
    second = 10**9
    whole = -((wall[0] + phase) % second)  # the grid on whole seconds, if it may be
    if (np.abs(rest - whole) <= tolerance).all():
        rest = rest - whole
    return _moved(index, rest)


def snap_remedy(off, step):
    """Return the words that tell of ``snap=``, with a tolerance if stamps are near their steps.

    Parameters
    ----------
    off, step : int
        Nanoseconds that stamps are off, and of a step.
    """
    if 4 * off < step:
        tolerance = min(s for s in ROUND_STEPS if s >= off)
        return f"; where clocks are not exact, pass snap={_short(pd.Timedelta(tolerance, 'ns'))!r}"
    return "; where clocks are not exact, pass snap, the most that a stamp may be off"


def _snap_remedy(index):
    wall = index.as_unit("ns").asi8
    step = _round_step(wall)
    if step == DAY_NS and set(np.diff(wall) % DAY_NS) <= DAYS_OF_A_ZONE:
        return DAYS_REMEDY
    return snap_remedy(int(np.abs(_rest(wall, step)).max()), step)


def _short(delta):
    """Return a Timedelta as users write it."""
    seconds = delta.total_seconds()
    for unit, size in (("h", 3600), ("min", 60), ("s", 1)):
        if seconds >= size and seconds % size == 0:
            return f"{int(seconds // size)}{unit}"
    return f"{int(1000 * seconds)}ms"


def _rest(wall, step):
    """Return how far times are behind the nearest multiple of a step."""
    return (wall + step // 2) % step - step // 2


def _round_step(wall):
    """Return the round length that is closest to the median step, in relative terms."""
    median = max(1.0, float(np.median(np.diff(np.sort(wall)))))
    return min(ROUND_STEPS, key=lambda step: abs(np.log(step / median)))


def _moved(index, rest):
    stamps = (index.as_unit("ns").asi8 - rest).view("M8[ns]")
    moved = pd.DatetimeIndex(stamps, name=index.name)
    if index.tz is not None:
        moved = moved.tz_localize("UTC").tz_convert(index.tz)
    return moved.as_unit(index.unit)


def _business_days(local, wall):
    """Return business days, if those are what is not missing; None if days are."""
    days = local.as_unit("ns").asi8 // DAY_NS
    weekdays = (days + THURSDAY) % 7
    friday = np.where(weekdays[:-1] == 4, 3, 1)  # days to the next business day
    if weekdays.max() >= 5 or (wall == friday * DAY_NS).mean() <= 0.5:
        return None
    weekends = np.diff((days[[0, -1]] + THURSDAY) // 7)[0]
    if weekends < 2:
        raise ValueError(
            f"found {len(local)} days with gaps, none of them a Saturday or Sunday, expected to "
            "see whether they are business days: these rows may be business days or days with "
            "rows missing; pass freq='B' or freq='D'"
        )
    return pd.offsets.BusinessDay()


def _months(local):
    """Return the rule of months, quarters or years that stamps follow with gaps, or None."""
    numbers = 12 * local.year.to_numpy() + local.month.to_numpy()
    lengths, counts = np.unique(np.diff(numbers), return_counts=True)
    common = int(lengths[counts.argmax()])
    if counts.max() <= (len(local) - 1) // 2 or not common or (lengths % common).any():
        return None
    month = int(local.month[0])
    last = 10 + (month - 10) % 3  # of the quarters of a year, as pandas names them
    rules = (
        ("is_month_start", pd.offsets.MonthBegin, pd.offsets.QuarterBegin, pd.offsets.YearBegin),
        ("is_month_end", pd.offsets.MonthEnd, pd.offsets.QuarterEnd, pd.offsets.YearEnd),
    )
    for attribute, monthly, quarterly, yearly in rules:
        if getattr(local, attribute).all():
            if common % DECEMBER == 0:
                return yearly(common // DECEMBER, month=month)
            if common % 3 == 0:
                return quarterly(common // 3, startingMonth=last)
            return monthly(common)
    for offset in (pd.offsets.BMonthBegin(common), pd.offsets.BMonthEnd(common)):
        if all(offset.is_on_offset(stamp) for stamp in local):
            return offset
    return None
