"""A panel in several partitions: what is summed over its series is summed over those of all.

Each partition holds some of the series and walks through the same positions as the others, in the
same order. Where the learner of a panel adds up over its series it calls `total`, so that every
partition makes the same step of the weights that they share; what has to be seen of single series
is `gathered`, and what must not be made twice is `made_once`. A panel in one piece is alone, and
these functions return what they are given.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any, TypeVar

import numpy as np

T = TypeVar("T")


class Alone:
    """The only partition of a panel; others have the same methods.

    Attributes
    ----------
    number, n_partitions : int
        Which of how many it is.
    """

    number, n_partitions = 0, 1

    def total(self, sums: T) -> T:
        """Return sums over all partitions, of an array or by name; see `added`."""
        return sums

    def gathered(self, rows: np.ndarray) -> np.ndarray:
        """Return the rows (n, ...) of all partitions, in the order of the partitions.

        Where there are none, their shape and kind do not count.
        """
        return rows

    def made_once(self, make: Callable[[], T], by: int = 0) -> T:
        """Return what one partition makes, that of the number `by`."""
        return make()


ALONE = Alone()
_here: ContextVar[Any] = ContextVar("partition", default=ALONE)


def here() -> Any:
    """Return the partition that this thread works for."""
    return _here.get()


def alone() -> bool:
    """Return whether there is no other partition."""
    return _here.get() is ALONE


def total(sums: T) -> T:
    """Return sums over the series of all partitions; see `Alone`.

    Examples
    --------
    >>> total({"errors": np.ones(2)})
    {'errors': array([1., 1.])}
    """
    return _here.get().total(sums)


def gathered(rows: np.ndarray) -> np.ndarray:
    """Return the rows (n, ...) of all partitions; see `Alone`."""
    return _here.get().gathered(rows)


def made_once(make: Callable[[], T], by: int = 0) -> T:
    """Return what one partition makes for all; see `Alone`."""
    return _here.get().made_once(make, by)


@contextmanager
def working_for(partition: Any) -> Iterator[None]:
    """Context in which this thread works for a partition."""
    token = _here.set(partition)
    try:
        yield
    finally:
        _here.reset(token)


def added(one: Any, other: Any) -> Any:
    """Return the sum of arrays, or of dicts of them by their keys; None counts as zero.

    Examples
    --------
    >>> added({"a": 1.0, "b": {"c": 2.0}}, {"b": {"c": 3.0, "d": 4.0}})
    {'a': 1.0, 'b': {'c': 5.0, 'd': 4.0}}
    """
    if one is None or other is None:
        return other if one is None else one
    if isinstance(one, dict):
        return {key: added(one.get(key), other.get(key)) for key in [*one, *(other.keys() - one)]}
    return one + other


def keys_of(ids: Iterable[Any]) -> np.ndarray:
    """Return keys (n,) of series by their ids: who is drawn goes by them, not by who is where.

    Examples
    --------
    >>> keys_of(["a", "b"]) == keys_of(["b", "a"])[::-1]
    array([ True,  True])
    """
    digests = (hashlib.blake2b(str(name).encode(), digest_size=8).digest() for name in ids)
    return np.frombuffer(b"".join(digests), dtype="<u8").astype(np.uint64)


def drawn(keys: np.ndarray, number: int) -> np.ndarray:
    """Return what a draw orders series by, (n,), as if at random, for each number another way.

    By the finalizer of SplitMix64 (G. Steele, D. Lea, C. Flood, 2014).

    Examples
    --------
    >>> keys = keys_of("abcdef")
    >>> [drawn(keys, number).argsort().tolist() for number in (1, 2)]
    [[5, 0, 1, 4, 2, 3], [3, 0, 2, 4, 5, 1]]
    """
    with np.errstate(over="ignore"):
        mixed = keys + np.uint64(number) * np.uint64(0x9E3779B97F4A7C15)
        mixed = (mixed ^ (mixed >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
        mixed = (mixed ^ (mixed >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return mixed ^ (mixed >> np.uint64(31))
