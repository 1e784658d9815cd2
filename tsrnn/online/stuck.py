"""A sensor that is stuck: a value repeated far longer than the history ever did is missing."""

import math
from dataclasses import dataclass
from typing import Any

import numpy as np

from tsrnn.features.carried import carried
from tsrnn.online.storage.series import Block
from tsrnn.online.storage.values import changed
from tsrnn.persistence.registry import saved

LEAST = 24  # repeats that are believed, of whatever history
TIMES = 3  # times the longest run of the history that are believed
JUMP = 3.0  # usual changes: a value that came by more is where a sensor may have failed


@saved("stuck-sensor")
@dataclass(frozen=True)
class StuckSensor:
    """Watches the targets of one stream, and takes back what it learnt from a stuck one.

    A run are rows with the very same value. While it lasts, the learner as it stood before is kept,
    and the rows since: if the run comes to be longer than the limit, the learner takes them in
    anew, as missing. Where the run began before those rows, the learner takes its first value back
    (see `OneSeries.taken_back`): lags go on from the one before. Rows go on to be missing until
    another value comes, or the run is longer than a gap may be: then that is how things are.

    Attributes
    ----------
    limit : ndarray of int, shape (J,)
        Rows of a run that are believed.
    most : int
        Rows that may be missing.
    jump : ndarray of shape (J,)
    last : ndarray of shape (J,)
        Newest known value.
    length : ndarray of int, shape (J,)
        Rows of the run.
    before : Learner or None
        As it stood before the rows that are kept: those of a run from the second on, or, where the
        first came by a jump, from that on.
    rows : Block or None
        The rows that are kept, as they came.
    learnt : tuple of bool
        Whether these were learnt from.
    """

    limit: np.ndarray
    most: int
    jump: np.ndarray
    last: np.ndarray
    length: np.ndarray
    before: Any = None
    rows: Any = None
    learnt: tuple = ()

    @classmethod
    def of(cls, targets, change_scale, most):
        """Return what watches a stream after a history.

        Parameters
        ----------
        targets : ndarray of shape (n, J)
            Of the history, scaled.
        change_scale : ndarray of shape (J,)
            Standard deviation of changes.
        most : int
        """
        longest = [max(run_lengths(values), default=1) for values in targets.T]
        limit = np.maximum(LEAST, TIMES * np.array(longest))
        blank = cls(limit, most, JUMP * change_scale, *cls._none(len(limit)))
        known = [values[np.isfinite(values)] for values in targets.T]
        last = np.array([values[-1] if len(values) else np.nan for values in known])
        length = np.array([(run_lengths(values) or [0])[-1] for values in known])
        return changed(blank, last=last, length=length)

    @staticmethod
    def _none(n):
        return np.full(n, np.nan), np.zeros(n, np.int64)

    def taken(self, series):
        """Return what watches these series alone: it is of one, and a value."""
        return self

    def restarted(self, series=None):
        """Return it as before a first row."""
        last, length = self._none(len(self.last))
        return changed(self, last=last, length=length, before=None, rows=None, learnt=())

    def __setstate__(self, state):
        """Restore what a file holds; those of 0.1.0 know where a run began."""
        vars(self).update({name: value for name, value in state.items() if name != "since"})

    def take(self, learner, block, move, learning):
        """Let a learner take in rows; return it and what watches it after them.

        Parameters
        ----------
        learner : Learner
        block : Block
            Of one series.
        move : callable
            ``move(learner, block)`` returns the learner after rows.
        learning : bool
            Whether it learns from them.
        """
        watch = self.restarted() if block.fresh[0] else self
        values = block.targets[:, :, 0]
        if len(values) == 1:
            after = watch._after_change(learner, block, learning)
            if after is not None:
                return move(learner, block), after
            return watch._take_row(learner, block, move, learning)
        alone, row = watch._alone(values), 0
        while row < len(values):
            together, n = watch.before is None and not alone[row], 1
            if together:
                n = int(alone[row:].argmax()) or len(values) - row
            now, block = block.cut(n)
            if together:
                learner, watch = move(learner, now), watch._passed(values[row : row + n])
            else:
                learner, watch = watch._take_row(learner, now, move, learning)
            row += n
        return learner, watch

    def _after_change(self, learner, row, learning):
        """Return what watches the stream after a row of other values than before; else None.

        The same as of `_take_row`, where no value is repeated, as nearly always, in a tenth of its
        time.
        """
        values, jumped = row.targets[0, :, 0], []
        # Plain numbers: of one row, arrays would take several times as long.
        new = values.tolist()
        for now, last, most in zip(new, self.last.tolist(), self.jump.tolist(), strict=True):
            if now == last:
                return None
            jumped.append(abs(now - last) > most)
        if self.before is None and True not in jumped:
            return self._passed(row.targets[:, :, 0])
        if not all(map(math.isfinite, new)):
            return None
        kept = None, None, ()
        if True in jumped and len(self.learnt) <= 2 * self.limit.max():
            kept = learner, row, (learning,)
        before, rows, learnt = kept
        length = np.ones(len(new), np.int64)
        return changed(self, last=values, length=length, before=before, rows=rows, learnt=learnt)

    def _passed(self, values):
        """Return what watches the stream after rows (n, J) without runs."""
        last, n = values[-1], len(self.last)
        if not all(map(math.isfinite, last.tolist())):
            known = np.isfinite(values).any(axis=0)
            last = carried(values, self.last)[-1]
            length = np.where(known, 1, self.length)
        elif set(self.length.tolist()) == {1}:  # as nearly always: there is nothing but the value
            return changed(self, last=last)
        else:
            length = np.ones(n, np.int64)
        return changed(self, last=last, length=length)

    def _alone(self, values):
        """Return which of n rows (n, J), n > 1, may not be taken in together with others.

        Those of a run, and those that have come by a jump where a run may begin: before a repeat,
        and at the end, as the next call may bring one.
        """
        before = carried(np.concatenate([self.last[None], values]), self.last)[:-1]
        again = (values == before).any(axis=1)
        jumped = (np.abs(values - before) > self.jump).any(axis=1)
        return again | (jumped & np.append(again[1:], True))

    def _take_row(self, learner, row, move, learning):
        value = row.targets[0, :, 0]
        known = np.isfinite(value)
        again = known & (value == self.last)
        jumped = known & ~again & (np.abs(value - self.last) > self.jump)
        length = np.where(again, self.length + 1, np.where(known, 1, self.length))
        last = np.where(known, value, self.last)
        stuck = (length > self.limit) & (length <= self.limit + self.most)
        before, rows, learnt = self.before, self.rows, self.learnt
        newly = stuck & again & (length == self.limit + 1)
        if newly.any() and before is not None:
            values = rows.targets[:, :, 0]
            other = np.cumsum((np.isfinite(values) & (values != value))[::-1], axis=0)[::-1]
            in_run = newly & (other == 0)
            rows = rows._replace(targets=np.where(in_run[..., None], np.nan, rows.targets))
            before = before.taken_back(np.where(in_run[0], value, np.nan))
            learner = _again(before, rows, learnt)
        row = row._replace(targets=np.where(stuck[:, None], np.nan, row.targets))
        open_runs = (jumped | (length > 1)) & ~(length > self.limit)
        if not open_runs.any() or len(learnt) > 2 * self.limit.max():
            before, rows, learnt = None, None, ()
        elif before is None or not (length > 1).any():
            before, rows, learnt = learner, row, (learning,)
        else:
            rows, learnt = _joined(rows, row), (*learnt, learning)
        after = changed(self, last=last, length=length, before=before, rows=rows, learnt=learnt)
        return move(learner, row), after


def run_lengths(values):
    """Return how often values (n,) come in a row, run by run; NaN is passed over.

    Examples
    --------
    >>> run_lengths(np.array([1.0, 2.0, np.nan, 2.0, 3.0]))
    [1, 2, 1]
    """
    values = values[np.isfinite(values)]
    starts = np.flatnonzero(np.append(True, values[1:] != values[:-1])) if len(values) else []
    return np.diff(starts, append=len(values)).tolist() if len(values) else []


def _again(learner, rows, learnt):
    """Return a learner after rows, of which it learns from some."""
    row = 0
    while row < len(learnt):
        n = 1
        while row + n < len(learnt) and learnt[row + n] == learnt[row]:
            n += 1
        now, rows = rows.cut(n)
        learner = learner.learn(now) if learnt[row] else learner.advance(now)
        row += n
    return learner


def _joined(rows, row):
    arrays = (
        np.concatenate([getattr(rows, name), getattr(row, name)])
        for name in ("targets", "inputs", "calendar")
    )
    return Block(rows.start, rows.series, *arrays, rows.fresh)
