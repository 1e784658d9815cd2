"""The mixture of experts: weights moved by errors, for any number of series side by side."""

import numpy as np

# Labels that are remembered. The regrets remember some 50, to follow patterns within the day, and
# 16 more for each step that forecasts overlap; losses remember longer, to be sure of what is best.
REGRET_MEMORY, REGRET_MEMORY_OF_STEP = 50.0, 16.0
LOSS_MEMORY, MIXTURE_MEMORY, LOSS_MEMORY_OF_STEP = 1000.0, 200.0, 64.0
# Factors by which the past is discounted at each label: what these memories are at one step.
LOSS_DISCOUNT, MIXTURE_DISCOUNT = 1.0 - 1.0 / LOSS_MEMORY, 1.0 - 1.0 / MIXTURE_MEMORY
DISCOUNTS = (1.0 - 1.0 / REGRET_MEMORY, LOSS_DISCOUNT, MIXTURE_DISCOUNT)
# The size of errors is that of the newest half of the labels, or so. Of one label it takes no more
# than three times what the best is off by: an expert that fails makes no errors of the others loud.
NEWEST, SURGE = 2.0, 9.0
# What a mixture can lose at one label, in units of what is least and of what is usual: a change of
# unit makes errors that would otherwise decide for weeks which mixture to trust.
OUTLIER = 25.0
# Labels whose errors do not overlap at which the weights of a step are half its own, half those of
# all steps.
HALF_OWN = 20.0
TINY = 1e-12  # squared, in units of the history's spread: below it experts are equally right


def among(awake, parts):
    """Return weights of the experts that are awake alone, in each mixture of sum 1 again.

    An expert sleeps where it has nothing to say yet, such as a season that has not been seen.

    Parameters
    ----------
    awake : ndarray of bool, shape (M, E, S)
    parts : ndarray of shape (M, R + 1, E, S)

    Examples
    --------
    >>> awake = np.array([True, False, True]).reshape(1, 3, 1)
    >>> among(awake, np.array([0.2, 0.5, 0.3]).reshape(1, 1, 3, 1)).ravel()
    array([0.4, 0. , 0.6])
    """
    awake = awake[:, None]
    parts = np.where(awake, parts, 0.0)
    total = parts.sum(axis=2, keepdims=True)
    lost = total <= 0.0  # all the weight was with those that sleep
    if lost.any():
        parts = np.where(lost & awake, 1.0, parts)
        total = parts.sum(axis=2, keepdims=True)
    parts /= total
    return parts


def issue(forecasts, parts, blend):
    """Put the mixtures of forecasts behind them.

    Parameters
    ----------
    forecasts : ndarray of shape (M, E, S)
        Of E experts; NaN of those that sleep, whose weights are 0 (see `among`).
    parts : ndarray of shape (M, R + 1, E, S)
        Weights of the experts in each mixture.
    blend : ndarray of shape (M, R + 1, S)
        Weights of the mixtures.

    Returns
    -------
    issued : ndarray of shape (M, E + R + 1, S)
        To be kept until the labels arrive.
    mixture : ndarray of shape (M, S)
        The blend of the mixtures.
    """
    mixtures = (parts * where_awake(forecasts)[:, None]).sum(axis=2)
    return np.concatenate([forecasts, mixtures], axis=1), (blend * mixtures).sum(axis=1)


def where_awake(forecasts):
    """Return forecasts with 0 in the place of those of experts that sleep."""
    awake = ~np.isnan(forecasts)
    return forecasts if awake.all() else np.where(awake, forecasts, 0.0)


def score_experts(error, prior, discounts, regret, spread, loss, n_labels, scale, parts, blend):
    """Move losses and regrets, and by them the weights, by the errors of labels; in place.

    What was lost before counts in units of what is lost today: where errors become smaller, the
    sums of the past shrink with them. Else a loud beginning decides for hundreds of calm rows.

    Parameters
    ----------
    error : ndarray of shape (M, E + R + 1, S)
        Of what `issue` put together for each label, issued less label; where the last of them is
        NaN, nothing is learnt of that step and series. An expert that slept, whose own error is
        NaN, counts as good as the mixture.
    prior : ndarray of shape (M, E + R + 1, S)
        Losses that are added to a series' own where weights are made of them.
    discounts : ndarray of shape (R + 2,) or (M, R + 2)
        Of the regrets, of the losses of experts and of those of mixtures.
    regret, spread : ndarray of shape (M, R, E, S)
        Discounted sums of the regrets and of their squares.
    loss : ndarray of shape (M, E + R + 1, S)
        Discounted sums of the squared errors of experts and mixtures.
    n_labels : ndarray of shape (M, S)
        Labels seen, discounted as the losses of experts are.
    scale : ndarray of shape (M, S)
        Recent squared error of the last mixture, at first the largest of all; NaN where the sums
        of the past stay as they are.
    parts, blend : ndarray
        As of `issue`.
    """
    n_regrets, n_experts = regret.shape[1:3]
    discounts = np.broadcast_to(discounts, (len(error), n_regrets + 2))[..., None]
    of_loss = np.repeat(discounts[:, n_regrets:], (n_experts, n_regrets + 1), axis=1)
    of_regret = discounts[:, :n_regrets, None]
    pull = error[:, n_experts:-1, None]
    asleep = np.isnan(error[:, :n_experts])
    gain = pull * (pull - error[:, None, :n_experts])
    if asleep.any():  # as good as the mixture: its regret stays, its loss is that of the mixture
        gain = np.where(asleep[:, None], 0.0, gain)
        error = error.copy()
        error[:, :n_experts] = np.where(asleep, error[:, -1:], error[:, :n_experts])
    squared = error * error
    new_scale, change = _follow_scale(scale, squared, n_labels)
    of_all = change[:, None, None]
    new_regret = of_regret * (of_all * regret) + gain
    new_spread = of_regret * (of_all * (of_all * spread)) + gain * gain
    usual = change * loss[:, :n_experts].min(axis=1) / np.maximum(n_labels, 1.0)
    limit = OUTLIER * (squared.min(axis=1) + np.where(n_labels > 0, usual, np.inf))
    squared[:, n_experts:] = np.minimum(squared[:, n_experts:], limit[:, None])
    new_loss = of_loss * (change[:, None] * loss) + squared
    weighed = new_loss + prior
    new_parts = _weights(new_regret, new_spread, weighed[:, :n_experts])
    moved = (
        (regret, new_regret),
        (spread, new_spread),
        (loss, new_loss),
        (n_labels, discounts[:, n_regrets] * n_labels + 1.0),
        (scale, new_scale),
        (parts, new_parts),
        (blend, favour(weighed[:, n_experts:])),
    )
    known = np.isfinite(error[:, -1])
    complete = known.all()
    for old, new in moved:
        which = True if complete else known.reshape(len(known), *[1] * (old.ndim - 2), -1)
        np.copyto(old, new, where=which)


def shrink_to_all_steps(
    steps, forecasts, regret, spread, loss, n_labels, scale, parts, half=HALF_OWN
):  # fmt: skip
    r"""Shrink the weights of each step to those that all steps together speak for; in place.

    What the experts are worth at one step tells much of the others, and labels of a far step come
    late and their errors overlap: n of step m say as much as n / m that do not. As in credibility
    theory [1]_, its own weights count by the share :math:`(n / m) / (n / m + 20)`, and those made
    of the means over all steps of regrets, of their squares and of losses, each in units of what
    the experts that are awake lose at the step on average, by the rest. In the means a step counts
    by the square root of m, as it is far ones that lean on them.

    Parameters
    ----------
    steps : ndarray of int, shape (M,)
        Steps ahead of the outputs.
    forecasts : ndarray of shape (M, E, S)
        Those that are to be mixed: NaN of experts that sleep, which get no weight.
    regret, spread, loss, n_labels, scale : ndarray
        As of `score_experts`, after the labels of a row. A stream whose scale is NaN stays as it
        is: one of a file of 0.1.0.
    parts : ndarray of shape (M, R + 1, E, S)
        Written, but for streams of which no label has come.
    half : float
        Labels apart at which the weights of a step are half its own.

    References
    ----------
    .. [1] H. Bühlmann, A. Gisler (2005), A course in credibility theory and its applications.

    Examples
    --------
    Of the second step no label has come:

    >>> sums = np.zeros((2, 0, 2, 1)), np.zeros((2, 0, 2, 1)), np.ones((2, 3, 1))
    >>> sums[2][0, 0], n_labels, parts = 2.0, np.array([[9.0], [0.0]]), np.full((2, 1, 2, 1), 0.5)
    >>> steps, forecasts = np.array([1, 2]), np.ones((2, 2, 1))
    >>> shrink_to_all_steps(steps, forecasts, *sums, n_labels, np.ones((2, 1)), parts)
    >>> parts[1, 0, :, 0].round(3)
    array([0.004, 0.996])
    """
    seen, n_experts = n_labels > 0.0, regret.shape[2]
    moves = seen.any(axis=0) & ~np.isnan(scale[0])
    if len(steps) == 1 or not moves.any():
        return
    loss = loss[:, :n_experts]
    awake = ~np.isnan(forecasts)
    own = among(awake, _weights(regret, spread, loss))
    mean_loss = loss / np.maximum(n_labels, 1.0)[:, None]
    n_awake = np.maximum(awake.sum(axis=1, keepdims=True), 1)
    unit = np.where(awake, mean_loss, 0.0).sum(axis=1, keepdims=True) / n_awake + TINY
    sums = regret / unit[:, None], spread / (unit * unit)[:, None], mean_loss / unit
    weights = seen * np.sqrt(steps)[:, None]
    weights = weights / np.maximum(weights.sum(axis=0), 1.0)
    of_all = ((weights.reshape(len(seen), *[1] * (x.ndim - 2), -1) * x).sum(axis=0) for x in sums)
    shared = np.repeat(_weights(*(x[None] for x in of_all)), len(steps), axis=0)
    shared = among(awake, shared)
    apart = n_labels / steps[:, None]
    share = (apart / (apart + half))[:, None, None]
    np.copyto(parts, share * own + (1.0 - share) * shared, where=moves)


def _weights(regret, spread, loss):
    """Return the weights (M, R + 1, E, S) in all mixtures."""
    return np.concatenate([_potential(regret, spread), favour(loss)[:, None]], axis=1)


def favour(loss):
    """Return weights (M, ..., S) in proportion to the inverse eighth power of losses."""
    loss = loss + TINY
    share = loss.min(axis=1, keepdims=True) / loss
    share *= share
    share *= share
    share *= share  # three squarings: a power costs ten times as much
    share /= share.sum(axis=1, keepdims=True)
    return share


def _follow_scale(scale, squared, n_labels):
    """Return the scale (M, S) after labels, and by what factor it has changed."""
    first, rate = n_labels == 0.0, NEWEST / (n_labels + NEWEST)
    newest = np.minimum(squared[:, -1], scale + SURGE * squared.min(axis=1))
    moved = scale + np.where(first, squared.max(axis=1) - scale, rate * (newest - scale))
    stays = first | np.isnan(scale)
    return moved, np.where(stays, 1.0, (moved + TINY) / (scale + TINY))


def _potential(regret, spread):
    """Return weights (M, R, E, S) in proportion to what is positive of regret / spread."""
    parts = np.maximum(regret - TINY, 0.0)  # less is rounding, of experts that agree
    parts /= spread + TINY
    total = parts.sum(axis=2, keepdims=True)
    lost = total <= 0.0  # no expert did better than the mixture
    if lost.any():
        parts = np.where(lost, 1.0, parts)
        total = parts.sum(axis=2, keepdims=True)
    parts /= total
    return parts
