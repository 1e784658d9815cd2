"""Types of what users pass in."""

from collections.abc import Hashable, Iterable, Sequence
from typing import Any, Literal, Protocol, TypeAlias

import numpy as np
import pandas as pd


class ArrowFrame(Protocol):
    """A frame of another library, such as polars, that hands its columns on by Arrow."""

    def __arrow_c_stream__(self, requested_schema: object | None = None) -> object:
        """Return its rows as a stream."""


#: Rows, oldest first.
Data: TypeAlias = pd.DataFrame | pd.Series | np.ndarray | Sequence[Any] | ArrowFrame
#: Ids of series: of each row, or those to pick.
Ids: TypeAlias = Hashable | Iterable[Hashable] | np.ndarray | None
#: One column or several.
Names: TypeAlias = Hashable | list[Any] | None
#: A recurrent cell.
Cell: TypeAlias = Literal["lstm", "gru", "rnn"]
#: What training minimises.
Loss: TypeAlias = Literal["squared", "absolute", "huber"]
#: What is done about rows that are missing, and about those that are not new.
Gap: TypeAlias = Literal["raise", "fill", "reset"]
Late: TypeAlias = Literal["raise", "drop"]
#: The scale on which targets are learnt.
Transform: TypeAlias = Literal["log", "log1p", "sqrt"]
