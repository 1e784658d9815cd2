"""The road of rows: read, brought to their places and positions, and taken in by the learner."""

from functools import partial
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from tsrnn.frames.frequency import SHORTEST_MONTH, fixed_ns, infer_frequency
from tsrnn.frames.future import following_inputs
from tsrnn.frames.groups import NEVER, arrange
from tsrnn.frames.reader import Rows
from tsrnn.frames.series_scaling import SeriesScaling
from tsrnn.frames.target_transform import restored, transformed
from tsrnn.frames.time_axis import LOCALIZED, doubled_remedy
from tsrnn.online.storage.series import Block
from tsrnn.partitions import alone, keys_of, total
from tsrnn.persistence.registry import saved

NOT_FRESH = np.zeros(1, dtype=bool)  # one series, which goes on


@saved("estimator-state")
class State(NamedTuple):
    """Where a fitted estimator stands; replaced as a whole, never changed."""

    learner: Any  # a `tsrnn.online.protocol.Learner`
    ids: pd.Index  # of the series, by their place
    scaling: SeriesScaling  # of the targets
    n_late: int = 0  # rows dropped because they were not newer than the cutoff of their series
    newest: int | None = None  # stamp of the last row, where only the order of stamps matters
    below_zero: Any = None  # (J, C), whether a target of a series was ever negative
    watch: Any = None  # a `StuckSensor` of one stream or `StuckSensors`, where there is one


def take(model, state, rows, how):
    """Return the state after the rows of a call, its learner having learnt or just advanced."""
    series = _places_in(state.ids, rows)
    if rows.ids is not None and ((series < 0).any() or not alone()):
        new = pd.unique(rows.ids[series < 0])
        _require_ids_alike(state.ids, new)
        _require_frequency_of_panel(model._reader.axis, rows.of(series < 0))
        if model.max_series is not None and len(state.ids) + len(new) > model.max_series:
            return _one_by_one(model, state, rows, how)
        state = with_series(state, new)
        series = _places_in(state.ids, rows)
    return _took(model, state, series, rows, how)


def roll(model, state, rows, n_outputs=None, start=None):
    """Return the outputs (n, J, M) after each row, in the targets' units, and the rows.

    The learner has as many outputs as the horizon has steps, or `n_outputs`.

    Series whose first row is not newer than their last one roll from the zero state; with `start`
    "fit" all do, with "cutoff" that is an error.
    """
    own, arrived = _rolling(model, state, rows, start)
    reader, following = model._reader, None
    if reader.columns.future:
        inputs = arrived.inputs[:, reader.columns.future]
        following = following_inputs(arrived.series, arrived.positions, inputs, model._horizon)
    if reader.holidays:
        following = reader.with_holidays_ahead(following, arrived.positions, model._horizon)
    outputs = np.empty((*arrived.targets.shape, n_outputs or model._horizon))
    beside = None
    if len(own.ids) and own is not state and not own.scaling.complete:
        beside = state.learner, np.flatnonzero(~state.ids.isin(own.ids))
    taken_in(model, own, arrived, "outputs", outputs, following, beside)
    return outputs, arrived


def p_values(model, state, rows, start=None):
    """Return the p-values (n, J) of rows under the forecasts of the row before each.

    Series roll from where `roll` lets them start.
    """
    own, arrived = _rolling(model, state, rows, start)
    found = np.full((*arrived.targets.shape, 1), np.nan)
    taken_in(model, own, arrived, "p_values", found)
    return found[..., 0]


def take_scored(model, state, rows, how):
    """Return the state after rows, as `take`, and their p-values (n, J), as `p_values`.

    Rows that come next of series that are known, as in a stream, are looked at once for both.
    """
    if len(state.ids) and state.scaling.complete and alone():
        series = _places_in(state.ids, rows)
        if (series >= 0).all():
            arrived = _arrived(model, state, series, rows)
            positions = arrived.positions
            if ((positions == positions[0]) & (positions == state.learner.heads[series] + 1)).all():
                found = np.full((*arrived.targets.shape, 1), np.nan)
                state = _with_newest(model, state, rows)
                return taken_in(model, state, arrived, how, scored=found), found[..., 0]
    found = p_values(model, state, rows)
    return take(model, state, rows, how), found


def _p_values_of(model, learner, row):
    """Return the p-values (J, B) of the next row of some series; NaN where it is their first."""
    found, started = np.full(row.targets.shape[1:], np.nan), np.flatnonzero(~row.fresh)
    if not len(started):
        return found
    series, future = np.arange(len(learner.heads))[row.series][started], model._reader.future
    known = row.inputs[0][future][:, started].T[:, None] if future else None
    position, targets = row.start - 1, row.targets[0][:, started]
    forecast = learner.output(position, series, model._reader.calendar_after, known)[..., 0]
    found[:, started] = learner.p_values(targets, forecast, position, series)
    return found


def _rolling(model, state, rows, start):
    """Return the state from which rows roll, and the rows at their places and positions."""
    own = state if rows.ids is None else _of_called(model, state, rows)
    series = _places_in(own.ids, rows)
    if start == "fit":
        everywhere = np.arange(len(own.ids))
        own = restarted(own, everywhere)._replace(newest=None)
    arrived = _arrived(model, own, series, rows)
    if start == "cutoff":
        late = arrived.positions <= own.learner.heads[series]
        if late.any():
            _refuse_late(model, own, rows, series, late)
    first = np.full(len(own.ids), np.iinfo(np.int64).max)
    np.minimum.at(first, arrived.series, arrived.positions)
    in_sample = np.flatnonzero(first <= own.learner.heads)
    own = restarted(own, in_sample) if len(in_sample) else own
    return own, arrived


def taken_in(model, state, rows, how, outputs=None, following=None, beside=None, scored=None):
    """Return the state after rows; with ``outputs``, write what is forecast after each there.

    Or, where `how` is "p_values", how probable each row was. With ``scored``, write that there of
    rows that come next, and take them in as `how` says. ``following`` are the inputs known
    ahead of each row, None where none are; ``beside`` are series that the state leaves out, see
    `tsrnn.online.protocol.Learner.typical_level`.
    """
    learner, scaling, n_series = state.learner, state.scaling, len(state.ids)
    below_zero, transform, watch = state.below_zero, model._transform, state.watch
    steps = steps_of(model, rows, learner.heads, state.ids)
    again = model.gap == "reset" and bool((steps > 1).any())
    groups = arrange(rows.series, rows.positions, steps, model.gap)
    del steps  # of a history it is large, as other numbers of each row are
    span = groups[0].start, groups[-1].start + len(groups[-1]) - 1
    learner = learner.prepared(rows.series, rows.positions, again, span)
    has_unknown = total(0 if scaling.complete else 1) > 0
    for group in groups:
        series = all_of(group.series, n_series)
        targets = group.take(rows.targets).swapaxes(1, 2)
        negative = targets < 0.0
        if outputs is None and np.count_nonzero(negative):
            below_zero = below_zero.copy()
            below_zero[:, series] |= negative.any(axis=0)
        targets = transformed(transform, targets)
        before = scaling
        if has_unknown:
            levels = partial(_typical_level, learner, group.start, beside)
            scaling = scaling.with_first_values(series, targets, levels)
        inputs = group.take(rows.inputs).swapaxes(1, 2)
        block = _block(model, scaling, group.start, series, targets, inputs, group.fresh)
        if outputs is None:
            learning = how == "learn"
            del targets, negative
            if scored is not None:
                scored[group.rows[0], :, 0] = _p_values_of(model, learner, block).T
            move = learnt if learning else advanced
            learner, watch = _moved(watch, learner, block, move, learning)
            continue
        is_row = group.rows >= 0
        if how == "p_values":
            for row in range(len(group)):
                now, block = block.cut(1)
                found = _p_values_of(model, learner, now)
                outputs[group.rows[row, is_row[row]], :, 0] = found.T[is_row[row]]
                if not len(block.targets) and group is groups[-1]:
                    break  # nobody looks at the learner after the last row
                learner, watch = _moved(watch, learner, now, advanced, False)
            continue
        known = None if following is None else _known_ahead(model, group, following, block)
        issued, learner, watch = _outputs_after(watch, learner, block, known)
        if before is scaling:
            issued = scaling.undo(series, issued)
        else:  # the unit of a series is not known before its first value
            has_unit = np.isfinite(targets).cumsum(axis=0)[..., None] > 0
            issued = np.where(has_unit, scaling.undo(series, issued), before.undo(series, issued))
        signed = below_zero[:, series] | np.logical_or.accumulate(negative, axis=0)
        below_zero = below_zero.copy()
        below_zero[:, series] = signed[-1]
        issued = model._bounded(restored(transform, issued), signed[..., None])
        outputs[group.rows[is_row]] = issued.swapaxes(1, 2)[is_row]
    return State(learner, state.ids, scaling, state.n_late, state.newest, below_zero, watch)


def _known_ahead(model, group, following, block):
    """Return what is known ahead of the rows of a group, (T, B, M, F), missing rows included.

    Those come before a row that did arrive: what is known of them is what is known of the next.
    """
    known, missing, future = group.take(following), group.rows < 0, list(model._reader.future)
    for row in np.flatnonzero(missing[:-1].any(axis=1))[::-1]:
        which = missing[row]
        now, later = block.inputs[row + 1][future].T[:, None], known[row + 1][:, :-1]
        ahead = np.concatenate([now, np.where(np.isfinite(later), later, now)], axis=1)
        known[row, which] = ahead[which]
    return known


def learnt(learner, block):
    """Return a learner that has learnt rows."""
    return learner.learn(block)


def advanced(learner, block):
    """Return a learner that has taken in rows without learning."""
    return learner.advance(block)


def _moved(watch, learner, block, move, learning):
    """Return the learner after rows, and the watch over it, where there is one."""
    if watch is None:
        return move(learner, block), None
    return watch.take(learner, block, move, learning)


def _outputs_after(watch, learner, block, following):
    """Return the outputs (T, J, B, M) after rows, the learner, and the watch after them."""
    outputs = []

    def move(learner, rows):
        first = sum(map(len, outputs))
        known = None if following is None else following[first : first + len(rows.targets)]
        found, learner = learner.outputs(rows, known)
        outputs.append(found)
        return learner

    learner, watch = _moved(watch, learner, block, move, False)
    return outputs[0] if len(outputs) == 1 else np.concatenate(outputs), learner, watch


def _typical_level(learner, start, beside, row):
    return learner.typical_level(start + row, beside)


def _block(model, scaling, start, series, targets, inputs, fresh):
    """Return rows of targets (T, J, B), transformed, and inputs (T, E, B) as learners take them."""
    reader, n = model._reader, len(targets)
    if reader.holidays is not None:
        inputs = reader.with_holidays(inputs, start + np.arange(n))
    zero = None if model._transform else scaling.zero(series)
    scaled, calendar = scaling.apply(series, targets), reader.calendar_after(start, n)
    return Block(start, series, scaled, inputs, calendar, fresh, zero)


def with_series(state, new):
    """Return the state with places for new series.

    Of a panel in partitions, each must call it, some of them with no series.
    """
    # A series of which nothing is known is like the others: negative if one of them was.
    signed = total(state.below_zero.any(axis=1, keepdims=True).astype(int)) > 0
    if not len(new):
        return state
    scaling, n_before = state.scaling.grown(len(new)), len(state.ids)
    change_scale = scaling.change_scale[:, n_before:]
    learner = state.learner.grown(keys_of(new), change_scale, scaling.initial_level[:, n_before:])
    ids = state.ids.append(pd.Index(new))
    below_zero = np.append(state.below_zero, np.repeat(signed, len(new), axis=1), axis=1)
    watch = state.watch and state.watch.grown(change_scale)
    return state._replace(
        learner=learner, ids=ids, scaling=scaling, below_zero=below_zero, watch=watch
    )


def restarted(state, places):
    """Return the state with these series back before their first row."""
    watch = state.watch and state.watch.restarted(places)
    return state._replace(learner=state.learner.restarted(places), watch=watch)


def only(state, kept):
    """Return the state of these places alone."""
    return state._replace(
        learner=state.learner.taken(kept),
        ids=state.ids[kept],
        scaling=state.scaling.taken(kept),
        below_zero=state.below_zero[:, kept],
        watch=state.watch and state.watch.taken(kept),
    )


def joined(states):
    """Return the state of all series of the partitions of one panel."""
    first, *others = states
    return first._replace(
        learner=first.learner.joined([state.learner for state in others]),
        ids=first.ids.append([state.ids for state in others]),
        scaling=first.scaling.joined([state.scaling for state in others]),
        n_late=sum(state.n_late for state in states),
        below_zero=np.concatenate([state.below_zero for state in states], axis=1),
        watch=first.watch and first.watch.joined([state.watch for state in others]),
    )


def places_of(state, ids):
    """Return the places of series by their ids, all by default.

    Raises
    ------
    ValueError
        There is no such series.
    """
    if ids is None:
        return np.arange(len(state.ids))
    wanted = pd.Index([ids] if isinstance(ids, str) or not np.iterable(ids) else ids)
    places = state.ids.get_indexer(wanted)
    if (places < 0).any():
        raise ValueError(
            f"found ids {list(wanted[places < 0][:5])} that were never seen, expected ids out of "
            f"the {len(state.ids)} series; correct them"
        )
    return places


def all_of(places, n_series):
    """Return places as a slice where they are all series in their order."""
    if len(places) != n_series or (n_series > 1 and (places != np.arange(n_series)).any()):
        return places
    return slice(None)


def steps_of(model, rows, heads, ids):
    """Return the steps (n,) from the row before in each series, 0 for its first one.

    Raises
    ------
    ValueError
        Rows of a series are doubled or out of order, or a gap is longer than ``max_gap``.
    """
    if not len(rows.series):
        return np.zeros(0, dtype=np.int64)
    if len(rows.series) == 1:  # a streamed row
        steps = rows.positions - heads[rows.series]
        if steps[0] == 1:
            return steps
        if heads[rows.series[0]] == NEVER:
            return np.zeros(1, np.int64)
        _require_no_gap(model, rows, steps, ids)
        return steps
    order = np.argsort(rows.series, kind="stable")
    series, positions = rows.series[order], rows.positions[order]
    first = np.append(True, series[1:] != series[:-1])
    before = np.where(first, heads[series], np.append(NEVER, positions[:-1]))
    gone = np.where(before == NEVER, 0, positions - before)
    steps = np.empty_like(gone)
    steps[order] = gone
    bad = ~first & (gone <= 0)
    if bad.any():
        row = order[bad.argmax()]
        what = "doubled" if steps[row] == 0 else "out of time order"
        if steps[row] == 0 and model.snap is not None:
            what = f"doubled, or have come to be so by snap={model.snap!r}"
        if model._reader.form.has_ids:
            within = f" within their series, such as row {row} of {ids[rows.series[row]]!r}"
            remedy = model._reader.form.in_order
        else:
            axis = model._reader.axis
            times = axis.index(axis.stamps_at(rows.positions))
            within = f", such as row {row} ({times[row]})"
            remedy = doubled_remedy(times) if steps[row] == 0 else "X.sort_index()"
        raise ValueError(
            f"found {int(bad.sum())} rows that are {what}{within}; expected one row for each time "
            f"stamp, in order: {remedy}"
        )
    _require_no_gap(model, rows, steps, ids)
    return steps


def _require_no_gap(model, rows, steps, ids):
    limit = 0 if model.gap == "raise" else model.max_gap
    if steps.max() <= limit + 1:
        return
    row, axis = int(steps.argmax()), model._reader.axis
    at = axis.label(axis.stamps_at(rows.positions[[row]])[0])
    fill = "" if axis.freq is None else f"insert the rows (X.asfreq({axis.freq.freqstr!r})), "
    fill = "" if model._reader.form.has_ids else fill
    raise ValueError(
        f"found a gap of {steps[row] - 1} missing rows before {at}"
        f"{_named(model, ids, rows.series[row])}, expected at most {limit} (gap={model.gap!r}, "
        f"max_gap={model.max_gap}); see that the time stamp is right, {fill}raise max_gap with "
        "gap='fill' or 'reset', or call reset_state() to start a new run after the gap"
    )


def _named(model, ids, place):
    """Return the words that tell the series of a row, where there are several."""
    return f" of {ids[place]!r}" if model._reader.form.has_ids else ""


def require_one_frequency(axis, series, positions, names):
    """Refuse a panel with a series whose rows are all some steps apart.

    That is not a matter of missing rows, if there are enough of it: series of which rows are
    missing at random have some that follow each other.

    Parameters
    ----------
    axis : TimeAxis
    series, positions : ndarray of int, shape (n,)
        Of each row, in any order.
    names : sequence
        Of the series, by their places.

    Raises
    ------
    ValueError
        It names the series and both frequencies.
    """
    order = np.lexsort((positions, series))
    steps, same = np.diff(positions[order]), np.diff(series[order]) == 0
    steps, owners = steps[same], series[order][1:][same]
    if not len(steps) or (steps <= 0).any():
        return
    starts = np.flatnonzero(np.append(True, np.diff(owners) > 0))
    owners, counts = owners[starts], np.diff(np.append(starts, len(steps)))
    shortest = np.minimum.reduceat(steps, starts)
    common = np.gcd.reduceat(steps, starts) == shortest
    n_equal = np.add.reduceat((steps == shortest.repeat(counts)).astype(int), starts)
    sparse = (counts >= 4) & (counts * np.minimum(shortest, 7) >= 28) & (shortest > 1)
    bad = sparse & common & (2 * n_equal > counts)
    if bad.any():
        place, step = owners[bad][0], int(shortest[bad][0])
        found = step * axis.step if axis.freq is None else (step * axis.freq).freqstr
        raise of_another_frequency(names[place], found, axis)
    if axis.freq is None or not sparse.any():
        return
    # Months, quarters and years among hours or days: steps that differ by a tenth at the most.
    alike = np.add.reduceat((28 * steps <= 31 * shortest.repeat(counts)).astype(int), starts)
    longer = axis.shortest_step_ns * shortest >= SHORTEST_MONTH
    for place in owners[sparse & longer & (2 * alike > counts)]:
        found = _calendar_of(axis, np.sort(positions[series == place]))
        if found is not None and found != axis.freq:
            raise of_another_frequency(names[place], found.freqstr, axis)


def _calendar_of(axis, positions):
    """Return the frequency of positions whose steps differ in length; None: they have none."""
    times = axis.index(axis.stamps_at(positions))
    try:
        found = infer_frequency(times.to_timestamp() if axis.period else times)
    except ValueError:  # rows are missing at random
        return None
    return found if fixed_ns(found, None) is None else None


def of_another_frequency(name, found, axis):
    """Return the error about a series that has another frequency than the axis."""
    expected = axis.step if axis.freq is None else axis.freq.freqstr
    return ValueError(
        f"found the series {name!r} with the frequency {found}, expected {expected}, that of the "
        "longest series, since those of a panel are forecast together; fit a forecaster of its own "
        f"for {name!r}, resample it, or pass freq={found!r} and resample the others"
    )


def _require_frequency_of_panel(axis, rows):
    """Refuse new series whose rows of a call have another frequency than the panel."""
    if rows.times is None or axis.ordered or axis.just_follows(rows.times, panel=True):
        return
    series, names = pd.factorize(rows.ids)
    if len(series) > len(names):
        require_one_frequency(axis, series, axis.positions(rows.times), names)


def _require_ids_alike(ids, new):
    """Refuse ids that are numbers where those of before are texts, and the other way round."""
    if not len(ids):
        return
    was_text = isinstance(ids[0], str)
    other = next((name for name in new if isinstance(name, str) != was_text), None)
    if other is None or any(isinstance(name, str) != was_text for name in ids):
        return
    kinds = ("numbers", "str") if was_text else ("texts", type(ids[0]).__name__)
    raise ValueError(
        f"found ids that are {kinds[0]}, such as {other!r}, expected them as at fit, such as "
        f"{ids[0]!r}: they would be new series; convert them, such as by astype({kinds[1]})"
    )


def _places_in(ids, rows):
    """Return the places of the series of rows, -1 of those that are new."""
    if rows.ids is None:
        return np.zeros(len(rows.targets), dtype=np.intp)
    return ids.get_indexer(rows.ids)


def _of_called(model, state, rows):
    """Return the state of the series that rows are of alone, new ones among them."""
    series = _places_in(state.ids, rows)
    called = pd.unique(series)
    known = called[called >= 0]
    own = only(state, known)
    if len(known) == len(called):
        return own
    new = pd.unique(rows.ids[series < 0])
    _require_ids_alike(state.ids, new)
    _require_frequency_of_panel(model._reader.axis, rows.of(series < 0))
    return with_series(own, new)


def _arrived(model, state, series, rows):
    """Return rows at the places of their series and their positions."""
    heads = state.learner.heads
    positions = model._reader.positions(rows, series, heads, state.newest)
    return Rows(series, positions, rows.targets, rows.inputs)


def _took(model, state, series, rows, how):
    """Return the state after the rows of a call, late ones refused or dropped."""
    arrived = _arrived(model, state, series, rows)
    heads = state.learner.heads
    if len(series) == 1 and arrived.positions[0] == heads[series[0]] + 1 and rows.ids is None:
        return _took_next(model, _with_newest(model, state, rows), arrived, how)
    late = arrived.positions <= heads[series]
    if late[0] if len(late) == 1 else late.any():
        if model.late == "raise":
            _refuse_late(model, state, rows, series, late)
        state = state._replace(n_late=state.n_late + int(late.sum()))
        arrived = arrived.of(~late)
        if not len(arrived.series) and alone():
            return state
    return taken_in(model, _with_newest(model, state, rows), arrived, how)


def _took_next(model, state, row, how):
    """Return the state after the next row of the only series, as `taken_in` does of any rows."""
    learner, scaling, below_zero, position = (
        state.learner, state.scaling, state.below_zero, int(row.positions[0])
    )  # fmt: skip
    if not scaling.complete:
        return taken_in(model, state, row, how)
    targets, inputs = row.targets[:, :, None], row.inputs[:, :, None]
    for value in row.targets[0].tolist():  # faster than arrays of one number
        if value < 0.0:
            below_zero = below_zero | (targets[0] < 0.0)
            break
    learner = learner.prepared(row.series, row.positions, False, (position, position))
    targets = transformed(model._transform, targets)
    block = _block(model, scaling, position, slice(None), targets, inputs, NOT_FRESH)
    learning = how == "learn"
    learner, watch = _moved(state.watch, learner, block, learnt if learning else advanced, learning)
    return State(learner, state.ids, scaling, state.n_late, state.newest, below_zero, watch)


def _with_newest(model, state, rows):
    """Return the state with the stamp of the last of rows, where only their order matters."""
    if not model._reader.axis.ordered:
        return state
    if rows.times is None:  # arrays, after rows with numbers
        newest = (-1 if state.newest is None else state.newest) + len(rows.targets)
    else:
        newest = int(model._reader.axis.stamps(rows.times[-1:])[0])
    return state._replace(newest=newest)


def _refuse_late(model, state, rows, series, late):
    row = int(late.argmax())
    place = series[row]
    axis, head = model._reader.axis, state.learner.heads[[place]]
    newest = state.newest if axis.ordered else axis.stamps_at(head)[0]
    cutoff = axis.label(newest)
    drop = ", or set late='drop'" if "late" in model.get_params(deep=False) else ""
    if axis.counts and rows.ids is None:
        drop += (
            "; if they are new, number them on from there (X.set_axis(pd.RangeIndex("
            f"{cutoff + (axis.step or 1)}, ...)))"
        )
    if axis.may_come_twice(axis.stamps(rows.times[[row]])[0], newest):
        drop += (
            "; if it is the hour that comes twice when clocks go back, fit again with the zone: "
            f"{LOCALIZED}"
        )
    raise ValueError(
        f"found {int(late.sum())} rows not newer than the cutoff {cutoff}"
        f"{_named(model, state.ids, place)}, the first at {rows.times[row]}; expected rows after "
        f"it: drop those already seen{drop}"
    )


def _one_by_one(model, state, rows, how):
    """Take in rows position by position, dropping the series least recently seen for new ones."""
    if rows.times is None:
        raise ValueError(
            "found new series without times beyond max_series, expected times to tell which were "
            "seen last; pass time_col, or raise max_series"
        )
    positions = model._reader.axis.positions(rows.times)
    for position in np.unique(positions):
        here = rows.of(positions == position)
        called = pd.unique(here.ids)
        if len(called) > model.max_series:
            raise ValueError(
                f"found {len(called)} series at one time, expected at most max_series="
                f"{model.max_series}; raise it"
            )
        new = called[state.ids.get_indexer(called) < 0]
        n_over = len(state.ids) + len(new) - model.max_series
        if n_over > 0:
            rest = np.setdiff1d(np.arange(len(state.ids)), state.ids.get_indexer(called))
            # Equally old ones by id: their places depend on how the rows came in calls.
            by_age = rest[np.lexsort((state.ids[rest].astype(str), state.learner.seen[rest]))]
            state = only(state, np.setdiff1d(np.arange(len(state.ids)), by_age[:n_over]))
        state = with_series(state, new) if len(new) else state
        state = _took(model, state, _places_in(state.ids, here), here, how)
    return state
