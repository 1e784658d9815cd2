"""Experts that smooth: a mean, a level, a damped trend, seasons; of values or logarithms."""

import numpy as np

from tsrnn.kernels import compiled_kernels
from tsrnn.kernels.numpy_ import smoothing as numpy_kernels
from tsrnn.kernels.numpy_.seasons import shift_phases
from tsrnn.online.storage.spare_rows import AppendsRows
from tsrnn.online.storage.values import plain, twin
from tsrnn.persistence.registry import saved

# Settings that run side by side, as rates (α, β, φ, γ); of each expert those that forecast best.
MEAN = ((0.0, 0.0, 0.0, 0.0),)
LEVEL = ((0.1, 0.0, 0.0, 0.0), (0.3, 0.0, 0.0, 0.0), (0.6, 0.0, 0.0, 0.0))
TREND = tuple((a, b, 0.95, 0.0) for a in (0.2, 0.5, 0.9) for b in (0.05, 0.2))
SEASON = tuple((a, 0.05, 0.95, g) for a in (0.05, 0.3, 0.7) for g in (0.05, 0.3))

YEAR = ((0.003, 0.0, 0.0, 0.1), (0.02, 0.0, 0.0, 0.2))  # far steps ask for a level that stays


def side_by_side(seasons, of_season, logs, year=None):
    """Return the names of the experts, and the settings of all of them; see `follow_smoothing`.

    Parameters
    ----------
    seasons : tuple of int
        Shortest first.
    of_season : sequence of tuple
        Rates with which each season is smoothed.
    logs : bool
        Whether logarithms are smoothed too.
    year : int, optional
        Rows of one more season.
    """
    families = [
        ("mean", MEAN, 1, False),
        ("exponential_smoothing", LEVEL, 1, False),
        ("damped_trend", TREND, 1, False),
    ]
    families += [(f"holt_winters_{season}", of_season, season, False) for season in seasons]
    if year:
        families.append((f"seasonal_mean_{year}", YEAR, year, False))
    if seasons and logs:
        families.append((f"log_holt_winters_{seasons[-1]}", of_season, seasons[-1], True))
    counts = [len(settings) for _, settings, *_ in families]
    settings = (
        np.array([rates for _, settings, *_ in families for rates in settings]),
        np.repeat([period for *_, period, _ in families], counts),
        np.repeat([float(log) for *_, log in families], counts),
        np.repeat(np.arange(len(families)), counts),
    )
    return [name for name, *_ in families], settings


@saved("smoothing")
class Smoothing(AppendsRows):
    """Exponential smoothing of several settings for each expert, side by side.

    The experts are the mean of all values, a smoothed level, a level with a damped trend, these
    with a season (for each season), and for the longest season the same of logarithms, where all
    values were positive. Each forecasts by those of its settings that have lately been best one
    step ahead. States run on over missing values, and move under ``update`` too.

    A smoothing is a value: `follow` and `restarted` return a new one.

    Parameters
    ----------
    n_steps : int
        Steps ahead, M.
    seasons : tuple of int
        In rows, shortest first.
    n_streams : int
        S.
    zero : ndarray of shape (S,), optional
        Where zero is in the units of the values; without it no logarithms are taken.
    year : int, optional
        Rows of one more season.

    Attributes
    ----------
    names : list of str
        Of the experts.
    moving : tuple of ndarray
        The state, see `follow_smoothing`.
    n_rows : int
        Rows seen since the last restart.

    Examples
    --------
    >>> import numpy as np
    >>> smoothing = Smoothing(2, seasons=(3,), n_streams=1)
    >>> values = np.tile([1.0, 5.0, 3.0], 20)[:, None]
    >>> smoothing, forecasts = smoothing.follow(values)
    >>> smoothing.names
    ['mean', 'exponential_smoothing', 'damped_trend', 'holt_winters_3']
    >>> forecasts[-1, :, [0, 3], 0].round(1)
    array([[3., 3.],
           [1., 5.]])
    """

    appended = ("_seasonal",)

    def __init__(self, n_steps, seasons, n_streams, zero=None, year=None):
        self.names, self._settings = side_by_side(seasons, SEASON, zero is not None, year)
        self.n_steps, self.zero = n_steps, np.zeros(n_streams) if zero is None else np.array(zero)
        self._restart()

    def restarted(self):
        """Return the smoothing before its first row."""
        smoothing = twin(self)
        smoothing._restart()
        return smoothing

    def follow(self, labels):
        """Take in rows, and forecast after each.

        Parameters
        ----------
        labels : ndarray of shape (n, S)
            NaN where missing.

        Returns
        -------
        smoothing : Smoothing
        forecasts : ndarray of shape (n, M, G, S)
            Of each expert; NaN where it has none yet.
        """
        kernels, smoothing = compiled_kernels() or numpy_kernels, self.opened(len(labels))
        forecasts, state = kernels.follow_smoothing(
            plain(labels), smoothing._seasonal, *self.fixed, self.n_rows, self.moving
        )
        smoothing.moving, smoothing.n_rows = state, self.n_rows + len(labels)
        smoothing.close(len(labels))
        return smoothing, forecasts

    def phases_shifted(self, season, early):
        """Return the smoothing whose states of that season are so many rows earlier.

        Before the second season is over they are not told apart from values: then it stays.
        """
        if self.n_rows < 2 * season:
            return self
        lengths = numpy_kernels.season_lengths(self._settings)
        some, seasonal = lengths == season, self._seasonal.copy()
        seasonal[-season:, some] = shift_phases(seasonal[-season:, some], season, early)
        return self.with_rows(seasonal)

    @property
    def fixed(self):
        """What kernels follow rows by: settings, steps and zero; see `follow_smoothing`."""
        return self._settings, self.n_steps, self.zero

    def bare(self):
        """Return the smoothing without its arrays, for `filled`."""
        return self.with_rows(None, moving=None)

    def filled(self, seasonal, moving, n_rows):
        """Return the smoothing after so many rows that a compiled call has taken in."""
        return self.with_rows(seasonal, moving=moving, n_rows=self.n_rows + n_rows)

    def _restart(self):
        periods = self._settings[1]
        zeros, n_streams = np.zeros((len(periods), len(self.zero))), len(self.zero)
        limit = np.full(n_streams, numpy_kernels.NO_LIMIT)
        self.moving = zeros, zeros, zeros, zeros, np.zeros(n_streams), limit
        self.n_rows = 0
        n_seasonal = int((periods > 1).sum())
        self._seasonal = np.zeros((periods.max(), n_seasonal, n_streams))
