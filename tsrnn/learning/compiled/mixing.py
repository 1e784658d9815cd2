"""The mixture of experts over rows, compiled; maths and names are those of `Mixing`."""

import numpy as np

from tsrnn.learning.mixing import LOSS_DISCOUNT, MIXTURE_DISCOUNT, OUTLIER, TINY
from tsrnn.nn.compiled.maths import compiled

from .rings import newest, with_room

# No shortcut of the compiler's: a regret may be positive by its last digit.


def expert_forecasts(recurrent, linear, levels, back, season):
    """Return what the experts of an `Ensemble` forecast at the newest rows, (n, M, E, S).

    Parameters
    ----------
    recurrent : ndarray of shape (n, S, M)
    linear : ndarray of shape (n, S, M)
        Changes from the newest level.
    levels : ndarray of shape (n + earlier rows, S)
    back : ndarray of int, shape (M, B)
        Rows back from the newest one to those that are repeated.
    season : int
        Rows between the levels whose change is repeated; 0: no expert repeats one.
    """
    (n, S, M), B = recurrent.shape, back.shape[1]
    forecasts = np.empty((n, M, B + (3 if season else 2), S))
    for row, m, s in np.ndindex(n, M, S):
        now, at = len(levels) - n + row, forecasts[row, m, :, s]
        at[0], at[1] = recurrent[row, s, m], linear[row, s, m] + levels[now, s]
        for b in range(B):
            at[2 + b] = levels[now - back[m, b], s]
        if season:
            at[2 + B] = at[1 + B] + (levels[now, s] - levels[now - season, s])
    return forecasts


def follow_experts(forecasts, waiting, labels, delays, discounts, state):
    """Move the mixture over rows: score what was said, say what there is to say, blend it.

    Parameters
    ----------
    forecasts : ndarray of shape (n, M, E, S)
    waiting : ndarray of shape (reach, M, E + R + 1, S)
        What was said at the rows before.
    labels : ndarray of shape (n, S, 1)
    delays : ndarray of int, shape (M,)
    discounts : ndarray of shape (R, 1, 1)
    state : tuple of ndarray
        The moving arrays of a `Mixing`.

    Returns
    -------
    state : tuple of ndarray
    said : ndarray of shape (reach, M, E + R + 1, S)
        What waits for its labels now.
    mixtures : ndarray of shape (n, S, M)
    """
    (n, M, E, S), reach = forecasts.shape, len(waiting)
    regret, spread, loss, n_labels, parts, blend = state
    regret, spread, loss = regret.copy(), spread.copy(), loss.copy()
    n_labels, parts, blend = n_labels.copy(), parts.copy(), blend.copy()
    said, discounts = with_room(waiting, reach, n), discounts.ravel()
    mixtures, error = np.empty((n, S, M)), np.empty(said.shape[2])
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
            for e in range(E):
                now[e, s] = forecasts[row, m, e, s]
            _issue(part, now[:, s])
            mixtures[row, s, m] = _sum_of_products(mixture, now[E:, s])
    return (regret, spread, loss, n_labels, parts, blend), newest(said, reach), mixtures


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
expert_forecasts = compiled(expert_forecasts, False)
follow_experts = compiled(follow_experts, False)
