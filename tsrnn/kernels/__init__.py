"""Kernels: functions of arrays that do the maths of rows, in NumPy and compiled by numba.

NumPy's are the reference; a compiled function carries the name of what it does in NumPy, and is
held to it by tests. Which are in use is decided in one place, `tsrnn.kernels.selection`.
"""

from tsrnn.kernels.selection import compiled_kernels, get_kernels, set_kernels

__all__ = ["compiled_kernels", "get_kernels", "set_kernels"]
