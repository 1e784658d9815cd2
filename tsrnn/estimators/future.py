"""What is known ahead of rows: read off ``X_future``, or off later rows."""

import numpy as np
import pandas as pd

from tsrnn.frames.future import read_future
from tsrnn.frames.reader import counted


def following_of(model, rows):
    """Return what rows know of the inputs that follow each of them, (n, horizon, F).

    The newest value that a later row of the series knows at or before each step, NaN where none.
    """
    order = np.lexsort((rows.positions, rows.series))
    series, positions = rows.series[order], rows.positions[order]
    values = rows.inputs[order][:, model._reader.columns.future]
    low, span = positions.min(), np.ptp(positions) + model._horizon + 1
    keys = series * span + (positions - low)
    steps = np.arange(1, model._horizon + 1)
    reached = np.searchsorted(keys, keys[:, None] + steps, side="right") - 1
    numbers = np.arange(len(keys))[:, None]
    newest = np.maximum.accumulate(np.where(np.isfinite(values), numbers, -1), axis=0)
    source = newest[reached]
    known = values[source, np.arange(values.shape[1])]
    following = np.empty_like(known)
    following[order] = np.where(source > numbers[:, None], known, np.nan)
    return following


def known_ahead_of(model, state, places, horizon, X_future):
    """Return the inputs (n_series, horizon, F) of the rows to forecast, scaled, None without any.

    Raises
    ------
    ValueError
        X_future does not hold these rows, each once, and no others.
    """
    future = model._reader.columns.future
    if X_future is None and not future:
        return None
    if not len(places):
        return np.empty((0, horizon, len(future)))
    index = model._writer.index_after(state.ids[places], state.learner.heads[places], horizon)
    if model._reader.form.has_ids and future and X_future is not None:
        X_future = _aligned(model, state, places, horizon, X_future)
    columns, input_scaling = model._reader.columns, model._reader.input_scaling
    known = read_future(X_future, index, columns)
    inputs = np.full((len(known), len(input_scaling.mean)), np.nan)
    inputs[:, future] = columns.expand(known, columns.future_names)
    return input_scaling.apply(inputs)[:, future].reshape(len(places), horizon, len(future))


def _aligned(model, state, places, horizon, X_future):
    """Return the rows of X_future in the order of the forecast, without ids and times."""
    form, index = model._reader.form, getattr(X_future, "index", None)
    if not (form.levels or form.id_column):  # ids beside X: here they are levels, as in a forecast
        if model._reader.columns.names is None and index is None:
            return X_future  # an array, in the order of the forecast
        if not isinstance(index, pd.MultiIndex):
            raise ValueError(
                f"found X_future as {type(X_future).__name__} without an (id, time) index, "
                "expected one, as forecasts have; use X_future.set_index(model.future_index())"
            )
        form = form.with_levels()
    X, ids, times, _ = form.take_apart(X_future, name="X_future")
    found, heads = state.ids.get_indexer(ids), state.learner.heads
    if times is None and model._reader.axis.counts:
        positions = heads[found] + 1 + counted(found)
    else:
        positions = model._reader.axis.positions(times)
    steps = positions - heads[found]
    asked = np.isin(found, places) & (steps >= 1) & (steps <= horizon)
    if not asked.all():
        row = int(np.argmin(asked))
        at = model._writer.label(positions[row])
        raise _unlike(f"with {int((~asked).sum())} other rows, such as", ids[row], at, horizon)
    rows = np.full((len(state.ids), horizon), -1)
    rows[found, steps - 1] = np.arange(len(found))
    doubled = rows[found, steps - 1] != np.arange(len(found))
    if doubled.any():
        row = int(doubled.argmax())
        at = model._writer.label(positions[row])
        raise _unlike(f"with {int(doubled.sum())} doubled rows, such as", ids[row], at, horizon)
    rows = rows[places].ravel()
    if (rows < 0).any():
        name, at = model._writer.index_after(state.ids[places], heads[places], horizon)[
            int((rows < 0).argmax())
        ]
        n_missing = f"{int((rows < 0).sum())} of the {len(rows)} rows to forecast"
        raise _unlike(f"without {n_missing}, such as", name, at, horizon)
    return X.iloc[rows].reset_index(drop=True)


def _unlike(what, name, at, horizon):
    return ValueError(
        f"found X_future {what} that of {name!r} at {at}; expected the {horizon} rows after the "
        "cutoff of each series to forecast, each once (NaN for what is not known): align them with "
        "future_index(), by X_future.reindex(...) of an (id, time) index, or by a left merge of "
        "future_index().to_frame(index=False)"
    )
