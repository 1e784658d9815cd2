"""The regressor's learner: what is scored at each age, against slow references."""

import numpy as np
import pytest
from helpers import content, hourly, needs_numba
from helpers.internals import stream_of

from tsrnn import RNNRegressor
from tsrnn.features.window import Window
from tsrnn.kernels import set_kernels
from tsrnn.kernels.numpy_.mixing import score_experts
from tsrnn.kernels.numpy_.regression import score_rows
from tsrnn.online.experts.mixing import Mixing
from tsrnn.online.intervals.conformal import Conformal
from tsrnn.online.regression_learner import AGES, KEPT_AGES, _at_ages

QUICK = {"hidden_size": 4, "max_iter": 3, "window_size": 16, "random_state": 0}


def learner_of(n_rows=300, n_targets=2):
    rows = hourly(n_rows, n_columns=2 + n_targets).to_numpy()
    return stream_of(RNNRegressor(**QUICK).fit(rows[:, :2], rows[:, 2:]))


def window(n_rows, n_targets=2, seed=1):
    rng = np.random.default_rng(seed)
    return Window(
        rng.normal(size=(n_rows, n_targets)), rng.normal(size=(n_rows, 2)), np.zeros((n_rows, 0))
    )


def states(n_ages, n_targets):
    mixing, conformal = Mixing.of(n_ages, 3, n_targets), Conformal.of(AGES[:n_ages], n_targets)
    pace = np.linspace(20.0, 1.0, n_ages)  # so fast that few labels show it
    moving = conformal.quantiles, conformal.level, conformal.n_labels, conformal.profiles
    return (
        (mixing.discounts, *(array.copy() for array in mixing.moving)),
        (conformal.probabilities, *(array.copy() for array in moving), pace, np.ones(n_ages), 0.0),
    )


def rows_to_score(n_rows=60, n_ages=4, n_targets=3):
    rng = np.random.default_rng(0)
    labels = rng.normal(size=(n_rows, n_targets))
    labels[rng.random(labels.shape) < 0.2] = np.nan
    forecasts = rng.normal(size=(n_rows, n_ages, 2, n_targets))
    earlier = np.full((AGES[n_ages - 1], n_targets), np.nan)
    return forecasts, labels, earlier, np.array(AGES[:n_ages])


def test_each_age_is_scored_as_if_nothing_newer_were_known():
    """Label by label, age by age, target by target, by a reference of one number at a time."""
    forecasts, labels, earlier, ages = rows_to_score()
    mixing, intervals = states(len(ages), labels.shape[1])
    score_rows(forecasts, labels, earlier, ages, mixing, intervals)
    pace = intervals[-3]
    for m, age in enumerate(ages):
        for s in range(labels.shape[1]):
            (discounts, *slow), scored = states(1, 1)
            level, n_scored = scored[2][0, 0], 0
            for row, label in enumerate(labels[:, s]):
                if row < age or not np.isfinite([label, labels[row - age, s]]).all():
                    continue
                experts = np.array([*forecasts[row, m, :, s], labels[row - age, s]])
                parts, blend = slow[-2][0, :, :, 0], slow[-1][0, :, 0]
                mixtures = parts @ experts
                error = np.array([*experts, *mixtures])[None, :, None] - label
                miss = label - blend @ mixtures
                score_experts(error, np.zeros_like(slow[2]), discounts, *slow)
                n_scored += 1
                long_run = max(0.01, min(0.35 / np.sqrt(n_scored), 0.05))
                rate = max(1 / (n_scored + 1), long_run * pace[m], min(7 / n_scored, 0.1))
                level += rate * (min(abs(miss) / level, 20) - 1) * level
            assert n_scored > 10
            np.testing.assert_allclose(intervals[2][m, s], level, rtol=1e-9)
            np.testing.assert_allclose(mixing[-2][m, ..., s], slow[-2][0, ..., 0], rtol=1e-9)


@needs_numba
def test_compiled_rows_are_scored_alike():
    compiled = pytest.importorskip("tsrnn.kernels.numba_")
    rows = rows_to_score()
    plain, fast = (states(4, 3) for _ in range(2))
    score_rows(*rows, *plain)
    compiled.score_rows(*rows, *fast)
    for a, b in zip([*plain[0], *plain[1]], [*fast[0], *fast[1]], strict=True):
        np.testing.assert_allclose(b, a, rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize("kernels", ["numpy", pytest.param("numba", marks=needs_numba)])
@pytest.mark.parametrize("how", ["learn", "advance"])
def test_any_split_of_the_rows_gives_the_same_learner(kernels, how):
    set_kernels(kernels)
    try:
        learner, rows = learner_of(), window(400)
        rows.targets[50:120, 0] = np.nan
        rows.targets[200:260] = np.nan
        whole, parts = getattr(learner, how)(rows), learner
        before = content(learner)
        for start, stop in zip([0, 1, 2, 63, 64, 190], [1, 2, 63, 64, 190, 400], strict=True):
            parts = getattr(parts, how)(rows[start:stop])
        assert content(parts) == content(whole)
        assert content(learner) == before
    finally:
        set_kernels(None)


def test_what_is_scored_is_what_outputs_says_before_the_label():
    """At age 1: a row's estimate, its label, and the error that moves the level."""
    learner, rows = learner_of(), window(40)
    for row in range(40):
        estimate = learner.outputs(rows[row : row + 1])[0][0, :, 0]
        level = learner.conformal.level[0]
        n_labels = learner.conformal.n_labels[0]
        learner = learner.learn(rows[row : row + 1])
        excess = np.minimum(np.abs(rows.targets[row] - estimate) / level, 20.0) - 1.0
        long_run = np.maximum(0.01, np.minimum(0.35 / np.sqrt(n_labels + 1.0), 0.05))
        long_run = np.maximum(long_run, np.minimum(7.0 / (n_labels + 1.0), 0.1))
        expected = level + np.maximum(1.0 / (n_labels + 2.0), long_run) * excess * level
        np.testing.assert_allclose(learner.conformal.level[0], expected, rtol=1e-8)


def test_older_readouts_are_scored_at_larger_ages():
    """Weights kept for an age are those of between one and two ages ago."""
    learner, rows = learner_of(), window(1100)
    history, n_compared = [], 0
    for start in range(0, 1100, 4):  # 1,100 rows behind 300
        learner = learner.learn(rows[start : start + 4])
        history.append((learner.n_rows, learner.readout.weights, learner.linear.weights))
        for place, age in enumerate(KEPT_AGES):
            taken = learner.n_rows // age * age - age  # the multiple before the last
            known = {n: weights for n, *weights in history}
            if taken > 300 and taken in known:
                for kept, weights in zip(learner.kept.older, known[taken], strict=True):
                    np.testing.assert_array_equal(kept[place], weights[0])
                    n_compared += 1
    assert n_compared > 100


def test_between_ages_numbers_are_interpolated_and_beyond_them_kept():
    values = np.arange(len(AGES), dtype=float)[:, None]
    ages = np.array([[1.0], [2.0], [3.0], [64.0], [2048.0], [1e6], [np.inf]])
    read = _at_ages(values, np.ones((len(AGES), 1)), ages)[:, 0]
    np.testing.assert_allclose(read, [0, 1, np.log2(3), 6, 11, 11, 11])
    n_labels = (np.arange(len(AGES)) < 4).astype(float)[:, None]  # none beyond age 8 yet
    np.testing.assert_allclose(_at_ages(values, n_labels, ages)[3:, 0], 3.0)
    np.testing.assert_allclose(_at_ages(values, 0.0 * n_labels, ages)[:, 0], 0.0)


def test_the_newest_known_label_and_its_age():
    learner, nan = learner_of(), np.nan
    labels = np.array([[1.0, nan], [nan, nan], [3.0, 4.0], [nan, 5.0]])
    start = learner._newest.copy()
    newest, ages = learner._newest_known(labels)
    np.testing.assert_array_equal(newest[:, 0], [start[0], 1.0, 1.0, 3.0, 3.0])
    np.testing.assert_array_equal(newest[:, 1], [start[1], start[1], start[1], 4.0, 5.0])
    np.testing.assert_array_equal(ages, [[1, 1], [1, 2], [2, 3], [1, 1], [2, 1]])
    rows = window(4)
    rows.targets[...] = labels
    moved = learner.advance(rows)
    np.testing.assert_array_equal(moved._age, [1.0, 0.0])
    np.testing.assert_array_equal(moved._newest, [3.0, 5.0])
    for row in range(4):
        learner = learner.advance(rows[row : row + 1])
    assert content(learner) == content(moved)


def test_without_any_known_label_the_other_experts_share_its_weight():
    learner = learner_of().restarted(anew=True)
    rows = window(3)
    rows.targets[...] = np.nan
    outputs = learner.outputs(rows)[0]
    recurrent, linear, _ = learner.expert_weights()[:, -1]
    readouts = learner._follow(*learner._join(rows), learning=False)[1]
    expected = recurrent * readouts[:, 0] + linear * readouts[:, 1]
    np.testing.assert_allclose(outputs[..., 0], expected / (recurrent + linear), rtol=1e-9)


def test_weights_are_convex():
    learner = learner_of()
    weights = learner.expert_weights()
    assert weights.shape == (len(learner.expert_names), len(AGES), 2)
    assert (weights >= 0.0).all()
    np.testing.assert_allclose(weights.sum(axis=0), 1.0)


def test_rows_taken_in_do_not_reach_a_prediction_in_sample():
    learner, rows = learner_of(), window(200)
    moved = learner.advance(rows)
    assert content(moved.mixing) != content(learner.mixing)
    again = (one.restarted(anew=True).outputs(rows[:20])[0] for one in (learner, moved))
    np.testing.assert_array_equal(*again)
