"""Columns of intervals and quantiles that a forecast was asked for."""

from numbers import Real

import numpy as np


def bands_of(coverage=None, quantiles=None):
    """Return the columns asked for as pairs (name, probability).

    Parameters
    ----------
    coverage, quantiles : float or sequence of float in (0, 1), optional

    Raises
    ------
    ValueError
        One of them is not between 0 and 1.

    Examples
    --------
    >>> bands_of(0.9)
    [('lower_0.9', 0.05), ('upper_0.9', 0.95)]
    """
    bands = []
    if coverage is None and quantiles is None:
        return bands
    for share in _fractions("coverage", coverage):
        tail = round((1.0 - share) / 2.0, 12)
        bands += [(f"lower_{short(share)}", tail), (f"upper_{short(share)}", 1.0 - tail)]
    return bands + [(f"quantile_{short(q)}", q) for q in _fractions("quantiles", quantiles)]


def short(share):
    """Return a share as columns are named by it: in few digits, but in all that it needs.

    Examples
    --------
    >>> short(0.9), short(0.9000001)
    ('0.9', '0.9000001')
    """
    text = f"{share:g}"
    return text if float(text) == share else repr(float(share))


def column_of(target, name):
    """Return the label of a column beside that of a target; of tuples its last level tells it.

    Examples
    --------
    >>> column_of("load", "lower_0.9"), column_of(("load", "north"), "lower_0.9")
    ('load_lower_0.9', ('load', 'north_lower_0.9'))
    """
    if isinstance(target, tuple) and target:
        return (*target[:-1], f"{target[-1]}_{name}")
    return f"{target}_{name}"


def columns_beside(targets, names):
    """Return the labels of the columns of bands, target by target.

    Raises
    ------
    ValueError
        One of them is a target itself.

    Examples
    --------
    >>> columns_beside(["load", "wind"], ["upper_0.9"])
    ['load_upper_0.9', 'wind_upper_0.9']
    """
    columns = [column_of(target, name) for target in targets for name in names]
    taken = set(targets)
    if doubled := [column for column in columns if column in taken]:
        raise ValueError(
            f"found the targets {doubled} and columns of bounds or quantiles of the same name; "
            "rename those targets"
        )
    return columns


def add_offsets(outputs, offsets, bands):
    """Return outputs (..., M) and offsets (P, ..., M) added up; an interval holds its forecast."""
    limits = {"lower": (-np.inf, 0.0), "upper": (0.0, np.inf)}
    limits = [limits.get(name.partition("_")[0], (-np.inf, np.inf)) for name, _ in bands]
    least, most = np.transpose(limits).reshape(2, -1, *[1] * outputs.ndim)
    return outputs + np.clip(offsets, least, most)


def _fractions(name, values):
    one = isinstance(values, (Real, str))
    values = [] if values is None else [values] if one else list(values)
    for value in values:
        if not (isinstance(value, Real) and 0.0 < value < 1.0):
            raise ValueError(
                f"found {name}={value!r}, expected numbers between 0 and 1, such as 0.9"
            )
    return list(dict.fromkeys(values))  # each once, for columns have unique names
