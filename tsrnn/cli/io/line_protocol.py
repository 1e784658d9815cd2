"""Line protocol, as InfluxDB and Telegraf speak it: ``power,site=a load=1.5,on=T 1700000000``."""

import re
from contextlib import suppress
from typing import NamedTuple

import numpy as np

from tsrnn.cli.io.fields import BadRow, Fields, UnfinishedRow, of_row
from tsrnn.cli.io.issued import LineWriter
from tsrnn.cli.io.times import EPOCH_UNITS

MEASUREMENT = re.compile(r"(?:[^\\, ]|\\.)+", re.DOTALL)
KEY = re.compile(r"(?:[^\\,= ]|\\.)+", re.DOTALL)
TEXT = re.compile(r'"((?:[^"\\]|\\.)*)"', re.DOTALL)
VALUE = re.compile(r"[^, ]+")
FLOAT = re.compile(r"[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?")
WHOLE = re.compile(r"[+-]?\d+(?=[iu]$)")
STAMP = re.compile(r"[+-]?\d+")
BOOLEANS = {text: True for text in ("t", "T", "true", "True", "TRUE")}
BOOLEANS |= {text: False for text in ("f", "F", "false", "False", "FALSE")}
NANOSECONDS = dict(zip(EPOCH_UNITS, (10**9, 10**6, 10**3, 1), strict=True))


class Point(NamedTuple):
    """A line, taken apart.

    Attributes
    ----------
    measurement : str
    tags, fields : dict
        Values of fields are bool, or texts: a number stands as in the line, without an i or u.
    time : str
        Digits; empty where the line has no time stamp.
    origin : str
        Measurement and tags as they stand in the line.
    """

    measurement: str
    tags: dict
    fields: dict
    time: str
    origin: str


def parse_line(text):
    r"""Take a line apart.

    Raises
    ------
    BadRow
        It is no line protocol; the error says at which column.
    UnfinishedRow
        It ends within a quoted text.

    Examples
    --------
    >>> point = parse_line(r'wind\ speed,site=a\,b m=1.5,n=42i,on=T,by="an \"x\"" 1700000000')
    >>> point.measurement, point.tags, point.time
    ('wind speed', {'site': 'a,b'}, '1700000000')
    >>> point.fields
    {'m': '1.5', 'n': '42', 'on': True, 'by': 'an "x"'}
    """
    text = text.rstrip(" ")
    start = len(text) - len(text.lstrip(" "))
    found, place = _take(MEASUREMENT, text, start, "a measurement")
    measurement, tags, fields = _plain(found, ", "), {}, {}
    while text[place : place + 1] == ",":
        key, place = _key(text, place + 1, "tag")
        value, place = _take(KEY, text, place, "the value of a tag")
        tags[key] = _plain(value, ",= ")
    origin = text[start:place]
    place = _after_space(text, place, "a comma and a tag, or a space and fields")
    while True:
        key, place = _key(text, place, "field")
        fields[key], place = _value(text, place)
        if text[place : place + 1] != ",":
            break
        place += 1
    if place == len(text):
        return Point(measurement, tags, fields, "", origin)
    place = _after_space(text, place, "a comma and a field, or a space and a time stamp")
    time, place = _take(STAMP, text, place, "a time stamp, a whole number")
    if place < len(text):
        _refuse(text, place, "the end of the line behind the time stamp")
    return Point(measurement, tags, fields, time, origin)


def _take(pattern, text, place, expected):
    """Return what a pattern finds at a place, and the place behind it."""
    found = pattern.match(text, place)
    if found is None:
        _refuse(text, place, expected)
    return found[0], found.end()


def _key(text, place, kind):
    """Return a key without its escapes, and the place behind its equals sign."""
    key, place = _take(KEY, text, place, f"the key of a {kind}")
    if text[place : place + 1] != "=":
        _refuse(text, place, f"= and the value of the {kind} {key!r}")
    return _plain(key, ",= "), place + 1


def _value(text, place):
    """Return the value of a field, and the place behind it."""
    if text[place : place + 1] == '"':
        found = TEXT.match(text, place)
        if found is None:
            raise UnfinishedRow
        return re.sub(r'\\(["\\])', r"\1", found[1]), found.end()
    found, end = _take(VALUE, text, place, "the value of a field")
    if FLOAT.fullmatch(found):
        return found, end
    if whole := WHOLE.match(found):
        return whole[0], end
    if found in BOOLEANS:
        return BOOLEANS[found], end
    return _refuse(text, place, 'a value such as 1.5, 42i, true or "a text"')


def _after_space(text, place, expected):
    """Return the place behind spaces, of which there must be one."""
    end = place
    while text[end : end + 1] == " ":
        end += 1
    if end == place:
        _refuse(text, place, expected)
    return end


def _refuse(text, place, expected):
    found = repr(text[place : place + 20]) if place < len(text) else "the end of the line"
    raise BadRow(f"column {place + 1}: found {found}, expected {expected}")


def _plain(text, special):
    """Return a text without the backslashes before special characters."""
    return re.sub(rf"\\([{special}])", r"\1", text) if "\\" in text else text


class LineProtocolReader:
    """Reads lines of line protocol.

    Columns are fields and tags by their keys, and ``measurement``; the time of a row is the time
    stamp of its line, whatever the column of time is called.

    Parameters
    ----------
    wanted : Wanted
    """

    def __init__(self, wanted):
        self._wanted = wanted

    def read(self, text):
        """Return the `Fields` of a row; None of a comment."""
        if text.lstrip(" ").startswith("#"):
            return None
        point = parse_line(text)
        if self._wanted.time and not point.time:
            _refuse(text, len(text), "a time stamp")
        return Fields(point.time, of_row(_row(point), self._wanted.columns), point.origin)

    def times(self, time):
        """Return how time stamps are written: as numbers since 1970."""
        return time._replace(format=time.precision)

    @staticmethod
    def look(texts, sep):
        """Return the values of each column, by name, that the first lines of a file show."""
        values = {"time": []}
        for text in texts:
            with suppress(ValueError):  # told when the rows are read, as are rows of several lines
                point = parse_line(text)
                values["time"].append(point.time)
                for key, value in _row(point).items():
                    values.setdefault(key, []).append(value)
        return values


def _row(point):
    """Return the columns of a line."""
    return {"measurement": point.measurement, **point.tags, **point.fields}


class LineProtocolWriter(LineWriter):
    """Writes forecasts under the measurement and tags of their row.

    The forecast of ``load`` is the field ``load_forecast``. A line for each step, at its time; one
    for one: a line for each row at the row's time, steps counted: ``load_forecast_1``. The p-value
    of the row, ``load_p_value``, is written at the row's time.

    Raises
    ------
    ValueError
        There are no time stamps.
    """

    def __init__(self, options):
        super().__init__(options)
        if not options.dated:
            raise ValueError(
                "found --format influx and rows without time stamps, expected rows with one: a "
                "forecast is written at its time; fit with --time"
            )

    def forecasts(self, issued):
        """Return the lines of several `Issued`."""
        return [line for one in issued for line in self._lines(one)]

    def answer(self, issued, line):
        """Return the line of the forecast, or the line that came as it is."""
        return "".join(self.forecasts(issued)) or line

    def _lines(self, one):
        if one.forecast is None:
            reason = one.reason.replace("\\", r"\\").replace('"', r"\"")
            fields = [(one.cutoff.as_unit("ns").value, [f'reason="{reason}"'])]
        else:
            fields = self._fields(one)
        now, p_values = one.cutoff.as_unit("ns").value, self._p_values(one)
        if fields[-1][0] == now:
            fields[-1][1].extend(p_values)
        else:
            fields.insert(0, (now, p_values))
        size = NANOSECONDS[self.options.precision]
        return [f"{one.origin} {','.join(some)} {time // size}" for time, some in fields if some]

    def _fields(self, one):
        """Return the fields of each line, with its time."""
        values, keys = one.forecast.to_numpy(), [self._key(name) for name in one.forecast]
        if self.options.one_for_one:
            steps = range(1, len(values) + 1)
            keys = [f"{key}_{step}" for key in keys for step in steps]
            times, values = [one.cutoff.as_unit("ns").value], values.T.reshape(1, -1)
        else:
            times = one.forecast.index.as_unit("ns").asi8.tolist()
        return [
            (time, [f"{key}={x!r}" for key, x in zip(keys, row, strict=True) if np.isfinite(x)])
            for time, row in zip(times, values.tolist(), strict=True)
        ]

    def _p_values(self, one):
        """Return the fields of the p-values that are known."""
        targets = self.options.targets
        known = zip(targets, one.known_p_values(targets), strict=True)
        return [f"{_escaped(f'{name}_p_value')}={p!r}" for name, p in known if p is not None]

    def _key(self, name):
        return _escaped(f"{name}_forecast" if str(name) in self.options.targets else str(name))


def origin_of(measurement, tags=None):
    r"""Return measurement and tags as they stand in a line.

    Examples
    --------
    >>> origin_of("next day", {"site": "a, b", "kind": 7})
    'next\\ day,site=a\\,\\ b,kind=7'
    """
    measurement = re.sub(r"([, ])", r"\\\1", measurement)
    pairs = [f"{_escaped(key)}={_escaped(str(tag))}" for key, tag in (tags or {}).items()]
    return ",".join([measurement, *pairs])


def _escaped(name):
    """Return a key with backslashes before what would end it."""
    return re.sub(r"([,= ])", r"\\\1", name)
