"""Online conformal intervals: quantiles of scaled errors, tracked as labels arrive."""

from bisect import bisect_left
from dataclasses import dataclass
from functools import lru_cache
from statistics import NormalDist

import numpy as np

from tsrnn.kernels.numpy_ import conformal as kernels
from tsrnn.kernels.numpy_.conformal import MAE_OF_NORMAL, PROFILE_NOISE, QUANTILES
from tsrnn.online.storage.values import changed
from tsrnn.persistence.registry import saved


@saved("conformal")
@dataclass(frozen=True)
class Conformal:
    """Quantiles of forecast errors for M outputs of S streams, moved by every label.

    An error is measured in units of what is to be expected at its row: a recent mean absolute error
    of each step, times a profile for each season (by hour of the day and of the week, say), which
    the steps share. Quantiles of the scaled errors are tracked by online gradient descent on the
    pinball loss [1]_: a quantile rises a little with each error above it and falls a little with
    each below, so that its share of the errors comes out right in the long run, whatever the errors
    do [2]_. Steps are larger while few labels have come [3]_, so that years, of which there are few
    rows, are followed too, and smaller for steps of a horizon whose errors overlap over many rows,
    of which intervals are wider at first. There is a quantile for either side: intervals need not
    be symmetric.

    Of errors m rows ahead m follow each other that are nearly the same, and a quantile that moves
    with each of them swings. So step m moves by its own label with the share of one over the root
    of m, and for the rest by the mean over the steps up to it, weighted by 1 / m; see `own_share`.
    In the long run the share of errors is right all the same: step 1 learns from itself alone, and
    where the steps before have what is theirs, their mean move is none. Steps far ahead find their
    level by their own first labels.

    A season whose factors differ no more than chance makes them is left out; see `season_weights`.

    A conformal is a value: `step` returns a new one. Streams are the last axis of the arrays.

    Attributes
    ----------
    probabilities : ndarray of shape (Q,)
        Of the tracked quantiles, ascending; others are interpolated.
    delays : ndarray of int, shape (M,)
        Rows between the origin and the label of each output.
    quantiles : ndarray of shape (Q, M, S)
        Of the scaled errors.
    level : ndarray of shape (M, S)
        Recent mean absolute error, seasons taken out.
    n_labels : ndarray of shape (M, S)
        Labels seen.
    seasons : ndarray of int
        Season lengths in rows.
    profiles : ndarray of shape (sum of the seasons, S)
        Factors by the row's phase in each season, one season behind the other.
    shares : bool
        Whether steps learn from nearer ones too. Those of a regressor do not, nor do those of files
        of 0.1.0, which go on as before.
    noise : float
        Variance of factors by chance; 0 in files of 0.1.0, where each season counts in full.

    References
    ----------
    .. [1] I. Gibbs, E. Candès (2021), Adaptive conformal inference under distribution shift,
       NeurIPS.
    .. [2] A. Angelopoulos, E. Candès, R. Tibshirani (2023), Conformal PID control for time series
       prediction, NeurIPS.
    .. [3] A. Angelopoulos, R. Barber, S. Bates (2024), Online conformal prediction with decaying
       step sizes, ICML.

    Examples
    --------
    >>> import numpy as np
    >>> errors = np.random.default_rng(0).normal(scale=3.0, size=5000)
    >>> conformal = Conformal.of(delays=[1], n_streams=1)
    >>> for row, error in enumerate(errors):
    ...     scale = conformal.scale(row - 1)
    ...     conformal = conformal.step(np.array([[error]]), scale, row)
    >>> conformal.offsets([0.1, 0.9], conformal.scale(row)).round(0).ravel()
    array([-4.,  4.])
    """

    probabilities: np.ndarray
    delays: np.ndarray
    quantiles: np.ndarray
    level: np.ndarray
    n_labels: np.ndarray
    seasons: np.ndarray
    profiles: np.ndarray
    shares: bool = False
    noise: float = 0.0

    @classmethod
    def of(cls, delays, n_streams, seasons=(), probabilities=QUANTILES, shares=True):
        """Return the state before a first label: normal errors of the history's spread."""
        normal = np.array([NormalDist().inv_cdf(p) for p in probabilities]) / MAE_OF_NORMAL
        shape = len(delays), n_streams
        return cls(
            np.array(probabilities),
            np.asarray(delays),
            np.broadcast_to(normal[:, None, None], (len(normal), *shape)).copy(),
            np.full(shape, MAE_OF_NORMAL),
            np.zeros(shape),
            np.array(seasons, dtype=np.intp),
            np.ones((sum(seasons), n_streams)),
            shares,
            PROFILE_NOISE,
        )

    @property
    def fixed(self):
        """Probabilities, delays, own shares, seasons and noise, for compiled loops."""
        return self.probabilities, self.delays, self.own, self.seasons, self.noise

    @property
    def own(self):
        """Share (M,) of what a step learns that is of its own labels."""
        return kernels.own_share(self.delays) if self.shares else np.ones(len(self.delays))

    @property
    def moving(self):
        """The arrays that move, in the order of the attributes."""
        return self.quantiles, self.level, self.n_labels, self.profiles

    def scale(self, row):
        """Return the expected size (M, S) of the errors of what is forecast at a row.

        It is to be kept until the labels arrive, for `step`.

        Parameters
        ----------
        row : int
            Position of the origin, in rows from the first one after the last restart.
        """
        n_rows = kernels.rows_moved(self.n_labels, row)
        weights = kernels.season_weights(self.profiles, self.seasons, n_rows, self.noise)
        return kernels.expected_scale(
            self.level, self.profiles, weights, self.seasons, self.delays, row
        )

    def step(self, error, scale, row):
        """Learn from the errors (label less forecast) that a row has brought.

        Parameters
        ----------
        error : ndarray of shape (M, S)
            NaN where there is none: what concerns it stays as it is.
        scale : ndarray of shape (M, S)
            What `scale` returned at the origin of each.
        row : int
            Position of the row.
        """
        moved = tuple(array.copy() for array in self.moving)
        settings = kernels.pace_of(self.delays), self.own, self.noise
        kernels.score_errors(error, scale, self.probabilities, self.seasons, row, *moved, *settings)
        return self.moved(*moved)

    def moved(self, quantiles, level, n_labels, profiles):
        """Return the state with other numbers."""
        moved = {"quantiles": quantiles, "level": level, "n_labels": n_labels}
        return changed(self, **moved, profiles=profiles)

    def without_seasons(self):
        """Return the state with flat profiles, for rows of unknown phase."""
        return changed(self, profiles=np.ones_like(self.profiles))

    def offsets(self, probabilities, scale):
        """Return quantiles of the errors to come, in the units of the forecast.

        Parameters
        ----------
        probabilities : sequence of float in (0, 1), length P
        scale : ndarray of shape (M, S)
            Of the forecast they are to be added to.

        Returns
        -------
        offsets : ndarray of shape (P, M, S)
            They do not cross.
        """
        wider = kernels.widening(self.delays, self.n_labels)
        return quantiles_at(probabilities, self.probabilities, self.quantiles) * (scale * wider)


def quantiles_at(probabilities, tracked_probabilities, tracked):
    """Read quantiles off tracked ones, which may cross.

    Parameters
    ----------
    probabilities : sequence of float in (0, 1), length P
    tracked_probabilities : ndarray of shape (Q,), ascending
    tracked : ndarray of shape (Q, ...)

    Returns
    -------
    ndarray of shape (P, ...)
        Between two of the tracked, and beyond the outermost, linear in the normal quantile.
    """
    tracked = np.sort(tracked, axis=0)
    if len(tracked) == 1:
        return np.repeat(tracked, len(probabilities), axis=0)
    places = _between(tuple(probabilities), tuple(map(float, tracked_probabilities)))
    return np.stack([tracked[k - 1] + share * (tracked[k] - tracked[k - 1]) for k, share in places])


@lru_cache(maxsize=64)
def _between(probabilities, tracked):
    """Return for each probability the tracked one after it, and its share of the way to there."""
    at, places = [NormalDist().inv_cdf(p) for p in tracked], []
    for probability in probabilities:
        x = NormalDist().inv_cdf(probability)
        right = min(max(bisect_left(at, x), 1), len(at) - 1)
        places.append((right, (x - at[right - 1]) / (at[right] - at[right - 1])))
    return places
