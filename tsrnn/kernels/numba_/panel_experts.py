"""Experts of many series, compiled; as of `kernels.numpy_.panel_experts`."""

import numpy as np

from tsrnn.kernels.numba_.maths import compiled
from tsrnn.kernels.numpy_ import conformal, drift, mixing
from tsrnn.kernels.numpy_.panel_experts import LEAST_PRIOR, PRIOR_DISCOUNT, UNIT_CHANGE

LOSS_DISCOUNT, MIXTURE_DISCOUNT = mixing.LOSS_DISCOUNT, mixing.MIXTURE_DISCOUNT
LOSS_OUTLIER, LOSS_TINY = mixing.OUTLIER, mixing.TINY
RATE, SMALLEST_SIZE, LEVEL_RATE = conformal.RATE, conformal.SMALLEST_SIZE, conformal.LEVEL_RATE
OUTLIER, TINY = conformal.OUTLIER, conformal.TINY
PROFILE_RATE, PROFILE_OUTLIER = conformal.PROFILE_RATE, conformal.PROFILE_OUTLIER
LOW, HIGH = conformal.PROFILE_LIMITS
DRIFT_RATE, LIMIT, RISE, FALL = drift.RATE, drift.LIMIT, drift.RISE, drift.FALL
CALM_LOW, CALM_HIGH = drift.CALM
FIRST_ROWS = drift.FIRST_ROWS

# No shortcut of the compiler's: NaN means something here. Inner loops run over series, side by
# side in memory.


def expert_errors(arrived, issued, due, levels, rows, young, columns, out):
    """Write the errors of what experts had forecast: issued less label; see the NumPy twin."""
    (M, _, J, b), R, N = out.shape, issued.shape[1], rows.shape[1] - 2
    for m in range(M):
        for j in range(J):
            label, newest, before = arrived[j], levels[rows[m, 0], j], levels[rows[m, N + 1], j]
            for r in range(R):
                forecast, to = issued[due[m], r, j], out[m, r, j]
                for s in range(b):
                    to[s] = np.float64(forecast[columns[s]]) - label[s]
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
                    to[s] -= label[s]


def score_series(
    errors, known, weighed, usual_losses, discounts, probabilities, seasons, row, fields, pooled
):
    """Move all that is kept of some series by errors of their experts; see the NumPy twin.

    Of one mixture, that has no regrets.
    """
    (M, E, J, b), S = errors.shape, errors.shape[2] * errors.shape[3]
    _, _, loss, n_scored, parts, blend, prior, quantiles = fields[:8]
    level, n_labels, profiles, size, n_rows, calm, usual = fields[8:]
    errors, known = errors.reshape(M, E, S), known.reshape(M, S)
    weighed = weighed.reshape(M, S)
    mixed, least, best, total = np.empty(S), np.empty(S), np.empty(S), np.empty(S)
    scaled, excess, n_known = np.zeros(S), np.zeros(S), np.zeros(S)
    expected = np.ones(S)
    start = 0
    for season in seasons:
        for s in range(S):
            expected[s] *= profiles[start + row % season, s]
        start += season
    for m in range(M):
        now, w = known[m], weighed[m]
        mixed[:], least[:], best[:], total[:] = 0.0, np.inf, np.inf, 0.0
        for e in range(E):
            error, part, lost = errors[m, e], parts[m, 0, e], loss[m, e]
            for s in range(S):
                if not now[s]:
                    error[s] = 0.0
                mixed[s] += part[s] * error[s]
                least[s] = min(least[s], error[s] * error[s])
                best[s] = min(best[s], lost[s])
        lost = loss[m, E]
        for s in range(S):
            if w[s]:
                seen, squared = n_scored[m, s], mixed[s] * mixed[s]
                least[s] = min(least[s], squared)
                if seen > 0.0:
                    squared = min(squared, LOSS_OUTLIER * (least[s] + best[s] / max(seen, 1.0)))
                lost[s] = MIXTURE_DISCOUNT * lost[s] + squared
                n_scored[m, s] = LOSS_DISCOUNT * seen + 1.0
        best[:] = np.inf
        for e in range(E):
            error, lost = errors[m, e], loss[m, e]
            for j in range(J):
                of_panel, gain = usual_losses[e, m, j], 0.0
                for s in range(j * b, j * b + b):
                    if w[s]:
                        squared = error[s] * error[s]
                        gain += squared
                        lost[s] = LOSS_DISCOUNT * lost[s] + squared
                        best[s] = min(best[s], lost[s] + prior[m, s] * of_panel + LOSS_TINY)
                pooled[e, m, j] += gain
        for e in range(E):
            part, lost = parts[m, 0, e], loss[m, e]
            for j in range(J):
                of_panel = usual_losses[e, m, j]
                for s in range(j * b, j * b + b):
                    if w[s]:
                        ratio = best[s] / (lost[s] + prior[m, s] * of_panel + LOSS_TINY)
                        ratio *= ratio
                        ratio *= ratio
                        part[s] = ratio * ratio
                        total[s] += ratio * ratio
        for e in range(E):
            part = parts[m, 0, e]
            for s in range(S):
                if w[s]:
                    part[s] /= total[s]
        for s in range(S):
            if w[s]:
                blend[m, 0, s] = 1.0
                prior[m, s] *= PRIOR_DISCOUNT
                if prior[m, s] < LEAST_PRIOR:
                    prior[m, s] = 0.0
        _score_mixture(
            mixed, errors[m, 0], now, expected, probabilities, quantiles[:, m], level[m],
            n_labels[m], usual[m], scaled, excess, n_known,
        )  # fmt: skip
        for j in range(J):
            for s in range(j * b, j * b + b):
                pooled[E, m, j] += w[s]
                pooled[E + 1, m, j] += abs(mixed[s])
                pooled[E + 2, m, j] += now[s]
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
    mixed, first, known, expected, probabilities, quantiles, level, n_labels, usual, scaled,
    excess, n_known,
):  # fmt: skip
    """Move quantiles and levels of one step by errors of the mixture (S,), label less forecast."""
    for q in range(len(probabilities)):
        up, quantile = RATE * probabilities[q], quantiles[q]
        down = RATE * (probabilities[q] - 1.0)
        for s in range(len(mixed)):
            if known[s]:
                scale = max(level[s] * expected[s], TINY)
                step = down if -mixed[s] / scale < quantile[s] else up
                quantile[s] += max(abs(quantile[s]), SMALLEST_SIZE) * step
    for s in range(len(mixed)):
        if known[s]:
            absolute, base = abs(mixed[s]), max(level[s], TINY)
            scaled[s] += min(absolute / max(level[s] * expected[s], TINY), LIMIT)
            over = min(absolute / (base * expected[s]), OUTLIER) - 1.0
            excess[s] += min(over, PROFILE_OUTLIER - 1.0)
            n_known[s] += 1.0
            own = max(usual[s], TINY)
            more = min(abs(first[s]) / own, OUTLIER) - 1.0
            usual[s] = own + max(1.0 / (n_labels[s] + 2.0), LEVEL_RATE) * more * own
            n_labels[s] += 1.0
            level[s] += max(1.0 / (n_labels[s] + 1.0), LEVEL_RATE) * over * base


expert_errors, _score_mixture = compiled(expert_errors, False), compiled(_score_mixture, False)
score_series = compiled(score_series, False)
