"""Which kernels are in use: NumPy's, the reference, or those that numba compiles."""

from __future__ import annotations

import importlib
import importlib.util
import os
import warnings
from types import ModuleType

KERNELS = ("numpy", "numba")
#: Names the kernels for a process; without it, numba's are used if numba is installed.
VARIABLE = "TSRNN_KERNELS"

_compiled: ModuleType | None = None
_decided = False


def set_kernels(name: str | None) -> None:
    """Choose the kernels of this process, from the next call on.

    Parameters
    ----------
    name : {"numpy", "numba"} or None
        None: what the environment variable ``TSRNN_KERNELS`` says, or numba's if it is installed.

    Raises
    ------
    ValueError
        If there are no such kernels.
    ImportError
        If numba was asked for and cannot be imported.

    Notes
    -----
    NumPy's kernels are the reference. Those of numba (``pip install "tsrnn[fast]"``) agree with
    them to 1e-5 in float32 and to 1e-12 in float64. They are compiled when first used, which takes
    up to a minute, and kept on disk: see `compile_kernels`.

    Examples
    --------
    >>> from tsrnn.nn import get_kernels, set_kernels
    >>> set_kernels("numpy")
    >>> get_kernels()
    'numpy'
    >>> set_kernels(None)
    """
    global _compiled, _decided
    chosen = name if name is not None else os.environ.get(VARIABLE) or None
    if chosen not in (*KERNELS, None):
        source = "name" if name is not None else f"the environment variable {VARIABLE}"
        raise ValueError(f"{source} must be one of {KERNELS}, found {chosen!r}.")
    compiled = None
    if chosen != "numpy" and (chosen or importlib.util.find_spec("numba")):
        try:
            compiled = importlib.import_module("tsrnn.kernels.numba_")
        except ImportError as error:
            message = (
                f"kernels of numba: numba cannot be imported ({error}). "
                'Install it by pip install "tsrnn[fast]", or choose "numpy".'
            )
            if chosen:
                raise ImportError(message) from error
            warnings.warn(message + " NumPy's are used.", RuntimeWarning, stacklevel=2)
    _compiled, _decided = compiled, True


def get_kernels() -> str:
    """Return the name of the kernels in use: "numpy" or "numba"."""
    if not _decided:
        set_kernels(None)
    return "numpy" if _compiled is None else "numba"


def compiled_kernels() -> ModuleType | None:
    """Return the module of compiled functions, or None where NumPy's kernels are in use.

    NumPy's code is the reference: compiled functions agree with it to 1e-12 in float64.
    """
    if not _decided:
        set_kernels(None)
    return _compiled
