"""The mixture of experts over rows, compiled; maths and names are those of `Mixing`."""

import numpy as np

from tsrnn.kernels.numba_.maths import compiled, flat, inlined, inner, on_stack, view_of
from tsrnn.kernels.numpy_.mixing import HALF_OWN, NEWEST, OUTLIER, SURGE, TINY

# No shortcut of the compiler's: a regret may be positive by its last digit.


def expert_forecasts(recurrent, linear, per_step, levels, smoothed, back, seasons, n_rows):
    """Return what the experts of an `Ensemble` forecast at the newest rows, (n, M, E, S).

    Those that look at rows before the first one are NaN.

    Parameters
    ----------
    recurrent : ndarray of shape (n, S, M)
    linear : ndarray of shape (n, S, M)
        Changes from the newest level.
    per_step : ndarray of shape (n, S, M)
    levels : ndarray of shape (n + earlier rows, S)
    smoothed : ndarray of shape (n, M, G, S)
        Of those that smooth.
    back : ndarray of int, shape (M, B)
        Rows back from the newest one to those that are repeated.
    seasons : ndarray of int, shape (B - 1,)
        In rows; the change over the last of them is repeated too.
    n_rows : int
        Rows seen before these.
    """
    (n, S, M), n_plain = recurrent.shape, back.shape[1] + (4 if len(seasons) else 3)
    forecasts = np.empty((n, M, n_plain + smoothed.shape[2], S))
    given = recurrent, linear, per_step, levels, smoothed, back, seasons, n_rows
    write_forecasts(*given, forecasts)
    return forecasts


def write_forecasts(
    recurrent, linear, per_step, levels, smoothed, back, seasons, n_rows, forecasts
):  # fmt: skip
    """As `expert_forecasts`, which are written."""
    (n, S, M), B, G = recurrent.shape, back.shape[1], smoothed.shape[2]
    first = B + (4 if len(seasons) else 3)  # of those that smooth
    for row, m, s in np.ndindex(n, M, S):
        now, at = len(levels) - n + row, forecasts[row, m, :, s]
        at[0], at[1] = recurrent[row, s, m], linear[row, s, m] + levels[now, s]
        at[2] = per_step[row, s, m]
        at[3] = levels[now, s]
        for b in range(1, B):
            seen = n_rows + row + 1 >= seasons[b - 1]
            at[3 + b] = levels[now - back[m, b], s] if seen else np.nan
        if first > 3 + B:
            seen = n_rows + row >= seasons[-1]
            change = levels[now, s] - levels[now - seasons[-1], s] if seen else np.nan
            at[3 + B] = at[2 + B] + change
        for g in range(G):
            at[first + g] = smoothed[row, m, g, s]


def follow_experts(forecasts, waiting, labels, scored, discounts, state):
    """Move the mixture over rows: score what was issued, issue anew, blend it.

    Parameters
    ----------
    forecasts : ndarray of shape (n, horizon, E, S)
    waiting : ndarray of shape (reach + n, M, E + R + 1, S)
        What was issued at the rows before; that of the rows is written behind it.
    labels : ndarray of shape (n, S, 1)
    scored : tuple of ndarray
        Steps, left and share of a `ScoredSteps`.
    discounts : ndarray of shape (R + 2,) or (M, R + 2)
    state : tuple of ndarray
        The moving arrays of a `Mixing`.

    Returns
    -------
    state : tuple of ndarray
    mixtures : ndarray of shape (n, S, horizon)
    """
    moving, (n, horizon, _, S) = tuple(map(np.copy, state)), forecasts.shape
    mixtures = np.empty((n, S, horizon))
    move_experts(forecasts, waiting, labels, scored, discounts, moving, mixtures)
    return moving, mixtures


def move_experts(forecasts, waiting, labels, scored, discounts, moving, mixtures):
    """As `follow_experts`, with the moving arrays in place, and mixtures written."""
    (n, horizon, E, S), (steps, left, share) = forecasts.shape, scored
    M, reach, issued = len(steps), len(waiting) - n, waiting
    regret, spread, loss, n_labels, scale, parts, blend = moving
    as_parts = _like_parts(blend)
    moved = regret, spread, loss, n_labels, scale, parts, as_parts
    n_errors, discounts = issued.shape[2], _by_step(discounts, regret.shape[1])
    error, zeros = on_stack(n_errors, np.float64), on_stack(n_errors, np.float64)
    zeros[:] = 0.0
    prior = view_of(zeros, 0, (1, n_errors, 1))
    R = regret.shape[1]
    sums, shared = on_stack((2 * R + 1) * E, np.float64), on_stack((R + 1) * E, np.float64)
    for row in range(n):
        now = reach + row
        for m, s in np.ndindex(M, S):
            origin = now - steps[m]
            for k in range(len(error)):
                error[k] = issued[origin, m, k, s] - labels[row, s, 0]
            if np.isfinite(error[-1]):
                _score(error, prior, discounts, moved, m, s)
                if M == 1 or np.isnan(scale[m, s]):
                    _weigh(regret, spread, loss, prior, parts, m, s)
        for m, s in np.ndindex(M, S):
            for e in range(E):
                issued[now, m, e, s] = forecasts[row, steps[m] - 1, e, s]
        for s in range(S if M > 1 else 0):
            if not np.isnan(scale[0, s]):
                _shrink(steps, issued[now], moved, prior, sums, shared, s)
        for m, s in np.ndindex(M, S):
            asleep, step = False, steps[m] - 1
            for e in range(E):
                asleep |= np.isnan(issued[now, m, e, s])
            if asleep:
                _among(issued, now, parts, m, s)
            mixtures[row, s, step] = _issue(issued, now, parts, blend, m, s)
        if horizon > M:
            _interpolate(forecasts, row, parts, blend, left, share, mixtures)


# Places are told by indices: cutting an array takes as long as ten sums.


def _among(issued, now, parts, m, s):
    """Give the weights of experts that sleep to the others; see `among` of the NumPy twin."""
    for r in range(parts.shape[1]):
        total = 0.0
        for e in range(parts.shape[2]):
            if np.isnan(issued[now, m, e, s]):
                parts[m, r, e, s] = 0.0
            total += parts[m, r, e, s]
        if total <= 0.0:
            total = 0.0
            for e in range(parts.shape[2]):
                parts[m, r, e, s] = 0.0 if np.isnan(issued[now, m, e, s]) else 1.0
                total += parts[m, r, e, s]
        for e in range(parts.shape[2]):
            parts[m, r, e, s] /= total


def _issue(issued, now, parts, blend, m, s):
    """Write the mixtures behind the forecasts of the experts; return the blend of them."""
    n_mixtures, E = parts.shape[1:3]
    blended = 0.0
    for r in range(n_mixtures):
        mixture = 0.0
        for e in range(E):
            if not np.isnan(issued[now, m, e, s]):
                mixture += parts[m, r, e, s] * issued[now, m, e, s]
        issued[now, m, E + r, s] = mixture
        blended += blend[m, r, s] * mixture
    return blended


def _interpolate(forecasts, row, parts, blend, left, share, mixtures):
    """Write the mixtures of the steps that are not scored, by weights between those that are."""
    R, E, S = parts.shape[1:]
    for step in range(len(left)):
        m, after = left[step], share[step]
        if after == 0.0:
            continue
        for s in range(S):
            mixture = 0.0
            for e in range(E):
                weight, next_weight = 0.0, 0.0
                if np.isnan(forecasts[row, step, e, s]):
                    continue
                for r in range(R):
                    weight += blend[m, r, s] * parts[m, r, e, s]
                    next_weight += blend[m + 1, r, s] * parts[m + 1, r, e, s]
                weight = weight * (1.0 - after) + next_weight * after
                mixture += weight * forecasts[row, step, e, s]
            mixtures[row, s, step] = mixture


def score_experts(error, prior, discounts, regret, spread, loss, n_labels, scale, parts, blend):
    """Move losses and regrets, and by them the weights, by the errors of labels; in place.

    As of `tsrnn.kernels.numpy_.mixing`; the first and last axis of ``prior`` may be of length 1.
    """
    M, n_errors, S = error.shape
    discounts = _by_step(discounts, regret.shape[1])
    moving = regret, spread, loss, n_labels, scale, parts, _like_parts(blend)
    errors = on_stack(n_errors, np.float64)
    for m, s in np.ndindex(M, S):
        if np.isfinite(error[m, -1, s]):
            for k in range(n_errors):
                errors[k] = error[m, k, s]
            _score(errors, prior, discounts, moving, m, s)
            _weigh(regret, spread, loss, prior, parts, m, s)


def shrink_to_all_steps(steps, forecasts, regret, spread, loss, n_labels, scale, parts):
    """Shrink the weights of each step to those that all steps together speak for; in place.

    As of `tsrnn.kernels.numpy_.mixing`.
    """
    M, R, E, S = regret.shape
    zeros = on_stack(E, np.float64)
    zeros[:] = 0.0
    prior = view_of(zeros, 0, (1, E, 1))
    sums, shared = on_stack((2 * R + 1) * E, np.float64), on_stack((R + 1) * E, np.float64)
    moved = regret, spread, loss, n_labels, scale, parts, parts
    for s in range(S if M > 1 else 0):
        if not np.isnan(scale[0, s]):
            _shrink(steps, forecasts, moved, prior, sums, shared, s)


def _by_step(discounts, R):
    """View discounts (R + 2,) or (M, R + 2) as rows, of one step or of all."""
    return view_of(flat(discounts), 0, (discounts.size // (R + 2), R + 2))


def _like_parts(blend):
    """View blend (M, R + 1, S) as an array of the dimensions of parts."""
    M, n_mixtures, S = blend.shape
    return view_of(flat(blend), 0, (M, 1, n_mixtures, S))


def _score(error, prior, discounts, moving, m, s):
    """Move regrets and losses of one output of one stream by a label, and the blend by them.

    `moving` as above, with blend of the shape of parts.
    """
    regret, spread, loss, n_labels, scale, _, blend = moving
    R, E = regret.shape[1:3]
    mixed, of_step = error[-1], min(m, len(discounts) - 1)
    least, most, usual, seen = np.inf, 0.0, np.inf, n_labels[m, s]
    for k in range(len(error)):
        squared = mixed * mixed if np.isnan(error[k]) else error[k] * error[k]
        least = min(least, squared)
        most = max(most, squared)
    for e in range(E):
        usual = min(usual, loss[m, e, s])
    before, change = scale[m, s], 1.0
    if seen == 0.0:
        scale[m, s] = before + (most - before)
    elif not np.isnan(before):
        newest = min(mixed * mixed, before + SURGE * least)
        scale[m, s] = before + NEWEST / (seen + NEWEST) * (newest - before)
        change = (scale[m, s] + TINY) / (before + TINY)
    limit = OUTLIER * (least + change * usual / max(seen, 1.0)) if seen > 0.0 else np.inf
    of_experts, of_mixtures = discounts[of_step, R], discounts[of_step, R + 1]
    for k in range(len(error)):
        squared = mixed * mixed if np.isnan(error[k]) else error[k] * error[k]
        if k < E:
            loss[m, k, s] = of_experts * (change * loss[m, k, s]) + squared
        else:
            loss[m, k, s] = of_mixtures * (change * loss[m, k, s]) + min(squared, limit)
    for r in range(R):
        pull, discount = error[E + r], discounts[of_step, r]
        for e in range(E):
            gain = 0.0 if np.isnan(error[e]) else pull * (pull - error[e])
            regret[m, r, e, s] = discount * (change * regret[m, r, e, s]) + gain
            spread[m, r, e, s] = discount * (change * (change * spread[m, r, e, s])) + gain * gain
    _favour(loss, prior, E, len(error), blend, m, np.int64(0), s)  # a literal is another type
    n_labels[m, s] = of_experts * seen + 1.0


def _weigh(regret, spread, loss, prior, parts, m, s):
    """Write the weights of the experts in all mixtures of one output of one stream."""
    R, E = regret.shape[1:3]
    for r in range(R):
        _potential(regret, spread, parts, m, r, s)
    _favour(loss, prior, np.int64(0), E, parts, m, R, s)


def _shrink(steps, forecasts, moved, prior, sums, shared, s):
    """As `shrink_to_all_steps`, of one stream.

    Memory is given for the means over steps, (2 R + 1) E, and for their weights, (R + 1) E.
    """
    regret, spread, loss, n_labels, _, parts, _ = moved
    M, R, E, _ = regret.shape
    n_seen = 0.0
    sums[:] = 0.0
    for m in range(M):
        if n_labels[m, s] == 0.0:
            continue
        weight = np.sqrt(steps[m])
        n_seen += weight
        per_label, total, n_awake = 1.0 / max(n_labels[m, s], 1.0), 0.0, 0.0
        for e in range(E):
            if not np.isnan(forecasts[m, e, s]):
                total += loss[m, e, s]
                n_awake += 1.0
        per_unit = 1.0 / (total / max(n_awake, 1.0) * per_label + TINY)
        per_loss = per_unit * per_label
        for r in range(R):
            for e in range(E):
                sums[r * E + e] += regret[m, r, e, s] * (weight * per_unit)
                sums[(R + r) * E + e] += spread[m, r, e, s] * (weight * per_unit * per_unit)
        for e in range(E):
            sums[2 * R * E + e] += loss[m, e, s] * (weight * per_loss)
    if n_seen == 0.0:
        return
    for k in range(len(sums)):
        sums[k] /= n_seen
    of_regrets = view_of(sums, 0, (1, R, E, 1))
    of_squares = view_of(sums, R * E, (1, R, E, 1))
    of_losses = view_of(sums, 2 * R * E, (1, E, 1))
    first, of_all = np.int64(0), view_of(shared, 0, (1, R + 1, E, 1))
    _weigh(of_regrets, of_squares, of_losses, prior, of_all, first, first)
    for m in range(M):
        _weigh(regret, spread, loss, prior, parts, m, s)
        apart = n_labels[m, s] / steps[m]
        own = apart / (apart + HALF_OWN)
        for r in range(R + 1):
            of_own, of_shared, n_awake = 0.0, 0.0, 0.0
            for e in range(E):
                if not np.isnan(forecasts[m, e, s]):
                    of_own += parts[m, r, e, s]
                    of_shared += of_all[0, r, e, 0]
                    n_awake += 1.0
            # Of each step two divisions, and not two of each expert, which would take 2 µs a row.
            per_own, per_shared, equal = 0.0, 0.0, 0.0
            if of_own > 0.0:
                per_own = own / of_own
            else:
                equal += own / max(n_awake, 1.0)
            if of_shared > 0.0:
                per_shared = (1.0 - own) / of_shared
            else:
                equal += (1.0 - own) / max(n_awake, 1.0)
            for e in range(E):
                weight = parts[m, r, e, s] * per_own + of_all[0, r, e, 0] * per_shared + equal
                parts[m, r, e, s] = 0.0 if np.isnan(forecasts[m, e, s]) else weight


def _potential(regret, spread, parts, m, r, s):
    E, total = parts.shape[2], 0.0
    for e in range(E):
        part = max(regret[m, r, e, s] - TINY, 0.0) / (spread[m, r, e, s] + TINY)
        parts[m, r, e, s] = part
        total += part
    if total <= 0.0:  # no expert did better than the mixture
        parts[m, r, :, s] = 1.0
        total = float(E)
    for e in range(E):
        parts[m, r, e, s] /= total


def _favour(loss, prior, first, stop, shares, m, r, s):
    before = prior[min(m, len(prior) - 1), :, min(s, prior.shape[2] - 1)]
    least, total = np.inf, 0.0
    for k in range(first, stop):
        least = min(least, loss[m, k, s] + before[k] + TINY)
    for k in range(first, stop):
        ratio = least / (loss[m, k, s] + before[k] + TINY)
        ratio *= ratio
        ratio *= ratio
        shares[m, r, k - first, s] = ratio * ratio
        total += ratio * ratio
    for k in range(stop - first):
        shares[m, r, k, s] /= total


_potential, _favour = inlined(_potential, False), inner(_favour, False)
_among, _issue = inlined(_among, False), inlined(_issue, False)
_score, _by_step = inner(_score, False), inlined(_by_step, False)
_weigh = inner(_weigh, False)
_shrink = inner(_shrink, False)
_interpolate, _like_parts = inlined(_interpolate, False), inlined(_like_parts, False)
score_experts = compiled(score_experts, False)
shrink_to_all_steps = compiled(shrink_to_all_steps, False)
write_forecasts, move_experts = compiled(write_forecasts, False), compiled(move_experts, False)
