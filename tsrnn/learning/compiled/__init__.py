"""Loops over rows compiled by numba: the extra ``fast``. Imported by `..kernels` alone.

A streamed row is a few thousand multiplications; what it costs in NumPy is its hundreds of calls.
"""

from .conformal import follow_errors
from .mixing import follow_experts
from .rls import learn_row

__all__ = ["follow_errors", "follow_experts", "learn_row"]
