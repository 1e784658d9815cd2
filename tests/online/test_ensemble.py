"""The simple experts, and that each is scored by what it said in its day."""

import dataclasses

import numpy as np
import pytest

from tsrnn.features.design import ForecastDesign
from tsrnn.features.window import Window
from tsrnn.kernels.numpy_.mixing import issue
from tsrnn.online.experts.ensemble import Ensemble, Repeats
from tsrnn.online.experts.mixing import Mixing, discounts_of

pytestmark = pytest.mark.usefixtures("both_kernels")


@pytest.mark.parametrize("seasons", [(), (4,), (3, 5)])
def test_repeats_are_what_they_say_row_by_row(seasons):
    levels = np.random.default_rng(0).normal(size=(30, 2))
    delays = np.arange(1, 8)
    repeats = Repeats(delays, seasons)
    forecasts = repeats.forecasts(levels, n_rows=9, n_before=21)
    for row in range(9):
        t = 21 + row
        for m, h in enumerate(delays):
            said = [levels[t]]
            for season in seasons:
                past = t + h
                while past > t:
                    past -= season
                said.append(levels[past])
            if seasons:
                said.append(said[-1] + levels[t] - levels[t - seasons[-1]])
            np.testing.assert_allclose(forecasts[row, m], said, rtol=1e-12)
    assert len(repeats.names) == forecasts.shape[2]


def test_the_mixture_learns_from_what_was_said_when_the_label_was_still_to_come():
    rng = np.random.default_rng(0)
    values = rng.normal(size=(60, 1))
    record = Window(values, np.zeros((60, 0)), np.zeros((60, 0)))
    design = ForecastDesign.of(record, horizon=3, lags=2, seasons=(5,))
    padded, first = record.padded(design.reach), design.reach
    skip = design.skip(padded, first, len(padded))
    recurrent = rng.normal(size=(60, 1, 3))
    ensemble, mixtures = Ensemble.of(design, 0.99, None).follow(
        recurrent, skip, padded.levels, design.labels(padded, first), learning=True
    )
    start = Ensemble.of(design, 0.99, None)
    linear, per_step, said = start.linear, start.per_step, []
    repeats = Repeats(design.delays, (5,)).forecasts(padded.levels, 60, 0)
    smoothing, names = start.smoothing, ensemble.names
    n_repeats = len(start.repeats.names)
    mixing = Mixing.of(3, len(names), 1, discounts_of(design.delays))
    for t in range(60):
        seen = skip[t : t + 1, :, design.autoregression]
        linear = linear.learn(seen, values[t : t + 1], values[t : t + 1, :, None])
        per_step, of_steps, _ = per_step.follow(values[t : t + 1], values[t : t + 1], True)
        if t:
            past = [
                said[t - h][h - 1] if t >= h else np.full_like(said[0][0], np.nan)
                for h in (1, 2, 3)
            ]
            mixing = mixing.step(np.array(past) - values[t])
        forecasts = np.empty((3, len(ensemble.names), 1))
        forecasts[:, 0] = recurrent[t].T
        forecasts[:, 1] = (linear.output(seen)[0] + values[t]).T
        forecasts[:, 2] = of_steps[0].T
        smoothing, smoothed = smoothing.follow(values[t : t + 1])
        forecasts[:, 3 : 3 + n_repeats] = repeats[t]
        forecasts[:, 3 + n_repeats :] = smoothed[0]
        mixing = mixing.among(forecasts, design.delays)
        issued, mixture = issue(forecasts, mixing.parts, mixing.blend)
        said.append(issued)
        np.testing.assert_allclose(mixtures[t], mixture.T, rtol=1e-9)
    np.testing.assert_allclose(ensemble.mixing.weights, mixing.weights, rtol=1e-8)


def test_where_inputs_are_known_ahead_small_readouts_follow_what_these_leave():
    rng = np.random.default_rng(3)
    inputs, values = rng.normal(size=(60, 2)), rng.normal(size=(60, 1))
    record = Window(values, inputs, np.zeros((60, 0)))
    design = ForecastDesign.of(record, horizon=3, lags=2, seasons=(5,), future=[0, 1])
    padded, first = record.padded(design.reach), design.reach
    skip, recurrent = design.skip(padded, first, len(padded)), rng.normal(size=(2, 60, 1, 3))
    start, labels = Ensemble.of(design, 0.99, None), design.labels(padded, first)
    ahead = inputs, design.arrived(padded, first)[:, 0]
    of_recurrent = recurrent[0], rng.normal(size=(60, 1, 3, 4)), recurrent[1]
    rows = of_recurrent, skip, padded.levels, labels, True, ahead
    ensemble, _ = start.follow_ahead(*rows)
    adjusted, expert = np.empty((60, 1)), start.adjusted
    for row in range(60):
        now = slice(row, row + 1)
        expert, _, _ = expert.follow(labels[now], values[now], skip[now, :, -1:], inputs[now])
        adjusted[row] = values[row] - (expert.effect * inputs[row]).sum(axis=1)
    alone, _, _ = start.per_step.follow(adjusted, adjusted, True, inputs)
    np.testing.assert_allclose(ensemble.per_step.weights, alone.weights, rtol=1e-9, atol=1e-12)
    without = Ensemble.of(dataclasses.replace(design, future=[]), 0.99, None)
    alone, _, _ = without.per_step.follow(values, values, True)  # and what knows of no inputs
    np.testing.assert_array_equal(ensemble.per_step_without.weights, alone.weights)


def test_what_inputs_do_is_put_back_where_they_are_known_ahead():
    rng = np.random.default_rng(4)
    inputs, season = rng.normal(size=(300, 1)), np.tile([1.0, 5.0, 2.0], 100)[:, None]
    record = Window(season + 3.0 * inputs, inputs, np.zeros((300, 0)))
    design = ForecastDesign.of(record, horizon=4, lags=2, seasons=(3,), future=[0])
    padded, first = record.padded(design.reach), design.reach
    effects = np.zeros((300, 1, 4, 2))
    effects[..., 0] = 3.0
    ahead = inputs, design.arrived(padded, first)[:, 0]
    rows = (
        (np.zeros((300, 1, 4)), effects, np.zeros((300, 1, 4))),
        design.skip(padded, first, len(padded)),
    )
    labels = design.labels(padded, first)
    _, (constant, mixed) = Ensemble.of(design, 0.999, None).follow_ahead(
        *rows, padded.levels, labels, True, ahead
    )
    following = np.array([[1.0], [-1.0], [2.0], [0.0]])
    known = design.ahead(padded, len(padded) - 1, following)[0]
    forecast = constant[-1] + (mixed[-1] * known).sum(axis=-1)
    expected = [1.0 + 3.0, 5.0 - 3.0, 2.0 + 6.0, 1.0]
    # the mixture keeps a little on experts that know nothing of the inputs
    np.testing.assert_allclose(forecast[0], expected, atol=0.3)


def test_weights_move_while_nothing_is_learnt():
    rng = np.random.default_rng(0)
    record = Window(rng.normal(size=(60, 1)), np.zeros((60, 0)), np.zeros((60, 0)))
    design = ForecastDesign.of(record, horizon=2, lags=2, seasons=())
    padded, first = record.padded(design.reach), design.reach
    skip = design.skip(padded, first, len(padded))
    start = Ensemble.of(design, 0.99, None)
    args = rng.normal(size=(60, 1, 2)), skip, padded.levels, design.labels(padded, first)
    ensemble, _ = start.follow(*args, learning=False)
    np.testing.assert_array_equal(ensemble.linear.weights, start.linear.weights)
    np.testing.assert_array_equal(ensemble.per_step.weights, start.per_step.weights)
    assert (ensemble.mixing.weights != start.mixing.weights).all()
    np.testing.assert_allclose(start.mixing.weights, 1 / len(start.names))


@pytest.mark.parametrize("n_rows", [3, 4, 5, 6])
def test_experts_of_a_season_sleep_until_it_has_been_seen(n_rows):
    record = Window(np.arange(9.0)[:, None] % 4, np.zeros((9, 0)), np.zeros((9, 0)))
    design = ForecastDesign.of(record, horizon=2, lags=2, seasons=(4,))
    padded, first = record[:n_rows].padded(design.reach), design.reach
    skip = design.skip(padded, first, len(padded))
    ensemble, _ = Ensemble.of(design, 0.99, None).follow(
        np.zeros((n_rows, 1, 2)), skip, padded.levels, design.labels(padded, first), True
    )
    weights = dict(zip(ensemble.names, ensemble.weights[:, 0, 0], strict=True))
    assert (weights["seasonal_naive_4"] > 0) == (weights["holt_winters_4"] > 0) == (n_rows >= 4)
    assert (weights["seasonal_change_4"] > 0) == (n_rows >= 5)
    assert sum(weights.values()) == pytest.approx(1.0)
