"""The frequency of an index: inferred, and whether its steps are all the same length."""

import warnings

import numpy as np
import pandas as pd
from pandas.tseries.frequencies import to_offset

DAY_NS = 86_400 * 10**9


def infer_frequency(index):
    """Infer a frequency: whole days by the calendar, one regular step, a rule, the commonest step.

    Raises
    ------
    ValueError
        There are fewer than three stamps, or they follow no frequency.
    """
    if len(index) < 3:
        raise ValueError(
            f"found {len(index)} time stamps, expected at least 3 to infer the frequency; pass freq"
        )
    wall = np.diff(index.tz_localize(None).as_unit("ns").asi8)
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
    lengths, counts = np.unique(wall if index.tz is None else steps, return_counts=True)
    common = lengths[counts.argmax()]
    if counts.max() <= len(steps) // 2 or (lengths % common).any():
        raise ValueError(
            "found time stamps without a regular frequency (steps such as "
            f"{', '.join(str(pd.Timedelta(s, 'ns')) for s in lengths[:3])}), expected evenly "
            "spaced rows; resample first, such as X.resample('h').mean(), or pass freq"
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
