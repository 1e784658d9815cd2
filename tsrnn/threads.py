"""How many threads BLAS uses: one everywhere, and two halves of a large batch side by side.

BLAS splits a product over the threads that the environment gives it. For the products of a stream,
which take microseconds, meeting the other threads costs more than they save, and where another
process keeps a core busy each meeting waits for it, ten times as long as the product. And sums in
another order give other bits: what is forecast would hang on ``OMP_NUM_THREADS``.

So whatever multiplies or solves for an estimator runs inside `one_blas_thread`. Only large batches
of a network gain from a second core: `run` gives it half of the streams, with one BLAS thread in
each half, so that the two threads meet once a window and not twice a step. How a batch is cut does
not hang on how many threads there are, where that would change a bit.
"""

from __future__ import annotations

import contextlib
import contextvars
import ctypes
import os
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from threadpoolctl import ThreadpoolController

#: Size of a step's product (rows * columns * streams) from which halves pay for their threads.
HALVES_FROM = 1 << 21
#: The same of all steps of a window. It counts only where halves give the very bits of the whole.
WINDOW_FROM = 1 << 24
#: Series worked on at once: what is kept of so many stays in the cache.
BLOCK = 256
#: Blocks of series from which two threads pay.
MANY_BLOCKS = 8
#: Multiplications of a product of matrices up to which BLAS would not think of threads.
SMALL = 1 << 18
#: The same of a product with a vector.
SMALL_WITH_VECTOR = 9_216


class _OneBlasThread(contextlib.ContextDecorator):
    """Context in which BLAS runs each product on one thread; see `one_blas_thread`."""

    def __init__(self) -> None:
        # Of one thread as often as it likes: an interrupt (Ctrl-C) between the last line under the
        # lock and its release leaves it held, and the next call must not wait for itself.
        self._lock = threading.RLock()
        self._libraries: list[Any] | None = None
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
        for library, before, number in zip(
            self._libraries or (), self._before, wanted, strict=True
        ):
            if before != 1:  # setting takes as long as a small product
                library.set_num_threads(number)

    def __enter__(self) -> None:
        with self._lock:
            if self._inside == 0:
                self._before = self._threads()
                self._set_all_but_ones([1] * len(self._before))
            self._inside += 1

    def __exit__(self, *_: object) -> None:
        with self._lock:
            if self._inside == 0:  # this process was forked inside the context
                return
            self._inside -= 1
            if self._inside == 0:
                self._set_all_but_ones(self._before)

    def after_fork(self) -> None:
        """Start anew in a forked process: other threads are gone, and one may have had the lock."""
        self._lock, self._inside = threading.RLock(), 0


#: Context, and decorator of functions, in which BLAS runs each product on one thread.
#:
#: The number of threads is one setting of the whole process: the first to enter takes it down, the
#: last to leave puts it back. Entering takes some 6 µs, and 3 µs where there is one thread anyway:
#: it belongs around whatever multiplies more than once, and not around the compiled way of a row,
#: which calls no BLAS.
one_blas_thread = _OneBlasThread()
#: The threads of `_helper`, and the core that each keeps away from.
_kept_from: dict[int, int] = {}


def _new_helper() -> ThreadPoolExecutor:
    """Return helpers whose threads start when first needed, and are noted."""
    _kept_from.clear()

    def note() -> None:
        _kept_from[threading.get_native_id()] = -1

    return ThreadPoolExecutor(thread_name_prefix="tsrnn", initializer=note)


_helper = _new_helper()
_current_core: Callable[[], int] | None = None
if hasattr(os, "sched_setaffinity"):
    _current_core = getattr(ctypes.CDLL(None), "sched_getcpu", None)


def _keep_away() -> None:
    """Let the helpers wake on other cores than the caller's, on Linux.

    Where both cores have been busy of late, Linux wakes a thread on its last core or on that of its
    waker without a look at others. Two parts that came upon one core stay there for milliseconds.
    """
    if _current_core is None:
        return
    core = _current_core()
    for thread, kept_from in tuple(_kept_from.items()):
        if kept_from != core:
            _kept_from[thread] = core
            others = os.sched_getaffinity(0) - {core}
            with contextlib.suppress(OSError):  # not allowed here, or the thread has ended
                os.sched_setaffinity(thread, others or {core})


def _after_fork() -> None:
    global _helper
    _helper = _new_helper()  # threads do not survive a fork
    one_blas_thread.after_fork()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork)


def parts(n_streams: int, product_size: int, n_steps: int | None = None) -> tuple[slice, ...]:
    """Return the streams as one slice, or as two where two threads will be faster.

    Parameters
    ----------
    n_streams : int
        N.
    product_size : int
        Multiplications of a step's product: rows * columns * N.
    n_steps : int, optional
        T, where halves give the very bits of the whole. None: they do not, and streams are cut
        whether there are two threads or one.

    Examples
    --------
    >>> parts(100, 1 << 20), parts(100, 1 << 21)
    ((slice(0, 100, None),), (slice(0, 64, None), slice(64, 100, None)))
    """
    pays = product_size >= HALVES_FROM
    if n_steps is not None:
        pays = pays or product_size * n_steps >= WINDOW_FROM
        pays = pays and one_blas_thread.available() > 1
    if not pays or n_streams < 4:
        return (slice(0, n_streams),)  # a half is never one stream, which is multiplied otherwise
    half = -(-n_streams // 32) * 16 if n_streams >= 32 else n_streams // 2  # whole SIMD registers
    return slice(0, half), slice(half, n_streams)


def run(work: Callable[[int], None], n_parts: int, size: int) -> None:
    """Call ``work(0)`` to ``work(n_parts - 1)``: side by side, if BLAS has been given the threads.

    Parameters
    ----------
    work : callable
        Takes the number of a part.
    n_parts : int
        How many parts.
    size : int
        Multiplications of the largest product of matrices that `work` will make.
    """
    if n_parts == 1 and size <= SMALL:
        work(0)
        return
    with one_blas_thread:
        if n_parts == 1 or one_blas_thread.available() == 1:
            for part in range(n_parts):
                work(part)
            return
        _keep_away()
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


def halves(n_blocks: int) -> int:
    """Return in how many parts blocks of series are worked on, with two threads or one.

    What each part adds up is added in their order: sums do not hang on the number of threads.
    """
    return 2 if n_blocks >= MANY_BLOCKS else 1


def in_halves(work: Callable[[int, int], None], n_blocks: int) -> None:
    """Call ``work(block, half)`` for blocks of series, every second one in another thread.

    If there are many; otherwise there is one half. See `halves`.

    Examples
    --------
    >>> in_halves(lambda block, half: print(block, half), 2)
    0 0
    1 0
    """
    n_halves = halves(n_blocks)

    def of_half(half: int) -> None:
        for block in range(half, n_blocks, n_halves):
            work(block, half)

    run(of_half, n_halves, 0)


def count_blocks(n_series: int) -> int:
    """Return how many blocks series are worked on in."""
    return -(-n_series // BLOCK)


def by_blocks(work: Callable[[int, Any, int], None], columns: Any) -> None:
    """Call ``work(first, some, half)`` for blocks of the columns (n,) of series; see `in_halves`.

    The columns of a block are ``some``, the first of which stands at ``first``.
    """

    def of_block(block: int, half: int) -> None:
        first = block * BLOCK
        work(first, columns[first : first + BLOCK], half)

    in_halves(of_block, count_blocks(len(columns)))
