"""What a fitted forecaster of a panel does: follow its rows, and forecast."""

import numpy as np
import pandas as pd

from tsrnn.estimators.panel.future import following_of, known_ahead_of
from tsrnn.estimators.panel.rows import (
    calendar_of,
    members_of,
    one_by_one,
    only,
    places_of,
    read,
    rows_of,
    started_places,
    taken_in,
    took,
    with_series,
)
from tsrnn.frames.bands import add_offsets
from tsrnn.online.storage.series import NEVER, SPARE


def follow_panel(model, X, y, ids, how):
    """Return the panel after these rows, its learner having learnt or just advanced."""
    if how == "learn" and y is None and model._columns.targets is None:
        raise ValueError(
            f"found y=None, expected the targets {model._columns.target_names}, which came as y at "
            "fit; pass y, or use update(X) for rows whose targets are unknown"
        )
    panel = model._stream
    ids, times, values = read(model, X, y, ids)
    places = panel.ids.get_indexer(ids)
    new = pd.unique(ids[places < 0]) if (places < 0).any() else ids[:0]
    if model.max_series is not None and len(panel.ids) + len(new) > model.max_series:
        return one_by_one(model, panel, ids, times, values, how)
    panel = with_series(panel, new)
    if len(new):
        places = panel.ids.get_indexer(ids)
    return took(model, panel, places, times, values, how)


def roll_panel(model, X, y, ids):
    """Return the forecasts (n, J, M) after each row, in the targets' units, and the rows."""
    panel = model._stream
    ids, times, values = read(model, X, y, ids)
    called = pd.unique(ids)
    known = panel.ids.get_indexer(called)
    names = panel.ids[known[known >= 0]].append(pd.Index(called[known < 0]))
    involved = known[known >= 0]
    own = panel._replace(
        learner=panel.learner.taken(involved), ids=names[: len(involved)],
        units=panel.units.taken(involved),
    )  # fmt: skip
    own = with_series(own, names[len(involved) :])
    places = own.ids.get_indexer(ids)
    rows = rows_of(model, own, places, times, values)
    first = np.full(len(names), np.iinfo(np.int64).max)
    np.minimum.at(first, rows.series, rows.positions)
    seen = np.flatnonzero(first <= own.learner.heads)
    if len(seen):  # these roll from the zero state
        own = own._replace(learner=own.learner.restarted(seen))
    outputs = np.empty((*rows.targets.shape, model._horizon))
    following = following_of(model, rows) if model._columns.future else None
    taken_in(model, own, rows, "outputs", outputs, following)
    return outputs, rows


def forecast_panel(model, horizon, ids, X_future=None, bands=()):
    """Return the frame of `BaseForecaster.forecast` for a panel."""
    if bands and model._stream.learner.experts is None:
        raise ValueError(
            f"found coverage or quantiles for a panel of {type(model).__name__}, expected none: "
            "baselines have no intervals of panels; leave them out, or use RNNForecaster"
        )
    targets = model._columns.target_names
    names = [*targets, *(f"{target}_{name}" for target in targets for name, _ in bands)]
    while True:
        panel = model._stream
        learner, places = panel.learner, started_places(panel, ids)
        ahead = known_ahead_of(model, panel, places, horizon, X_future)
        values = np.empty((len(places), len(names), horizon))
        heads = learner.heads[places]
        times = np.empty((len(places), horizon), dtype=np.int64)
        for head in np.unique(heads):
            which = heads == head
            members = members_of(places[which], len(learner.heads))
            known = () if ahead is None else (ahead[which],)
            outputs = learner.output(int(head), members, calendar_of(model, int(head), 1), *known)
            said = panel.units.undo(members, outputs[..., :horizon])
            values[which, : len(targets)] = said.swapaxes(0, 1)
            if bands:
                offsets = learner.offsets([p for _, p in bands], int(head), members)
                edges = add_offsets(outputs, offsets, bands)[..., :horizon]
                edges = panel.units.undo(members, edges).transpose(2, 1, 0, 3)  # (B, J, P, M)
                values[which, len(targets) :] = edges.reshape(len(edges), -1, horizon)
            times[which] = model._axis.stamps_at(head + 1 + np.arange(horizon))
        # More rows than the rings have room for, written meanwhile, may be among those read.
        if model._stream.learner.n_groups - learner.n_groups <= SPARE:
            break
    values = model._bounded(values)
    index = model._axis.index(times.ravel())
    flat = values.swapaxes(1, 2).reshape(-1, values.shape[1])
    return model._form.frame(panel.ids[places].repeat(horizon), index, flat, names)


def cutoffs_of(model):
    """Return the time stamp of the last row of each series, a Series by id."""
    panel = model._stream
    heads = panel.learner.heads
    stamps = model._axis.stamps_at(np.maximum(heads, heads[heads != NEVER].min(initial=0)))
    cutoffs = pd.Series(model._axis.index(stamps), index=panel.ids.rename(model._form.id_name))
    return cutoffs.where(heads != NEVER).rename(model._form.time_name)


def reset_panel(model, ids):
    """Return the panel with some series, all by default, back before their first row."""
    panel = model._stream
    return panel._replace(learner=panel.learner.restarted(places_of(panel, ids)))


def forget_panel(model, ids):
    """Return the panel without some series."""
    panel = model._stream
    return only(panel, np.setdiff1d(np.arange(len(panel.ids)), places_of(panel, ids)))


def actuals_of(rows, horizon):
    """Return the targets (n, J, M) of the rows that follow each of its series, NaN where none."""
    order = np.lexsort((rows.positions, rows.series))
    low, span = rows.positions.min(), np.ptp(rows.positions) + horizon + 1
    keys = rows.series * span + (rows.positions - low)
    ahead = keys[:, None] + 1 + np.arange(horizon)
    found = np.searchsorted(keys[order], ahead).clip(max=len(order) - 1)
    rows_ahead = order[found]
    actual = np.where((keys[rows_ahead] == ahead)[..., None], rows.targets[rows_ahead], np.nan)
    return actual.swapaxes(1, 2)
