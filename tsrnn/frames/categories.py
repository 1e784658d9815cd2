"""Categorical columns: codes of the categories seen at fit, then a column of 0 and 1 for each.

pandas looks the categories up. (scikit-learn's OneHotEncoder would take a missing value for a
category, and does not sort mixed ones.)
"""

import numpy as np
import pandas as pd

from tsrnn.partitions import alone, gathered

MOST_CATEGORIES = 100  # more are no categories: an id, a text, a number written as one
# Of objects, as pandas infers them; all missing they may become either.
CATEGORIES = {"string", "boolean", "mixed-integer", "empty"}
NUMBERS = {"integer", "floating", "mixed-integer-float", "decimal", "empty"}


def find_categories(frame, labels):
    """Return the categories of each categorical column among `labels`, in order of appearance.

    Categorical are bool, string and category dtypes, and objects that are strings or bools.

    Returns
    -------
    dict of label to list
        An empty list where all are missing.

    Raises
    ------
    ValueError
        A column has more than 100 categories.

    Examples
    --------
    >>> frame = pd.DataFrame({"sky": ["clear", None, "rain", "clear"], "wind": [1.0, 2, 3, 4]})
    >>> find_categories(frame, ["sky", "wind"])
    {'sky': ['clear', 'rain']}
    """
    found = {}
    for label in labels:
        if _is_categorical(frame[label]):
            found[label] = frame[label].dropna().unique().tolist()
            if len(found[label]) > MOST_CATEGORIES:
                raise ValueError(
                    f"found {len(found[label])} categories in column {label!r}, expected at most "
                    f"{MOST_CATEGORIES}; turn it into numbers, group rare ones, or drop it; make a "
                    "column of times the index: X.set_index(...)"
                )
    return found if alone() else _of_all_partitions(found)


def _of_all_partitions(found):
    """Return the categories of all partitions, by label, in order of appearance."""
    pairs = [(label, value) for label, values in found.items() for value in [None, *values]]
    own = np.empty((len(pairs), 2), dtype=object)
    for number, pair in enumerate(pairs):
        own[number, 0], own[number, 1] = pair
    of_all = {}
    for label, value in gathered(own):
        values = of_all.setdefault(label, [])
        if value is not None and value not in values:
            values.append(value)
    return of_all


def _is_categorical(column):
    dtype = column.dtype
    if pd.api.types.is_object_dtype(dtype):
        return pd.api.types.infer_dtype(column, skipna=True) in CATEGORIES
    is_label = isinstance(dtype, (pd.CategoricalDtype, pd.StringDtype))
    if isinstance(dtype, pd.ArrowDtype):
        is_label = pd.api.types.is_string_dtype(dtype)
    return is_label or pd.api.types.is_bool_dtype(dtype)


def _holds_numbers(column):
    is_object = pd.api.types.is_object_dtype(column.dtype)
    return is_object and pd.api.types.infer_dtype(column, skipna=True) in NUMBERS


def encode(frame, categories):
    """Return a frame of numbers: codes of categories (-1: none of them), NaN where missing.

    Objects that are all numbers, in other columns, become floats.

    Examples
    --------
    >>> frame = pd.DataFrame({"sky": ["rain", None, "hail"]})
    >>> encode(frame, {"sky": ["clear", "rain"]})["sky"].tolist()
    [1.0, nan, -1.0]
    """
    codes = {}
    for label, column in frame.items():
        missing = column.isna().to_numpy()
        if label in categories:
            known = pd.Index(categories[label], dtype=object)
            found = known.get_indexer(pd.Index(column, dtype=object))
            codes[label] = np.where(missing, np.nan, found)
        elif _holds_numbers(column):
            codes[label] = column.where(~missing, np.nan).astype(float)
    if not codes:
        return frame
    frame = frame.copy(deep=False)
    for label, values in codes.items():
        frame[label] = values
    return frame


def one_hot(codes, n_categories):
    """Return a column for each category, (n, n_categories), of codes (n,).

    Examples
    --------
    >>> one_hot(np.array([1.0, np.nan, -1.0]), 2)
    array([[ 0.,  1.],
           [nan, nan],
           [ 0.,  0.]])
    """
    columns = (codes[:, None] == np.arange(n_categories)).astype(float)
    columns[np.isnan(codes)] = np.nan
    return columns
