"""A panel in several partitions, each in a thread of its own."""

import pickle
import threading

import numpy as np

from tsrnn.estimators import road
from tsrnn.online.storage.values import twin
from tsrnn.partitions import added, working_for


class Partition:
    """One of n that meet at a barrier; what they are given is a copy, as over a network."""

    def __init__(self, number, barrier, brought):
        self.number, self.n_partitions = number, len(brought)
        self._barrier, self._brought = barrier, brought

    def _met(self, what):
        self._brought[self.number] = pickle.dumps(what)
        self._barrier.wait()
        found = [pickle.loads(content) for content in self._brought]
        self._barrier.wait()
        assert len({how for how, _ in found}) == 1, found  # all are at the same place
        return [value for _, value in found]

    def total(self, sums):
        first, *others = self._met(("total", sums))
        for other in others:
            first = added(first, other)
        return first

    def gathered(self, rows):
        full = [part for part in self._met(("gathered", rows)) if len(part)]
        return np.concatenate(full) if full else rows

    def made_once(self, make, by=0):
        return self._met(("made", make() if self.number == by else None))[by]


def together(works):
    """Return what calls return that are partitions of one another, or raise the first error."""
    n = len(works)
    barrier, brought = threading.Barrier(n, timeout=60), [None] * n
    found, errors = [None] * n, []

    def run(number):
        with working_for(Partition(number, barrier, brought)):
            try:
                found[number] = works[number]()
            except threading.BrokenBarrierError:
                pass
            except BaseException as error:
                errors.append(error)
                barrier.abort()

    threads = [threading.Thread(target=run, args=(number,)) for number in range(n)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if errors:
        raise errors[0]
    return found


def fitted(models, frames):
    """Fit models, each to its own rows, as the partitions of one panel."""
    return together([lambda m=m, X=X: m.fit(X) for m, X in zip(models, frames, strict=True)])


def taken(models, frames, how):
    """Return models after new rows of each, which may be none, as partitions of one panel."""

    def take(model, frame):
        reader = model._reader
        rows = reader.read(model, frame) if len(frame) else reader.no_rows()
        after = twin(model)
        after._state = road.take(after, after._state, rows, how)
        return after

    pairs = zip(models, frames, strict=True)
    return together([lambda m=m, X=X: take(m, X) for m, X in pairs])
