"""Records of raw rows, compiled; maths and names are those of `Window` and `ForecastDesign`."""

import numpy as np

from tsrnn.kernels.numba_.instance_norm import centers_and_scales
from tsrnn.kernels.numba_.maths import compiled, inlined
from tsrnn.kernels.numba_.seasons import gone_on

# No shortcut of the compiler's: the very numbers of NumPy come out, whichever of the two is asked.


def append_rows(old, new, n_kept, limits, seasons):
    """Return the fields of a record with new rows behind it.

    Parameters
    ----------
    old : tuple of ndarray
        Targets, inputs, calendar, levels, spreads, refused, jumps, missing; see `Window`.
    new : tuple of ndarray
        Targets, inputs and calendar of the new rows.
    n_kept : int
        How many of the old rows are kept, the newest ones.
    limits : tuple of float
        The jump limit and the step of the guard.
    seasons : tuple of int
        By which levels of missing targets go on: see `tsrnn.kernels.numpy_.seasons.follow_season`.
    """
    fields = tuple(_with_places(field, n_kept, len(new[0])) for field in old)
    write_rows(fields, n_kept, new, limits, np.array(seasons, dtype=np.intp))
    return fields


def _with_places(rows, n_kept, n_more):
    """Return the newest rows, with places for others behind them."""
    joined = np.empty((n_kept + n_more, *rows.shape[1:]), rows.dtype)
    joined[:n_kept] = rows[len(rows) - n_kept :]
    return joined


def write_rows(fields, start, new, limits, seasons):
    """Write new rows to the fields of a record, from `start` on; see `append_rows`.

    Here seasons are an array.
    """
    targets, inputs, calendar, levels, spreads, refused, jumps, missing = fields
    for row in range(len(new[0])):
        now = start + row
        for c in range(calendar.shape[1]):
            calendar[now, c] = new[2][row, c]
        for s in range(targets.shape[1]):
            at, before = (now, s), (now - 1, s)
            guard = levels[before], spreads[before], refused[before], jumps[before]
            targets[at], guard = _screen(new[0][row, s], guard, limits)
            levels[at], spreads[at], refused[at], jumps[at] = guard
            if np.isnan(targets[at]):
                levels[at] = gone_on(levels, now, s, seasons)
        for e in range(inputs.shape[1]):
            value = new[1][row, e]
            inputs[now, e] = value if np.isfinite(value) else inputs[now - 1, e]
            missing[now, e] = np.isnan(value)


def lagged(levels, calendar, inputs, offsets, level, n_calendar, n_inputs, start, stop, back):
    """Return the readout features (n, S, K) of a `ForecastDesign` at rows of a record.

    The newest value is measured from ``level`` (S,), the calendar is that of ``back`` rows before.
    """
    n_features = len(offsets) + n_calendar + n_inputs + 2
    features = np.empty((stop - start, levels.shape[1], n_features))
    given = levels, calendar, inputs, offsets, level, n_calendar, n_inputs, start, stop, back
    write_lagged(*given, features)
    return features


def write_lagged(
    levels, calendar, inputs, offsets, level, n_calendar, n_inputs, start, stop, back, features
):  # fmt: skip
    """As `lagged`, which are written."""
    n_lags, S = len(offsets), levels.shape[1]
    for n, s in np.ndindex(stop - start, S):
        row, at = start + n, features[n, s]
        for k in range(n_lags):
            change = levels[row - offsets[k], s] - levels[row, s]
            at[k] = 0.0 if np.isnan(change) else change  # before the first row
        at[n_lags], at[-1], known = levels[row, s] - level[s], 1.0, n_lags + 1
        for c in range(n_calendar):
            at[known + c] = calendar[row - back, c]
        for e in range(n_inputs):
            at[known + n_calendar + e] = inputs[row, e]


def views(rows, arrays, norm, widths, limits, places):
    """Return what is seen of rows of a record: readout features, network inputs, local.

    Parameters
    ----------
    rows : tuple of ndarray
        Levels, targets, calendar, inputs and missing of the record.
    arrays : tuple of ndarray
        Offsets, seasons, flagged and change_scale of a `ForecastDesign`.
    norm : tuple of ndarray
        What its `InstanceNorm` has learnt.
    widths : tuple of int
        Columns of the calendar and of the inputs that are used, and the season of the norm, 0 where
        there is none.
    limits : tuple of float
        Smallest and largest factor of scale that is followed, and where inputs are cut off.
    places : tuple of int
        Start and stop of the rows, and how many rows back their calendar is.
    """
    n, S, known = places[1] - places[0], rows[0].shape[1], widths[0] + widths[1]
    n_features, n_inputs = len(arrays[0]) + known + 2, 3 + len(arrays[1]) + known + len(arrays[2])
    skip, inputs = np.empty((n, S, n_features)), np.empty((n, S, n_inputs))
    local = np.empty((n, S)), np.empty((n, S))
    write_views(rows, arrays, norm, widths, limits, places, (skip, inputs, *local))
    return skip, inputs, local


def write_views(rows, arrays, norm, widths, limits, places, out):
    """As `views`: features, inputs, center and scale are written."""
    (levels, targets, calendar, inputs, _), (start, stop, back) = rows, places
    skip, made, center, scale = out
    n_calendar, n_inputs, season = widths
    offsets, level = arrays[0], norm[2]
    _lagged(levels, calendar, inputs, offsets, level, n_calendar, n_inputs, start, stop, back, skip)
    centers_and_scales(targets, norm, limits[:2], season, start, center, scale)
    _network_inputs(rows, center, scale, arrays, widths, limits[2], places, made)


def _network_inputs(rows, center, scale, arrays, widths, limit, places, made):
    start, _, back = places
    levels, targets, calendar, inputs, missing = rows
    _, seasons, flagged, change_scale = arrays
    (n_calendar, n_inputs, _), n_changes = widths, 2 + len(seasons)
    known, flags = n_changes + n_calendar, n_changes + n_calendar + n_inputs
    for n, s in np.ndindex(made.shape[:2]):
        row, at = start + n, made[n, s]
        newest = levels[row, s]
        at[0], at[1] = newest - center[n, s], (newest - levels[row - 1, s]) / change_scale[s]
        for k in range(len(seasons)):
            at[2 + k] = levels[row + 1 - seasons[k], s] - newest
        for k in range(n_changes):
            at[k] = 0.0 if np.isnan(at[k]) else at[k] / scale[n, s]
        for c in range(n_calendar):
            at[n_changes + c] = calendar[row - back, c]
        for e in range(n_inputs):
            at[known + e] = inputs[row, e]
        at[flags] = np.isnan(targets[row, s])
        for f in range(len(flagged)):
            at[flags + 1 + f] = missing[row, flagged[f]]
        for d in range(len(at)):
            if abs(at[d]) > limit:
                at[d] = limit if at[d] > 0.0 else -limit


def _screen(value, guard, limits):
    """Return a target without its jump, NaN if it is absurd, and the guard after it."""
    (level, spread, refused, jump), (most, step) = guard, limits
    change, difference, limit = abs(value - (level + jump)), abs(value - refused), most * spread
    agrees = 0.0 < difference <= limit
    if change > limit and abs(value) > limit and not agrees:
        value, refused = np.nan, value
    elif np.isfinite(value):
        if agrees and difference < change:
            jump = value - level
        if abs(value) < abs(value - jump):
            jump = 0.0
        value -= jump
        level, refused = value, np.nan
    change = min(change, limit) if np.isfinite(change) else spread
    return value, (level, max(spread + step * (change - spread), 1.0), refused, jump)


_screen, write_rows = inlined(_screen, False), compiled(write_rows, False)
_lagged, write_lagged = inlined(write_lagged, False), compiled(write_lagged, False)
_network_inputs, write_views = inlined(_network_inputs, False), compiled(write_views, False)
