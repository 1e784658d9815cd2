"""The autoregression of a stream adjusted for its inputs: effects, lags, and any split."""

import numpy as np
import pytest
from helpers import content

from tsrnn.online.experts.adjusted import AdjustedLinear, before_step
from tsrnn.online.readouts.future import FutureRLS
from tsrnn.online.readouts.rls import DelayedRLS

pytestmark = pytest.mark.usefixtures("both_kernels")

LAGS, DELAYS = 3, [1, 2, 4]


@pytest.fixture
def stream():
    rng = np.random.default_rng(1)
    inputs, values = rng.normal(size=(60, 2)), rng.normal(size=(60, 2))
    values[20:23, 0] = values[40, 1] = np.nan
    levels = np.zeros_like(values)  # before the first value
    for row, value in enumerate(values):
        levels[row] = np.where(np.isnan(value), levels[max(row - 1, 0)], value)
    return values[..., None], levels, rng.normal(size=(60, 2, 1)), inputs


def blank():
    return AdjustedLinear(2, 2, LAGS, 1, DELAYS, 0.99, ridge=np.array([1.0, 0.5]))


def features_of(values, came_with, effect, others):
    """Lags, newest value and others, (S, K), of values adjusted one by one."""
    adjusted = [
        value - (effect * x).sum(axis=1) for value, x in zip(values, came_with, strict=True)
    ]
    lags = np.stack([adjusted[-1 - lag] - adjusted[-1] for lag in range(1, LAGS + 1)], axis=1)
    return np.concatenate([lags, adjusted[-1][:, None], others], axis=1)


def test_all_lags_are_adjusted_by_the_newest_effects(stream):
    """Row by row, from lists of the values and of the inputs that they came with."""
    labels, levels, others, inputs = stream
    _, forecasts, (base, left, effects) = blank().follow(*stream)
    readout = DelayedRLS(2, LAGS + 2, DELAYS, 0.99, np.array([1.0, 0.5]))
    learnt = FutureRLS(2, LAGS + 2 + 6, [1], 0.99, 2, np.array([1.0, 0.5]))
    came_with = [np.repeat(inputs[:1], 2, axis=0)] * LAGS
    values, effect, errors = [levels[0]] * LAGS, np.zeros((2, 2)), [[], []]
    constant = np.zeros(2)
    for row in range(60):
        known = np.isfinite(labels[row])
        came_with.append(np.where(known, inputs[row], came_with[-1]))
        values.append(levels[row])
        for stream in range(2):
            if row and known[stream, 0]:
                due = learnt.effect_weights[stream, 0] @ inputs[row]
                errors[stream].append(labels[row, stream, 0] - constant[stream] - due)
        seen = features_of(values, came_with, effect, others[row])
        wide = np.concatenate([seen, before_step(np.array(came_with[-1 - LAGS :]))], axis=1)
        newest = seen[:, LAGS]
        learnt = learnt.learn(wide[None], newest[None], labels[[row]], inputs[[row], None, None])
        constant = newest + (learnt.weights[:, 0] * wide).sum(axis=1)
        effect = learnt.effect_weights[:, 0].copy()  # what a row has taught counts for itself
        for stream, unit in enumerate(learnt.effects.covariance):
            for f in range(2):
                variance = np.mean(np.square(errors[stream] or [0.0])) * unit[f, f]
                kept = 1.0 - 2.0 * variance / max(effect[stream, f] ** 2, 1e-300)
                effect[stream, f] *= max(kept, 0.0)
        seen = features_of(values, came_with, effect, others[row])
        newest, own = seen[:, LAGS], labels[row, :, 0] - effect @ inputs[row]
        readout = readout.learn(seen[None], newest[None], own[None, :, None])
        np.testing.assert_allclose(base[row], newest, rtol=1e-9, atol=1e-12)
        np.testing.assert_allclose(left[row], own, rtol=1e-9, atol=1e-12)
        np.testing.assert_allclose(effects[row], effect, rtol=1e-8, atol=1e-10)
        expected = newest[:, None] + readout.output(seen[None])[0]
        np.testing.assert_allclose(forecasts[row], expected, rtol=1e-8, atol=1e-10)


@pytest.mark.parametrize("learning", [True, False])
@pytest.mark.parametrize("cuts", [[30], [1, 2, 3, 21, 58], list(range(1, 60))])
def test_any_split_gives_the_same_expert(stream, cuts, learning):
    start, _, _ = blank().follow(*stream)
    before = content(start)
    whole, expected, _ = start.follow(*stream, learning)
    parts, found = start, []
    for first, stop in zip([0, *cuts], [*cuts, 60], strict=True):
        rows = slice(first, stop)
        parts, forecasts, _ = parts.follow(*(a[rows] for a in stream), learning)
        found.append(forecasts)
    np.testing.assert_array_equal(np.concatenate(found), expected)
    assert content(whole) == content(parts)
    assert content(start) == before


def test_a_restart_keeps_what_was_learnt_and_forgets_rows(stream):
    expert, _, _ = blank().follow(*stream)
    again = expert.restarted()
    np.testing.assert_array_equal(again.effect, expert.effect)
    other = tuple(2.0 * a for a in stream)
    np.testing.assert_array_equal(
        again.follow(*stream, False)[1],
        expert.follow(*other, False)[0].restarted().follow(*stream, False)[1],
    )


@pytest.mark.parametrize("seed", range(3))
def test_an_input_that_follows_the_year_is_not_given_what_the_year_does(seed):
    """Only what the temperature is beyond its season acts, by 2; the season is no input."""
    rng, n = np.random.default_rng(seed), 1000
    weather = np.zeros(n)
    for t in range(1, n):
        weather[t] = 0.7 * weather[t - 1] + rng.normal(scale=3.0)
    season = -9.0 * np.cos(2 * np.pi * np.arange(n) / 365.25)
    values = (2.0 * weather + rng.normal(scale=5.0, size=n))[:, None] / 10.0
    expert = AdjustedLinear(1, 1, 24, 1, [1], 1.0)
    temperature = (weather + season)[:, None] / 10.0
    expert, _, _ = expert.follow(values[..., None], values, np.ones((n, 1, 1)), temperature)
    np.testing.assert_allclose(expert.effect, 2.0, atol=0.25)
