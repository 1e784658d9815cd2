"""Which loops take rows in: NumPy's, or those that numba compiles; chosen as for the layers."""

import importlib
from functools import cache

from ..nn import get_kernels


def compiled_loops():
    """Return the module of compiled loops, or None where NumPy's kernels are in use.

    NumPy's code, in the class that calls a loop, is the reference: loops agree with it to 1e-12.
    """
    return None if get_kernels() == "numpy" else _imported()


@cache
def _imported():
    return importlib.import_module("tsrnn.learning.compiled")
