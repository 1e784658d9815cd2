"""Experts of many series: their errors by the labels of a row, and what moves by them."""

import numpy as np

from tsrnn.kernels.numpy_ import conformal, drift, mixing
from tsrnn.kernels.numpy_.conformal import LEVEL_RATE, OUTLIER, TINY

PRIOR_DISCOUNT = 0.9  # of the prior, at each label of its own: it must not outlast what differs
LEAST_PRIOR = 1e-12
UNSETTLED_DISCOUNT = 0.98  # of losses, at each label, while a series is unsettled
UNIT_CHANGE = (
    20.0  # standard deviations, as of the outlier filter: a season ago it was another unit
)


def expert_errors(arrived, issued, due, levels, rows, young, columns, scales, out):
    """Write the errors of what experts had forecast: issued less label, by the scale.

    The experts are the readouts, the newest value, for each season the value a season before the
    step, and for the last of them that plus the change since a season before the origin. Where a
    series is too young for one, it repeats what the expert before it does; where it was in another
    unit then, the newest value.

    Parameters
    ----------
    arrived : ndarray of shape (J, b)
        The labels, NaN where missing.
    issued : ndarray of shape (rows, R, J, C)
        What the readouts had issued.
    due : ndarray of int, shape (M,)
        Rows of it whose labels these are.
    levels : ndarray of shape (L, J, C)
        Ring of the levels.
    rows : ndarray of int, shape (M, 1 + N + 1)
        Its rows that each step looks at: origin, a season before the step for each of N seasons,
        the longest season before the origin.
    young : ndarray of bool, shape (M, N + 1, b)
        Whether the last N + 1 of those lie before a series began.
    columns : ndarray of int, shape (b,)
    scales : ndarray of shape (M, J, b)
        Of the series at the origins.
    out : ndarray of shape (M, E, J, b)
        E = R + 1 + N, and 1 more where there are seasons.
    """
    n_readouts, n_seasons = issued.shape[1], rows.shape[1] - 2
    targets = np.arange(levels.shape[1])[:, None]
    found = levels[rows.T[:, :, None, None], targets, columns]  # (2 + N, M, J, b)
    out[:, :n_readouts] = issued[due][..., columns]
    newest = found[0]
    out[:, n_readouts] = newest
    for season in range(n_seasons):
        value = np.where(young[:, season, None], out[:, n_readouts + season], found[1 + season])
        value = np.where(np.abs(value - newest) > UNIT_CHANGE, newest, value)
        out[:, n_readouts + 1 + season] = value
    if n_seasons:
        change = np.where(young[:, -1, None], 0.0, newest - found[-1])
        change = np.where(np.abs(change) > UNIT_CHANGE, 0.0, change)
        out[:, -1] = out[:, -2] + change
    out -= arrived
    out /= scales[:, None]


def known_errors(errors, n_readouts, waited, grown, known, weighed):
    """Write which errors there are, and which of them count for the weights of the experts.

    Parameters
    ----------
    errors : ndarray of shape (M, E, J, b)
        Not finite where a label is missing, or an error overflows.
    n_readouts : int
        Experts, the first ones, that are looked at.
    waited, grown : ndarray of bool, shape (M, b)
        Whether there is a forecast, and whether it counts for the weights.
    known, weighed : ndarray of bool, shape (M, J, b)
        Filled.
    """
    known[...] = np.isfinite(errors[:, :n_readouts].sum(axis=1)) & waited[:, None]
    weighed[...] = known & grown[:, None]


def score_series(
    errors, known, weighed, panel_losses, discounts, probabilities, seasons, row, fields, pooled
):
    """Move all that is kept of some series by errors of their experts; in place.

    The maths is that of `score_experts`, `score_errors` and `follow_size`.

    Parameters
    ----------
    errors : ndarray of shape (M, E, J, b)
        Issued less label.
    known, weighed : ndarray of bool, shape (M, J, b)
        Errors that there are, and those that count for the weights of the experts.
    panel_losses : ndarray of shape (E, M, J)
        Mean squared errors of the panel, which stand in for a prior number of labels.
    discounts : ndarray of shape (R,)
        Of the regrets.
    probabilities, seasons, row
        As of `score_errors`.
    fields : tuple of ndarray
        regret, spread, loss, n_labels, parts and blend as of `score_experts`; prior (M, S);
        quantiles, level, n_labels and profiles as of `score_errors`; size, n_rows and calm (1, S)
        as of `follow_size`; and the recent mean absolute error of the first expert (M, S).
    pooled : ndarray of shape (E + 3, M, J)
        To which squared errors, their number, absolute errors of the mixture and theirs are added.

    Returns
    -------
    noted : ndarray of shape (S,)
        As of `follow_size`.
    """
    (M, E, J, b), prior = errors.shape, fields[6]
    size, n_rows, calm, mean_error = fields[11:]
    errors = errors.reshape(M, E, J * b)
    known, weighed = known.reshape(M, -1), weighed.reshape(M, -1)
    errors = np.where(known[:, None], errors, 0.0)
    issued, error = mixing.issue(errors, fields[4], fields[5])
    squared = np.square(errors) * weighed[:, None]
    pooled[:E] += squared.reshape(M, E, J, b).sum(axis=-1).swapaxes(0, 1)
    for total, gain in zip(pooled[E:], (weighed, np.abs(error), known), strict=True):
        total += gain.reshape(M, J, b).sum(axis=-1)
    issued[:, -1] = np.where(weighed, issued[:, -1], np.nan)
    before = np.zeros(issued.shape)
    of_panel = prior.reshape(M, 1, J, b) * panel_losses.swapaxes(0, 1)[..., None]
    before[:, :E] = of_panel.reshape(M, E, J * b)
    prior *= np.where(weighed, PRIOR_DISCOUNT, 1.0)
    prior[prior < LEAST_PRIOR] = 0.0
    mixing.score_experts(issued, before, discounts, *fields[:6])
    error = np.where(known, -error, np.nan)
    quantiles, level, n_labels, profiles = fields[7:11]
    now = np.zeros(M, dtype=np.intp)
    scale = conformal.expected_scale(level, profiles, seasons, now, row)
    at_ease = calm[0] > 0.0
    noted = drift.follow_size(np.abs(error) / scale, size[0], n_rows[0], at_ease)
    calm[0] = at_ease
    base = np.maximum(mean_error, TINY)
    excess = np.minimum(np.abs(errors[:, 0]) / base, OUTLIER) - 1.0
    rate = np.maximum(1.0 / (n_labels + 2.0), LEVEL_RATE) * known
    mean_error[...] = base + rate * excess * base
    conformal.score_errors(
        error, scale, probabilities, seasons, row, quantiles, level, n_labels, profiles
    )
    return noted
