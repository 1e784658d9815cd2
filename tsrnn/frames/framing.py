"""Frames of pandas of what a stream knows by heart: floats under columns that do not change."""

from functools import lru_cache

import numpy as np
import pandas as pd

try:
    from pandas.api.internals import create_dataframe_from_blocks
except ImportError:  # before pandas 3
    create_dataframe_from_blocks = None


def frame_of(values, index, columns):
    """Return floats (c, n) as a frame of n rows, which may hold on to them.

    Where pandas can take them as they are, it looks at nothing: in two thirds of the time.

    Examples
    --------
    >>> frame_of(np.array([[1.0, 2.0]]), pd.RangeIndex(2), pd.Index(["a"]))["a"].tolist()
    [1.0, 2.0]
    """
    checked = isinstance(index, pd.Index) and isinstance(columns, pd.Index)
    if create_dataframe_from_blocks is None or not checked or not values.flags.c_contiguous:
        return pd.DataFrame(values.T, index=index, columns=columns, copy=False)
    places = _places(len(values))
    return create_dataframe_from_blocks([(values, places)], index=index, columns=columns)


def column_index(names):
    """Return names of columns as pandas wants them."""
    if set(map(type, names)) == {str}:
        return index_of(*names).view()  # its name is the caller's to set
    return names


@lru_cache(maxsize=64)
def index_of(*names):
    """Return the index of these strings: pandas takes longer to make one than to use it."""
    return pd.Index(names)


@lru_cache(maxsize=64)
def _places(n):
    return np.arange(n)  # pandas keeps a slice of these; a copy of what cannot be written to
