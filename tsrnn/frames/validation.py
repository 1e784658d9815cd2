"""Frames, series and arrays: the names of their columns, and what is refused."""

import numpy as np
import pandas as pd

LARGEST = 1e50  # squares of larger values, in units of a small scale, would overflow
FEW = 16  # values that Python looks at faster than NumPy


def column_names(X, n_columns):
    """Name the columns of a frame, a series, or an array (``y``, or ``x0``, ``x1`` ...)."""
    if isinstance(X, pd.DataFrame):
        return list(X.columns)
    if isinstance(X, pd.Series):
        return ["y" if X.name is None else X.name]
    if np.asarray(X).ndim == 1:
        return ["y"]
    return [f"x{i}" for i in range(n_columns)]


def target_labels(y):
    """Name the columns of ``y`` alike, ``y0``, ``y1`` ... for an array."""
    if isinstance(y, (pd.DataFrame, pd.Series)) or np.asarray(y).ndim == 1:
        return column_names(y, 1)
    return [f"y{i}" for i in range(np.asarray(y).shape[1])]


def require_same_names(data, names, what):
    """Refuse a frame or series whose column names are not those of fit.

    Raises
    ------
    ValueError
        It names both lists.
    """
    if names is None or not isinstance(data, (pd.DataFrame, pd.Series)):
        return
    found = column_names(data, len(names))
    if found != names:
        raise ValueError(
            f"found the columns {found} of {what}, expected {names}, as at fit; select them: "
            f"{what}[{names!r}]"
        )


def row_index(X):
    """Return the index of a frame or series, None for anything else."""
    return X.index if isinstance(X, (pd.DataFrame, pd.Series)) else None


def require_unique(frame, name="X"):
    """Refuse duplicate column names.

    Raises
    ------
    ValueError
        It names them.
    """
    if not frame.columns.is_unique:
        doubled = list(frame.columns[frame.columns.duplicated()].unique())
        raise ValueError(
            f"found the columns {doubled} of {name} more than once, expected unique names; "
            "rename or drop them"
        )


def require_numeric(frame, name="X"):
    """Refuse columns that are no real numbers.

    Complex ones as well, though scikit-learn does: its message shows the frame, and for a column
    of float16 pandas cannot do that without an overflow.

    Raises
    ------
    ValueError
        It names the columns and says what to do.
    """
    bad = {
        column: str(dtype)
        for column, dtype in frame.dtypes.items()
        if not (pd.api.types.is_numeric_dtype(dtype) or pd.api.types.is_bool_dtype(dtype))
        or pd.api.types.is_complex_dtype(dtype)
    }
    if bad:
        raise ValueError(
            f"found columns of {name} that are no numbers ({bad}), expected numeric columns; "
            "could not convert string to float: make a time column the index: X.set_index(...), "
            "convert texts that hold numbers: pd.to_numeric(...), name the targets (target=...) so "
            "that the others are inputs, or drop them"
        )


def _few_are_finite(values):
    for value in values:  # noqa: SIM110 - a generator would take twice as long
        if not -LARGEST <= value <= LARGEST:
            return False
    return True


def require_finite(values, names, *, allow_nan=False):
    """Refuse infinities, values beyond ±1e50, and NaN unless allowed, naming the first place.

    Raises
    ------
    ValueError
        It names the row, the column and the remedy.
    """
    if not values.size:
        return
    if values.size <= FEW and _few_are_finite(values.ravel().tolist()):
        return
    with np.errstate(invalid="ignore"):
        good = np.abs(values) <= LARGEST  # not so of NaN
    if good.all():
        return
    bad = ~good & ~np.isnan(values) if allow_nan else ~good
    if not bad.any():
        return
    row, column = np.argwhere(bad)[0]
    value = values[row, column]
    found = "NaN" if np.isnan(value) else "infinity (inf)" if np.isinf(value) else f"{value:g}"
    expected = (
        "finite numbers or NaN; replace it by NaN"
        if allow_nan
        else "finite numbers; fill it, such as by y.ffill()"
    )
    if np.isfinite(value):
        expected = f"numbers between ±{LARGEST:g}; measure in another unit, or " + expected
    raise ValueError(
        f"found {found} in column {names[column]!r}, row {row} ({int(bad.sum())} such values), "
        f"expected {expected}"
    )
