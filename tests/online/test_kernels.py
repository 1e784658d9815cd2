"""Compiled loops against NumPy's code, which is the reference, on rows of every kind."""

import copy
import pickle
from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest
from helpers import content, needs_numba

from tsrnn.features.design import ForecastDesign
from tsrnn.features.instance_norm import InstanceNorm
from tsrnn.features.outlier_filter import Screen
from tsrnn.features.phase import CalendarProfile
from tsrnn.features.scored_steps import ScoredSteps
from tsrnn.features.window import Window
from tsrnn.kernels import compiled_kernels
from tsrnn.nn import get_loss, set_kernels
from tsrnn.online.encoder import RecurrentEncoder
from tsrnn.online.experts.ensemble import Ensemble
from tsrnn.online.experts.mixing import Mixing
from tsrnn.online.intervals.tracking import Intervals
from tsrnn.online.one_call import take_in_by_one_call
from tsrnn.online.readouts.covariance import RENEWAL
from tsrnn.online.readouts.rls import DelayedRLS
from tsrnn.online.stream_learner import StreamLearner
from tsrnn.online.training import TrainingSettings

pytestmark = needs_numba
S, K, E, N_ROWS = 2, 7, 4, 400
FED_BACK = 1e-9  # what 1e-12 in each of 400 rows may become where each goes on from the last


@pytest.fixture
def on_both():
    """Run something on NumPy's kernels and on numba's."""

    def run(work):
        results = []
        for name in ("numpy", "numba"):
            set_kernels(name)
            results.append(work())
        return results

    yield run
    set_kernels(None)


def labels_with_gaps(rng, n_outputs=1):
    labels = rng.normal(size=(N_ROWS, S, n_outputs))
    labels[rng.random(labels.shape) < 0.1] = np.nan
    labels[150:170] = np.nan
    labels[200] = 1e3
    return labels


@pytest.fixture
def loops():
    """Return the compiled loops, in use for the test."""
    set_kernels("numba")
    yield compiled_kernels()
    set_kernels(None)


def messy_record(n_rows=N_ROWS, n_inputs=2, n_streams=S):
    """Rows with gaps, spikes that the guard refuses, a change of level, and missing inputs."""
    rng = np.random.default_rng(3)
    targets, inputs = rng.normal(size=(n_rows, S)), rng.normal(size=(n_rows, n_inputs))
    targets[rng.random(targets.shape) < 0.1] = np.nan
    targets[rng.random(targets.shape) < 0.05] = 1e4
    targets[150:160] = np.nan
    targets[200:] += 60.0
    targets[220:240, 0] = -1e5  # a sensor that repeats itself
    inputs[rng.random(inputs.shape) < 0.2] = np.nan
    inputs[50:60] = np.inf * np.array([1, -1])[:n_inputs]
    return Window(targets[:, :n_streams], inputs, rng.normal(size=(n_rows, 3)))


def assert_alike(one, other, path="", rounding=1e-12):
    """Compare all that two values hold: to 1e-12 of the largest number of an array, by default."""
    if isinstance(one, np.ndarray):
        most = np.abs(one[np.isfinite(one)]).max(initial=0.0)
        np.testing.assert_allclose(other, one, rtol=0, atol=rounding * most, err_msg=path)
    elif isinstance(one, tuple):
        assert len(one) == len(other), path
        for k, pair in enumerate(zip(one, other, strict=True)):
            assert_alike(*pair, f"{path}[{k}]", rounding)
    elif hasattr(one, "__dict__"):
        held = other.__getstate__() or {}
        for name, value in (one.__getstate__() or {}).items():
            assert_alike(value, held[name], f"{path}.{name}", rounding)
    elif isinstance(one, float):
        assert other == pytest.approx(one, rel=rounding), path
    else:
        assert other == one, path


@pytest.mark.parametrize("ridge", [None, [0.5, 2.0]])
@pytest.mark.parametrize("delays", [[1, 2, 5], [0, 0]])
def test_least_squares(on_both, delays, ridge):
    rng = np.random.default_rng(0)
    features, base = rng.normal(size=(N_ROWS, S, K)), rng.normal(size=(N_ROWS, S))
    features[[155, 300]] *= 1e8  # beyond what P can take in: it starts anew, labels or none
    labels = labels_with_gaps(rng, len(delays))
    blank = DelayedRLS(S, K, delays, 0.99, ridge)
    assert_alike(*on_both(lambda: blank.follow(features, base, labels)))


@pytest.mark.parametrize("horizon", [3, 60])
@pytest.mark.parametrize("seasons", [(), (5, 12)])
def test_intervals_and_drift(on_both, seasons, horizon):
    rng = np.random.default_rng(1)
    labels = labels_with_gaps(rng)
    labels[300:] *= 5.0  # a drift worth noting
    forecasts = 0.1 * rng.normal(size=(N_ROWS, S, horizon))
    reference, compiled = on_both(lambda: Intervals(horizon, S, seasons).follow(forecasts, labels))
    assert reference.drift.changes
    assert_alike(reference, compiled)


def test_mixtures(on_both):
    rng = np.random.default_rng(2)
    labels = labels_with_gaps(rng)
    scored = ScoredSteps(np.array([1, 2, 4]), np.array([0, 1, 1, 2]), np.array([0, 0, 0.5, 0]))
    noise = rng.normal(size=(N_ROWS, 4, E, S)) * np.array([0.2, 0.5, 1.0, 3.0])[:, None]
    forecasts = np.nan_to_num(labels[:, None].swapaxes(2, 3)) + noise

    def work():
        mixing = Mixing.of(3, E, S)
        waiting = np.full((4 + N_ROWS, *mixing.loss.shape), np.nan)
        return mixing.follow(forecasts, waiting, labels, scored)

    assert_alike(*on_both(work))


@pytest.mark.parametrize("learning", [True, False])
@pytest.mark.parametrize("seasons", [(), (5,), (5, 12)])
def test_ensembles(on_both, seasons, learning):
    record = messy_record()
    design = ForecastDesign.of(record, 3, lags=2, seasons=seasons, screen=Screen())
    padded, start = record.padded(design.reach, design.filter_start), design.reach
    skip, labels = design.skip(padded, start, len(padded)), design.labels(padded, start)
    recurrent = np.random.default_rng(4).normal(size=(N_ROWS, S, 3))
    blank = Ensemble.of(design, 0.99, None)
    rows = recurrent, skip, padded.levels, labels, learning
    assert_alike(*on_both(lambda: blank.follow(*rows)), rounding=FED_BACK)


# --- what is looked at: the very numbers of NumPy -------------------------------------------------


@pytest.mark.parametrize("n_kept", [0, 7, 1000])
@pytest.mark.parametrize("n_inputs", [0, 2])
@pytest.mark.parametrize("chunk", [1, 9, N_ROWS])
def test_records(loops, chunk, n_inputs, n_kept):
    record = messy_record(n_inputs=n_inputs)
    record.targets[100:130, 1] += 1e6  # a jump, and back
    design = ForecastDesign.of(record, 3, lags=2, seasons=(5,), screen=Screen())
    one, n_refused = record[:2].padded(design.reach, design.filter_start), 0
    n_jumps = 0
    for start in range(2, N_ROWS, chunk):
        before, new, kept = content(one), record[start : start + chunk], n_kept or design.reach
        joined, other = one.append(new, kept), one.append(new, kept, loops.append_rows)
        assert content(one) == before
        assert content(other) == content(joined)
        assert len(joined) == min(kept, len(one)) + len(new)
        n_refused += (np.isnan(joined.targets[-len(new) :]) & np.isfinite(new.targets)).sum()
        n_jumps += np.count_nonzero(joined.jumps[-len(new) :, 1])
        one = joined
    assert n_refused > 20
    assert n_jumps > 20
    assert not one.jumps[-1, 1]


@pytest.mark.parametrize("seasons", [(), (5,), (5, 12)])
@pytest.mark.parametrize(("n_calendar", "n_inputs", "flagged"), [(3, 2, [1]), (0, 0, [])])
def test_features_and_network_inputs(loops, n_calendar, n_inputs, flagged, seasons):
    record = messy_record()
    widths = {"n_calendar": n_calendar, "n_inputs": n_inputs, "flagged": flagged}
    design = ForecastDesign.of(record, 3, lags=2, seasons=seasons, screen=Screen(), **widths)
    padded = record.padded(design.reach, design.filter_start)
    profile = CalendarProfile(12, 2, np.zeros((n_calendar, S)), np.ones(S))
    for start, stop in ((design.reach, len(padded)), (len(padded) - 1, len(padded))):
        for phase in (0, 2, -2) if 12 in seasons else (0,):
            moved, rows = replace(design, profile=profile, phase=phase), (padded, start, stop)
            skip, inputs, local = moved.views(*rows)
            np.testing.assert_array_equal(moved.skip(*rows, loops.lagged), skip)
            made = moved.views(*rows, loops.views)
            np.testing.assert_array_equal(made[0], skip)
            np.testing.assert_array_equal(made[1], inputs)
            assert made[2] is local is None
    assert np.abs(inputs).max() <= 8.0


def test_center_and_scale(loops):
    record = messy_record()
    norm = replace(InstanceNorm.of(record.targets, 12), level=np.array([0.5, -4.0]))
    targets = np.concatenate([record.targets, 3.0 * record.targets + 2.0])
    targets[-40:] = np.nan
    inputs, calendar = np.zeros((len(targets), 0)), np.tile(record.calendar, (2, 1))
    design = ForecastDesign.of(record, 3, lags=2, seasons=(12,), n_inputs=0)
    design, record = replace(design, norm=norm), Window(targets, inputs, calendar)
    padded = record.padded(design.reach)
    for start in (design.reach, len(padded) - 50):
        rows = padded, start, len(padded)
        np.testing.assert_array_equal(design.skip(*rows, loops.lagged), design.skip(*rows))
        for one, other in zip(
            design.views(*rows, loops.views),
            design.views(*rows),
            strict=True,
        ):
            np.testing.assert_allclose(one, other, rtol=1e-12, atol=1e-12)


# --- rows that compiled code leaves to NumPy ------------------------------------------------------


@pytest.mark.parametrize("chunk", [1, 7, 64])
def test_where_least_squares_stop_for_rare_work_does_not_hang_on_the_split(loops, chunk):
    """Labels missing in some outputs or all, surprises (with labels missing too), renewals."""
    rng = np.random.default_rng(5)
    features, base = rng.normal(size=(N_ROWS, S, K)), rng.normal(size=(N_ROWS, S))
    labels = labels_with_gaps(rng, 3)
    features[[30, RENEWAL - 1, 155, 300]] *= 1e8
    features[31] *= 1e15  # a surprise even after that one
    blank = DelayedRLS(S, K, [1, 2, 5], 0.99, [0.5, 2.0])
    whole, outputs = blank.follow(features, base, labels)
    part, parts = blank, []
    for start in range(0, N_ROWS, chunk):
        rows = slice(start, start + chunk)
        before = content(part)
        after, said = part.follow(features[rows], base[rows], labels[rows])
        assert content(part) == before
        part = after
        parts.append(said)
    assert content(np.concatenate(parts)) == content(np.ascontiguousarray(outputs))
    assert content(part) == content(whole)


def test_least_squares_take_over_arrays_as_numpy_or_a_memory_map_left_them(loops, tmp_path):
    rng = np.random.default_rng(6)
    rows = rng.normal(size=(3, S, K)), rng.normal(size=(3, S)), rng.normal(size=(3, S, 1))
    readout = DelayedRLS(S, K, [1, 2], 0.99).learn(*rows)
    expected = content(readout.learn(*rows))
    P, weights = readout.covariance, readout.weights
    P.tofile(tmp_path / "P")
    readout.covariance = np.memmap(tmp_path / "P", P.dtype, "r", shape=P.shape)
    readout.weights = np.asfortranarray(weights)
    assert not readout.weights.flags.c_contiguous
    assert content(readout.learn(*rows)) == expected


# --- the whole of it ------------------------------------------------------------------------------


def blank_learner(record, cell="lstm", dtype=np.float64, seasons=(5, 12)):
    """Return a learner with all its parts; its network takes no step within the record."""
    set_kernels("numpy")
    design = ForecastDesign.of(
        record, 3, lags=2, seasons=seasons, screen=Screen(), normalized=len(seasons) == 1
    )
    settings = TrainingSettings(
        window_size=N_ROWS + 1, warmup=4, batch_size=4, max_iter=2, learning_rate=0.01,
        early_stopping=False, loss=get_loss("squared"), verbose=False,
    )  # fmt: skip
    encoder = RecurrentEncoder.fit(
        design,
        record.padded(design.reach, design.filter_start),
        settings,
        np.random.default_rng(0),
        cell=cell, hidden_size=4, n_layers=1, dtype=np.dtype(dtype),
    )  # fmt: skip
    intervals = Intervals(design.horizon, record.targets.shape[1], seasons)
    return StreamLearner.of(design, 0.99, encoder, mixed=True, intervals=intervals)


@pytest.mark.parametrize("cell", ["rnn", "lstm", "gru"])
def test_learners(on_both, cell):
    record = messy_record()
    blank = blank_learner(record, cell)

    def work():
        learner = blank.learn(record[:200]).advance(record[200:230]).learn(record[230:370])
        outputs, moved = learner.outputs(record[370:])
        return learner, outputs, moved

    assert_alike(*on_both(work), rounding=FED_BACK)


@pytest.mark.parametrize("seasons", [(), (7,), (5, 12)], ids=str)
@pytest.mark.parametrize(
    "cell, dtype, n_streams",
    [
        *[("rnn", "f4", 1), ("lstm", "f4", 1), ("gru", "f4", 1), ("gru", "f8", 1)],
        *[("rnn", "f4", S), ("lstm", "f4", S)],
    ],
)
def test_rows_by_one_call_are_what_they_are_part_by_part(
    loops, monkeypatch, cell, dtype, n_streams, seasons
):
    record = messy_record(n_streams=n_streams)
    blank = blank_learner(record, cell, dtype, seasons)
    set_kernels("numba")
    bounds = [*range(200), *range(200, N_ROWS + 1, 5)]
    rows = [record[start:stop] for start, stop in pairwise(bounds)]
    by_one_call, n_rows = take_in_by_one_call, {True: 0, False: 0}

    def counted(learner, new, learning, scoring):
        taken_in = by_one_call(learner, new, learning, scoring)
        n_rows[learning] += len(new) if taken_in else 0
        return taken_in

    def streamed(how):
        monkeypatch.setattr("tsrnn.online.stream_learner.take_in_by_one_call", how)
        learner, outputs = blank, []
        for row, new in enumerate(rows):
            outputs.append(learner.outputs(new)[0])
            learner = learner.advance(new) if row % 7 == 0 else learner.learn(new)
        return learner, outputs

    found = content(streamed(counted))
    assert n_rows[False] > N_ROWS / 2  # the others refuse a value, or judge one that was
    most = N_ROWS * 0.9  # the others missed a label of a stream too
    assert N_ROWS / (3 if n_streams == 1 else 6) < n_rows[True] < most
    assert found == content(streamed(lambda *_: None))


@pytest.mark.parametrize("how", ["learn", "advance", "outputs"])
@pytest.mark.parametrize("n_streams", [1, S])
def test_what_a_learner_was_is_not_written_to(loops, how, n_streams):
    record = messy_record(n_streams=n_streams)
    learner = blank_learner(record)
    set_kernels("numba")
    for start in [*range(300), *range(300, N_ROWS, 20)]:
        rows = record[start : start + (1 if start < 300 else 20)]
        before = content(learner)
        after = getattr(learner, how)(rows)
        assert content(learner) == before
        learner = learner.learn(rows) if how == "outputs" else after


@pytest.mark.parametrize("n_before", [100, 140, 141])
@pytest.mark.parametrize(
    "copied",
    [lambda learner: learner, copy.deepcopy, lambda learner: pickle.loads(pickle.dumps(learner))],
    ids=["the same", "a deep copy", "a pickled one"],
)
def test_two_that_go_on_from_one_learner_do_not_meet(loops, copied, n_before):
    rng = np.random.default_rng(0)
    targets = rng.normal(size=(200, 1))
    record = Window(targets, np.zeros((200, 0)), rng.normal(size=(200, 3)))
    learner = blank_learner(record)
    set_kernels("numba")
    for row in range(n_before):
        learner = learner.learn(record[row : row + 1])
    assert learner.packed
    twin, (first, second, third) = copied(learner), [record[k : k + 1] for k in (150, 160, 170)]
    one, expected = learner.learn(first), content(copy.deepcopy(learner).learn(first))
    two, of_two = twin.learn(second), content(copy.deepcopy(learner).learn(second))
    assert content(one) == expected
    assert content(two) == of_two
    follows = content(copy.deepcopy(one).learn(third))
    of_second = content(copy.deepcopy(two).advance(third))
    after, of_twin = one.learn(third), two.advance(third)
    assert content(after) == follows
    assert content(of_twin) == of_second
    assert content(one) == expected
    assert content(two) == of_two
