"""Reading the rows of a call: frames, series and arrays to float64, against the columns of fit."""

import numpy as np
import pandas as pd
from sklearn.utils import check_array
from sklearn.utils.validation import check_consistent_length, validate_data

from tsrnn.frames.categories import encode, find_categories
from tsrnn.frames.columns import divide
from tsrnn.frames.validation import (
    column_names,
    require_numeric,
    require_same_names,
    require_unique,
    row_index,
)


def read_rows(estimator, X, y, columns=None):
    """Return the values of X and y, with NaN and infinities still in.

    Parameters
    ----------
    estimator : StreamingEstimator
        Whose ``n_features_in_`` and ``feature_names_in_`` are set at fit and compared after it.
    X, y : as passed to a method
    columns : Columns, optional
        Those of fit; None at fit itself.

    Returns
    -------
    values : ndarray of float64, shape (n, p)
        Categories as codes; see `Columns.split`.
    y_values : ndarray of float64, shape (n, S), or None

    Raises
    ------
    ValueError
        Columns differ from those of fit or hold no numbers, or X and y do not go together.
    """
    values = None if columns is None or columns.categories else _familiar(estimator, X)
    if values is None:
        values = _read_any(estimator, X, y, columns)
    if y is None:
        return values, None
    check_consistent_length(X, y)
    index, y_index = row_index(X), row_index(y)
    dated = isinstance(index, pd.DatetimeIndex) and y_index is not None
    if dated and not index.equals(y_index):
        raise ValueError(
            "found X and y with different indexes, expected the same time stamps; align them: "
            "y = y.reindex(X.index), or y.set_axis(X.index) if their rows do correspond"
        )
    return values, _read_y(y, columns)


def _familiar(estimator, X):
    """Return the values of rows that are floats in the very columns of fit, else None.

    They need none of the checks that other input gets: this is the way of a streamed row.
    """
    names = getattr(estimator, "feature_names_in_", None)
    if isinstance(X, pd.DataFrame):
        if names is None or X.columns.tolist() != names.tolist():
            return None
        values = X.to_numpy()
    elif isinstance(X, np.ndarray) and names is None and X.ndim == 2:
        values = X
    else:
        return None
    familiar = values.dtype == np.float64 and values.shape[1] == estimator.n_features_in_
    return values if familiar and len(values) else None


def _read_any(estimator, X, y, columns):
    at_fit = columns is None
    if isinstance(X, pd.Series):
        X = X.to_frame("y" if X.name is None else X.name)
    elif np.asarray(X).ndim == 1 and y is None and (at_fit or columns.one_series):
        X = np.reshape(X, (-1, 1))
    if isinstance(X, pd.DataFrame):
        require_unique(X)
        X = encode(X, _categories(estimator, X, y) if at_fit else columns.categories)
        require_numeric(X)
    values = validate_data(estimator, X, reset=at_fit, dtype=np.float64, ensure_all_finite=False)
    if not at_fit:  # scikit-learn compares names that are strings, and those alone
        require_same_names(X, columns.names, "X")
    return values


def _categories(estimator, X, y):
    """Find the categories of inputs at fit. Targets are numbers, or refused."""
    labels = column_names(X, X.shape[1])
    targets, *_ = divide(labels, y is not None, **estimator._roles)
    return find_categories(X, [label for label in labels if label not in targets])


def _read_y(y, columns):
    if columns is not None:
        if columns.targets is not None:
            raise ValueError(
                f"found y, expected none: the targets {columns.target_names} are columns of X "
                "since fit; pass X alone"
            )
        require_same_names(y, columns.y_names, "y")
    if isinstance(y, pd.DataFrame):
        require_unique(y, "y")
        require_numeric(y, "y")
    values = check_array(
        y, dtype=np.float64, ensure_2d=False, ensure_all_finite=False, input_name="y"
    )
    values = values.reshape(len(values), -1)
    if columns is not None and values.shape[1] != len(columns.target_names):
        raise ValueError(
            f"found y with {values.shape[1]} columns, expected the {len(columns.target_names)} of "
            f"fit, {columns.target_names}; pass those"
        )
    return values
