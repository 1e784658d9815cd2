"""A linear autoregression of what inputs known ahead leave of a stream."""

import numpy as np

from tsrnn.online.readouts.covariance import QUIETLY
from tsrnn.online.readouts.future import FutureRLS
from tsrnn.online.readouts.rls import DelayedRLS
from tsrnn.online.storage.spare_rows import AppendsRows
from tsrnn.persistence.registry import saved

EVIDENCE = 2.0  # variances by which the square of an effect is shrunk, as many as Akaike asks for
NOISE_RATE = 0.005  # weight of the newest error of one step in the variance of the noise
NEWEST = 5  # rows whose mean inputs the effects are estimated beside, and that of all lags


def before_step(inputs):
    """Return what inputs were before a step: newest, mean of the newest few, mean of all.

    Parameters
    ----------
    inputs : ndarray of shape (rows, ..., F)
        Newest last.

    Returns
    -------
    ndarray of shape (..., 3 F)

    Examples
    --------
    >>> before_step(np.array([[0.0], [0.0], [0.0], [5.0], [5.0], [5.0]]))
    array([5. , 3. , 2.5])
    """
    parts = inputs[-1], inputs[-NEWEST:].mean(axis=0), inputs.mean(axis=0)
    return np.concatenate(parts, axis=-1)


@saved("adjusted-linear")
class AdjustedLinear(AppendsRows):
    r"""A short autoregression of a stream that is adjusted for its inputs known ahead.

    What inputs did to the values that are looked back on is taken out first: a day that a promotion
    has lifted says nothing of the days after it. The adjusted stream is
    :math:`\tilde y_t = y_t - \beta' x_t`, of which all lags are made anew at each row with
    the newest effects β. These are learnt one step ahead, by least squares of the next value
    on the lags of :math:`\tilde y`, on what the inputs have been lately, and on the inputs
    :math:`x_{t+1}`; the theorem of Frisch, Waugh and Lovell takes them apart (see `FutureRLS`).
    Without the second, an input that follows the year would be given what the year does to the
    stream. An estimate b of variance v is shrunk to
    :math:`\beta = b\, \max(0, 1 - 2 v / b^2)`: what says nothing adds no noise.

    It is a value: `follow` and `restarted` return a new one.

    Parameters
    ----------
    n_streams, n_inputs : int
        S and F.
    n_lags : int
        L.
    n_others : int
        Features beside the lags and the newest value.
    delays : array-like of int, shape (M,)
    forgetting : float
    ridge : ndarray of shape (S,), optional
        See `DelayedRLS`.

    Attributes
    ----------
    readout : DelayedRLS
        Of the adjusted stream.
    effects : FutureRLS
        Of one step.

    References
    ----------
    M. C. Lovell, "Seasonal adjustment of economic time series and multiple regression analysis",
    Journal of the American Statistical Association 58, 1963. R. Hyndman, G. Athanasopoulos,
    *Forecasting: principles and practice*, on regression with errors that are autoregressive.
    L. Breiman, "Better subset regression using the nonnegative garrote", Technometrics 37, 1995.

    Examples
    --------
    >>> import numpy as np
    >>> inputs = np.random.default_rng(0).normal(size=(300, 1))
    >>> values = np.tile([[1.0], [5.0]], (150, 1)) + 3.0 * inputs
    >>> expert = AdjustedLinear(1, n_inputs=1, n_lags=2, n_others=1, delays=[1, 2], forgetting=1.0)
    >>> labels, others = values[..., None], np.ones((300, 1, 1))
    >>> expert, forecasts, _ = expert.follow(labels, values, others, inputs)
    >>> forecasts[-1].round(1), expert.effect.round(1)
    (array([[1., 5.]]), array([[3.]]))
    """

    appended = ("_levels", "_inputs")

    def __init__(self, n_streams, n_inputs, n_lags, n_others, delays, forgetting, ridge=None):
        n_features, self.n_lags = n_lags + 1 + n_others, n_lags
        self.readout = DelayedRLS(n_streams, n_features, delays, forgetting, ridge)
        n_features += 3 * n_inputs
        self.effects = FutureRLS(n_streams, n_features, [1], forgetting, n_inputs, ridge)
        self.noise, self.n_errors = np.zeros(n_streams), np.zeros(n_streams)
        self._issued = np.full(n_streams, np.nan)
        self._levels = self._inputs = None  # values, and inputs of the rows that these are from

    @property
    def n_others(self):
        """Features beside the lags and the newest value."""
        return self.readout.weights.shape[2] - self.n_lags - 1

    @property
    def effect(self):
        """Effects of the inputs, (S, F), shrunk."""
        return _shrunk(self.effects, self.noise)

    def restarted(self):
        """Drop the rows that are remembered; what was learnt stays."""
        return self.with_rows(
            None,
            _inputs=None,
            _issued=np.full_like(self._issued, np.nan),
            readout=self.readout.restarted(),
            effects=self.effects.restarted(),
        )

    @QUIETLY
    def follow(self, labels, levels, others, inputs, learning=True):
        """Take in rows, and forecast after each.

        Parameters
        ----------
        labels : ndarray of shape (n, S, 1)
            Values that arrive, NaN where missing.
        levels : ndarray of shape (n, S)
            Newest known values.
        others : ndarray of shape (n, S, K)
        inputs : ndarray of shape (n, F)
        learning : bool

        Returns
        -------
        expert : AdjustedLinear
        forecasts : ndarray of shape (n, S, M)
            Of the adjusted stream.
        adjusted : tuple of ndarray of shape (n, S), (n, S) and (n, S, F)
            The adjusted stream: newest known values and those that arrived; and the effects, all
            as they are after each row.
        """
        n, n_kept = len(labels), self.n_lags + 1
        expert = self if self._levels is not None else self._padded(levels[0], inputs[0])
        expert = expert.opened(n)
        expert._remember(levels, inputs, np.isfinite(labels[..., 0]))
        features = np.empty((*levels.shape, self.readout.weights.shape[2]))
        features[..., n_kept:] = others
        effects, all_effects = self.effects, np.empty((*levels.shape, inputs.shape[1]))
        effect = self.effect
        for row in range(n):
            rows = slice(row + 1, row + 1 + n_kept)
            values, x, seen = expert._levels[rows], expert._inputs[rows], features[row]
            _adjust(values, x, effect, seen)
            wide = np.concatenate([seen, before_step(x)], axis=1)[None]
            base, arrived = seen[None, :, n_kept - 1], inputs[None, row, None, None]
            label = labels[row : row + 1]
            if learning:
                expected = expert._issued + effects.effect(arrived)[0, :, 0]
                expert._follow_noise(label[0, :, 0] - expected)
            effects, constant, *_ = effects.follow(wide, base, label, arrived, learning)
            expert._issued = base[0] + constant[0, :, 0]
            effect = all_effects[row] = _shrunk(effects, expert.noise)
            _adjust(values, x, effect, seen)
        base = features[..., n_kept - 1].copy()
        left = labels[..., 0] - (all_effects * inputs[:, None]).sum(axis=2)
        rows = features, base, left[..., None], learning
        expert.readout, changes = self.readout.follow(*rows)
        expert.effects = effects
        expert.close(n)
        return expert, base[..., None] + changes, (base, left, all_effects)

    def _follow_noise(self, error):
        """Follow the variance of errors (S,) of one step, NaN where there is none."""
        square = error * error
        known = np.isfinite(square)
        self.n_errors = self.n_errors + known
        rate = known * np.maximum(NOISE_RATE, 1.0 / np.maximum(self.n_errors, 1.0))
        self.noise = self.noise + rate * (np.where(known, square, 0.0) - self.noise)

    def _padded(self, level, inputs):
        """Return the expert before its first row: what lies before that is as it is."""
        n_kept = self.n_lags + 1
        of_values = np.broadcast_to(inputs, (n_kept, len(level), len(inputs)))
        return self.with_rows(np.repeat(level[None], n_kept, axis=0), _inputs=of_values.copy())

    def _remember(self, levels, inputs, known):
        """Write the new rows."""
        n_before = len(self._levels) - len(levels)
        self._levels[n_before:] = levels
        for row, is_known in enumerate(known, n_before):
            before, now = self._inputs[row - 1], inputs[row - n_before]
            self._inputs[row] = np.where(is_known[:, None], now, before)


def _adjust(values, inputs, effect, seen):
    """Write the lags and the newest of adjusted values to features (S, K).

    Of values (1 + L, S), newest last, inputs (1 + L, S, F) and their effects (S, F).
    """
    adjusted = values - (inputs * effect).sum(axis=2)
    n_lags = len(values) - 1
    seen[:, :n_lags] = (adjusted[-2::-1] - adjusted[-1]).T
    seen[:, n_lags] = adjusted[-1]


def _shrunk(effects, noise):
    """Return the effects (S, F) of a `FutureRLS` of one step, shrunk, for a noise (S,)."""
    estimate = effects.effect_weights[:, 0]
    variance = noise[:, None] * np.einsum("sff->sf", effects.effects.covariance)
    square = estimate * estimate
    excess = np.maximum(square - EVIDENCE * variance, 0.0)
    return estimate * np.divide(excess, square, out=np.zeros_like(square), where=square > 0.0)
