"""Forecasters of panels: many series by id, each with its state, one network and one readout."""

from dataclasses import replace
from functools import partial
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from ._reading import read_rows
from .learning import NEVER, SPARE, Block
from .stream import Columns, Record, Scaling, SeriesRings, SeriesUnits, TimeAxis
from .stream.panel import arrange
from .stream.units import side_by_side

SAMPLED_VALUES = 400_000  # rows of series, at the most, that the network is trained on
SAMPLED_SERIES = 64


class Panel(NamedTuple):
    """Where a forecaster of a panel stands; replaced as a whole, never changed."""

    learner: Any
    ids: pd.Index  # of the series, by their place
    units: SeriesUnits
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


def fit_panel(model, form, X, y, ids):
    """Fit a forecaster to the history of a panel; see `BaseForecaster.fit`."""
    model._form = form
    X, ids, times = form.take_apart(X, ids)
    values, y_values = read_rows(model, X, y)
    model._check_params()
    model._columns = Columns.of(X, y, values.shape[1], **model._roles)
    if model._columns.future:
        raise ValueError(
            f"found future_cols={model.future_cols!r} with a panel, expected None: what is known "
            "ahead is not used for panels yet; leave future_cols out"
        )
    series, names = pd.factorize(ids)
    times = _counted(series) if times is None else times
    model._set_axis(_axis_of(series, times, model.freq))
    positions = model._axis.positions(times)
    targets, inputs = model._split(values, y_values)
    _require_static(model._columns, series, inputs, names)
    model._input_scaling = Scaling.of_inputs(inputs, model._columns.one_hot)
    rows = Rows(series, positions, targets, model._input_scaling.apply(inputs))
    blank = np.full(len(names), NEVER)
    order, _ = _steps(rows, blank, names, model)
    counts = np.bincount(series)
    if counts.max() < model._min_rows or not np.isfinite(targets).any():
        raise ValueError(
            f"found at most {counts.max()} row(s) of a series, expected at least "
            f"{model._min_rows} with known values of {model._columns.target_names} to learn from "
            "with these parameters; pass longer histories"
        )
    units = SeriesUnits.fit(targets[order], series[order], len(names))
    record, change_scale = _sample(model, rows.of(order), units, counts)
    make_rings = _rings_of(model._columns)
    learner = model._make_panel_learner(record, change_scale, int(counts.max()), make_rings)
    learner = learner.grown(units.change_scale, units.usual)
    recent = positions > positions.max() - learner.replayed
    panel = Panel(learner, pd.Index(names), units)
    model._stream = _taken_in(model, panel, rows.of(recent), "learn")


def follow_panel(model, X, y, ids, how):
    """Return the panel after these rows, its learner having learnt or just advanced."""
    if how == "learn" and y is None and model._columns.targets is None:
        raise ValueError(
            f"found y=None, expected the targets {model._columns.target_names}, which came as y at "
            "fit; pass y, or use update(X) for rows whose targets are unknown"
        )
    panel = model._stream
    ids, times, values = _read(model, X, y, ids)
    places = panel.ids.get_indexer(ids)
    new = pd.unique(ids[places < 0]) if (places < 0).any() else ids[:0]
    if model.max_series is not None and len(panel.ids) + len(new) > model.max_series:
        return _one_by_one(model, panel, ids, times, values, how)
    panel = _with_series(panel, new)
    if len(new):
        places = panel.ids.get_indexer(ids)
    return _took(model, panel, places, times, values, how)


def roll_panel(model, X, y, ids):
    """Return the forecasts (n, J, M) after each row, in the targets' units, and the rows."""
    panel = model._stream
    ids, times, values = _read(model, X, y, ids)
    called = pd.unique(ids)
    known = panel.ids.get_indexer(called)
    names = panel.ids[known[known >= 0]].append(pd.Index(called[known < 0]))
    involved = known[known >= 0]
    own = panel._replace(
        learner=panel.learner.taken(involved), ids=names[: len(involved)],
        units=panel.units.taken(involved),
    )  # fmt: skip
    own = _with_series(own, names[len(involved) :])
    places = own.ids.get_indexer(ids)
    rows = _rows(model, own, places, times, values)
    first = np.full(len(names), np.iinfo(np.int64).max)
    np.minimum.at(first, rows.series, rows.positions)
    seen = np.flatnonzero(first <= own.learner.heads)
    if len(seen):  # these roll from the zero state
        own = own._replace(learner=own.learner.restarted(seen))
    outputs = np.empty((*rows.targets.shape, model._horizon))
    _taken_in(model, own, rows, "outputs", outputs)
    return outputs, rows


def forecast_panel(model, horizon, ids):
    """Return the frame of `BaseForecaster.forecast` for a panel."""
    while True:
        panel = model._stream
        places = _places(panel, ids)
        learner, started = panel.learner, panel.learner.heads[places] != NEVER
        if ids is not None and not started.all():
            raise ValueError(
                f"found no row of {list(panel.ids[places[~started]][:3])} since reset_state(), "
                "expected at least one; pass rows to update() or partial_fit() first"
            )
        places = places[started]
        values = np.empty((len(places), len(model._columns.target_names), horizon))
        heads = learner.heads[places]
        times = np.empty((len(places), horizon), dtype=np.int64)
        for head in np.unique(heads):
            which = heads == head
            members = _members(places[which], len(learner.heads))
            outputs = learner.output(int(head), members, _calendar(model, int(head), 1))
            outputs = panel.units.undo(members, outputs[..., :horizon])
            values[which] = outputs.swapaxes(0, 1)
            times[which] = model._axis.stamps_at(head + 1 + np.arange(horizon))
        # More rows than the rings have room for, written meanwhile, may be among those read.
        if model._stream.learner.n_groups - learner.n_groups <= SPARE:
            break
    values = model._bounded(values)
    index = model._axis.index(times.ravel())
    flat = values.swapaxes(1, 2).reshape(-1, values.shape[1])
    names = model._columns.target_names
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
    return panel._replace(learner=panel.learner.restarted(_places(panel, ids)))


def forget_panel(model, ids):
    """Return the panel without some series."""
    panel = model._stream
    kept = np.setdiff1d(np.arange(len(panel.ids)), _places(panel, ids))
    units = panel.units.taken(kept)
    return panel._replace(learner=panel.learner.taken(kept), ids=panel.ids[kept], units=units)


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


def _read(model, X, y, ids):
    X, ids, times = model._form.take_apart(X, ids)
    if y is not None and hasattr(y, "index"):
        y = y.reset_index(drop=True)
    return ids, times, read_rows(model, X, y, model._columns)


def _rows(model, panel, places, times, values):
    values, y = values
    if times is None:
        heads = panel.learner.heads[places]
        positions = np.where(heads == NEVER, -1, heads) + 1 + _counted(places).to_numpy()
    else:
        positions = model._axis.positions(times)
    targets, inputs = model._split(values, y)
    return Rows(places, positions, targets, model._input_scaling.apply(inputs))


def _took(model, panel, places, times, values, how):
    rows = _rows(model, panel, places, times, values)
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
    return _taken_in(model, panel, rows, how) if len(rows.series) else panel


def _taken_in(model, panel, rows, how, outputs=None):
    """Return the panel after rows; with ``outputs``, write forecasts after each there."""
    learner = panel.learner
    _, steps = _steps(rows, learner.heads, panel.ids, model)
    groups = arrange(rows.series, rows.positions, steps, model.gap)
    heads = learner.heads[rows.series]
    n_ahead = np.where(heads == NEVER, 0, rows.positions - heads).max()
    n_ahead = max(n_ahead, rows.positions.max() - max(learner.clock, rows.positions.min()))
    over = model.gap == "reset" and ((steps > 1) & (heads != NEVER)).any()
    learner, units, n_series = learner.writable(n_ahead, over), panel.units, len(panel.ids)
    for group in groups:
        members = _members(group.members, n_series)
        targets, inputs = _values_of(group, rows.targets), _values_of(group, rows.inputs)
        units = units.told(members, targets)
        block = Block(
            group.start,
            members,
            units.apply(members, targets),
            inputs,
            _calendar(model, group.start, len(group)),
            group.fresh,
        )
        if outputs is None:
            learner = getattr(learner, how)(block)
        else:
            said, learner = learner.outputs(block)
            if group.rows is not None:
                said = model._bounded(units.undo(members, said))
                outputs[np.stack(group.rows)] = said.swapaxes(1, 2)
    return panel._replace(learner=learner, units=units)


def _values_of(group, values):
    """Return the values (n, J) of a group as (T, J, B), NaN where its rows are missing."""
    if group.rows is None:
        return np.full((len(group), values.shape[1], len(group.members)), np.nan)
    return values[np.stack(group.rows)].swapaxes(1, 2)


def _one_by_one(model, panel, ids, times, values, how):
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
            by_age = rest[np.argsort(panel.learner.seen[rest], kind="stable")]
            kept = np.setdiff1d(np.arange(len(panel.ids)), by_age[:n_over])
            panel = panel._replace(
                learner=panel.learner.taken(kept),
                ids=panel.ids[kept],
                units=panel.units.taken(kept),
            )
        panel = _with_series(panel, new)
        places = panel.ids.get_indexer(ids[which])
        rows = X[which], None if y is None else y[which]
        panel = _took(model, panel, places, times[which], rows, how)
    return panel


def _with_series(panel, new):
    """Return the panel with room for new series."""
    if not len(new):
        return panel
    units, n_before = panel.units.grown(len(new)), len(panel.ids)
    learner = panel.learner.grown(units.change_scale[:, n_before:], units.usual[:, n_before:])
    return panel._replace(learner=learner, ids=panel.ids.append(pd.Index(new)), units=units)


def _places(panel, ids):
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


def _members(places, n_series):
    """Return places as a slice where they are all series in their order."""
    everyone = len(places) == n_series and (places == np.arange(n_series)).all()
    return slice(None) if everyone else places


def _steps(rows, heads, names, model):
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


def _calendar(model, start, n_rows):
    """Features (n_rows, C) of the step after each of these positions."""
    if not model._calendar.weekly:
        return np.zeros((n_rows, 0))
    stamps = model._axis.stamps_at(start + 1 + np.arange(n_rows))
    return model._calendar.features(model._axis.wall_ns(stamps))


def _counted(series):
    """Return the number of each row within its series."""
    return pd.Index(pd.Series(series).groupby(series).cumcount())


def _axis_of(series, times, freq):
    """Read the time axis off the series with the most rows."""
    if pd.api.types.is_integer_dtype(times.dtype):
        return TimeAxis(counts=True, name=times.name)
    if not isinstance(times, pd.DatetimeIndex):
        raise ValueError(
            f"found times of type {times.dtype}, expected time stamps or row numbers; convert them "
            "by pd.to_datetime(...)"
        )
    longest = times[series == np.bincount(series).argmax()]
    axis = TimeAxis.of(longest.sort_values(), freq)
    first = times.min()
    if axis.step_ns is None and first < longest.min():
        axis = replace(axis, start=int(first.as_unit("ns").value))
    return axis


def _require_static(columns, series, inputs, names):
    """Refuse static columns that change within a series."""
    if not columns.static:
        return
    static = pd.DataFrame(inputs[:, columns.static]).groupby(series)
    changes = (static.max() - static.min() > 0).any(axis=1)
    if changes.any():
        found = [names[i] for i in np.flatnonzero(changes)[:3]]
        raise ValueError(
            f"found static_cols={columns.static_names} that change within {found}, expected one "
            "value for each series; take them out of static_cols"
        )


def _rings_of(columns):
    n_targets, n_inputs = len(columns.target_names), len(columns.expanded_names)
    return partial(SeriesRings.empty, n_targets, n_inputs)


def _sample(model, rows, units, counts):
    """Return the newest rows of some series side by side, as a `Record` to train a network on.

    Beside it the scale of changes of its streams, target by target. Their ends are aligned,
    whenever they were. The longest series come first, and of equally long ones a random choice.
    """
    rng = np.random.default_rng(0)
    n_rows = min(int(counts.max()), SAMPLED_VALUES)
    most = max(1, min(SAMPLED_SERIES, SAMPLED_VALUES // n_rows))
    chosen = np.lexsort((rng.random(len(counts)), -counts))[:most]
    starts = (np.cumsum(counts) - counts)[chosen]
    scaled = (rows.targets - units.mean.T[rows.series]) / units.scale.T[rows.series]
    grids = [
        side_by_side(values, starts, counts[chosen], n_rows)
        for values in (scaled, rows.inputs, rows.positions[:, None].astype(float))
    ]
    targets, inputs, positions = grids  # (n, S, J), (n, S, E), (n, S, 1)
    n, n_series, n_targets = targets.shape
    last = positions[-1, :, 0].astype(np.int64)
    along = last - np.arange(n - 1, -1, -1)[:, None]
    calendar = np.stack([_calendar_of(model, column) for column in along.T], axis=1)
    record = Record(
        targets.transpose(0, 2, 1).reshape(n, n_targets * n_series),
        np.tile(inputs, (1, n_targets, 1)),
        np.tile(calendar, (1, n_targets, 1)),
    )
    return record, units.change_scale[:, chosen].ravel()


def _calendar_of(model, positions):
    """Calendar features of consecutive positions; before the axis starts, those of its start."""
    if model._axis.step_ns is None:
        positions = np.maximum(positions, 0)
    if not model._calendar.weekly:
        return np.zeros((len(positions), 0))
    stamps = model._axis.stamps_at(positions + 1)
    return model._calendar.features(model._axis.wall_ns(stamps))
