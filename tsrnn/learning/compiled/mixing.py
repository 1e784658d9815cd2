"""The mixture of experts over rows, compiled; maths and names are those of `Mixing`."""

import numpy as np

from tsrnn.learning.mixing import LOSS_DISCOUNT, MIXTURE_DISCOUNT, OUTLIER, TINY
from tsrnn.nn.compiled.maths import compiled

# No shortcut of the compiler's: a regret may be positive by its last digit.


def follow_experts(forecasts, said, labels, delays, discounts, state, mixtures):
    """Move the mixture over rows: score what was said, say what there is to say, blend it.

    Parameters
    ----------
    forecasts : ndarray of shape (n, M, E, S)
    said : ndarray of shape (reach + n, M, E + R + 1, S)
        The last n rows are written.
    labels : ndarray of shape (n, S, 1)
    delays : ndarray of int, shape (M,)
    discounts : ndarray of shape (R,)
    state : tuple of ndarray
        The moving arrays of a `Mixing`, changed in place.
    mixtures : ndarray of shape (n, S, M)
        Written.
    """
    (n, M, E, S), reach = forecasts.shape, len(said) - len(forecasts)
    regret, spread, loss, n_labels, parts, blend = state
    error = np.empty(said.shape[2])
    for row, m in np.ndindex(n, M):
        past, now = said[reach + row - delays[m], m], said[reach + row, m]
        for s in range(S):
            part, mixture = parts[m, :, :, s], blend[m, :, s]
            for k in range(len(error)):
                error[k] = past[k, s] - labels[row, s, 0]
            if np.isfinite(error[-1]):
                losses = regret[m, :, :, s], spread[m, :, :, s], loss[m, :, s], n_labels[m, s]
                _score(error, discounts, *losses, part, mixture)
                n_labels[m, s] = LOSS_DISCOUNT * n_labels[m, s] + 1.0
            now[:E, s] = forecasts[row, m, :, s]
            _issue(part, now[:, s])
            mixtures[row, s, m] = _sum_of_products(mixture, now[E:, s])


def _issue(parts, said):
    """Write the mixtures behind the forecasts of the experts."""
    E = parts.shape[1]
    for r in range(len(parts)):
        said[E + r] = _sum_of_products(parts[r], said[:E])


def _sum_of_products(x, y):
    total = 0.0
    for k in range(len(x)):
        total += x[k] * y[k]
    return total


def _score(error, discounts, regret, spread, loss, n_labels, parts, blend):
    """Move regrets and losses of one output of one stream by a label, and the weights by them."""
    R, E = regret.shape
    least, usual = np.inf, np.inf
    for k in range(len(error)):
        least = min(least, error[k] * error[k])
    for e in range(E):
        usual = min(usual, loss[e])
    limit = OUTLIER * (least + usual / max(n_labels, 1.0)) if n_labels > 0.0 else np.inf
    for k in range(len(error)):
        squared = error[k] * error[k]
        if k < E:
            loss[k] = LOSS_DISCOUNT * loss[k] + squared
        else:
            loss[k] = MIXTURE_DISCOUNT * loss[k] + min(squared, limit)
    for r in range(R):
        pull = error[E + r]
        for e in range(E):
            gain = pull * (pull - error[e])
            regret[r, e] = discounts[r] * regret[r, e] + gain
            spread[r, e] = discounts[r] * spread[r, e] + gain * gain
        _potential(regret[r], spread[r], parts[r])
    _favour(loss[:E], parts[R])
    _favour(loss[E:], blend)


def _potential(regret, spread, part):
    total = 0.0
    for e in range(len(part)):
        part[e] = max(regret[e], 0.0) / (spread[e] + TINY)
        total += part[e]
    if total <= 0.0:  # no expert did better than the mixture
        part[:] = 1.0
        total = float(len(part))
    for e in range(len(part)):
        part[e] /= total


def _favour(loss, share):
    least, total = np.inf, 0.0
    for k in range(len(loss)):
        least = min(least, loss[k] + TINY)
    for k in range(len(loss)):
        ratio = least / (loss[k] + TINY)
        ratio *= ratio
        ratio *= ratio
        share[k] = ratio * ratio
        total += share[k]
    for k in range(len(loss)):
        share[k] /= total


_potential, _favour = compiled(_potential, False), compiled(_favour, False)
_sum_of_products, _score = compiled(_sum_of_products, False), compiled(_score, False)
_issue = compiled(_issue, False)
follow_experts = compiled(follow_experts, False)
