"""Features that each step of a horizon has of its own, looked up in the rows of a stream."""

from dataclasses import dataclass

import numpy as np

from tsrnn.kernels.numpy_.per_step import FAST, LEVEL, MEAN, N_COLUMNS, SLOW, ZERO
from tsrnn.kernels.numpy_.seasons import rows_back
from tsrnn.persistence.registry import saved

MOST_LOOKED_BACK_ON = 5  # inputs known ahead, of which earlier values are features too
N_CHANGES = 2  # newest ones; more were no better, beside the experts that see 24 of them


@saved("step-features")
@dataclass(frozen=True)
class StepFeatures:
    """Differences of two values each, that lie at or before the origin of a forecast.

    Of the origin: the newest changes, how far the newest value is from the mean level, from that of
    each season before, and from the profiles of its phase. Of the step: the newest value of its
    phase of each season, and the profiles of that phase, against the newest value. Of inputs
    that are known ahead: their values at the origin and a season before the step, if they are few,
    and at the step. Which row is looked up is data, not code.

    Attributes
    ----------
    back : ndarray of int, shape (M, L, 2)
        Rows back from the origin to the two values of a feature.
    columns : ndarray of int, shape (L, 2)
        Where they are looked up: see `tsrnn.kernels.numpy_.per_step`.
    season : int
        The longest one, whose phases have profiles.
    n_ahead : int
        Inputs that are known ahead.

    Examples
    --------
    >>> features = StepFeatures.of(horizon=2, seasons=(7,))
    >>> features.back[:, -1, 0], features.n_features
    (array([6, 5]), 10)
    """

    back: np.ndarray
    columns: np.ndarray
    season: int
    n_ahead: int = 0

    @classmethod
    def of(cls, horizon, seasons, n_ahead=0):
        """Choose the features for a horizon, seasons, shortest first, and inputs known ahead."""
        steps, origin = np.arange(1, horizon + 1), np.zeros(horizon, dtype=np.intp)
        now = origin, LEVEL
        looked_up = [((origin + lag, LEVEL), now) for lag in range(1, 1 + N_CHANGES)]
        looked_up.append((now, (origin, MEAN)))
        for season in seasons:
            phase = rows_back(steps, season)
            looked_up += [(now, (origin + season, LEVEL)), ((phase, LEVEL), now)]
        if seasons:
            phase = rows_back(steps, seasons[-1])
            for profile in (FAST, SLOW):
                looked_up += [(now, (origin, profile)), ((phase, profile), now)]
        for column in range(
            N_COLUMNS, N_COLUMNS + n_ahead if n_ahead <= MOST_LOOKED_BACK_ON else 0
        ):
            looked_up.append(((origin, column), (origin, ZERO)))
            if seasons:
                looked_up.append(((phase, column), (origin, ZERO)))
        back = [np.stack([first[0], second[0]], axis=1) for first, second in looked_up]
        columns = [(first[1], second[1]) for first, second in looked_up]
        return cls(np.stack(back, axis=1), np.array(columns), max((1, *seasons)), n_ahead)

    @property
    def table(self):
        """What kernels look features up by."""
        return self.back, self.columns, self.n_ahead

    @property
    def n_features(self):
        """Features of a step, the constant and the inputs at the step included."""
        return len(self.columns) + 1 + self.n_ahead

    @property
    def reach(self):
        """Rows before a new one that are looked at when it brings labels."""
        steps = np.arange(1, len(self.back) + 1)
        return int(max(self.season, (steps + self.back.max(axis=(1, 2))).max()))
