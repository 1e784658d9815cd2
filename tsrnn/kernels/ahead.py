"""Compiling kernels ahead of their first use, as for the image of a container."""

from __future__ import annotations

import importlib
from collections.abc import Callable
from pathlib import Path

from tsrnn.kernels.selection import get_kernels, set_kernels

_uses: list[Callable[[], None]] = []


def used_by(use: Callable[[], None]) -> Callable[[], None]:
    """Register a function that runs, on a little data, all kernels of one kind of model."""
    _uses.append(use)
    return use


def compile_kernels() -> Path:
    """Compile all that forecasters, panels and regressors need, and keep it on disk.

    What is there already is not compiled again. It is kept in the folder that ``NUMBA_CACHE_DIR``
    names; by default in that of the package, or in the user's cache where that cannot be written
    to. Later processes read it, whether they may write to it or not, if they run on a CPU with the
    same features, and with the same versions of Python, NumPy, numba and tsrnn.

    Returns
    -------
    pathlib.Path
        The folder in which compiled code is kept.

    Raises
    ------
    ImportError
        If numba, the extra ``fast``, is not installed.
    OSError
        If there is no folder that can be written to.

    Examples
    --------
    >>> from tsrnn.nn import compile_kernels
    >>> compile_kernels()  # doctest: +SKIP
    PosixPath('/usr/lib/python3/site-packages/tsrnn/kernels/numba_/__pycache__')
    """
    before = get_kernels()
    set_kernels("numba")
    try:
        cache = importlib.import_module("tsrnn.kernels.numba_.cache")
        folder: Path | None = cache.kept_in()
        if folder is None:
            looked_at = ", ".join(map(str, cache.folders()))
            raise OSError(
                f"compiled kernels cannot be kept: found no folder that can be written to among "
                f"{looked_at}. Set NUMBA_CACHE_DIR to one that can."
            )
        for use in _uses:
            use()
    finally:
        set_kernels(before)
    return folder
