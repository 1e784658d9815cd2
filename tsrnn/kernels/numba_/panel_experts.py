"""Experts of many series, compiled; as of `kernels.numpy_.panel_experts`."""

import numpy as np

from tsrnn.kernels.numba_.maths import compiled, inner
from tsrnn.kernels.numpy_ import conformal, drift, mixing
from tsrnn.kernels.numpy_.panel_experts import LEAST_PRIOR, PRIOR_DISCOUNT, UNIT_CHANGE

LOSS_DISCOUNT, MIXTURE_DISCOUNT = mixing.LOSS_DISCOUNT, mixing.MIXTURE_DISCOUNT
LOSS_OUTLIER, LOSS_TINY = mixing.OUTLIER, mixing.TINY
FIRST_RATE, LARGEST_RATE = conformal.FIRST_RATE, conformal.LARGEST_RATE
RATE, SMALLEST_SIZE, LEVEL_RATE = conformal.RATE, conformal.SMALLEST_SIZE, conformal.LEVEL_RATE
OUTLIER, TINY = conformal.OUTLIER, conformal.TINY
PROFILE_RATE, PROFILE_OUTLIER = conformal.PROFILE_RATE, conformal.PROFILE_OUTLIER
LOW, HIGH = conformal.PROFILE_LIMITS
DRIFT_RATE, LIMIT, RISE, FALL = drift.RATE, drift.LIMIT, drift.RISE, drift.FALL
CALM_LOW, CALM_HIGH = drift.CALM
FIRST_ROWS = drift.FIRST_ROWS

# Sums may be taken in any order, no other shortcut: NaN means something here. Inner loops run over
# series, side by side in memory, and choose values in place of branches: so they are vectorized.


def expert_errors(arrived, issued, due, levels, rows, young, columns, scales, out):
    """Write the errors of what experts had forecast, by the scale; see the NumPy twin."""
    (M, _, J, b), R, N = out.shape, issued.shape[1], rows.shape[1] - 2
    for m in range(M):
        for j in range(J):
            label, newest, before = arrived[j], levels[rows[m, 0], j], levels[rows[m, N + 1], j]
            unit = scales[m, j]
            for r in range(R):
                forecast, to = issued[due[m], r, j], out[m, r, j]
                for s in range(b):
                    to[s] = (np.float64(forecast[columns[s]]) - label[s]) / unit[s]
            last = out[m, R, j]
            for s in range(b):
                last[s] = newest[columns[s]]
            for season in range(N):
                earlier, to = levels[rows[m, 1 + season], j], out[m, R + 1 + season, j]
                for s in range(b):
                    value = last[s] if young[m, season, s] else earlier[columns[s]]
                    now = newest[columns[s]]
                    to[s] = now if abs(value - now) > UNIT_CHANGE else value
                last = to
            if N:
                to = out[m, R + 1 + N, j]
                for s in range(b):
                    change = newest[columns[s]] - before[columns[s]]
                    if young[m, N, s] or abs(change) > UNIT_CHANGE:
                        change = 0.0
                    to[s] = last[s] + change
            for e in range(R, out.shape[1]):
                to = out[m, e, j]
                for s in range(b):
                    to[s] = (to[s] - label[s]) / unit[s]


def known_errors(errors, n_readouts, waited, grown, known, weighed):
    """Write which errors there are, and which of them count; see the NumPy twin."""
    M, _, J, b = errors.shape
    for m in range(M):
        there, counts = waited[m], grown[m]
        for j in range(J):
            to, weigh = known[m, j], weighed[m, j]
            for s in range(b):
                to[s] = there[s]
            for r in range(n_readouts):
                error = errors[m, r, j]
                for s in range(b):
                    to[s] &= error[s] - error[s] == 0.0
            for s in range(b):
                weigh[s] = to[s] & counts[s]


def score_series(
    errors, known, weighed, panel_losses, discounts, probabilities, seasons, row, fields, pooled
):
    """Move all that is kept of some series by errors of their experts; see the NumPy twin.

    Of one mixture, that has no regrets.
    """
    (M, E, J, b), S = errors.shape, errors.shape[2] * errors.shape[3]
    _, _, loss, n_scored, parts, blend, prior, quantiles = fields[:8]
    level, n_labels, profiles, size, n_rows, calm, mean_error = fields[8:]
    errors, known = errors.reshape(M, E, S), known.reshape(M, S)
    weighed = weighed.reshape(M, S)
    mixed, least, best, total = np.empty(S), np.empty(S), np.empty(S), np.empty(S)
    scaled, excess, n_known = np.zeros(S), np.zeros(S), np.zeros(S)
    expected, ratios = np.ones(S), np.empty((E, S))
    start = 0
    for season in seasons:
        for s in range(S):
            expected[s] *= profiles[start + row % season, s]
        start += season
    for m in range(M):
        now, w, own, mix = known[m], weighed[m], prior[m], blend[m, 0]
        mixed[:], least[:], best[:], total[:] = 0.0, np.inf, np.inf, 0.0
        for e in range(E):
            error, part, lost = errors[m, e], parts[m, 0, e], loss[m, e]
            for s in range(S):
                value = error[s] if now[s] else 0.0
                squared = value * value
                error[s] = value
                mixed[s] += part[s] * value
                least[s] = squared if squared < least[s] else least[s]
                best[s] = lost[s] if lost[s] < best[s] else best[s]
        lost, seen = loss[m, E], n_scored[m]
        for s in range(S):
            squared = mixed[s] * mixed[s]
            floor = squared if squared < least[s] else least[s]
            most = LOSS_OUTLIER * (floor + best[s] / (seen[s] if seen[s] > 1.0 else 1.0))
            squared = most if seen[s] > 0.0 and most < squared else squared
            lost[s] = MIXTURE_DISCOUNT * lost[s] + squared if w[s] else lost[s]
            seen[s] = LOSS_DISCOUNT * seen[s] + 1.0 if w[s] else seen[s]
        best[:] = np.inf
        for e in range(E):
            error, lost = errors[m, e], loss[m, e]
            for j in range(J):
                of_panel, gain = panel_losses[e, m, j], 0.0
                for s in range(j * b, j * b + b):
                    squared = error[s] * error[s]
                    gain += squared if w[s] else 0.0
                    lost[s] = LOSS_DISCOUNT * lost[s] + squared if w[s] else lost[s]
                    whole = lost[s] + own[s] * of_panel + LOSS_TINY
                    best[s] = whole if whole < best[s] else best[s]
                pooled[e, m, j] += gain
        for e in range(E):
            part, lost = ratios[e], loss[m, e]
            for j in range(J):
                of_panel = panel_losses[e, m, j]
                for s in range(j * b, j * b + b):
                    ratio = best[s] / (lost[s] + own[s] * of_panel + LOSS_TINY)
                    ratio *= ratio
                    ratio *= ratio
                    ratio *= ratio
                    part[s] = ratio
                    total[s] += ratio
        for s in range(S):
            total[s] = 1.0 / total[s]
        for e in range(E):
            part, ratio = parts[m, 0, e], ratios[e]
            for s in range(S):
                part[s] = ratio[s] * total[s] if w[s] else part[s]
        for s in range(S):
            left = PRIOR_DISCOUNT * own[s]
            left = left if left >= LEAST_PRIOR else 0.0
            own[s] = left if w[s] else own[s]
            mix[s] = 1.0 if w[s] else mix[s]
        _score_mixture(
            mixed, errors[m, 0], now, expected, probabilities, quantiles, m, level[m],
            n_labels[m], mean_error[m], scaled, excess, n_known,
        )  # fmt: skip
        for j in range(J):
            n_weighed = absolute = n_now = 0.0
            for s in range(j * b, j * b + b):
                n_weighed += w[s]
                absolute += abs(mixed[s])
                n_now += now[s]
            pooled[E, m, j] += n_weighed
            pooled[E + 1, m, j] += absolute
            pooled[E + 2, m, j] += n_now
    noted = np.empty(S)
    for s in range(S):
        if n_known[s] > 0.0:
            size[0, s] += DRIFT_RATE * (scaled[s] / n_known[s] - size[0, s])
            n_rows[0, s] += 1.0
            factor, start = 1.0 + PROFILE_RATE * (excess[s] / n_known[s]), 0
            for season in seasons:
                at = start + row % season
                profiles[at, s] = min(max(profiles[at, s] * factor, LOW), HIGH)
                start += season
        far, at_ease = size[0, s] > RISE or size[0, s] < FALL, calm[0, s] > 0.0
        noted[s] = size[0, s] if far and at_ease and n_rows[0, s] >= FIRST_ROWS else np.nan
        at_ease = (at_ease and not far) or CALM_LOW < size[0, s] < CALM_HIGH
        calm[0, s] = 1.0 if at_ease else 0.0
    return noted


def _score_mixture(
    mixed, first, known, expected, probabilities, quantiles, m, level, n_labels, mean_error, scaled,
    excess, n_known,
):  # fmt: skip
    """Move quantiles and levels of one step by errors of the mixture (S,), label less forecast."""
    for q in range(len(probabilities)):
        probability, quantile = probabilities[q], quantiles[q, m]
        for s in range(len(mixed)):
            root = FIRST_RATE / np.sqrt(n_labels[s] + 1.0)
            root = root if root < LARGEST_RATE else LARGEST_RATE
            root = root if root > RATE else RATE
            scale = level[s] * expected[s]
            scale = scale if scale > TINY else TINY
            step = root * (probability - (1.0 if -mixed[s] / scale < quantile[s] else 0.0))
            size = abs(quantile[s])
            moved = quantile[s] + (size if size > SMALLEST_SIZE else SMALLEST_SIZE) * step
            quantile[s] = moved if known[s] else quantile[s]
    for s in range(len(mixed)):
        there, absolute, base = known[s], abs(mixed[s]), level[s]
        scale = base * expected[s]
        scale = absolute / (scale if scale > TINY else TINY)
        scaled[s] += (scale if scale < LIMIT else LIMIT) if there else 0.0
        base = base if base > TINY else TINY
        over = absolute / (base * expected[s])
        over = (over if over < OUTLIER else OUTLIER) - 1.0
        most = PROFILE_OUTLIER - 1.0
        excess[s] += (over if over < most else most) if there else 0.0
        n_known[s] += 1.0 if there else 0.0
        own = mean_error[s] if mean_error[s] > TINY else TINY
        more = abs(first[s]) / own
        more = (more if more < OUTLIER else OUTLIER) - 1.0
        rate = 1.0 / (n_labels[s] + 2.0)
        rate = rate if rate > LEVEL_RATE else LEVEL_RATE
        mean_error[s] = own + rate * more * own if there else mean_error[s]
        root = FIRST_RATE / np.sqrt(n_labels[s] + 1.0)
        root = root if root < LARGEST_RATE else LARGEST_RATE
        seen = n_labels[s] + 1.0 if there else n_labels[s]
        rate = 1.0 / (seen + 1.0)
        rate = rate if rate > LEVEL_RATE else LEVEL_RATE
        rate = rate if rate > root else root
        level[s] = level[s] + rate * over * base if there else level[s]
        n_labels[s] = seen


expert_errors, _score_mixture = (
    compiled(expert_errors, False),
    inner(_score_mixture, {"reassoc"}),
)
known_errors = compiled(known_errors, False)
score_series = compiled(score_series, {"reassoc"})
