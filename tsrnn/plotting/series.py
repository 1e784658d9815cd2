"""Series of a panel, picked out of the frames that hold them."""

from collections.abc import Hashable, Sequence
from functools import partial
from typing import Any, NamedTuple

import pandas as pd

from tsrnn.frames.native import incoming, indexed, native_of

MOST_SERIES = 6  # small multiples, unless ids= asks for others


class Keys(NamedTuple):
    """Where ids and times are: columns; or, without an id column, the levels of an index."""

    id_col: Hashable | None = None
    time_col: Hashable | None = None

    @classmethod
    def of(cls, forecast: pd.DataFrame) -> "Keys | None":
        """Read them off a forecast; None of one stream.

        A panel's forecast has an (id, time) index; or starts with the columns of ids and times, or
        of ids where the index holds the times.
        """
        if forecast.index.nlevels > 1:
            return cls()
        columns = list(forecast.columns)
        if not forecast.index.is_unique and len(columns) > 1:
            return cls(columns[0])
        dated = len(columns) > 2 and not pd.api.types.is_float_dtype(forecast.dtypes.iloc[1])
        return cls(columns[0], columns[1]) if dated else None

    def ids(self, frame: pd.DataFrame) -> list[Hashable]:
        """Return the ids of a frame, in the order in which they come."""
        if self.id_col is None:
            return list(frame.index.unique(0))
        return list(frame[self.id_col].unique())

    def series(self, frame: Any, id: Hashable) -> Any:
        """Return the rows of one series, indexed by time."""
        if self.id_col is None:
            return frame.xs(id, level=0)
        rows = frame[frame[self.id_col] == id].drop(columns=[self.id_col])
        return rows if self.time_col is None else rows.set_index(self.time_col)


def received(forecast: Any, *rows: Any) -> tuple[Any, ...]:
    """Return a forecast and rows it is shown with as frames of pandas, those of a stream by time.

    Frames of other libraries hold times as a column, which a forecast of one stream starts with.
    What is of no such library is returned as it is.
    """
    time = None
    if native_of(forecast) is not None:
        forecast = incoming(forecast)
        if pd.api.types.is_datetime64_any_dtype(forecast.dtypes.iloc[0]):
            time = forecast.columns[0]
            forecast = forecast.set_index(time)
    read = incoming if time is None else partial(indexed, time=time)
    return forecast, *(one if native_of(one) is None else read(one) for one in rows)


def picked(ids: Any, known: list[Hashable]) -> Sequence[Hashable]:
    """Return the ids to show: those asked for, or the first ones.

    Raises
    ------
    ValueError
        One of them is not known.
    """
    if ids is None:
        return known[:MOST_SERIES]
    wanted = list(ids) if isinstance(ids, (list, tuple, pd.Index)) else [ids]
    missing = [id for id in wanted if id not in known]
    if missing or not wanted:
        raise ValueError(f"found ids={ids!r}, expected some of {known[:10]}; correct them")
    return wanted
