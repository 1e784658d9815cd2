"""CSV: a header, then a row a line; within quotes a row may go on in the next line."""

import csv
import io

import numpy as np

from tsrnn.cli.io.fields import BadRow, Fields, UnfinishedRow, require_columns
from tsrnn.cli.io.issued import LineWriter, shown, times_of
from tsrnn.cli.io.times import joined_time


class CsvReader:
    """Reads lines of CSV; the first is the header, unless one is given.

    Parameters
    ----------
    wanted : Wanted

    Raises
    ------
    ValueError
        The header lacks a column.
    """

    def __init__(self, wanted):
        self._wanted, self._sep, self._first = wanted, wanted.sep, None
        if wanted.header is not None:
            self._use(wanted.header)

    def _use(self, header):
        require_columns(header, [*self._wanted.time, *self._wanted.columns])
        self._header = header
        self._places = [header.index(name) for name in self._wanted.columns]
        self._time_places = [header.index(name) for name in self._wanted.time]

    def read(self, text):
        """Return the `Fields` of a row; None of the header, which may come again."""
        if text == self._first:
            return None
        fields = split(text, self._sep)
        if self._first is None and self._wanted.header is None:
            self._use(fields)
            self._first = text
            return None
        if len(fields) != len(self._header):
            raise BadRow(f"found {len(fields)} fields, expected {len(self._header)}")
        time = joined_time([fields[place] for place in self._time_places])
        return Fields(time, [fields[place] for place in self._places])

    def times(self, time):
        """Return how time stamps are written: as the options say."""
        return time

    @staticmethod
    def look(texts, sep):
        """Return the values of each column, by name, that the first lines of a file show."""
        rows = csv.reader((text + "\n" for text in texts), delimiter=sep)
        header = next(rows)
        good = [row for row in rows if len(row) == len(header)]
        columns = zip(*good, strict=True) if good else [[]] * len(header)
        return dict(zip(header, columns, strict=True))


def split(text, sep):
    """Split a row of CSV into its fields.

    Raises
    ------
    UnfinishedRow
        It ends within quotes.
    BadRow
        It cannot be read.
    """
    if '"' not in text:
        return text.split(sep)
    rows = csv.reader([text, ""], delimiter=sep)
    try:
        fields = next(rows)
    except csv.Error as error:
        raise BadRow(f"found no CSV: {error}") from error
    if rows.line_num > 1:  # it has gone on in the empty line
        raise UnfinishedRow
    return fields


class CsvWriter(LineWriter):
    """Writes forecasts as CSV.

    A line for each step, with its time stamp; one for one: a line for each row, all steps on it.
    The p-values of the row at the cutoff stand behind the forecasts.
    """

    def __init__(self, options):
        super().__init__(options)
        self._header_due, self._header, self._n_values = options.header, None, 0

    def begin(self, expected, is_first):
        """Note the header, which is written where nothing was before."""
        self._header_due = self.options.header and is_first
        if expected is not None:
            self._expect(expected)

    def _expect(self, forecast):
        if self.options.one_for_one:
            steps = range(1, len(forecast) + 1)
            columns = [f"{name}_{step}" for name in forecast.columns for step in steps]
        else:
            columns = ["time", *map(str, forecast.columns)]
        ids = ["id"] if self.options.panel else []
        reasons = ["reason"] if self.options.known_ahead else []
        self._n_values = len(columns)
        p_values = [f"{name}_p_value" for name in self.options.targets]
        self._header = _line([*ids, "cutoff", *columns, *p_values, *reasons])

    def forecasts(self, issued):
        """Return the lines of several `Issued`, behind a header that is due."""
        lines = []
        for one in issued:
            if self._header is None and one.forecast is not None:
                self._expect(one.forecast)
            if self._header_due and self._header is not None:
                lines.append(self._header)
                self._header_due = False
            lines += self._lines(one)
        return lines

    def _lines(self, one):
        about = [one.id] if self.options.panel else []
        about.append(shown(one.cutoff))
        behind = one.known_p_values(self.options.targets)
        behind += [one.reason] if self.options.known_ahead else []
        if one.forecast is None:
            return [_line([*about, *[None] * self._n_values, *behind])]
        values = one.forecast.to_numpy()
        if self.options.one_for_one:
            return [_line([*about, *_finite(values.T.ravel()), *behind])]
        times = times_of(one.forecast)
        return [
            _line([*about, time, *_finite(row), *behind])
            for time, row in zip(times, values, strict=True)
        ]

    def answer(self, issued, line):
        """Return the forecast's line; the header for the header, or the line as it is."""
        if not issued and self._header_due and self._header is not None:
            self._header_due = False  # the header's answer is a header
            return self._header
        self._header_due = False
        return "".join(self.forecasts(issued)) or line


def _finite(values):
    return [value if np.isfinite(value) else None for value in values.tolist()]


def _line(fields):
    """Return a row of CSV, empty where a field is None."""
    text = io.StringIO()
    csv.writer(text, lineterminator="").writerow(fields)
    return text.getvalue()
