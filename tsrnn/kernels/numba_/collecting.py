"""No collection of cyclic garbage while numba compiles a kernel.

numba makes millions of objects that live as long as it compiles. Each collection looks at all of
them, and at those of everything that is imported: together a seventh of the time.
"""

from __future__ import annotations

import gc
from typing import Any

from numba.core.event import Listener


class Pause(Listener):
    """Switches the collection off from the start of a kernel to its end, those it calls included.

    numba compiles one function at a time: nothing else counts these.
    """

    def __init__(self) -> None:
        self._depth, self._was_on = 0, False

    def on_start(self, event: Any) -> None:
        """Switch it off."""
        if _is_kernel(event):
            if not self._depth:
                self._was_on = gc.isenabled()
                gc.disable()
            self._depth += 1

    def on_end(self, event: Any) -> None:
        """Leave it as it was."""
        if _is_kernel(event):
            self._depth -= 1
            if not self._depth and self._was_on:
                gc.enable()


def _is_kernel(event: Any) -> bool:
    module = event.data["dispatcher"].py_func.__module__
    return module is not None and module.startswith("tsrnn.kernels.numba_.")
