"""Experts of many series, compiled; as of `kernels.numpy_.panel_experts`."""

import numpy as np

from tsrnn.kernels.numba_.conformal import pace_of
from tsrnn.kernels.numba_.maths import compiled, inner, take
from tsrnn.kernels.numpy_ import conformal, drift, mixing
from tsrnn.kernels.numpy_ import tails as reference
from tsrnn.kernels.numpy_.panel_experts import (
    CLIP,
    LEAST_PRIOR,
    MOST,
    PRIOR_DISCOUNT,
    UNIT_CHANGE,
    UNSETTLED_DISCOUNT,
)
from tsrnn.kernels.numpy_.tails import COUNT, LARGEST, MEAN, SQUARE

LOSS_DISCOUNT, MIXTURE_DISCOUNT = mixing.LOSS_DISCOUNT, mixing.MIXTURE_DISCOUNT
LOSS_OUTLIER, LOSS_TINY = mixing.OUTLIER, mixing.TINY
FIRST_RATE, LARGEST_RATE = conformal.FIRST_RATE, conformal.LARGEST_RATE
EARLY_RATE, LARGEST_EARLY = conformal.EARLY_RATE, conformal.LARGEST_EARLY
FAR = conformal.FAR
RATE, SMALLEST_SIZE, LEVEL_RATE = conformal.RATE, conformal.SMALLEST_SIZE, conformal.LEVEL_RATE
OUTLIER, TINY = conformal.OUTLIER, conformal.TINY
PROFILE_RATE, PROFILE_OUTLIER = conformal.PROFILE_RATE, conformal.PROFILE_OUTLIER
LOW, HIGH = conformal.PROFILE_LIMITS
KEPT = 1.0 - PROFILE_RATE
DRIFT_RATE, LIMIT, RISE, FALL = drift.RATE, drift.LIMIT, drift.RISE, drift.FALL
CALM_LOW, CALM_HIGH = drift.CALM
FIRST_ROWS = drift.FIRST_ROWS
SPARE = 9  # vectors that a step is worked out in

# Sums may be taken in any order, no other shortcut: NaN means something here. Inner loops run over
# series, side by side in memory, choose values in place of branches, and write one or two arrays
# each: so they are vectorized.


def _errors_of_step(arrived, of_step, first, scratch, out):
    """Write the errors (E, J, b) of a step, of series from the `first` one of the row on."""
    issued, levels, rows, asleep, columns, scales, R = of_step
    (_, J, b), N, n_repeats = out.shape, len(rows) - 2, len(asleep)
    inverse, newest, change, until = scratch[0], scratch[1], scratch[2], first + len(columns)
    for j in range(J):
        label, unit = arrived[j, first:until], scales[j, first:until]
        for s in range(b):
            inverse[s] = 1.0 / unit[s]
        for r in range(len(issued)):
            to = out[r if r < R else r + n_repeats, j]
            take(issued[r, j], columns, to)
            for s in range(b):
                to[s] = (to[s] - label[s]) * inverse[s]
        if n_repeats == 0:
            continue
        take(levels[rows[0], j], columns, newest)
        last = out[R, j]
        for s in range(b):
            last[s] = newest[s]
        for season in range(N):
            to = out[R + 1 + season, j]
            take(levels[rows[1 + season], j], columns, to)
            for s in range(b):
                to[s] = newest[s] if abs(to[s] - newest[s]) > UNIT_CHANGE else to[s]
            last = to
        if N:
            to = out[R + 1 + N, j]
            take(levels[rows[N + 1], j], columns, change)
            for s in range(b):
                since = newest[s] - change[s]
                to[s] = last[s] + (0.0 if abs(since) > UNIT_CHANGE else since)
        for e in range(n_repeats):
            to, sleeps = out[R + e, j], asleep[e, first:until]
            for s in range(b):
                error = (to[s] - label[s]) * inverse[s]
                to[s] = np.nan if sleeps[s] else error


def _known_of_step(errors, n_readouts, waited, known):
    for j in range(len(known)):
        to = known[j]
        for s in range(len(waited)):
            to[s] = waited[s]
        for r in range(n_readouts):
            error = errors[r, j]
            for s in range(len(waited)):
                to[s] &= error[s] - error[s] == 0.0


def score_block(
    first, columns, row, looked_at, issued, levels, n_readouts, panel_losses, fixed, fields, tails,
    limits, sums,
):  # fmt: skip
    """Score the labels of some series, step by step; see the NumPy twin.

    There is one mixture, that has no regrets.
    """
    arrived, scales, unsettled, effects = row
    position, steps, due, rows, asleep, waited = looked_at
    (_, probabilities, seasons, own, noise, half), (pooled, beyond) = fixed, sums
    (E, M, J), b, n_issued = panel_losses.shape, len(columns), issued.shape[1]
    S, until, n_repeats = J * b, first + b, asleep.shape[1]
    errors, known, taken = np.empty((E, J, b)), np.empty((J, b), np.bool_), np.empty((3, b))
    scratch, mean = np.zeros((SPARE + E, S)), np.zeros((len(probabilities) + 2, S))
    flat, flags = errors.reshape(E, S), known.reshape(S)
    off, shrinks = np.zeros((len(seasons), S)), M > 1 and half > 0.0
    of_all, shares = np.zeros((E + 1, S)), np.empty((M if shrinks else 0, S))
    _expect(seasons, position, fields[10], fields[9][0], noise, off, scratch)
    for m in range(M):
        of_step = issued[due[m]], levels, rows[m], asleep[m], columns, scales[m], n_readouts
        _errors_of_step(arrived, of_step, first, taken, errors)
        if len(effects):
            for r in range(n_issued):
                e = r if r < n_readouts else r + n_repeats
                for j in range(J):
                    to, effect = errors[e, j], effects[m, r, j, first:until]
                    for s in range(b):
                        to[s] += effect[s]
        _known_of_step(errors, n_readouts, waited[m, first:until], known)
        if len(limits):
            for j in range(J):
                to, mean_error = limits[m, j, first:until], fields[14][m, j * b : (j + 1) * b]
                for s in range(b):
                    to[s] = CLIP * mean_error[s]
        for j in range(J):
            _change_state(m, j * b, position - steps[m], unsettled[j, first:until], fields)
        if m == 0:
            _add_tails(flat, flags, probabilities, fields, scratch, tails, beyond)
        tracking = probabilities, mean, pace_of(steps[m]), own[m]
        shrinking = steps[m], half, of_all, shares
        _score_step(m, flat, flags, panel_losses, fields, scratch, pooled, tracking, shrinking)
    if shrinks:
        _shrink_to_all_steps(of_all, shares, fields[4], scratch[4], scratch[5])
    return _follow_rows(seasons, off, position, fields, scratch)


def _change_state(m, first, origin, unsettled, fields):
    """Give experts the losses of the state in which forecasts were issued; see the NumPy twin."""
    loss, n_scored, (other_loss, n_other, flags) = fields[2], fields[3], fields[15:]
    for s in range(len(unsettled)):
        at, state = first + s, origin <= unsettled[s]
        if state != (flags[m, at] > 0.0):
            for e in range(loss.shape[1]):
                loss[m, e, at], other_loss[m, e, at] = other_loss[m, e, at], loss[m, e, at]
            n_scored[m, at], n_other[m, at] = n_other[m, at], n_scored[m, at]
            flags[m, at] = 1.0 if state else 0.0
        if state:
            for e in range(loss.shape[1]):
                loss[m, e, at] *= UNSETTLED_DISCOUNT
            n_scored[m, at] *= UNSETTLED_DISCOUNT


def _add_tails(errors, known, probabilities, fields, scratch, tails, beyond):
    """Add up what errors (E, S) of step 1 lie beyond the thresholds; see the NumPy twin."""
    parts, quantiles, level, expected = fields[4][0, 0], fields[7], fields[8][0], scratch[0]
    low, high = _thresholds(probabilities)
    (E, S), J = errors.shape, tails.shape[2]
    for s in range(S):
        total = mixed = plain = n_awake = 0.0
        for e in range(E):
            if np.isfinite(errors[e, s]):
                total += parts[e, s]
                mixed += parts[e, s] * errors[e, s]
                plain += errors[e, s]
                n_awake += 1.0
        if not known[s]:
            continue
        scaled = -(mixed / total if total > 0.0 else plain / n_awake)
        scaled /= max(level[s] * expected[s], TINY)
        j = s // (S // J)
        _add_excess(quantiles[low, 0, s] - scaled, tails[0, :, j], beyond[0, :, j])
        _add_excess(scaled - quantiles[high, 0, s], tails[1, :, j], beyond[1, :, j])


def _add_excess(excess, tail, beyond):
    if excess > 0.0:
        excess = min(excess, LARGEST * tail[MEAN])
        beyond[MEAN] += excess
        beyond[SQUARE] += excess * excess
        beyond[COUNT] += 1.0


def _expect(seasons, row, profiles, n_labels, noise, off, scratch):
    """Write the factors of a row to the first of the scratch vectors; see `factors_at`.

    And to `off` (number of seasons, S) what all factors of a season are off 1.
    """
    expected, squares, start = scratch[0], scratch[4], 0
    expected[:] = 1.0
    for i in range(len(seasons)):
        season, mean = seasons[i], off[i]
        profile = profiles[start + row % season]
        if noise == 0.0:
            for s in range(len(expected)):
                expected[s] *= profile[s]
            start += season
            continue
        squares[:] = 0.0
        for place in range(start, start + season):
            factors = profiles[place]
            for s in range(len(squares)):
                more = factors[s] - 1.0
                mean[s] += more
                squares[s] += more * more
        for s in range(len(expected)):
            mean[s] /= season
            found = squares[s] / season - mean[s] * mean[s]
            by_chance = noise * (1.0 - KEPT ** (2.0 * min(n_labels[s], row + 1.0) / season))
            ratio = by_chance / found if found > by_chance else 1.0
            expected[s] *= 1.0 + (1.0 - ratio * ratio) * (profile[s] - 1.0)
        start += season


def _score_step(m, errors, known, panel_losses, fields, scratch, pooled, tracking, shrinking):
    """Move what is kept of a step by errors (E, S) of its experts.

    Of the scratch vectors the first four, expected, scaled, excess and n_known, last a row. What
    quantiles and levels are moved by: probabilities, sums (Q + 2, S) over nearer steps as of
    `score_errors` of one stream, pace and own share. What weights are shrunk by: the step, labels
    at which half of them is their own, and what `_add_to_all_steps` writes, of no steps if they
    are not.
    """
    (E, S), J = errors.shape, panel_losses.shape[2]
    loss, parts, mixed, best, b = fields[2][m], fields[4][m, 0], scratch[4], scratch[5], S // J
    least, total, ratios = scratch[6], scratch[7], scratch[SPARE:]
    _mix(errors, known, parts, mixed, total)
    _score_mixed(mixed, errors, known, loss, fields[3][m], best, least, total)
    best[:], total[:] = np.inf, 0.0
    for j in range(J):
        some = slice(j * b, j * b + b)
        own, w, least_j, total_j = fields[6][m, some], known[some], best[some], total[some]
        for e in range(E):
            of_panel = panel_losses[e, m, j]
            pooled[e, m, j] += _add_loss(
                errors[e, some], mixed[some], w, loss[e, some], own, of_panel, least_j
            )
        for e in range(E):
            of_panel, part, lost = panel_losses[e, m, j], ratios[e, some], loss[e, some]
            for s in range(b):
                ratio = least_j[s] / (lost[s] + own[s] * of_panel + LOSS_TINY)
                ratio *= ratio
                ratio *= ratio
                ratio *= ratio
                part[s] = ratio
                total_j[s] += ratio
    shrinks = len(shrinking[3]) > 0
    if shrinks:
        _add_to_all_steps(m, panel_losses, fields, shrinking, scratch[8])
    _share_out(m, ratios, total, known, parts, fields, shrinks)
    _score_mixture(m, mixed, errors[0], known, fields, scratch, tracking)
    for j in range(J):
        absolute = n_known_now = 0.0
        error, w = mixed[j * b : j * b + b], known[j * b : j * b + b]
        for s in range(b):
            absolute += abs(error[s])
            n_known_now += w[s]
        pooled[E, m, j] += absolute
        pooled[E + 1, m, j] += n_known_now


def _mix(errors, known, parts, mixed, share):
    """Write the errors of the mixture of those that are awake; errors that are none are 0."""
    (E, S) = errors.shape
    mixed[:], share[:] = 0.0, 0.0
    for e in range(E):
        error, part = errors[e], parts[e]
        for s in range(S):
            value = error[s]
            error[s] = value if known[s] else 0.0
        for s in range(S):
            value, weight = error[s], part[s]
            awake = value == value
            mixed[s] += weight * (value if awake else 0.0)
            share[s] += weight if awake else 0.0
    for s in range(S):
        if share[s] > 0.0:
            continue
        n_awake = 0.0  # all the weight was with those that sleep
        for e in range(E):
            if errors[e, s] == errors[e, s]:
                mixed[s] += errors[e, s]
                n_awake += 1.0
        share[s] = n_awake
    for s in range(S):
        mixed[s] /= share[s]


def _score_mixed(mixed, errors, known, loss, seen, best, least, most):
    """Move the loss of the mixture, and the number of labels; the last three are scratch."""
    E, S = errors.shape
    best[:], least[:] = np.inf, np.inf
    for e in range(E):
        error, lost = errors[e], loss[e]
        for s in range(S):
            squared, usual = error[s] * error[s], lost[s]
            least[s] = squared if squared < least[s] else least[s]
            best[s] = usual if usual < best[s] else best[s]
    for s in range(S):
        squared = mixed[s] * mixed[s]
        floor, n = squared if squared < least[s] else least[s], seen[s]
        limit = LOSS_OUTLIER * (floor + best[s] / (n if n > 1.0 else 1.0))
        most[s] = limit if n > 0.0 and limit < squared else squared
    lost = loss[E]
    for s in range(S):
        moved, n = MIXTURE_DISCOUNT * lost[s] + most[s], LOSS_DISCOUNT * seen[s] + 1.0
        moved = moved if moved < MOST else MOST
        lost[s] = moved if known[s] else lost[s]
        seen[s] = n if known[s] else seen[s]


def _add_loss(error, mixed, known, lost, own, of_panel, best):
    """Move the loss of an expert; return the sum of the squares that is added."""
    for s in range(len(error)):  # who sleeps is as good as the mixture
        value = error[s]
        error[s] = value if value == value else mixed[s]
    gain = 0.0
    for s in range(len(error)):
        squared, before = error[s] * error[s], lost[s]
        gain += squared if known[s] else 0.0
        after = LOSS_DISCOUNT * before + squared
        after = after if after < MOST else MOST
        after = after if known[s] else before
        lost[s] = after
        whole = after + own[s] * of_panel + LOSS_TINY
        best[s] = whole if whole < best[s] else best[s]
    return gain


def _share_out(m, ratios, total, known, parts, fields, shrinks):
    """Weight experts in proportion to the ratios; the panel's experience counts less from now.

    What will be shrunk is weighted anew where any label has come.
    """
    own, mix, seen = fields[6][m], fields[5][m, 0], fields[3][m]
    for s in range(len(total)):
        anew = known[s] | (shrinks & (seen[s] > 0.0))
        total[s] = 1.0 / total[s] if anew else 0.0
    for e in range(len(ratios)):
        part, ratio = parts[e], ratios[e]
        for s in range(len(total)):
            share = ratio[s] * total[s]
            part[s] = share if total[s] > 0.0 else part[s]
    for s in range(len(total)):
        left = PRIOR_DISCOUNT * own[s]
        left = left if left >= LEAST_PRIOR else 0.0
        own[s] = left if known[s] else own[s]
        mix[s] = 1.0 if known[s] else mix[s]


def _add_to_all_steps(m, panel_losses, fields, shrinking, unit):
    """Add the losses of a step, in units of their mean, to those of all steps (E + 1, S).

    Their last are the weights of the steps; `unit` is scratch. And write which share (M, S) of its
    weights will be its own. See `shrink_to_all_steps` of the NumPy twin.
    """
    (step, half, of_all, shares), (E, _, J) = shrinking, panel_losses.shape
    loss, n_labels, prior, b = fields[2][m], fields[3][m], fields[6][m], len(unit) // J
    own, total, weight = shares[m], of_all[E], np.sqrt(step)
    unit[:] = 0.0
    for j in range(J):
        some = slice(j * b, j * b + b)
        to, before = unit[some], prior[some]
        for e in range(E):
            lost, of_panel = loss[e, some], panel_losses[e, m, j]
            for s in range(b):
                to[s] += lost[s] + before[s] * of_panel
    for s in range(len(unit)):
        n = n_labels[s]
        per_label, counted = 1.0 / (n if n > 1.0 else 1.0), weight if n > 0.0 else 0.0
        unit[s] = counted * per_label / (unit[s] * per_label / E + LOSS_TINY)
        total[s] += counted
    for s in range(len(own)):
        own[s] = n_labels[s] / (n_labels[s] + half * step)
    for j in range(J):
        some = slice(j * b, j * b + b)
        per_unit, before = unit[some], prior[some]
        for e in range(E):
            lost, of_panel, to = loss[e, some], panel_losses[e, m, j], of_all[e, some]
            for s in range(b):
                to[s] += (lost[s] + before[s] * of_panel) * per_unit[s]


def _shrink_to_all_steps(of_all, shares, parts, least, total):
    """Shrink weights by what `_add_to_all_steps` has left; the last two vectors are scratch."""
    E, S = len(of_all) - 1, len(total)
    weights, least[:], total[:] = of_all[E], np.inf, 0.0
    for e in range(E):
        mean = of_all[e]
        for s in range(S):
            weight = weights[s]
            mean[s] = mean[s] / (weight if weight > 1.0 else 1.0) + LOSS_TINY
            least[s] = mean[s] if mean[s] < least[s] else least[s]
    for e in range(E):
        share = of_all[e]
        for s in range(S):
            ratio = least[s] / share[s]
            ratio *= ratio
            ratio *= ratio
            ratio *= ratio
            share[s] = ratio
            total[s] += ratio
    for e in range(E):
        share = of_all[e]
        for s in range(S):
            share[s] /= total[s]
    for m in range(len(shares)):
        own = shares[m]
        for e in range(E):
            part, shared = parts[m, 0, e], of_all[e]
            for s in range(S):
                moved = shared[s] + own[s] * (part[s] - shared[s])
                part[s] = moved if weights[s] > 0.0 else part[s]


def _follow_rows(seasons, off, row, fields, scratch):
    """Move sizes and profiles by the errors of all steps; return the sizes that are noted."""
    profiles, size, n_rows, calm = fields[10:14]
    scaled, excess, n_known, S = scratch[1], scratch[2], scratch[3], scratch.shape[1]
    noted = np.empty(S)
    for s in range(S):
        if n_known[s] > 0.0:
            size[0, s] += DRIFT_RATE * (scaled[s] / n_known[s] - size[0, s])
            n_rows[0, s] += 1.0
            start = 0
            for i in range(len(seasons)):
                at = start + row % seasons[i]
                factor = 1.0 + PROFILE_RATE * (excess[s] / n_known[s] - off[i, s])
                profiles[at, s] = min(max(profiles[at, s] * factor, LOW), HIGH)
                start += seasons[i]
        far, at_ease = size[0, s] > RISE or size[0, s] < FALL, calm[0, s] > 0.0
        noted[s] = size[0, s] if far and at_ease and n_rows[0, s] >= FIRST_ROWS else np.nan
        at_ease = (at_ease and not far) or CALM_LOW < size[0, s] < CALM_HIGH
        calm[0, s] = 1.0 if at_ease else 0.0
    return noted


def _score_mixture(m, mixed, first, known, fields, scratch, tracking):
    """Move quantiles and levels of one step by errors of the mixture (S,), label less forecast."""
    expected, scaled, excess, n_known = scratch[0], scratch[1], scratch[2], scratch[3]
    at, roots, over, S = scratch[5], scratch[6], scratch[7], len(mixed)
    (probabilities, mean, pace, own), Q = tracking, len(tracking[0])
    weight, other, weights, total = own * own, scratch[8], mean[Q + 1], mean[Q]
    level, n_labels, mean_error = fields[8][m], fields[9][m], fields[14][m]
    for s in range(S):
        scale = level[s] * expected[s]
        at[s] = -mixed[s] / (scale if scale > TINY else TINY)
    for s in range(S):
        root = FIRST_RATE / np.sqrt(n_labels[s] + 1.0)
        roots[s] = root if root < LARGEST_RATE else LARGEST_RATE
    for s in range(S):
        seen = weights[s] + (weight if known[s] else 0.0)
        weights[s] = seen
        other[s] = (1.0 - own) / (seen if known[s] else 1.0)
    for q in range(Q):
        probability, quantile, steps = probabilities[q], fields[7][q, m], mean[q]
        for s in range(S):
            root = pace * (roots[s] if roots[s] > RATE else RATE)
            before = quantile[s]
            step = probability - (1.0 if at[s] < before else 0.0)
            summed = steps[s] + (weight * step if known[s] else 0.0)
            steps[s] = summed
            step = root * (own * step + other[s] * summed)
            size = abs(before)
            moved = before + (size if size > SMALLEST_SIZE else SMALLEST_SIZE) * step
            quantile[s] = moved if known[s] else before
    for s in range(S):
        base = level[s] if level[s] > TINY else TINY
        more = abs(mixed[s]) / (base * expected[s])
        over[s] = (more if more < OUTLIER else OUTLIER) - 1.0
    for s in range(S):
        scale, more = abs(at[s]), over[s]
        scale = scale if scale < LIMIT else LIMIT
        more = more if more < PROFILE_OUTLIER - 1.0 else PROFILE_OUTLIER - 1.0
        scaled[s] += scale if known[s] else 0.0
        excess[s] += more if known[s] else 0.0
    for s in range(S):
        n_known[s] += 1.0 if known[s] else 0.0
    for s in range(S):
        before, rate = mean_error[s], 1.0 / (n_labels[s] + 2.0)
        base = before if before > TINY else TINY
        more = abs(first[s]) / base
        more = (more if more < OUTLIER else OUTLIER) - 1.0
        rate = rate if rate > LEVEL_RATE else LEVEL_RATE
        moved = base + rate * more * base
        moved = moved if moved < MOST else MOST
        mean_error[s] = moved if known[s] else before
    far = min(1.0 / (FAR * weight), 1.0)
    for s in range(S):
        before, seen = level[s], n_labels[s]
        base, equal = before if before > TINY else TINY, 1.0 / (seen + 2.0)
        rate = pace * (roots[s] if roots[s] > LEVEL_RATE else LEVEL_RATE)
        early = EARLY_RATE / (seen + 1.0)
        early = early if early < LARGEST_EARLY else LARGEST_EARLY
        early = early if early > equal else equal
        rate = rate if rate > early else early
        alone = early / rate * far
        alone = alone if alone > own else own
        summed = total[s] + (weight * over[s] if known[s] else 0.0)
        total[s] = summed
        shared = (1.0 - alone) * summed / (weights[s] if known[s] else 1.0)
        moved, seen = before + rate * (alone * over[s] + shared) * base, seen + 1.0
        moved = moved if moved < MOST else MOST
        level[s] = moved if known[s] else before
        n_labels[s] = seen if known[s] else n_labels[s]


_thresholds = inner(reference.thresholds, False)
_errors_of_step, _known_of_step = inner(_errors_of_step, False), inner(_known_of_step, False)
_change_state, _add_excess = inner(_change_state, False), inner(_add_excess, False)
_add_tails, _expect = inner(_add_tails, False), inner(_expect, False)
_mix, _score_mixed = inner(_mix, {"reassoc"}), inner(_score_mixed, {"reassoc"})
_add_loss, _share_out = inner(_add_loss, {"reassoc"}), inner(_share_out, {"reassoc"})
_score_mixture = inner(_score_mixture, {"reassoc"})
_add_to_all_steps = inner(_add_to_all_steps, {"reassoc"})
_shrink_to_all_steps = inner(_shrink_to_all_steps, {"reassoc"})
_score_step, _follow_rows = inner(_score_step, {"reassoc"}), inner(_follow_rows, False, True)
score_block = compiled(score_block, False, allocates=True)
