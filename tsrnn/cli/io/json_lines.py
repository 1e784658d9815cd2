"""JSON lines: an object a line."""

import json
from contextlib import suppress

import numpy as np
import pandas as pd

from tsrnn.cli.io.fields import BadRow, Fields, of_row
from tsrnn.cli.io.issued import LineWriter, shown, times_of
from tsrnn.cli.io.times import joined_time


class JsonReader:
    """Reads lines of JSON.

    Parameters
    ----------
    wanted : Wanted
    """

    def __init__(self, wanted):
        self._wanted = wanted

    def read(self, text):
        """Return the `Fields` of a row."""
        row, time = json_object(text), self._wanted.time
        missing = [name for name in time if row.get(name) is None]
        if missing:
            raise BadRow(f"found no {missing[0]!r}, expected the time of the row")
        values = of_row(row, self._wanted.columns)
        return Fields(joined_time([str(row[name]) for name in time]), values)

    def times(self, time):
        """Return how time stamps are written: as the options say."""
        return time

    @staticmethod
    def look(texts, sep):
        """Return the values of each column, by name, that the first lines of a file show."""
        values = {}
        for text in texts:
            with suppress(ValueError):  # told when the rows are read
                for key, value in json_object(text).items():
                    values.setdefault(key, []).append(value)
        return values


def json_object(text):
    """Read a line of JSON lines."""
    try:
        row = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise BadRow(f"found no JSON: {error}") from error
    if not isinstance(row, dict):
        raise BadRow("found no JSON object, expected one such as {...}")
    return row


def write_rows(frame, file):
    """Write the rows of a frame, an object a line: numbers to their last digit.

    What is missing or infinite, which JSON has no number for, is null.

    Examples
    --------
    >>> import sys
    >>> import pandas as pd
    >>> days = pd.date_range("2024-01-01", periods=2)
    >>> write_rows(pd.DataFrame({"day": days, "load": [1.5e-11, float("nan")]}), sys.stdout)
    {"day": "2024-01-01T00:00:00", "load": 1.5e-11}
    {"day": "2024-01-02T00:00:00", "load": null}
    """
    names = [str(name) for name in frame.columns]
    columns = [_listed(frame.iloc[:, place]) for place in range(len(names))]
    for row in zip(*columns, strict=True):
        file.write(json.dumps(dict(zip(names, row, strict=True)), allow_nan=False) + "\n")


def _listed(column):
    if isinstance(column.dtype, (pd.DatetimeTZDtype, pd.PeriodDtype)) or column.dtype.kind == "M":
        return times_of(pd.DataFrame(index=pd.Index(column)))
    known = column.notna()
    if column.dtype.kind == "f":
        known &= np.isfinite(column)
    return column.astype(object).where(known, None).tolist()


class JsonWriter(LineWriter):
    """Writes an object for each row; one for one: of a panel, a list of those of a time stamp."""

    holds_several = True

    def forecasts(self, issued):
        """Return the lines of several `Issued`."""
        return [json.dumps(self._object(one)) for one in issued]

    def answer(self, issued, line):
        """Return the line of the forecast, or of the panel's list; null where there is none."""
        if not issued:
            return "null"
        objects = [self._object(one) for one in issued]
        return json.dumps(objects if self.options.panel else objects[0])

    def _object(self, one):
        """Return what there is to say of a row.

        Examples
        --------
        >>> import pandas as pd
        >>> from tsrnn.cli.io.issued import Issued, WriterOptions
        >>> index = pd.date_range("2024-01-01", periods=2)
        >>> issued = Issued(index[0], pd.DataFrame({"load": [1.5]}, index[1:]))
        >>> JsonWriter(WriterOptions(["load"]))._object(issued)["forecast"]
        {'load': [1.5]}
        """
        found = {"id": one.id} if self.options.panel else {}
        found["cutoff"] = shown(one.cutoff)
        if one.forecast is None:
            return {**found, "forecast": None, "reason": one.reason}
        values = one.forecast.to_numpy()
        columns = values.T.tolist()
        if not np.isfinite(values).all():
            columns = [[v if np.isfinite(v) else None for v in column] for column in columns]
        names = map(str, one.forecast.columns)
        values = dict(zip(names, columns, strict=True))
        found |= {"times": times_of(one.forecast), "forecast": values}
        if one.p_values is not None:
            known = zip(one.p_values, one.known_p_values(one.p_values), strict=True)
            found["p_value"] = dict(known)
        return found
