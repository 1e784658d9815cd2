"""Time stamps, zones, frequencies and indexes of pandas, back from their nodes."""

import datetime
import zoneinfo

import numpy as np
import pandas as pd
from pandas.tseries.frequencies import to_offset

from tsrnn.persistence.encode import PLAIN_KINDS
from tsrnn.persistence.errors import require

MAX_OFFSET_TEXT = 100


def _timestamp(decoder, timestamp, unit, tz):
    stamp = pd.Timestamp(np.datetime64(timestamp, _unit(unit)))
    return stamp if tz is None else stamp.tz_localize("UTC").tz_convert(decoder.value(tz))


def _timedelta(decoder, timedelta, unit):
    return pd.Timedelta(np.timedelta64(timedelta, _unit(unit)))


def _zone(decoder, zone):
    zoneinfo.ZoneInfo(zone)  # refuses whatever is no name in the database of zones, paths above all
    return pd.DatetimeIndex([], tz=zone).tz  # as this version of pandas makes them


def _fixed_zone(decoder, fixed_zone):
    return datetime.timezone(datetime.timedelta(seconds=fixed_zone))


def _offset(decoder, offset):
    require(len(offset) <= MAX_OFFSET_TEXT, "a frequency is too long")
    return to_offset(offset)


def _index(decoder, index, name, range=None, dtype=None, values=None, levels=None, codes=None,
           names=None, unit=None, tz=None, freq=None):  # fmt: skip
    name = decoder.value(name)
    if index == "RangeIndex":
        return pd.RangeIndex(*range, name=name)
    if index == "MultiIndex":
        levels, codes = decoder.values(levels), [decoder.array(**c) for c in codes]
        return pd.MultiIndex(levels=levels, codes=codes, names=decoder.values(names))
    if index == "DatetimeIndex":
        zone, freq = decoder.value(tz), decoder.value(freq)
        stamps = pd.DatetimeIndex(decoder.array(**values).view(f"M8[{_unit(unit)}]"), name=name)
        if zone is not None:
            stamps = stamps.tz_localize("UTC").tz_convert(zone)
        return pd.DatetimeIndex(stamps, freq=freq, name=name)
    require(index == "Index" and dtype is not None, f"an index of the unknown kind {index!r}")
    plain = dtype in ("object", "str") or np.dtype(dtype).kind in PLAIN_KINDS
    require(plain, f"an index of the unknown dtype {dtype!r}")
    values = decoder.objects(**values) if "objects" in values else decoder.array(**values)
    return pd.Index(values, dtype=dtype, name=name)


def _unit(unit):
    require(unit in ("s", "ms", "us", "ns"), "a unit of time is unknown")
    return unit


# The reader of each tag, and the keys that may stand beside it.
READERS = {
    "fixed_zone": (_fixed_zone, ()),
    "index": (
        _index,
        {"name", "range", "dtype", "values", "levels", "codes", "names", "unit", "tz", "freq"},
    ),
    "nat": (lambda decoder, nat: pd.NaT, ()),
    "offset": (_offset, ()),
    "timedelta": (_timedelta, {"unit"}),
    "timestamp": (_timestamp, {"unit", "tz"}),
    "zone": (_zone, ()),
}
