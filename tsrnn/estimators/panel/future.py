"""What is known ahead of the rows of a panel: read off ``X_future``, or off later rows."""

import numpy as np
import pandas as pd

from tsrnn.estimators.panel.rows import counted, started_places


def future_index_of(model, horizon, ids):
    """Return the (id, time) index of the next rows of some series, all with rows by default."""
    panel = model._stream
    return _index_after(model, panel, started_places(panel, ids), horizon)


def following_of(model, rows):
    """Return what rows know of the inputs that follow each of them, (n, horizon, F).

    The newest value that a later row of the series knows at or before each step, NaN where none.
    """
    order = np.lexsort((rows.positions, rows.series))
    series, positions = rows.series[order], rows.positions[order]
    values = rows.inputs[order][:, model._columns.future]
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


def known_ahead_of(model, panel, places, horizon, X_future):
    """Return the inputs (n_series, horizon, F) of the rows to forecast, scaled, None without any.

    Raises
    ------
    ValueError
        X_future does not hold these rows, each once, and no others.
    """
    future = model._columns.future
    if X_future is None and not future:
        return None
    if not len(places):
        return np.empty((0, horizon, len(future)))
    if future and X_future is not None:
        X_future = _aligned(model, panel, places, horizon, X_future)
    index = _index_after(model, panel, places, horizon)
    inputs = model._known_ahead(X_future, index)[:, future]
    return inputs.reshape(len(places), horizon, len(future))


def _index_after(model, panel, places, horizon):
    positions = panel.learner.heads[places][:, None] + 1 + np.arange(horizon)
    times = model._axis.index(model._axis.stamps_at(positions.ravel()))
    names = [model._form.id_name, model._form.time_name]
    return pd.MultiIndex.from_arrays([panel.ids[places].repeat(horizon), times], names=names)


def _aligned(model, panel, places, horizon, X_future):
    """Return the rows of X_future in the order of the forecast, without ids and times."""
    form, index = model._form, getattr(X_future, "index", None)
    if not (form.levels or form.id_column):  # ids beside X: here they are levels, as in a forecast
        if model._columns.names is None and index is None:
            return X_future  # an array, in the order of the forecast
        if not isinstance(index, pd.MultiIndex):
            raise ValueError(
                f"found X_future as {type(X_future).__name__} without an (id, time) index, "
                "expected one, as forecasts have; use X_future.set_index(model.future_index())"
            )
        form = form.with_levels()
    X, ids, times = form.take_apart(X_future, name="X_future")
    found, heads = panel.ids.get_indexer(ids), panel.learner.heads
    if times is None and model._axis.counts:
        positions = heads[found] + 1 + counted(found).to_numpy()
    else:
        positions = model._axis.positions(times)
    steps = positions - heads[found]
    asked = np.isin(found, places) & (steps >= 1) & (steps <= horizon)
    if not asked.all():
        row = int(np.argmin(asked))
        at = model._axis.label(model._axis.stamps_at(positions[[row]])[0])
        raise _unlike(f"with {int((~asked).sum())} other rows, such as", ids[row], at, horizon)
    rows = np.full((len(panel.ids), horizon), -1)
    rows[found, steps - 1] = np.arange(len(found))
    doubled = rows[found, steps - 1] != np.arange(len(found))
    if doubled.any():
        row = int(doubled.argmax())
        at = model._axis.label(model._axis.stamps_at(positions[[row]])[0])
        raise _unlike(f"with {int(doubled.sum())} doubled rows, such as", ids[row], at, horizon)
    rows = rows[places].ravel()
    if (rows < 0).any():
        name, at = _index_after(model, panel, places, horizon)[int((rows < 0).argmax())]
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
