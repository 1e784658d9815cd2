"""Side-by-side timing: contestants take turns, so that what disturbs one disturbs all."""

import statistics
import time
from contextlib import contextmanager
from typing import NamedTuple

import torch
from threadpoolctl import ThreadpoolController

BLAS = ThreadpoolController().select(user_api="blas")


class Contestant(NamedTuple):
    """Something to time: a call, the threads it may use, and what to do before its turn."""

    call: object
    threads: int = 1
    prepare: object = None  # called before each turn, untimed


@contextmanager
def threads(number):
    """Let BLAS and PyTorch use that many threads."""
    before = torch.get_num_threads()
    torch.set_num_threads(number)
    try:
        with BLAS.limit(limits=number):
            yield
    finally:
        torch.set_num_threads(before)


def interleaved(contestants, *, seconds=6.0, rounds=(5, 31), turn=3e-3):
    """Time contestants in turns (A, B, C, A, B, C, ...).

    Each turn starts with an untimed call, so that threads that the one before left spinning have
    stopped and caches are its own; then calls are timed together for at least ``turn`` seconds.

    Returns
    -------
    dict of str to list of float
        Seconds a call, one for each round.
    """
    calls = {}
    for name, contestant in contestants.items():  # the first call compiles and allocates
        with _turn(contestant):
            contestant.call()
            start = time.perf_counter()
            contestant.call()
            once = time.perf_counter() - start
        calls[name] = max(1, round(turn / once))
    results = {name: [] for name in contestants}
    start = time.perf_counter()
    for done in range(rounds[1]):
        if done >= rounds[0] and time.perf_counter() - start > seconds:
            break
        for name, contestant in contestants.items():
            with _turn(contestant):
                contestant.call()
                begin = time.perf_counter()
                for _ in range(calls[name]):
                    contestant.call()
                results[name].append((time.perf_counter() - begin) / calls[name])
    return results


@contextmanager
def _turn(contestant):
    if contestant.prepare is not None:
        contestant.prepare()
    with threads(contestant.threads):
        yield


def medians(results):
    return {name: statistics.median(seconds) for name, seconds in results.items()}
