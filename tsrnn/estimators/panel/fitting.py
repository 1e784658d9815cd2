"""A forecaster fitted to the history of a panel."""

from dataclasses import replace
from functools import partial

import numpy as np
import pandas as pd

from tsrnn.estimators.panel.rows import Panel, Rows, beside, counted, only, steps_of, taken_in
from tsrnn.features.panel_norm import PanelNorm
from tsrnn.features.panel_window import PanelWindow
from tsrnn.features.window import Window
from tsrnn.frames.columns import Columns
from tsrnn.frames.reader import read_rows
from tsrnn.frames.scaling import Scaling
from tsrnn.frames.series_scaling import SeriesScaling, scaled_histories
from tsrnn.frames.time_axis import TimeAxis
from tsrnn.online.storage.series import NEVER

SAMPLED_VALUES = 400_000  # rows of series, at the most, that the network is trained on
SAMPLED_SERIES = 64


def fit_panel(model, form, X, y, ids):
    """Fit a forecaster to the history of a panel; see `BaseForecaster.fit`."""
    model._form = form
    # What reading the history took is free again before rows are taken in: at ten thousand series
    # of 400 rows that is 300 MB, which would lie below what the learner keeps for good.
    panel, rows, newest = _read_history(model, form, X, y, ids)
    panel = taken_in(model, panel, rows, "learn")
    if model.max_series is not None and len(panel.ids) > model.max_series:
        panel = only(panel, np.sort(np.argsort(-newest, kind="stable")[: model.max_series]))
    model._stream = panel


def _read_history(model, form, X, y, ids):
    """Return a panel that has learnt nothing, the rows it is to learn, and the newest of each."""
    y = beside(X, y)
    X, ids, times = form.take_apart(X, ids)
    values, y_values = read_rows(model, X, y)
    model._check_params()
    model._columns = Columns.of(X, y, values.shape[1], **model._roles)
    series, names = pd.factorize(ids)
    times = counted(series) if times is None else times
    model._set_axis(_axis_of(series, times, model.freq))
    positions = model._axis.positions(times)
    targets, inputs = model._split(values, y_values)
    _require_static(model._columns, series, inputs, names)
    model._input_scaling = Scaling.of_inputs(inputs, model._columns.one_hot)
    rows = Rows(series, positions, targets, model._input_scaling.apply(inputs))
    blank = np.full(len(names), NEVER)
    order, _ = steps_of(rows, blank, names, model)
    counts = np.bincount(series)
    if counts.max() < model._min_rows or not np.isfinite(targets).any():
        raise ValueError(
            f"found at most {counts.max()} row(s) of a series, expected at least "
            f"{model._min_rows} with known values of {model._columns.target_names} to learn from "
            "with these parameters; pass longer histories"
        )
    units = SeriesScaling.fit(targets[order], series[order], len(names))
    record, change_scale = _sample(model, rows.of(order), units, counts)
    make_rings = _rings_of(model._columns)
    learner = model._make_panel_learner(record, change_scale, int(counts.max()), make_rings)
    norm = None
    if learner.norm:
        scaled = scaled_histories(units, targets[order], series[order])
        norm = PanelNorm.of_series(learner.norm.season, scaled, targets.shape[1])
    learner = learner.grown(units.change_scale, units.usual, norm)
    last = blank.copy()
    np.maximum.at(last, series, positions)
    own = last[series] - learner.n_kept  # of series that ended long ago
    recent = positions > np.minimum(positions.max() - learner.replayed, own)
    return Panel(learner, pd.Index(names), units), rows.of(recent), last


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
    return partial(PanelWindow.empty, n_targets, n_inputs)


def _sample(model, rows, units, counts):
    """Return the newest rows of some series side by side, as a `Window` to train a network on.

    Beside it the scale of changes of its streams, target by target. Their ends are aligned,
    whenever they were. The longest series come first, and of equally long ones a random choice.
    """
    rng = np.random.default_rng(0)
    ends = np.cumsum(counts) - 1
    # Missing rows have their place, unless a gap starts a new run, which goes on from the last.
    places = np.arange(len(rows.series)) if model.gap == "reset" else rows.positions
    spans = places[ends] - places[ends - counts + 1] + 1
    n_rows = min(int(spans.max()), SAMPLED_VALUES)
    most = max(1, min(SAMPLED_SERIES, SAMPLED_VALUES // n_rows))
    chosen = np.lexsort((rng.random(len(counts)), -counts))[:most]
    columns = np.full(len(counts), -1)
    columns[chosen] = np.arange(len(chosen))
    at = n_rows - 1 - (places[ends][rows.series] - places)
    kept = (columns[rows.series] >= 0) & (at >= 0)
    which, columns, at = rows.of(kept), columns[rows.series[kept]], at[kept]
    scaled = (which.targets - units.mean.T[which.series]) / units.scale.T[which.series]
    grids = [np.full((n_rows, len(chosen), a.shape[1]), np.nan) for a in (scaled, which.inputs)]
    for grid, values in zip(grids, (scaled, which.inputs), strict=True):
        grid[at, columns] = values
    targets, inputs = grids  # (n, S, J), (n, S, E)
    n, n_series, n_targets = targets.shape
    last = rows.positions[ends[chosen]]
    along = last - np.arange(n - 1, -1, -1)[:, None]
    calendar = np.stack([calendar_along(model, column) for column in along.T], axis=1)
    record = Window(
        targets.transpose(0, 2, 1).reshape(n, n_targets * n_series),
        np.tile(inputs, (1, n_targets, 1)),
        np.tile(calendar, (1, n_targets, 1)),
    )
    return record, units.change_scale[:, chosen].ravel()


def calendar_along(model, positions):
    """Calendar features of consecutive positions; before the axis starts, those of its start."""
    if model._axis.step_ns is None:
        positions = np.maximum(positions, 0)
    if not model._calendar.weekly:
        return np.zeros((len(positions), 0))
    stamps = model._axis.stamps_at(positions + 1)
    return model._calendar.features(model._axis.wall_ns(stamps))
