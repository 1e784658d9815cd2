"""The scale on which targets are learnt, and the way back to their own."""

import warnings

import numpy as np

from tsrnn.warnings_ import NumericalWarning

#: By name: the transform, its inverse, and what a target has to be.
TRANSFORMS = {
    "log": (np.log, np.exp, "larger than 0"),
    "log1p": (np.log1p, np.expm1, "larger than -1"),
    "sqrt": (np.sqrt, lambda values: np.square(np.maximum(values, 0.0)), "0 or larger"),
}
LARGEST = 700.0  # e to the power of more is no number


def transformed(name, targets):
    """Return targets on the scale on which they are learnt; NaN of those that do not fit.

    Parameters
    ----------
    name : {"log", "log1p", "sqrt"} or None
    targets : ndarray

    Warns
    -----
    NumericalWarning
        Some do not fit.

    Examples
    --------
    >>> transformed("log1p", np.array([0.0, 1.0, np.nan])).round(2)
    array([0.  , 0.69,  nan])
    """
    if name is None:
        return targets
    forward, _, wanted = TRANSFORMS[name]
    found = _forward(forward, targets)
    n_bad = int((np.isfinite(targets) & ~np.isfinite(found)).sum())
    if n_bad:
        warnings.warn(
            f"found {n_bad} target value(s) that target_transform={name!r} does not fit, expected "
            f"values {wanted}; they count as missing",
            NumericalWarning,
            stacklevel=2,
        )
    return found


def require_transformable(name, targets, target_names):
    """Refuse targets (n, J) of a history that a transform does not fit.

    Raises
    ------
    ValueError
        It names the targets, a value, and a remedy.
    """
    if name is None:
        return
    forward, _, wanted = TRANSFORMS[name]
    bad = np.isfinite(targets) & ~np.isfinite(_forward(forward, targets))
    if bad.any():
        found = [str(target_names[j]) for j in np.flatnonzero(bad.any(axis=0))]
        other = '"log1p" or "sqrt"' if name == "log" else "None"
        raise ValueError(
            f"found {int(bad.sum())} target value(s) of {found}, such as {targets[bad][0]}, with "
            f"target_transform={name!r}, expected values {wanted}; pass target_transform={other}"
        )


def restored(name, values):
    """Return values of the transformed scale on the targets' own."""
    if name is None:
        return values
    return TRANSFORMS[name][1](np.minimum(values, LARGEST) if name != "sqrt" else values)


def scale_factor(whole, level, restored_whole, restored_level):
    """Return what parts beside a level are multiplied by to add up on another scale.

    Parameters
    ----------
    whole, level : ndarray
        Sums of all parts and the level among them, on the scale of the parts.
    restored_whole, restored_level : ndarray
        The same on the other scale.

    Examples
    --------
    >>> scale_factor(np.array([3.0, 1.0]), np.array([1.0, 1.0]), np.exp(2.0), np.exp(0.0)).round(1)
    array([3.2, 0. ])
    """
    beside = whole - level
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.where(beside == 0.0, 0.0, (restored_whole - restored_level) / beside)


def _forward(forward, targets):
    with np.errstate(divide="ignore", invalid="ignore"):
        found = forward(targets)
    return np.where(np.isfinite(found), found, np.nan)
