"""Side-by-side timing: contestants take turns, so that what disturbs one disturbs all.

What runs in one thread is timed by the processor's time of that thread, which is the wall's on an
idle machine, and which other programs on a busy one do not change much. What runs in two is timed
by the wall's clock and means little unless two cores are free.
"""

import statistics
import time
from contextlib import contextmanager
from functools import cache
from typing import NamedTuple

import torch
from threadpoolctl import ThreadpoolController


class Contestant(NamedTuple):
    """Something to time: a call, the threads it may use, and what to do before its turn."""

    call: object
    threads: int = 1  # of BLAS and PyTorch
    alone: bool = True  # whether all work is done in the calling thread
    prepare: object = None  # called before each turn, untimed

    def clock(self):
        """Return the time that counts for this contestant, in seconds."""
        return time.thread_time() if self.threads == 1 and self.alone else time.perf_counter()


@cache
def blas():
    """Find the BLAS libraries; called when all contestants have been set up."""
    return ThreadpoolController().select(user_api="blas")


@contextmanager
def threads(number):
    """Let BLAS and PyTorch use that many threads."""
    before = torch.get_num_threads()
    torch.set_num_threads(number)
    try:
        with blas().limit(limits=number):
            yield
    finally:
        torch.set_num_threads(before)


def interleaved(contestants, *, seconds=6.0, rounds=(5, 31), turn=5e-3, warmup=10e-3):
    """Time contestants in turns (A, B, C, A, B, C, ...).

    Each turn starts when threads that the one before left spinning have stopped (ONNX Runtime's
    spin for 50 ms), and with untimed calls for ``warmup`` seconds, so that the processor is awake
    and caches are the contestant's own; then calls are timed together for ``turn`` seconds or more.

    Returns
    -------
    dict of str to list of float
        Seconds a call, one for each round.
    """
    calls = {}
    for name, contestant in contestants.items():  # the first call compiles and allocates
        with _turn(contestant):
            contestant.call()
            start = contestant.clock()
            contestant.call()
            once = contestant.clock() - start
        calls[name] = max(1, round(turn / once))
    results = {name: [] for name in contestants}
    start = time.perf_counter()
    for done in range(rounds[1]):
        if done >= rounds[0] and time.perf_counter() - start > seconds:
            break
        for name, contestant in contestants.items():
            with _turn(contestant):
                awake = time.perf_counter() + warmup
                contestant.call()
                while time.perf_counter() < awake:
                    contestant.call()
                begin = contestant.clock()
                for _ in range(calls[name]):
                    contestant.call()
                results[name].append((contestant.clock() - begin) / calls[name])
    return results


def settle(pause=5e-3, most=0.5):
    """Wait until no thread of this process runs."""
    for _ in range(round(most / pause)):
        before = time.process_time()
        time.sleep(pause)
        if time.process_time() - before < 0.2 * pause:
            return
    raise RuntimeError(f"found threads still running after {most} s, expected them to stop")


@contextmanager
def _turn(contestant):
    if contestant.prepare is not None:
        contestant.prepare()
    settle()
    with threads(contestant.threads):
        yield


def medians(results):
    return {name: statistics.median(seconds) for name, seconds in results.items()}
