"""Frames, series and arrays to plain arrays: which columns are targets, which are inputs."""

from dataclasses import dataclass

import numpy as np
import pandas as pd

LARGEST = 1e50  # squares of larger values, in units of a small scale, would overflow


@dataclass(frozen=True)
class Columns:
    """How the columns of X divide into targets and past inputs.

    Attributes
    ----------
    target_names : list
        Names of the targets, as a forecast bears them.
    targets : list of int or None
        Their positions in X; None: they come as ``y``.
    inputs : list of int
        Positions of the past inputs in X.
    input_names : list
    names, y_names : list or None
        Names of the columns of X and y; None where they are arrays, and have none to compare.
    """

    target_names: list
    targets: list | None
    inputs: list
    input_names: list
    names: list | None
    y_names: list | None

    @classmethod
    def of(cls, X, y, n_columns, target=None):
        """Decide the roles of columns.

        Parameters
        ----------
        X, y : as passed to ``fit``
        n_columns : int
            Of X.
        target : label, list of labels, or None
            None: every column of X, or ``y`` where it is given.

        Raises
        ------
        ValueError
            ``target`` names a column that X does not have, or is given beside ``y``.
        """
        labels = column_names(X, n_columns)
        names = labels if isinstance(X, (pd.DataFrame, pd.Series)) else None
        if y is not None:
            if target is not None:
                raise ValueError(
                    f"found target={target!r} and y, expected one of them; pass y=None to forecast "
                    "columns of X, or leave target=None"
                )
            y_labels = target_labels(y)
            y_names = y_labels if isinstance(y, (pd.DataFrame, pd.Series)) else None
            return cls(y_labels, None, list(range(n_columns)), labels, names, y_names)
        if target is None:
            return cls(labels, list(range(n_columns)), [], [], names, None)
        wanted = _as_labels(target, labels)
        unknown = [label for label in wanted if label not in labels]
        if unknown or not wanted or len(set(wanted)) < len(wanted):
            raise ValueError(
                f"found target={target!r}, expected different names out of the columns {labels}; "
                "correct target or add the column"
            )
        positions = [labels.index(label) for label in wanted]
        rest = [i for i in range(n_columns) if i not in positions]
        return cls(wanted, positions, rest, [labels[i] for i in rest], names, None)

    @property
    def one_series(self):
        """Whether X is one target and nothing else, so that a 1-d array is a run of it."""
        return self.targets == [0] and not self.inputs

    def split(self, values, y):
        """Divide values (n, p) and y (n, S) or None into targets (n, S) and inputs (n, E)."""
        if self.targets is not None:
            return values[:, self.targets], values[:, self.inputs]
        if y is None:
            y = np.full((len(values), len(self.target_names)), np.nan)
        return y, values


def column_names(X, n_columns):
    """Name the columns of a frame, a series, or an array (``y``, or ``x0``, ``x1`` ...)."""
    if isinstance(X, pd.DataFrame):
        return list(X.columns)
    if isinstance(X, pd.Series):
        return ["y" if X.name is None else X.name]
    if np.asarray(X).ndim == 1:
        return ["y"]
    return [f"x{i}" for i in range(n_columns)]


def _as_labels(target, labels):
    """Return ``target`` as a list; a tuple may be one label of a frame with column levels."""
    if isinstance(target, tuple) and target in labels:
        return [target]
    if isinstance(target, (list, tuple, np.ndarray, pd.Index)):
        return list(target)
    return [target]


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


def require_numeric(frame, name="X"):
    """Refuse duplicate column names and columns that are no numbers.

    Raises
    ------
    ValueError
        It names the columns and says what to do.
    """
    if not frame.columns.is_unique:
        doubled = list(frame.columns[frame.columns.duplicated()].unique())
        raise ValueError(
            f"found the columns {doubled} of {name} more than once, expected unique names; "
            "rename or drop them"
        )
    bad = {
        column: str(dtype)
        for column, dtype in frame.dtypes.items()
        if not (pd.api.types.is_numeric_dtype(dtype) or pd.api.types.is_bool_dtype(dtype))
    }
    if bad:
        raise ValueError(
            f"found columns of {name} that are no numbers ({bad}), expected numeric columns; "
            "could not convert string to float: drop them, encode them (OneHotEncoder), or make "
            "a time column the index with X.set_index(...)"
        )


def require_finite(values, names, *, allow_nan=False):
    """Refuse infinities, values beyond ±1e50, and NaN unless allowed, naming the first place.

    Raises
    ------
    ValueError
        It names the row, the column and the remedy.
    """
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
        else ("finite numbers; fill it, such as by X.ffill(), or drop the column")
    )
    if np.isfinite(value):
        expected = f"numbers between ±{LARGEST:g}; measure in another unit, or " + expected
    raise ValueError(
        f"found {found} in column {names[column]!r}, row {row} ({int(bad.sum())} such values), "
        f"expected {expected}"
    )
