"""Sensors of a panel that are stuck: values that hardly ever repeated and now do are missing."""

from dataclasses import dataclass

import numpy as np

from tsrnn.online.storage.values import changed
from tsrnn.online.stuck import JUMP, LEAST, TIMES
from tsrnn.partitions import gathered
from tsrnn.persistence.registry import saved

FEW = 4  # rows of a longest run up to which values hardly ever repeat
ENOUGH = 100  # known rows of a history that show it
BY_SERIES = "limit", "jump", "last", "before", "length"


@saved("stuck-sensors")
@dataclass(frozen=True)
class StuckSensors:
    """Watches the targets of the series of a panel.

    A run are rows of a series with the very same value; missing rows do not end it. What is beyond
    the limit of a run is missing for the learner, until another value comes or the run is longer
    than a gap may be: then that is how things are. Where values hardly ever repeated in the history
    the limit is the longest run there was, so that a sensor that fails is missing from about its
    second row on, and levels go on from the value before it. Else the limit is that of
    `StuckSensor`; what comes before it is learnt, and levels go on from the value before it if it
    came by a jump.

    It is a value, as large as a few rows of the panel: nothing is learnt again.

    Attributes
    ----------
    limit : ndarray of int, shape (J, C)
        Rows of a run that are believed.
    typical : ndarray of int, shape (J,)
        Limit of a series without a history: the median of those of all partitions, but no less
        than `LEAST`, as nothing tells yet whether it repeats itself.
    most : int
        Rows that may be missing.
    jump : ndarray of shape (J, C)
    last, before : ndarray of shape (J, C)
        Newest known value, and the one before the run.
    length : ndarray of int, shape (J, C)
        Rows of the run.
    """

    limit: np.ndarray
    typical: np.ndarray
    most: int
    jump: np.ndarray
    last: np.ndarray
    before: np.ndarray
    length: np.ndarray

    @classmethod
    def of(cls, targets, series, change_scale, most):
        """Return what watches a panel after a history.

        Parameters
        ----------
        targets : ndarray of shape (n, J)
            Of the history, scaled; NaN where missing.
        series : ndarray of int, shape (n,)
            Place of the series of each row; rows of one series stand together, in order of time.
        change_scale : ndarray of shape (J, C)
            Standard deviation of changes.
        most : int

        Examples
        --------
        >>> targets = np.array([[1.0], [2.0], [2.0], [5.0], [np.nan], [5.0]])
        >>> series = np.array([0, 0, 0, 1, 1, 1])
        >>> watch = StuckSensors.of(targets, series, np.ones((1, 2)), most=48)
        >>> watch.limit, watch.last, watch.length, watch.before
        (array([[24, 24]]), array([[2., 5.]]), array([[2, 2]]), array([[ 1., nan]]))
        """
        shape = change_scale.shape
        longest, length, n_known = (np.zeros(shape, np.int64) for _ in range(3))
        last, before = np.full(shape, np.nan), np.full(shape, np.nan)
        for target, column in enumerate(targets.T):
            known = np.isfinite(column)
            values, owners = column[known], series[known]
            n_known[target] = np.bincount(owners, minlength=shape[1])
            if not len(values):
                continue
            new = np.append(True, owners[1:] != owners[:-1])  # series
            starts = np.flatnonzero(new | np.append(True, values[1:] != values[:-1]))
            runs, owners = np.diff(starts, append=len(values)), owners[starts]
            np.maximum.at(longest[target], owners, runs)
            length[target, owners], last[target, owners] = runs, values[starts]  # the last one wins
            not_first = np.flatnonzero(owners[1:] == owners[:-1]) + 1
            before[target, owners[not_first]] = values[starts[not_first - 1]]
        hardly = (longest <= FEW) & (n_known >= ENOUGH)
        limit = np.where(hardly, longest, np.maximum(LEAST, TIMES * longest))
        known = [row[row > 0] for row in gathered(np.where(longest > 0, limit, 0).T).T]
        typical = [max(LEAST, int(np.median(some))) if len(some) else LEAST for some in known]
        limit = np.where(longest > 0, limit, np.array(typical)[:, None])
        typical, jump = np.array(typical), JUMP * change_scale
        return cls(limit, typical, most, jump, last, before, length)

    def grown(self, change_scale):
        """Return it with places for more series, whose changes (J, n) are known."""
        shape = change_scale.shape
        none, n_more = np.full(shape, np.nan), shape[1]
        return changed(
            self,
            limit=np.append(self.limit, np.repeat(self.typical[:, None], n_more, axis=1), axis=1),
            jump=np.append(self.jump, JUMP * change_scale, axis=1),
            last=np.append(self.last, none, axis=1),
            before=np.append(self.before, none, axis=1),
            length=np.append(self.length, np.zeros(shape, np.int64), axis=1),
        )

    def joined(self, others):
        """Return what watches its series and those of others."""
        parts = self, *others
        fields = {
            name: np.concatenate([getattr(part, name) for part in parts], axis=1)
            for name in BY_SERIES
        }
        return changed(self, **fields)

    def taken(self, series):
        """Return what watches these series alone."""
        return changed(self, **{name: getattr(self, name)[:, series].copy() for name in BY_SERIES})

    def restarted(self, series):
        """Return it with these series as before their first row."""
        last, before, length = self.last.copy(), self.before.copy(), self.length.copy()
        last[:, series], before[:, series], length[:, series] = np.nan, np.nan, 0
        return changed(self, last=last, before=before, length=length)

    def take(self, learner, block, move, learning):
        """Let a learner take in rows; return it and what watches the series after them.

        As `StuckSensor.take`, of a block of any of the series.
        """
        series, row = block.series, 0
        watch = self.restarted(np.arange(self.last.shape[1])[series][block.fresh])
        last, before, length = (a[:, series] for a in (watch.last, watch.before, watch.length))
        limit = self.limit[:, series]
        while row < len(block.targets):
            values = block.targets[row]
            known, again = np.isfinite(values), values == last
            before = np.where(known & ~again, last, before)
            length = np.where(again, length + 1, np.where(known, 1, length))
            last = np.where(known, values, last)
            stuck = again & (length > limit) & (length <= limit + self.most)
            if stuck.any():
                begins = stuck & (length == limit + 1)
                if row and begins.any():
                    rows, block = block.cut(row)
                    learner, row = move(learner, rows), 0
                targets = block.targets.copy()
                targets[row][stuck] = np.nan
                block = block._replace(targets=targets)
                if begins.any():
                    begins &= (np.abs(last - before) > self.jump[:, series]) | (limit <= FEW)
                    levels = np.where(begins, before, np.nan)
                    block = block._replace(levels=levels, ages=np.where(begins, length, 1))
            row += 1
        watch.last[:, series], watch.before[:, series] = last, before
        watch.length[:, series] = length
        return move(learner, block), watch
