"""Reading what is known ahead: the rows of ``X_future``."""

import numpy as np
import pandas as pd
from sklearn.utils import check_array

from tsrnn.frames.categories import encode
from tsrnn.frames.validation import require_finite, require_numeric, require_unique


def read_future(X_future, index, columns):
    """Return the inputs known ahead of the rows to forecast, None where no input is.

    Parameters
    ----------
    X_future : DataFrame, Series, array or None
        The columns known ahead, or all columns of X.
    index : Index
        Of the rows to forecast.
    columns : Columns

    Returns
    -------
    ndarray of shape (len(index), F) or None
        Categories as codes; see `Columns.expand`.

    Raises
    ------
    ValueError
        X_future is missing or superfluous, or is of other rows or columns.
    """
    names = columns.future_names
    if X_future is None and not names:
        return None
    if X_future is None:
        raise ValueError(
            f"found no X_future, expected {names} of the {len(index)} rows from {index[0]} to "
            f"{index[-1]}, since they are future_cols; pass them, with the index future_index()"
        )
    if not names:
        raise ValueError(
            "found X_future, expected none: no column is known ahead since fit; leave it out, or "
            "name future_cols and fit again"
        )
    if columns.names is None:
        X_future = np.asarray(X_future)
    else:
        X_future = _columns_of_frame(X_future, columns)
    if len(X_future) != len(index):
        raise ValueError(
            f"found X_future with {len(X_future)} rows, expected {len(index)}, one for each step "
            "from the next row on; select them, or fill up with NaN what is not known"
        )
    if isinstance(index, pd.DatetimeIndex):
        _require_same_stamps(X_future.index, index)
    values = check_array(
        X_future, dtype=np.float64, ensure_2d=False, ensure_all_finite=False, input_name="X_future"
    ).reshape(len(index), -1)
    n_columns = len(columns.input_names) + len(columns.targets or ())
    if values.shape[1] == n_columns:
        values = values[:, [columns.inputs[columns.input_names.index(name)] for name in names]]
    if values.shape[1] != len(names):
        raise ValueError(
            f"found X_future with {values.shape[1]} columns, expected the {len(names)} future_cols "
            f"{names}, or all {n_columns} columns of X; select them"
        )
    require_finite(values, names, allow_nan=True)
    return values


def _columns_of_frame(X_future, columns):
    """Return the columns known ahead, as numbers; other columns of X may stand beside them."""
    names = columns.future_names
    if isinstance(X_future, pd.Series):
        X_future = X_future.to_frame()
    if not isinstance(X_future, pd.DataFrame):
        raise ValueError(
            f"found X_future as {type(X_future).__name__}, expected a DataFrame with the columns "
            f"{names}, since X was one at fit; pass that"
        )
    require_unique(X_future, "X_future")
    found = list(X_future.columns)
    if not set(names) <= set(found) <= {*names, *columns.names}:
        raise ValueError(
            f"found the columns {found} of X_future, expected the future_cols {names}, other "
            f"columns of X at most beside them; select them: X_future[{names!r}]"
        )
    encoded = encode(X_future[names], columns.categories)
    require_numeric(encoded, "X_future")
    return encoded


def _require_same_stamps(found, index):
    same_kind = isinstance(found, pd.DatetimeIndex) and str(found.tz) == str(index.tz)
    if same_kind and np.array_equal(found.as_unit("ns").asi8, index.as_unit("ns").asi8):
        return
    raise ValueError(
        f"found X_future with rows from {found[0]} to {found[-1]}, expected the rows to forecast, "
        f"from {index[0]} to {index[-1]}, one by one; align them: "
        "X_future.reindex(model.future_index())"
    )
