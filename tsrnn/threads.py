"""Who uses the cores: two halves of a batch side by side, and no threads inside small products.

BLAS splits each product over its threads, but the pointwise maths between two products then runs
on one core, and the threads meet twice a step. Two halves of the batch in two threads of our own,
with one BLAS thread each, meet twice a window. Small products run fastest on one thread.
"""

from __future__ import annotations

import contextvars
import os
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

from threadpoolctl import ThreadpoolController  # scikit-learn brings it

#: Size of a step's product (rows * columns * streams) from which halves pay for their threads.
HALVES_FROM = 1 << 21
#: The same of all steps of a window. It counts only where halves give the very bits of the whole,
#: which may not hang on how a stream was cut, or on how many threads there are.
WINDOW_FROM = 1 << 24
#: Multiplications of a product up to which BLAS would not think of threads.
SMALL = 1 << 18


class _OneBlasThread:
    """Context in which BLAS runs each product on one thread; shared by the threads inside it.

    The number of threads is one setting of the whole process: the first to enter takes it down,
    the last to leave puts it back.
    """

    def __init__(self):
        self._lock = threading.Lock()
        self._libraries = None
        self._inside = 0
        self._before: list[int] = []

    def available(self) -> int:
        """Return how many threads BLAS has been given, this context apart.

        Of several libraries (SciPy brings one of its own) the smallest number counts: a limit set
        before one of them was loaded did not reach it.
        """
        with self._lock:
            before = self._before if self._inside else self._threads()
            return min(before, default=1)

    def _threads(self) -> list[int]:
        if self._libraries is None:  # looking for them takes milliseconds: once, when needed
            self._libraries = ThreadpoolController().select(user_api="blas").lib_controllers
        return [library.get_num_threads() for library in self._libraries]

    def _set_all_but_ones(self, wanted: list[int]) -> None:
        for library, before, number in zip(self._libraries, self._before, wanted, strict=True):
            if before != 1:  # setting takes as long as a small product
                library.set_num_threads(number)

    def __enter__(self) -> None:
        with self._lock:
            if self._inside == 0:
                self._before = self._threads()
                self._set_all_but_ones([1] * len(self._before))
            self._inside += 1

    def __exit__(self, *_) -> None:
        with self._lock:
            self._inside -= 1
            if self._inside == 0:
                self._set_all_but_ones(self._before)


_one_blas_thread = _OneBlasThread()
_helper = ThreadPoolExecutor(thread_name_prefix="tsrnn")  # starts a thread when first needed


def _forget_helper() -> None:
    """Start anew in a forked process: threads do not survive a fork, and a lock may be held."""
    global _helper, _one_blas_thread
    _helper, _one_blas_thread = ThreadPoolExecutor(thread_name_prefix="tsrnn"), _OneBlasThread()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_forget_helper)


def parts(n_streams: int, product_size: int, n_steps: int = 1) -> tuple[slice, ...]:
    """Return the streams as one slice, or as two where two threads will be faster.

    Parameters
    ----------
    n_streams : int
        N.
    product_size : int
        Multiplications of a step's product: rows * columns * N.
    n_steps : int
        T, where halves give the very bits of the whole; else 1.
    """
    pays = product_size >= HALVES_FROM or product_size * n_steps >= WINDOW_FROM
    if not pays or n_streams < 4 or _one_blas_thread.available() < 2:
        return (slice(0, n_streams),)  # a half is never one stream, which is multiplied otherwise
    half = -(-n_streams // 32) * 16 if n_streams >= 32 else n_streams // 2  # whole SIMD registers
    return slice(0, half), slice(half, n_streams)


def run(work: Callable[[int], None], n_parts: int, size: int) -> None:
    """Call ``work(0)`` to ``work(n_parts - 1)``, the last in this thread, the others in others.

    Parameters
    ----------
    work : callable
        Takes the number of a part.
    n_parts : int
        How many parts.
    size : int
        Multiplications of the largest product that `work` will make.
    """
    if n_parts == 1 and size <= SMALL:
        work(0)
        return
    with _one_blas_thread:
        # The context carries NumPy's error state.
        others = [
            _helper.submit(contextvars.copy_context().run, work, part)
            for part in range(n_parts - 1)
        ]
        try:
            work(n_parts - 1)
        finally:  # whatever happens here, nobody may go on writing to our arrays
            errors = [other.exception() for other in others]
        for error in filter(None, errors):
            raise error
