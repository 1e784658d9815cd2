"""Steps of the horizon at which forecasts are scored."""

from dataclasses import dataclass

import numpy as np

from tsrnn.persistence.registry import saved

N_FIRST, N_MOST = 24, 40


@saved("scored-steps")
@dataclass(frozen=True)
class ScoredSteps:
    """At most 40 of M steps; what is learnt at them is interpolated linearly in between.

    The first 24 steps, and others spread evenly up to the last one.

    Attributes
    ----------
    steps : ndarray of int, shape (m,)
        Ascending, the first and the last one among them.
    left : ndarray of int, shape (M,)
        For each step, the place among `steps` of the newest scored one up to it.
    share : ndarray of shape (M,)
        Weight of the scored step after that.

    Examples
    --------
    >>> scored = ScoredSteps.of(720)
    >>> scored.steps[[0, 1, 23, 24, 25, -1]], len(scored.steps)
    (array([  1,   2,  24,  68, 111, 720]), 40)
    >>> float(scored.spread(scored.steps)[99])
    100.0
    """

    steps: np.ndarray
    left: np.ndarray
    share: np.ndarray

    @classmethod
    def of(cls, horizon):
        """Choose the steps of a horizon."""
        steps = np.arange(1, horizon + 1)
        if horizon > N_MOST:
            spread = np.linspace(N_FIRST, horizon, N_MOST - N_FIRST + 1).round().astype(np.intp)
            steps = np.concatenate([steps[: N_FIRST - 1], spread])
        every = np.arange(1, horizon + 1)
        left = np.searchsorted(steps, every, side="right") - 1
        width = np.diff(steps, append=steps[-1] + 1)
        return cls(steps, left, (every - steps[left]) / width[left])

    @property
    def fixed(self):
        """The arrays, for compiled loops."""
        return self.steps, self.left, self.share

    @property
    def places(self):
        """Places of the scored steps among all, (m,)."""
        return self.steps - 1

    @property
    def all_are(self):
        """Whether every step is scored."""
        return len(self.steps) == len(self.left)

    def take(self, values):
        """Return values (..., M) of all steps at the scored ones, (..., m)."""
        return values if self.all_are else values[..., self.places]

    def waiting(self, issued):
        """Return what waits for its label of what was issued at the newest rows.

        Parameters
        ----------
        issued : ndarray of shape (M, m, ...)
            At the newest M rows. Of a step, as many of them wait as it is ahead.

        Returns
        -------
        ndarray of shape (sum of the steps, ...)
            Step by step, oldest rows first.

        Examples
        --------
        >>> scored = ScoredSteps.of(2)
        >>> scored.waiting(np.array([[1.0, 2.0], [3.0, 4.0]]))
        array([3., 2., 4.])
        """
        return np.concatenate([issued[-step:, place] for place, step in enumerate(self.steps)])

    def issued(self, waiting):
        """Return an array (M, m, ...) of what waits, see `waiting`; NaN of what does not any more.

        Raises
        ------
        ValueError
            As many values do not wait.
        """
        parts = np.split(waiting, np.cumsum(self.steps)[:-1])
        issued = np.full((self.steps[-1], len(self.steps), *waiting.shape[1:]), np.nan)
        for place, (step, part) in enumerate(zip(self.steps, parts, strict=True)):
            issued[-step:, place] = part
        return issued

    def spread(self, values):
        """Interpolate values (..., m) at the scored steps to all of them, (..., M)."""
        if self.all_are:
            return values
        right = np.minimum(self.left + 1, len(self.steps) - 1)
        return values[..., self.left] * (1.0 - self.share) + values[..., right] * self.share
