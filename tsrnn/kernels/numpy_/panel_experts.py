"""Experts of many series: their errors by the labels of a row, and what moves by them."""

import numpy as np

from tsrnn.kernels.numpy_ import conformal, drift, mixing
from tsrnn.kernels.numpy_.conformal import LEVEL_RATE, OUTLIER, TINY
from tsrnn.kernels.numpy_.tails import LARGEST, MEAN, tail_excesses

MOST = 1e37  # of a loss or a level: what is kept is of single precision, maybe
PRIOR_DISCOUNT = 0.9  # of the prior, at each label of its own: it must not outlast what differs
LEAST_PRIOR = 1e-12
UNSETTLED_DISCOUNT = 0.98  # of losses, at each label, while a series is unsettled
CLIP = 6.0  # times the recent mean absolute error of a readout: more than that is not learnt from
UNIT_CHANGE = (
    20.0  # standard deviations, as of the outlier filter: a season ago it was another unit
)


def score_block(
    first, columns, row, looked_at, issued, levels, n_readouts, panel_losses, fixed, fields, tails,
    limits, sums,
):  # fmt: skip
    """Score the labels that have come of some series; what is kept of them moves in place.

    Parameters
    ----------
    first : int
        Place of the first of these b series among the B of the row.
    columns : ndarray of int, shape (b,), ascending
        Their columns in what was issued and in the levels.
    row : tuple of ndarray
        The labels (J, B), NaN where missing; the scales (M, J, B) at the origins; the newest
        position (J, B) at which series were unsettled; and what inputs known ahead add to what was
        issued (M, R, J, B), of no steps where none is known.
    looked_at : tuple
        The position, the steps (M,), the rows (M,) of what was issued, the rows of the levels and
        which experts sleep, as of `expert_errors`, and whether origins are rows of the series
        (M, B).
    issued, levels : ndarray
        As of `expert_errors`.
    n_readouts : int
    panel_losses : ndarray of shape (E, M, J)
    fixed : tuple
        Discounts, probabilities, seasons, own shares of the steps, noise, and at how many labels
        the weights of a step are half its own, as of `score_series`.
    fields : tuple of ndarray
        As of `score_series`, maybe in single precision, and losses (M, E + R + 1, S) and labels
        (M, S) of the other state, and whether (M, S) losses are those of an unsettled state.
    tails : ndarray of shape (2, 3, J)
        Moments of the tails of all series, see `follow_tails`.
    limits : ndarray of shape (M, J, B)
        Filled by the largest errors that readouts should learn from; of no steps if none learns.
    sums : tuple of ndarray
        To the first is added what `score_series` adds, to the other (2, 3, J) the `tail_excesses`
        of step 1.

    Returns
    -------
    noted : ndarray of shape (S,)
        As of `follow_size`.
    """
    kept, fields = fields, tuple(field.astype(np.float64) for field in fields)
    parts = fields[4]
    parts /= parts.sum(axis=2, keepdims=True)  # they may have been rounded
    arrived, scales, unsettled, effects = row
    position, steps, due, rows, asleep, waited = looked_at
    (discounts, probabilities, seasons, own, noise, half), (pooled, beyond) = fixed, sums
    (E, M, J), some = panel_losses.shape, slice(first, first + len(columns))
    errors, known = np.empty((M, E, J, len(columns))), np.empty((M, J, len(columns)), dtype=bool)
    of_series = asleep[..., some], columns, scales[..., some], n_readouts
    expert_errors(arrived[:, some], issued, due, levels, rows, *of_series, errors)
    if len(effects):
        errors[:, :n_readouts] += effects[:, :n_readouts, :, some]
        errors[:, n_readouts + asleep.shape[1] :] += effects[:, n_readouts:, :, some]
    known_errors(errors, n_readouts, waited[:, some], known)
    if len(limits):
        np.multiply(fields[14].reshape(known.shape), CLIP, out=limits[:, :, some])
    moved = conformal.rows_moved(fields[9], position)
    weights = conformal.season_weights(fields[10], seasons, moved, noise)
    of_season = probabilities, seasons, weights, position
    beyond += _tail_sums(errors[0], known[0], fields, *of_season, tails)
    _change_states(fields, position - steps, unsettled[:, some].ravel())
    moving = seasons, position, fields[:15], pooled
    settings = conformal.pace_of(steps), own, noise, steps, half
    noted = score_series(errors, known, panel_losses, discounts, probabilities, *moving, *settings)
    for field, moved in zip(kept, fields, strict=True):
        field[...] = np.minimum(moved, MOST)
    return noted


def _tail_sums(errors, known, fields, probabilities, seasons, weights, position, tails):
    """Return sums (2, 3, J) over what errors of step 1 (E, J, b) lie beyond the thresholds."""
    flat, there, parts = errors.reshape(len(errors), -1), known.ravel(), fields[4][:1]
    quantiles, level, profiles = fields[7][:, 0], fields[8][:1], fields[10]
    awake = np.isfinite(flat) | ~there
    if not awake.all():
        parts = mixing.among(awake[None], parts)
    flat = np.where(awake & there, flat, 0.0)
    _, mixture = mixing.issue(flat[None], parts, fields[5][:1])
    now = np.zeros(1, dtype=np.intp)
    expected = conformal.expected_scale(level, profiles, weights, seasons, now, position)[0]
    scaled = np.where(there, -mixture[0] / expected, np.nan)
    limits = np.repeat(tails[:, MEAN], known.shape[1], axis=1) * LARGEST
    excesses = tail_excesses(scaled, quantiles, probabilities, limits)
    return excesses.reshape(2, 3, *known.shape).sum(axis=-1)


def _change_states(fields, origins, unsettled):
    """Give experts the losses of the state in which the labels' forecasts were issued.

    That is at the origins (M,), of streams (S,) whose newest unsettled position is given.
    """
    loss, n_scored, (other_loss, n_other, flags) = fields[2], fields[3], fields[15:]
    state = origins[:, None] <= unsettled
    changed = state != (flags > 0.0)
    if changed.any():
        for one, other, which in (
            (loss, other_loss, changed[:, None]),
            (n_scored, n_other, changed),
        ):
            before = one.copy()
            np.copyto(one, other, where=which)
            np.copyto(other, before, where=which)
        flags[...] = state
    if state.any():
        forgotten = np.where(state, UNSETTLED_DISCOUNT, 1.0)
        loss *= forgotten[:, None]
        n_scored *= forgotten


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
    errors, known, panel_losses, discounts, probabilities, seasons, row, fields, pooled, pace, own,
    noise, steps, half,
):  # fmt: skip
    """Move all that is kept of some series by errors of their experts; in place.

    The maths is that of `score_experts`, `shrink_to_all_steps`, `score_errors` and `follow_size`.

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
    pace, own : ndarray of shape (M,)
    noise : float
        As of `score_errors`.
    steps : ndarray of int, shape (M,)
    half : float
        As of `shrink_to_all_steps`; 0: weights are not shrunk.

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
    discounts = np.append(discounts, mixing.DISCOUNTS[1:])
    scale = np.full(known.shape, np.nan)  # of one mixture: another gained nothing by it
    mixing.score_experts(issued, before, discounts, *fields[:4], scale, *fields[4:6])
    if half:
        sums = *fields[:2], fields[2] + before, fields[3], np.zeros_like(scale)
        mixing.shrink_to_all_steps(steps, np.zeros_like(errors), *sums, fields[4], half)
    error = np.where(known, -error, np.nan)
    quantiles, level, n_labels, profiles = fields[7:11]
    now = np.zeros(M, dtype=np.intp)
    moved = conformal.rows_moved(n_labels, row)
    weights = conformal.season_weights(profiles, seasons, moved, noise)
    scale = conformal.expected_scale(level, profiles, weights, seasons, now, row)
    at_ease = calm[0] > 0.0
    noted = drift.follow_size(np.abs(error) / scale, size[0], n_rows[0], at_ease)
    calm[0] = at_ease
    base = np.maximum(mean_error, TINY)
    excess = np.minimum(np.abs(errors[:, 0]) / base, OUTLIER) - 1.0
    rate = np.maximum(1.0 / (n_labels + 2.0), LEVEL_RATE) * known
    mean_error[...] = base + rate * excess * base
    conformal.score_errors(
        error, scale, probabilities, seasons, row, quantiles, level, n_labels, profiles, pace, own,
        noise,
    )  # fmt: skip
    return noted
