"""Arrays that suit the cache, and copies into them of the caller's.

Here the axes are named as inside, ``(T, H, N)``, but the caller's array may be a view of a
batch-first one. Copied as it is, such an array is read across its strides, a cache line for each
number.
"""

from __future__ import annotations

import math
from typing import Literal

import numpy as np

#: Bytes of a cache line, and of the longest vector register.
LINE_BYTES = 64
#: Numbers between the rows of the staging array: strides of whole pages would share cache sets.
PADDING = 16


def aligned(shape: tuple[int, ...], dtype: np.dtype, order: Literal["C", "F"] = "C") -> np.ndarray:
    """Return an array like ``np.empty``'s that starts where a cache line does.

    NumPy's own start 16 bytes behind: then each load of a vector register takes two lines.
    """
    n_bytes = math.prod(shape) * dtype.itemsize
    raw = np.empty(n_bytes + LINE_BYTES, np.uint8)
    start = -raw.ctypes.data % LINE_BYTES
    return raw[start : start + n_bytes].view(dtype).reshape(shape, order=order)


def staging(length: int, hidden_size: int, n_streams: int, dtype: np.dtype) -> np.ndarray:
    """Return an array (N, length, H) for `take_in`, its streams no power of two apart."""
    flat = np.empty((n_streams, length * hidden_size + PADDING), dtype)
    return flat[:, :-PADDING].reshape(n_streams, length, hidden_size)


def take_in(d_h: np.ndarray, out: np.ndarray, stage: np.ndarray) -> None:
    """Copy `d_h` (length, H, N), whatever its layout, to `out`, contiguous."""
    if d_h.strides[1] < d_h.strides[2]:  # batch-first: gather its rows, then swap axes in cache
        gathered = stage[:, : len(d_h)]
        np.copyto(gathered, d_h.transpose(2, 0, 1))
        d_h = gathered.transpose(1, 2, 0)
    np.copyto(out, d_h)
