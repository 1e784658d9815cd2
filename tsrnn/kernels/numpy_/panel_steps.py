"""Features and readouts of each step ahead of many series, read off the rings of their rows."""

import numpy as np


def step_features(first, columns, looked_up, out):
    """Write what is known, at an origin, about each step ahead of it.

    All values are relative to the newest one, so that targets are changes from it, and in units of
    the series' scale at the origin.

    Parameters
    ----------
    first : int
        Place of the first of these b series among the B that are looked at.
    columns : ndarray of int, shape (b,)
        Their columns in the rings.
    looked_up : tuple
        Ring of the levels (L, J, C); NaN before the first row of a series, which counts as no
        change. Rings (P, J, C) of the fast and the slow profile, from the level and in units of the
        scale, NaN where there is none yet. Rows (M, 1 + n) of the levels that each step looks at:
        that of its origin, then n others. Rows (M,) of the profiles. Levels (J, B) that the newest
        value and profiles are measured from. Scales (M or 1, J, B). Flags (M,) of the steps, or
        none. Inputs (M, I, B) known ahead.
    out : ndarray of shape (J, M, K, b)
        Filled by: the n values, the two profiles, the newest value, 1, the flag if there are any,
        the inputs.
    """
    levels, profiles, rows, profile_rows, centers, scales, flags, inputs = looked_up
    n, some, targets = rows.shape[1] - 1, slice(first, first + len(columns)), np.arange(len(out))
    found = levels[rows.T[:, None, :, None], targets[:, None, None], columns]  # (1 + n, J, M, b)
    newest, scale = found[0], scales[..., some].swapaxes(0, 1)
    np.subtract(found[1:].transpose(1, 2, 0, 3), newest[:, :, None], out=out[:, :, :n])
    out[:, :, :n] /= scale[:, :, None]
    np.subtract(newest, centers[:, None, some], out=out[:, :, n + 2])
    out[:, :, n + 2] /= scale
    out[:, :, n : n + 2] = 0.0
    out[:, :, : n + 3][np.isnan(out[:, :, : n + 3])] = 0.0
    if len(profiles[0]):
        for place, profile in enumerate(profiles):
            at = profile[profile_rows[None, :, None], targets[:, None, None], columns]
            out[:, :, n + place] = np.where(np.isnan(at), 0.0, at - out[:, :, n + 2])
    out[:, :, n + 3] = 1.0
    if len(flags):
        out[:, :, n + 4] = flags[:, None]
    out[:, :, out.shape[2] - inputs.shape[1] :] = inputs[..., some]


def step_forecasts(first, columns, looked_up, weights, out):
    """Write the forecasts of steps, changes from the newest value in units of the scale.

    Parameters
    ----------
    first, columns, looked_up
        As for `step_features`.
    weights : ndarray of shape (J, M, K)
    out : ndarray of shape (M, J, B)
    """
    features = np.empty((*weights.shape, len(columns)))
    step_features(first, columns, looked_up, features)
    found = np.matmul(weights[:, :, None], features)[:, :, 0]
    out[..., first : first + len(columns)] = found.swapaxes(0, 1)


def step_sums(first, columns, looked_up, weights, labels, gram, sums):
    """Add up what the labels of steps tell: products of their features, and those with errors.

    Parameters
    ----------
    first, columns, looked_up, weights
        As for `step_forecasts`.
    labels : tuple of ndarray
        What arrives (J, B), which labels are learnt from (M, J, B), the roots of the weights of
        their origins (M, J, B), and the largest errors (M, J, B) that are learnt from, in units of
        the scale; of no steps where there is no limit.
    gram : ndarray of shape (J, M, K, K)
    sums : ndarray of shape (J, M, K)
    """
    some, features = slice(first, first + len(columns)), np.empty((*weights.shape, len(columns)))
    step_features(first, columns, looked_up, features)
    arrived, known, roots, limits = (array[..., some] for array in labels)
    levels, rows, scales = looked_up[0], looked_up[2], looked_up[5][..., some]
    errors = (arrived - levels[rows[:, 0]][..., columns]) / scales
    errors -= np.matmul(weights[:, :, None], features)[:, :, 0].swapaxes(0, 1)
    if len(limits):
        errors = np.clip(errors, -limits, limits)
    root = np.where(known, roots, 0.0)
    errors = np.where(root > 0.0, errors, 0.0) * root
    features *= root.swapaxes(0, 1)[:, :, None]
    gram += np.matmul(features, features.swapaxes(2, 3))
    sums += np.matmul(features, errors.swapaxes(0, 1)[..., None])[..., 0]
