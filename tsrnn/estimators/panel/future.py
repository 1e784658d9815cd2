"""What is known ahead of the rows of a panel: read off ``X_future``, or off later rows."""

import numpy as np
import pandas as pd

from tsrnn.estimators.panel.rows import started_places
from tsrnn.frames.future import following_inputs


def future_index_of(model, horizon, ids):
    """Return the (id, time) index of the next rows of some series, all with rows by default."""
    panel = model._stream
    return _index_after(model, panel, started_places(panel, ids), horizon)


def following_of(model, rows):
    """Return what rows know of the inputs that follow each of them, (n, horizon, F)."""
    inputs = rows.inputs[:, model._columns.future]
    return following_inputs(rows.series, rows.positions, inputs, model._horizon)


def known_ahead_of(model, panel, places, horizon, X_future):
    """Return the inputs (n_series, horizon, F) of the rows to forecast, scaled, None without any.

    Raises
    ------
    ValueError
        X_future lacks some of these rows.
    """
    future = model._columns.future
    if not future and X_future is None:
        return None
    if not len(places):
        return np.empty((0, horizon, len(future)))
    inputs = model._known_ahead(X_future, _index_after(model, panel, places, horizon))
    return inputs[:, future].reshape(len(places), horizon, len(future))


def _index_after(model, panel, places, horizon):
    positions = panel.learner.heads[places][:, None] + 1 + np.arange(horizon)
    times = model._axis.index(model._axis.stamps_at(positions.ravel()))
    names = [model._form.id_name, model._form.time_name]
    return pd.MultiIndex.from_arrays([panel.ids[places].repeat(horizon), times], names=names)
