"""What had been learnt before a stream moved, to go back to."""

from dataclasses import dataclass

KEPT = 2  # a season apart: of a move that has just been seen, the older one knows nothing yet


@dataclass(frozen=True)
class Hindsight:
    """What a learner had learnt one season ago and two.

    That a stream has moved to another level, or its season to another phase, is seen when most of
    a season lies there. What rows have taught in the meantime is wrong: lags and seasons of before,
    targets of after. Squared, such errors outweigh months of ordinary rows, and least squares would
    be the worse for as long as it remembers them. So it goes back to what it knew, again and again
    until the move is a season old: measured from the new level, by the moved calendar, rows are
    then what they were before.

    Attributes
    ----------
    taken : tuple
        ``(row, lessons)`` of the last times that lessons were kept, the newest last.

    Examples
    --------
    >>> hindsight = Hindsight()
    >>> for row in range(100, 600, 50):
    ...     hindsight = hindsight.follow(row, f"learnt by row {row}", season=168)
    >>> hindsight.lessons
    'learnt by row 300'
    """

    taken: tuple = ()

    def follow(self, row, lessons, season):
        """Return the hindsight after a row at which nothing moves; lessons are kept by season."""
        if self.taken and row - self.taken[-1][0] < season:
            return self
        return Hindsight((*self.taken, (row, lessons))[-KEPT:])

    @property
    def lessons(self):
        """The oldest that are kept, None if there are none."""
        return self.taken[0][1] if self.taken else None
