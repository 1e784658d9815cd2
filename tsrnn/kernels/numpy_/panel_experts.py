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


def expert_errors(
    arrived, issued, due, levels, rows, asleep, columns, scales, n_readouts, out
):  # fmt: skip
    """Write the errors of what experts had forecast: issued less label, by the scale.

    The experts are the readouts, the newest value, for each season the value a season before the
    step, and for the last of them that plus the change since a season before the origin. An expert
    sleeps where it has not seen enough of a series; where the series was in another unit then, it
    repeats the newest value. Last come those whose forecasts were issued too.

    Parameters
    ----------
    arrived : ndarray of shape (J, b)
        The labels, NaN where missing.
    issued : ndarray of shape (rows, R, J, C)
        What R experts had issued, readouts and others; NaN where they slept.
    due : ndarray of int, shape (M,)
        Rows of it whose labels these are.
    levels : ndarray of shape (L, J, C)
        Ring of the levels.
    rows : ndarray of int, shape (M, 1 + N + 1)
        Its rows that each step looks at: origin, a season before the step for each of N seasons,
        the longest season before the origin.
    asleep : ndarray of bool, shape (M, N', b)
        Which of those that repeat had not seen enough at the origins.
    columns : ndarray of int, shape (b,)
    scales : ndarray of shape (M, J, b)
        Of the series at the origins.
    n_readouts : int
    out : ndarray of shape (M, E, J, b)
        E = R + N', those that repeat, N' = 1 + N and 1 more where there are seasons, behind the
        readouts; NaN of those that sleep. Or E = R, where none repeats.
    """
    n_seasons, stop = rows.shape[1] - 2, n_readouts + asleep.shape[1]
    targets = np.arange(levels.shape[1])[:, None]
    found = levels[rows.T[:, :, None, None], targets, columns]  # (2 + N, M, J, b)
    waiting = issued[due][..., columns]
    out[:, :n_readouts], out[:, stop:] = waiting[:, :n_readouts], waiting[:, n_readouts:]
    newest = found[0]
    if stop > n_readouts:
        out[:, n_readouts] = newest
    for season in range(n_seasons):
        value = found[1 + season]
        value = np.where(np.abs(value - newest) > UNIT_CHANGE, newest, value)
        out[:, n_readouts + 1 + season] = value
    if n_seasons:
        change = newest - found[-1]
        change = np.where(np.abs(change) > UNIT_CHANGE, 0.0, change)
        out[:, stop - 1] = out[:, stop - 2] + change
    repeated = out[:, n_readouts:stop]
    repeated[np.broadcast_to(asleep[:, :, None], repeated.shape)] = np.nan
    out -= arrived
    out /= scales[:, None]


def known_errors(errors, n_readouts, waited, known):
    """Write which errors there are.

    Parameters
    ----------
    errors : ndarray of shape (M, E, J, b)
        Not finite where a label is missing, or an error overflows.
    n_readouts : int
        Experts, the first ones, that are looked at.
    waited : ndarray of bool, shape (M, b)
        Whether there is a forecast.
    known : ndarray of bool, shape (M, J, b)
        Filled.
    """
    known[...] = np.isfinite(errors[:, :n_readouts].sum(axis=1)) & waited[:, None]


def score_series(
    errors, known, panel_losses, discounts, probabilities, seasons, row, fields, pooled
):
    """Move all that is kept of some series by errors of their experts; in place.

    The maths is that of `score_experts`, `score_errors` and `follow_size`.

    Parameters
    ----------
    errors : ndarray of shape (M, E, J, b)
        Issued less label; NaN of experts that slept, which count as good as the mixture of others.
    known : ndarray of bool, shape (M, J, b)
        Errors that there are.
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
    pooled : ndarray of shape (E + 2, M, J)
        To which squared errors, absolute errors of the mixture, and their number are added.

    Returns
    -------
    noted : ndarray of shape (S,)
        As of `follow_size`.
    """
    (M, E, J, b), prior = errors.shape, fields[6]
    size, n_rows, calm, mean_error = fields[11:]
    errors = errors.reshape(M, E, J * b)
    known = known.reshape(M, -1)
    errors = np.where(known[:, None], errors, 0.0)
    asleep = np.isnan(errors)
    parts = mixing.among(~asleep, fields[4]) if asleep.any() else fields[4]
    issued, error = mixing.issue(errors, parts, fields[5])
    squared = np.square(np.where(asleep, error[:, None], errors))
    pooled[:E] += squared.reshape(M, E, J, b).sum(axis=-1).swapaxes(0, 1)
    for total, gain in zip(pooled[E:], (np.abs(error), known), strict=True):
        total += gain.reshape(M, J, b).sum(axis=-1)
    issued[:, -1] = np.where(known, issued[:, -1], np.nan)
    before = np.zeros(issued.shape)
    of_panel = prior.reshape(M, 1, J, b) * panel_losses.swapaxes(0, 1)[..., None]
    before[:, :E] = of_panel.reshape(M, E, J * b)
    prior *= np.where(known, PRIOR_DISCOUNT, 1.0)
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
