"""A linear autoregression of what inputs known ahead leave of a stream."""

import numpy as np

from tsrnn.online.readouts.future import FutureRLS
from tsrnn.online.readouts.rls import DelayedRLS
from tsrnn.online.storage.spare_rows import AppendsRows
from tsrnn.persistence.registry import saved

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
    stream.

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

    Examples
    --------
    >>> import numpy as np
    >>> inputs = np.random.default_rng(0).normal(size=(300, 1))
    >>> values = np.tile([[1.0], [5.0]], (150, 1)) + 3.0 * inputs
    >>> expert = AdjustedLinear(1, n_inputs=1, n_lags=2, n_others=1, delays=[1, 2], forgetting=1.0)
    >>> expert, forecasts, _ = expert.follow(values[..., None], values, np.ones((300, 1, 1)), inputs)
    >>> forecasts[-1].round(1), expert.effect.round(1)
    (array([[1., 5.]]), array([[3.]]))
    """

    appended = ("_levels", "_inputs")

    def __init__(self, n_streams, n_inputs, n_lags, n_others, delays, forgetting, ridge=None):
        n_features = n_lags + 1 + n_others
        self.readout = DelayedRLS(n_streams, n_features, delays, forgetting, ridge)
        n_features += 3 * n_inputs
        self.effects = FutureRLS(n_streams, n_features, [1], forgetting, n_inputs, ridge)
        self._levels = np.full((n_lags + 1, n_streams), np.nan)
        self._inputs = np.full((*self._levels.shape, n_inputs), np.nan)

    @property
    def n_others(self):
        """Features beside the lags and the newest value."""
        return self.readout.weights.shape[2] - len(self._levels)

    @property
    def effect(self):
        """Effects of the inputs, (S, F)."""
        return self.effects.effect_weights[:, 0]

    def restarted(self):
        """Drop the rows that are remembered; what was learnt stays."""
        return self.with_rows(
            np.full_like(self._levels, np.nan),
            _inputs=np.full_like(self._inputs, np.nan),
            readout=self.readout.restarted(),
            effects=self.effects.restarted(),
        )

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
        n, n_kept = len(labels), len(self._levels)
        expert = self.opened(n)
        known = np.isfinite(labels[..., 0])
        expert._remember(levels, inputs, known, n_kept)
        features = np.empty((*levels.shape, self.readout.weights.shape[2]))
        features[..., n_kept:] = others
        effects, all_effects = self.effects, np.empty((*levels.shape, inputs.shape[1]))
        for row in range(n):
            rows = slice(row + 1, row + 1 + n_kept)
            values, x, seen = expert._levels[rows], expert._inputs[rows], features[row]
            _adjust(values, x, effects.effect_weights[:, 0], seen)
            wide = np.concatenate([seen, before_step(x)], axis=1)[None]
            base, arrived = seen[None, :, n_kept - 1], inputs[None, row, None, None]
            label = labels[row : row + 1]
            effects = effects.follow(wide, base, label, arrived, learning)[0]
            effect = all_effects[row] = effects.effect_weights[:, 0]
            _adjust(values, x, effect, seen)
        base = features[..., n_kept - 1].copy()
        left = labels[..., 0] - (all_effects * inputs[:, None]).sum(axis=2)
        rows = features, base, left[..., None], learning
        expert.readout, changes = self.readout.follow(*rows)
        expert.effects = effects
        expert.close(n)
        return expert, base[..., None] + changes, (base, left, all_effects)

    def _remember(self, levels, inputs, known, n_kept):
        """Write new rows: values, and the inputs of the row from which each value is."""
        values, of_values = self._levels, self._inputs
        if np.isnan(of_values[n_kept - 1]).any():  # what lies before the first row is as that is
            values[:n_kept], of_values[:n_kept] = levels[0], inputs[0]
        values[n_kept:] = levels
        for row, is_known in enumerate(known):
            now, before = of_values[n_kept + row], of_values[n_kept + row - 1]
            now[:] = np.where(is_known[:, None], inputs[row], before)


def _adjust(values, inputs, effect, seen):
    """Write the lags and the newest of adjusted values to features (S, K).

    Of values (1 + L, S), newest last, inputs (1 + L, S, F) and their effects (S, F).
    """
    adjusted = values - (inputs * effect).sum(axis=2)
    n_lags = len(values) - 1
    seen[:, :n_lags] = (adjusted[-2::-1] - adjusted[-1]).T
    seen[:, n_lags] = adjusted[-1]
