"""Rows of a panel: checked, arranged position by position, and taken in by its learner."""

from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from tsrnn.frames.panels import arrange
from tsrnn.frames.reader import read_rows
from tsrnn.frames.series_scaling import SeriesScaling
from tsrnn.online.storage.series import NEVER, Block


class Panel(NamedTuple):
    """Where a forecaster of a panel stands; replaced as a whole, never changed."""

    learner: Any
    ids: pd.Index  # of the series, by their place
    units: SeriesScaling
    n_late: int = 0


class Rows(NamedTuple):
    """Rows of one call: checked, by the place of their series and their position in time."""

    series: np.ndarray  # (n,)
    positions: np.ndarray  # (n,)
    targets: np.ndarray  # (n, J), in their units
    inputs: np.ndarray  # (n, E), scaled

    def of(self, chosen):
        """Return some of the rows."""
        return Rows(*(field[chosen] for field in self))


def read(model, X, y, ids):
    """Return ids, times, and the values of X and y, of the rows of a call."""
    y = beside(X, y)
    X, ids, times = model._form.take_apart(X, ids)
    return ids, times, read_rows(model, X, y, model._columns)


def beside(X, y):
    """Return y without its index, which must be that of X where X is indexed by time.

    Raises
    ------
    ValueError
        It is another one.
    """
    if not isinstance(y, (pd.DataFrame, pd.Series)):
        return y
    index = getattr(X, "index", None)
    if isinstance(index, (pd.MultiIndex, pd.DatetimeIndex)) and not index.equals(y.index):
        raise ValueError(
            "found X and y with different indexes, expected the same ids and times; align them: "
            "y = y.reindex(X.index), or y.set_axis(X.index) if their rows do correspond"
        )
    return y.reset_index(drop=True)


def rows_of(model, panel, places, times, values):
    """Return the rows of a call, at their positions and their inputs scaled."""
    values, y = values
    if times is None and model._axis.counts:
        heads = panel.learner.heads[places]
        positions = np.where(heads == NEVER, -1, heads) + 1 + counted(places).to_numpy()
    else:
        positions = model._axis.positions(times)
    targets, inputs = model._split(values, y)
    return Rows(places, positions, targets, model._input_scaling.apply(inputs))


def took(model, panel, places, times, values, how):
    """Return the panel after the rows of a call, late ones refused or dropped."""
    rows = rows_of(model, panel, places, times, values)
    late = rows.positions <= panel.learner.heads[rows.series]
    if late.any():
        if model.late == "raise":
            row = int(late.argmax())
            place = rows.series[row]
            stamps = model._axis.stamps_at(panel.learner.heads[[place]])
            raise ValueError(
                f"found {int(late.sum())} rows not newer than the cutoff of their series, the "
                f"first of {panel.ids[place]!r}, whose cutoff is {model._axis.label(stamps[0])}; "
                "expected rows after it: drop those already seen, or set late='drop'"
            )
        panel = panel._replace(n_late=panel.n_late + int(late.sum()))
        rows = rows.of(~late)
    return taken_in(model, panel, rows, how) if len(rows.series) else panel


def taken_in(model, panel, rows, how, outputs=None, following=None):
    """Return the panel after rows; with ``outputs``, write forecasts after each there.

    Those of a learner that looks ahead need ``following``, the inputs that follow each row.
    """
    learner = panel.learner
    _, steps = steps_of(rows, learner.heads, panel.ids, model)
    groups = arrange(rows.series, rows.positions, steps, model.gap)
    heads = learner.heads[rows.series]
    n_ahead = np.where(heads == NEVER, 0, rows.positions - heads).max()
    n_ahead = max(n_ahead, rows.positions.max() - max(learner.clock, rows.positions.min()))
    over = model.gap == "reset" and ((steps > 1) & (heads != NEVER)).any()
    again = (heads == NEVER) & (learner.first_positions[rows.series] != NEVER)  # after reset_state
    over = over or again.any()
    learner, units, n_series = learner.writable(n_ahead, over), panel.units, len(panel.ids)
    for group in groups:
        members = members_of(group.members, n_series)
        targets, inputs = _values_of(group, rows.targets), _values_of(group, rows.inputs)
        before, units = units, units.told(members, targets)
        block = Block(
            group.start,
            members,
            units.apply(members, targets),
            inputs,
            calendar_of(model, group.start, len(group)),
            group.fresh,
        )
        if outputs is None:
            learner = getattr(learner, how)(block)
        else:
            said, learner = learner.outputs(block, *_ahead_of(group, following))
            if group.rows is not None:
                told = np.isfinite(targets).cumsum(axis=0)[..., None] > 0  # not before their time
                said = np.where(told, units.undo(members, said), before.undo(members, said))
                said = model._bounded(said)
                outputs[np.stack(group.rows)] = said.swapaxes(1, 2)
    return panel._replace(learner=learner, units=units)


def _values_of(group, values):
    """Return the values (n, J) of a group as (T, J, B), NaN where its rows are missing."""
    if group.rows is None:
        return np.full((len(group), values.shape[1], len(group.members)), np.nan)
    return values[np.stack(group.rows)].swapaxes(1, 2)


def _ahead_of(group, following):
    """Return what follows the rows (T, B, M, F) of a group, in a tuple, empty where not asked."""
    if following is None:
        return ()
    if group.rows is None:
        return (np.full((len(group), len(group.members), *following.shape[1:]), np.nan),)
    return (following[np.stack(group.rows)],)


def one_by_one(model, panel, ids, times, values, how):
    """Take in rows position by position, dropping the series least recently seen for new ones."""
    X, y = values
    if times is None:
        raise ValueError(
            "found new series without times beyond max_series, expected times to tell which were "
            "seen last; pass time_col, or raise max_series"
        )
    positions = model._axis.positions(times)
    for position in np.unique(positions):
        which = positions == position
        called = pd.unique(ids[which])
        if len(called) > model.max_series:
            raise ValueError(
                f"found {len(called)} series at once, expected at most max_series="
                f"{model.max_series}; raise it"
            )
        new = called[panel.ids.get_indexer(called) < 0]
        n_over = len(panel.ids) + len(new) - model.max_series
        if n_over > 0:
            rest = np.setdiff1d(np.arange(len(panel.ids)), panel.ids.get_indexer(called))
            # Equally old ones by id: their places depend on how the rows came in calls.
            by_age = rest[np.lexsort((panel.ids[rest].astype(str), panel.learner.seen[rest]))]
            panel = only(panel, np.setdiff1d(np.arange(len(panel.ids)), by_age[:n_over]))
        panel = with_series(panel, new)
        places = panel.ids.get_indexer(ids[which])
        rows = X[which], None if y is None else y[which]
        panel = took(model, panel, places, times[which], rows, how)
    return panel


def only(panel, kept):
    """Return the panel of these places alone."""
    units = panel.units.taken(kept)
    return panel._replace(learner=panel.learner.taken(kept), ids=panel.ids[kept], units=units)


def with_series(panel, new):
    """Return the panel with room for new series."""
    if not len(new):
        return panel
    units, n_before = panel.units.grown(len(new)), len(panel.ids)
    learner = panel.learner.grown(units.change_scale[:, n_before:], units.usual[:, n_before:])
    return panel._replace(learner=learner, ids=panel.ids.append(pd.Index(new)), units=units)


def places_of(panel, ids):
    """Return the places of series by their ids, all by default."""
    if ids is None:
        return np.arange(len(panel.ids))
    wanted = pd.Index([ids] if isinstance(ids, str) or not np.iterable(ids) else ids)
    places = panel.ids.get_indexer(wanted)
    if (places < 0).any():
        raise ValueError(
            f"found ids {list(wanted[places < 0][:5])} that were never seen, expected ids out of "
            f"the {len(panel.ids)} series; correct them"
        )
    return places


def started_places(panel, ids):
    """Return the places of series to forecast; by default of all that have rows.

    Raises
    ------
    ValueError
        One of those asked for has none.
    """
    places = places_of(panel, ids)
    started = panel.learner.heads[places] != NEVER
    if ids is not None and not started.all():
        raise ValueError(
            f"found no row of {list(panel.ids[places[~started]][:3])} since reset_state(), "
            "expected at least one; pass rows to update() or partial_fit() first"
        )
    return places[started]


def members_of(places, n_series):
    """Return places as a slice where they are all series in their order."""
    everyone = len(places) == n_series and (places == np.arange(n_series)).all()
    return slice(None) if everyone else places


def steps_of(rows, heads, names, model):
    """Return rows sorted by series and time, and steps (n,) from the row before, 0 for a first.

    Raises
    ------
    ValueError
        Rows of a series are doubled or out of order, or a gap is longer than ``max_gap``.
    """
    order = np.argsort(rows.series, kind="stable")
    series, positions = rows.series[order], rows.positions[order]
    first = np.append(True, series[1:] != series[:-1])
    before = np.where(first, heads[series], np.append(NEVER, positions[:-1]))
    gone = np.where(before == NEVER, 0, positions - before)
    bad = ~first & (gone <= 0)
    if bad.any():
        row = int(bad.argmax())
        what = "doubled" if gone[row] == 0 else "out of time order"
        raise ValueError(
            f"found {int(bad.sum())} rows that are {what} within their series, such as row "
            f"{order[row]} of {names[series[row]]!r}; expected one row for each time stamp, in "
            "order: sort by id and time and drop duplicates"
        )
    limit = 1 if model.gap == "raise" else 1 + model.max_gap
    if gone.max() > limit:
        row = int(gone.argmax())
        raise ValueError(
            f"found a gap of {gone[row] - 1} missing rows before row {order[row]} of "
            f"{names[series[row]]!r}, expected at most {limit - 1} (gap={model.gap!r}, "
            f"max_gap={model.max_gap}); see that the time stamp is right, raise max_gap with "
            "gap='fill' or 'reset', or call reset_state([id]) to start a new run after the gap"
        )
    steps = np.empty_like(gone)
    steps[order] = gone
    return order, steps


def calendar_of(model, start, n_rows):
    """Features (n_rows, C) of the step after each of these positions."""
    if not model._calendar.weekly:
        return np.zeros((n_rows, 0))
    stamps = model._axis.stamps_at(start + 1 + np.arange(n_rows))
    return model._calendar.features(model._axis.wall_ns(stamps))


def counted(series):
    """Return the number of each row within its series."""
    return pd.Index(pd.Series(series).groupby(series).cumcount())
