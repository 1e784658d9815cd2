"""How the rows of a file are to be read, and what frame the model takes them as."""

from typing import NamedTuple

import pandas as pd

from tsrnn.cli.io.fields import category, text_id
from tsrnn.cli.io.rows import RowParser
from tsrnn.cli.io.times import TimeOptions


class Source(NamedTuple):
    """How the rows of a file are to be read; kept beside a model, for the rows to come.

    Attributes
    ----------
    columns : list of str
        Of values.
    time : TimeOptions
    sep : str
    header : list of str or None
        Names of all fields, for rows that come without a header.
    categories : list of str
        Those of the columns that are texts.
    id : str or None
        Column that names the series of a row, of a panel.
    names : dict
        What the model calls a column, where it differs: values, the id, and under None the time
        of a panel, where that is a column.
    read_id : callable
        How the text of an id is read.
    format : str or None
        One of `READERS`; None: as the first line tells.
    """

    columns: list
    time: TimeOptions
    sep: str = ","
    header: list | None = None
    categories: list = ()
    id: str | None = None
    names: dict = {}  # noqa: RUF012 - never changed
    read_id: object = text_id
    format: str | None = None

    @property
    def numbers(self):
        """Columns of numbers."""
        return [name for name in self.columns if name not in self.categories]

    @property
    def labels(self):
        """Columns that are none, and how each is read."""
        ids = [] if self.id is None else [(self.id, self.read_id)]
        return [*ids, *((name, category) for name in self.columns if name in self.categories)]

    def parser(self, header=None):
        """Return what reads lines into rows."""
        return RowParser(self.numbers, self.time, self.sep, header, self.labels, self.format)

    def frame(self, index, numbers, labels):
        """Return rows, as `Rows` holds them, as the frame that the model takes."""
        names = {name: self.names.get(name, name) for name in self.columns}
        if not labels.shape[1]:
            return pd.DataFrame(numbers, index, [*names.values()])
        values = dict(zip(self.numbers, numbers.T, strict=True))
        values |= {name: column for (name, _), column in zip(self.labels, labels.T, strict=True)}
        columns = {} if self.id is None else {self.names.get(self.id, self.id): values[self.id]}
        if self.id is not None and None in self.names:
            columns[self.names[None]], index = index, None
        return pd.DataFrame(columns | {names[name]: values[name] for name in self.columns}, index)

    def notes(self):
        """Return what is kept beside a model, as JSON knows it."""
        time = self.time
        return {
            "time": time.columns,
            "time_format": time.format,
            "precision": time.precision,
            "sep": self.sep,
            "header": self.header,
            "categories": list(self.categories),
        }
