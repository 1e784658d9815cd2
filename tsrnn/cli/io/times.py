"""Time stamps out of texts: ISO 8601, other formats, zones, and stamps over several columns."""

import re
from datetime import UTC, datetime
from typing import NamedTuple

import numpy as np
import pandas as pd

MISSING = {"", "na", "n/a", "#n/a", "<na>", "nan", "null", "none"}  # in lower case
OFFSET = re.compile(r"(Z|[+-]\d\d(:?\d\d)?)$")  # of a time stamp, after its date
EPOCH_UNITS = "s", "ms", "us", "ns"
WHOLE = re.compile(r"\s*[+-]?\d+\s*")
# A remedy for local time, of which an hour comes twice:
TWICE = "write the offset from UTC, as in 2024-10-27T01:00+01:00, and name the zone: --tz"
DATE_LENGTH = len("2024-01-31")


class TimeOptions(NamedTuple):
    """How time stamps are written.

    Attributes
    ----------
    columns : list of str
        One, or year, month, day, hour ... in this order; empty: rows are counted.
    format : str or None
        None: ISO 8601.
    tz : str, tzinfo or None
        The zone that the rows are to be in; stamps without an offset are its wall clock.
    strict : bool
        Refuse stamps that have an offset where `tz` is None; else those are taken to UTC.
    precision : str
        One of `EPOCH_UNITS`: the unit of time stamps of line protocol.
    """

    columns: list
    format: str | None = None
    tz: object = None
    strict: bool = False
    precision: str = "ns"


def joined_time(parts):
    """Return the text of a time stamp: as it is, or ISO 8601 out of year, month, day, hour ..."""
    if len(parts) < 2:
        return parts[0].strip() if parts else ""
    date, clock = parts[:3], parts[3:]
    date = "-".join(part.strip().zfill(2) for part in [*date, *["01"] * (3 - len(date))])
    if not clock:
        return date
    return (
        f"{date}T{':'.join(part.strip().zfill(2) for part in [*clock, *['0'] * (2 - len(clock))])}"
    )


def parse_times(texts, time, lines, problems):
    """Return the stamps of texts as a DatetimeIndex in the zone of `time`; NaT for bad ones.

    Parameters
    ----------
    texts : list of str
    time : TimeOptions
    lines : list of int
        Their numbers; bad ones are entered in `problems`.
    problems : dict
    """
    try:
        index = _times(texts, time)
        if not index.hasnans:
            return index
    except (ValueError, OverflowError, TypeError):
        pass
    good = []  # one by one, to find the bad ones
    for row, (text, line) in enumerate(zip(texts, lines, strict=True)):
        try:
            stamp = _times([text], time)[0]
            if stamp is pd.NaT:
                raise ValueError
            time = time._replace(tz=stamp.tz, strict=True)  # the first decides for the others
            good.append(row)
        except (ValueError, OverflowError, TypeError) as error:
            problems[line] = _bad_time(text, time, error)
    if not good:
        return pd.DatetimeIndex([pd.NaT] * len(texts), tz=time.tz)
    places = np.full(len(texts), -1)
    places[good] = np.arange(len(good))
    return _times([texts[row] for row in good], time).take(places, fill_value=pd.NaT)


def _times(texts, time):
    if time.format in EPOCH_UNITS:
        whole = all(WHOLE.fullmatch(text) for text in texts)  # floats hold no nanoseconds of today
        counts = np.array(texts, dtype=np.int64 if whole else float)
        return pd.to_datetime(counts, unit=time.format, utc=True).tz_convert(time.tz)
    if time.format is None:
        aware = [OFFSET.search(text, DATE_LENGTH) is not None for text in texts]
    else:
        aware = ["%z" in time.format] * len(texts)
    if any(aware):
        if not all(aware) or (time.strict and time.tz is None):
            raise _OffsetError("found time stamps with an offset from UTC, and others without")
        index = _read(texts, time.format, utc=True)
        return index if time.tz is None else index.tz_convert(time.tz)
    index = _read(texts, time.format)
    if time.tz is None:
        return index
    return index.tz_localize(time.tz, ambiguous="NaT", nonexistent="NaT")


def _read(texts, format, utc=False):
    try:
        return pd.DatetimeIndex(pd.to_datetime(texts, format=format or "ISO8601", utc=utc))
    except pd.errors.OutOfBoundsDatetime:  # pandas 2 reads nanoseconds alone, which end in 2262
        moments = [
            datetime.strptime(text, format) if format else datetime.fromisoformat(text)
            for text in texts
        ]
    if utc:
        moments = [moment.astimezone(UTC).replace(tzinfo=None) for moment in moments]
    index = pd.DatetimeIndex(np.array(moments, dtype="M8[us]"))
    return index.tz_localize("UTC") if utc else index


def _bad_time(text, time, error):
    """Say what is wrong with a time stamp that could not be read."""
    if not text or text.lower() in MISSING:
        return "found no time stamp"
    if isinstance(error, _OffsetError):
        expected = "an offset from UTC, expected none"
    elif time.format in EPOCH_UNITS:
        expected = f"expected a number of {time.format} since 1970"
    elif time.format is not None:
        expected = f"expected the form {time.format!r} (--time-format)"
    elif re.match(r"\d{4}-?\d\d", text):
        expected = "expected a date that there is, in ISO 8601 such as 2024-01-31T15:00"
    else:
        expected = (
            "expected ISO 8601 such as 2024-01-31T15:00; pass --time-format, such as "
            "'%d/%m/%Y %H:%M'"
        )
    if not str(error) and time.tz is not None:  # pandas made NaT of it
        expected = f"which comes twice or never in the zone, or {expected}; {TWICE}"
    return f"found {text!r} as time stamp, {expected}"


class _OffsetError(ValueError):
    """Offsets from UTC, in some stamps alone or where there is no zone."""
