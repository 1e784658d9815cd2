"""The history that an estimator is fitted to: read, scaled, and a sample of it to train on."""

import warnings
from dataclasses import replace
from typing import NamedTuple

import numpy as np
import pandas as pd

from tsrnn.estimators.road import (
    State,
    of_another_frequency,
    require_one_frequency,
    steps_of,
)
from tsrnn.features.window import Window
from tsrnn.frames.calendar import Calendar
from tsrnn.frames.columns import Columns
from tsrnn.frames.frequency import infer_frequency
from tsrnn.frames.groups import NEVER
from tsrnn.frames.holidays import HolidayCalendar
from tsrnn.frames.reader import (
    Reader,
    Rows,
    counted,
    read_values,
    require_same_index,
    split_values,
)
from tsrnn.frames.scaling import Scaling
from tsrnn.frames.series_scaling import SeriesScaling, scaled_histories
from tsrnn.frames.target_transform import require_transformable, transformed
from tsrnn.frames.time_axis import TimeAxis, require_each_once
from tsrnn.frames.wall_clock import WallClock
from tsrnn.online.panel_stuck import StuckSensors
from tsrnn.online.stuck import StuckSensor
from tsrnn.online.wall_clock import OnWallClock
from tsrnn.partitions import alone, drawn, gathered, keys_of, made_once, total

SAMPLED_VALUES = 400_000  # rows of series, at the most, that the network is trained on
SAMPLED_SERIES = 64


class History(NamedTuple):
    """What a learner is made for."""

    record: Window  # newest rows of some series side by side, target by target
    change_scale: np.ndarray  # of the streams of the record, in scaled units
    zero: np.ndarray  # where zero is, in those
    n_rows: int  # of the longest series, missing ones included
    is_panel: bool


def read_rows(model, form, X, y, ids=None):
    """Read rows of ``fit``, however few; the model is given its reader.

    Returns
    -------
    parts : Parts
    names : pandas.Index
        Ids of the series, by their place.
    rows : Rows

    Raises
    ------
    ValueError
        The rows, the parameters, or the two together cannot be used.
    """
    require_same_index(X, y)
    parts = form.take_apart(X, ids)
    if parts.ids is None:
        require_each_once(parts.times)
    values, y_values = read_values(model, parts.X, y)
    model._check_params()
    columns = Columns.of(parts.X, y, values.shape[1], **model._roles)
    if parts.ids is None:
        series, names = np.zeros(len(values), dtype=np.intp), pd.RangeIndex(1)
    else:
        series, names = pd.factorize(parts.ids)
        names = pd.Index(names)
    axis = axis_of(series, parts.times, form.time_name, model.freq, model._regular, model.snap)
    calendar = Calendar.of_step(axis.shortest_step_ns)
    targets, inputs = split_values(columns, values, y_values, model._complete_targets)
    _require_static(columns, series, inputs, names)
    input_scaling = Scaling.of_inputs(inputs, columns.one_hot)
    fixed = form, columns, axis, calendar, input_scaling, model._complete_targets
    model._reader = Reader(*fixed, HolidayCalendar.of(getattr(model, "holidays", None), axis))
    positions = _positions(axis, series, parts, names)
    rows = Rows(series, positions, targets, input_scaling.apply(inputs))
    steps_of(model, rows, np.full(len(names), NEVER), names)
    return parts, names, rows


def read_history(model, form, X, y, ids):
    """Read the history of ``fit``.

    Returns
    -------
    reader : Reader
    state : State
        Of a learner that has learnt nothing yet.
    rows : Rows
        Those that it is to learn.
    newest : ndarray of int, shape (C,)
        Position of the last row of each series.

    Raises
    ------
    ValueError
        The rows, the parameters, or the two together cannot be used.
    """
    parts, names, rows = read_rows(model, form, X, y, ids)
    rows = _from_first_values(rows, len(names))
    reader, series, targets = model._reader, rows.series, rows.targets
    counts = np.bincount(series)
    _require_enough(model, reader.columns, counts, targets)
    below_zero = np.zeros((targets.shape[1], len(names)), dtype=bool)
    for j in range(targets.shape[1]):
        below_zero[j, series[targets[:, j] < 0.0]] = True
    require_transformable(model._transform, targets, reader.columns.target_names)
    targets = transformed(model._transform, targets)
    order = np.argsort(series, kind="stable")
    scaling = SeriesScaling.fit(targets[order], series[order], len(names))
    _tell_of_unknown_series(scaling, names)
    history = rows._replace(targets=targets).of(order)
    clock = WallClock.of(reader.axis, reader.calendar) if model._looks_back_by_days() else None
    if clock is not None:
        _require_alone(reader.axis)
        history = clock.placed(history)
    sample = _history(model, history, names, scaling, clock)
    learner = made_once(lambda: model._make_learner(sample))
    histories = scaled_histories(scaling, targets[order], series[order])
    learner = learner.grown(keys_of(names), scaling.change_scale, scaling.initial_level, histories)
    if clock is not None:
        n_targets = len(reader.columns.target_names)
        learner = OnWallClock.of(learner, clock, model._horizon, n_targets, reader.n_inputs)
    model._naive_error = names, naive_errors(series[order], targets[order], len(names))
    newest, positions = np.full(len(names), NEVER), rows.positions
    np.maximum.at(newest, series, positions)
    own = newest[series] - learner.n_kept  # of series that ended long ago
    newest_of_all = gathered(newest).max()
    recent = positions > np.minimum(newest_of_all - learner.replayed, own)
    axis = reader.axis
    last = int(axis.stamps(parts.times[-1:])[0]) if axis.ordered else None
    watch = None
    if model._watches_sensors:
        scaled, of_row = targets[order], series[order]
        scaled = (scaled - scaling.mean.T[of_row]) / scaling.scale.T[of_row]
        if form.has_ids:
            watch = StuckSensors.of(scaled, of_row, scaling.change_scale, model.max_gap)
        else:
            watch = StuckSensor.of(scaled, scaling.change_scale[:, 0], model.max_gap)
    state = State(learner, names, scaling, newest=last, below_zero=below_zero, watch=watch)
    return reader, state, rows.of(recent), newest


def _from_first_values(rows, n_series):
    """Return rows without those before the first known value of their series, if it has one.

    What is missing there would be learnt as if it had been a level.
    """
    known = np.isfinite(rows.targets).any(axis=1)
    if known.all():
        return rows
    first = np.full(n_series, np.iinfo(np.int64).max)
    np.minimum.at(first, rows.series[known], rows.positions[known])
    never = np.bincount(rows.series[known], minlength=n_series) == 0
    kept = (rows.positions >= first[rows.series]) | never[rows.series]
    return rows if kept.all() else rows.of(kept)


def naive_errors(series, targets, n_series):
    """Return the mean absolute change from row to row, (B, J), of rows in the order of time.

    Parameters
    ----------
    series : ndarray of int, shape (n,)
        Place of the series of each row; rows of one series stand together.
    targets : ndarray of shape (n, J)
        A change from or to NaN is left out; NaN where there is none.
    n_series : int
        B.

    Examples
    --------
    >>> values = np.array([[1.0], [3.0], [np.nan], [7.0], [4.0]])
    >>> naive_errors(np.array([0, 0, 0, 1, 1]), values, 2).tolist()
    [[2.0], [3.0]]
    """
    changes = np.abs(np.diff(targets, axis=0))
    known = np.isfinite(changes) & (series[1:] == series[:-1])[:, None]
    sums = [
        np.bincount(series[1:], np.where(keep, change, 0.0), n_series)
        for change, keep in zip(changes.T, known.T, strict=True)
    ]
    counts = [np.bincount(series[1:], keep, n_series) for keep in known.T]
    with np.errstate(invalid="ignore"):
        return (np.array(sums) / np.array(counts)).T


def axis_of(series, times, name, freq, regular, snap):
    """Read the time axis off the series with the most rows."""
    if times is None:
        return TimeAxis(counts=True, name=name)
    if not regular:
        return TimeAxis.of(times, regular=False)
    counts = np.bincount(series)
    longest = times[series == counts.argmax()]
    longest = longest if longest.is_monotonic_increasing else longest.sort_values()
    longest = longest if longest.is_unique else longest.unique()  # `steps_of` names doubled rows
    with_longest = int(gathered(counts.max(keepdims=True)).argmax())
    axis = made_once(lambda: TimeAxis.of(longest, freq, snap=snap), by=with_longest)
    first = gathered(np.array([times.min()], dtype=object)).min()
    if axis.freq is not None and axis.step_ns is None and first < longest.min():
        axis = replace(axis, start=int(axis.stamps(pd.Index([first]))[0]))
    return axis


def _positions(axis, series, parts, names):
    if axis.ordered or (axis.counts and axis.just_follows(parts.times, parts.ids is not None)):
        return parts.first + counted(series)
    try:
        positions = axis.positions(parts.times)
    except ValueError as error:
        raise _another_frequency(axis, series, parts.times, names) or error from error
    if len(names) > 1:
        require_one_frequency(axis, series, positions, names)
    return positions


def _another_frequency(axis, series, times, names):
    """Return the error about the first series of a panel that is off the axis, None without one."""
    if axis.freq is None or len(names) == 1:
        return None
    for place, name in enumerate(names):
        own = times[series == place].sort_values()
        try:
            axis.positions(own)
        except ValueError:
            try:
                found = infer_frequency(own.to_timestamp() if axis.period else own)
            except ValueError:
                return None
            return None if found == axis.freq else of_another_frequency(name, found.freqstr, axis)
    return None


def _require_alone(axis):
    """Refuse a panel in partitions whose days are not of one length."""
    if not alone():
        raise ValueError(
            f"found times of {axis.tz}, where clocks change, and a panel in several partitions, "
            "expected a time zone without such changes; convert them: tz_convert('UTC')"
        )


def _require_enough(model, columns, counts, targets):
    longest = gathered(counts).max(initial=0)
    known = total(np.isfinite(targets).sum(axis=0)) > 0
    if longest < model._min_rows:
        raise ValueError(
            f"found {longest} sample(s) of a series at the most, expected at least "
            f"{model._min_rows} rows to learn from with these parameters; pass a longer history"
        )
    if not known.any():
        raise ValueError(
            f"found no known value of the targets {columns.target_names}, expected some to learn "
            "from; see that X and y have the same index and that values are not NaN"
        )
    if not known.all():
        never = [
            name for name, is_known in zip(columns.target_names, known, strict=True) if not is_known
        ]
        warnings.warn(
            f"found no known value of the targets {never}: their forecasts are NaN until one has "
            "come; drop these columns, or see why they are missing",
            stacklevel=2,
        )


def _tell_of_unknown_series(scaling, names):
    """Warn of series of a panel that are never known, of targets that other series know."""
    never = np.isnan(scaling.mean) & ~np.isnan(scaling.typical[0])[:, None]
    if never.any():
        found = list(names[never.any(axis=0)])
        more = f" and {len(found) - 5} more" if len(found) > 5 else ""
        warnings.warn(
            f"found no known value of the series {found[:5]}{more}: until one has come, their "
            "forecasts are those of a typical series; drop them, or see why they are missing",
            stacklevel=2,
        )


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


def _history(model, rows, names, scaling, clock=None):
    """Return the newest rows of some series side by side, to make a learner by and to train on.

    Where there is a clock, positions of rows are its slots. Rows come sorted by series and time.
    The series' ends are aligned, whenever they were. The longest series come first, and of equally
    long ones a random choice, of the series of all partitions.
    """
    counts = np.bincount(rows.series)
    calendar_after = (clock or model._reader).calendar_after
    ends = np.cumsum(counts) - 1
    spans = rows.positions[ends] - rows.positions[ends - counts + 1] + 1
    longest = int(gathered(spans).max())
    n_rows = min(longest, SAMPLED_VALUES)
    most = max(1, min(SAMPLED_SERIES, SAMPLED_VALUES // n_rows))
    merits = np.stack([-counts, drawn(keys_of(names), 0).view(np.int64)], axis=1)
    chosen = np.lexsort(merits.T[::-1])[:most]
    best = gathered(merits[chosen])
    best = best[np.lexsort(best.T[::-1])][:most]
    chosen = chosen[np.isin(merits[chosen, 1], best[:, 1])]
    columns = np.full(len(counts), -1)
    columns[chosen] = np.arange(len(chosen))
    at = n_rows - 1 - (rows.positions[ends][rows.series] - rows.positions)
    kept = (columns[rows.series] >= 0) & (at >= 0)
    which, columns, at = rows.of(kept), columns[rows.series[kept]], at[kept]
    scaled = (which.targets - scaling.mean.T[which.series]) / scaling.scale.T[which.series]
    grids = [np.full((n_rows, len(chosen), a.shape[1]), np.nan) for a in (scaled, which.inputs)]
    for grid, values in zip(grids, (scaled, which.inputs), strict=True):
        grid[at, columns] = values
    order = np.lexsort(gathered(merits[chosen]).T[::-1])
    targets, inputs = (_of_all(grid, 1, order) for grid in grids)  # (n, B, J), (n, B, E)
    n_targets = targets.shape[2]
    starts = _of_all(rows.positions[ends[chosen]] - n_rows + 1, 0, order)
    calendar = [calendar_after(int(start), n_rows) for start in starts]
    if model._reader.holidays:
        days = []
        for s, start in enumerate(starts):
            positions = start + np.arange(n_rows)
            positions = positions if clock is None else clock.positions(positions)
            own = inputs[:, [s]].swapaxes(1, 2)
            days.append(model._reader.with_holidays(own, positions))
        inputs = np.concatenate(days, axis=2).swapaxes(1, 2)
    if len(order) == 1:  # of all its streams alike
        inputs, calendar = inputs[:, 0], calendar[0]
    else:
        inputs = np.tile(inputs, (1, n_targets, 1))
        calendar = np.tile(np.stack(calendar, axis=1), (1, n_targets, 1))
    record = Window(targets.transpose(0, 2, 1).reshape(n_rows, -1), inputs, calendar)
    change_scale = _of_all(scaling.change_scale[:, chosen], 1, order).ravel()
    zero = _of_all((-scaling.mean / scaling.scale)[:, chosen], 1, order).ravel()
    return History(record, change_scale, zero, longest, model._reader.form.has_ids)


def _of_all(array, axis, order):
    """Return an array of own series, along an axis, with those of all partitions in an order."""
    return np.moveaxis(gathered(np.moveaxis(array, axis, 0))[order], 0, axis)
