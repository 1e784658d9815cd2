"""Mixing against a slow reference written label by label, and what it promises."""

import numpy as np
import pytest
from helpers import content

from tsrnn.features.scored_steps import ScoredSteps
from tsrnn.kernels.numpy_.mixing import issue
from tsrnn.online.experts.mixing import Mixing

pytestmark = pytest.mark.usefixtures("both_kernels")

M, E, S, N_ROWS = 3, 4, 2, 80


@pytest.fixture
def stream():
    """Forecasts (n, M, E, S) of experts of different worth, and labels (n, M, S) with gaps."""
    rng = np.random.default_rng(0)
    actual = rng.normal(size=(N_ROWS, M, S))
    noise = rng.normal(size=(N_ROWS, M, E, S)) * np.array([0.2, 0.5, 1.0, 3.0])[:, None]
    forecasts = actual[:, :, None] + noise
    actual[rng.random(actual.shape) < 0.2] = np.nan
    return forecasts, actual


def walk(forecasts, actual, mixing):
    mixtures = []
    for row in range(len(forecasts)):
        issued, mixture = issue(forecasts[row], mixing.parts, mixing.blend)
        mixtures.append(mixture)
        mixing = mixing.step(issued - actual[row][:, None])
    return np.array(mixtures), mixing


def inverse_power(losses):
    share = (min(losses) + 1e-12) / (np.array(losses) + 1e-12)
    return share**8 / (share**8).sum()


def reference(forecasts, actual, discounts):
    """One output of one stream, label by label: mixtures and the last weights of the experts."""
    n_regrets = len(discounts)
    regret, spread = np.zeros((2, n_regrets, E))
    losses, mixture_losses, n_labels = [0.0] * E, [0.0] * (n_regrets + 1), 0.0
    parts, blend = (
        [np.full(E, 1 / E)] * (n_regrets + 1),
        np.full(n_regrets + 1, 1 / (n_regrets + 1)),
    )
    said = []
    for f, y in zip(forecasts, actual, strict=True):
        mixtures = [p @ f for p in parts]
        said.append(blend @ mixtures)
        if np.isnan(y):
            continue
        for r, discount in enumerate(discounts):
            for e in range(E):
                gain = (mixtures[r] - y) * (mixtures[r] - f[e])
                regret[r, e] = discount * regret[r, e] + gain
                spread[r, e] = discount * spread[r, e] + gain**2
            weight = np.maximum(regret[r] - 1e-12, 0) / (spread[r] + 1e-12)
            parts[r] = weight / weight.sum() if weight.sum() > 0 else np.full(E, 1 / E)
        least = min((v - y) ** 2 for v in [*f, *mixtures])
        most = 25 * (least + min(losses) / n_labels) if n_labels else np.inf
        losses = [0.999 * loss + (v - y) ** 2 for loss, v in zip(losses, f, strict=True)]
        n_labels = 0.999 * n_labels + 1
        mixture_losses = [
            0.995 * loss + min((v - y) ** 2, most)
            for loss, v in zip(mixture_losses, mixtures, strict=True)
        ]
        parts[-1], blend = inverse_power(losses), inverse_power(mixture_losses)
    return np.array(said), sum(b * p for b, p in zip(blend, parts, strict=True))


@pytest.mark.parametrize("discounts", [(0.98,), (), (0.9, 0.99)])
def test_equals_the_slow_reference(stream, discounts):
    forecasts, actual = stream
    mixtures, mixing = walk(forecasts, actual, Mixing.of(M, E, S, discounts))
    for m in range(M):
        for s in range(S):
            said, weights = reference(forecasts[:, m, :, s], actual[:, m, s], discounts)
            np.testing.assert_allclose(mixtures[:, m, s], said, rtol=1e-9)
            np.testing.assert_allclose(mixing.weights[m, :, s], weights, rtol=1e-9, atol=1e-12)


def test_is_a_convex_combination(stream):
    mixtures, mixing = walk(*stream, Mixing.of(M, E, S))
    assert (mixing.weights >= 0).all()
    np.testing.assert_allclose(mixing.weights.sum(axis=1), 1.0)
    assert (mixtures >= stream[0].min(axis=2) - 1e-12).all()
    assert (mixtures <= stream[0].max(axis=2) + 1e-12).all()


def test_is_as_good_as_the_best_expert_and_better_where_experts_complement_each_other():
    rng = np.random.default_rng(1)
    actual = rng.normal(size=(3000, 1, 1))
    noise = rng.normal(size=(3000, 1, 3, 1))
    forecasts = actual[:, :, None] + noise * np.array([1.0, 1.0, 4.0])[:, None]
    mixtures, _ = walk(forecasts, actual, Mixing.of(1, 3, 1))
    late = slice(500, None)
    errors = ((forecasts - actual[:, :, None])[late] ** 2).mean(axis=(0, 1, 3))
    assert ((mixtures - actual)[late] ** 2).mean() < 0.65 * errors.min()  # 0.5 is the best mixture
    forecasts[:, :, 1:] += 4.0
    mixtures, _ = walk(forecasts, actual, Mixing.of(1, 3, 1))
    errors = ((forecasts - actual[:, :, None])[late] ** 2).mean(axis=(0, 1, 3))
    assert ((mixtures - actual)[late] ** 2).mean() < 1.05 * errors.min()


def test_follows_the_expert_that_has_become_the_best():
    rng = np.random.default_rng(2)
    forecasts = rng.normal(size=(1200, 1, 2, 1)) * 0.1
    forecasts[:600, :, 1] += 3.0
    forecasts[600:, :, 0] += 3.0
    mixtures, mixing = walk(forecasts, np.zeros((1200, 1, 1)), Mixing.of(1, 2, 1))
    assert np.abs(mixtures[50:600]).max() < 0.6
    assert np.abs(mixtures[620:]).mean() < 0.15
    assert mixing.weights[0, 1, 0] > 0.95


@pytest.mark.parametrize("woken_at", [20, 60])
def test_an_expert_that_sleeps_changes_nothing_until_it_wakes(stream, woken_at):
    forecasts, actual = stream
    asleep = np.full_like(forecasts[:, :, :1], np.nan)
    asleep[woken_at:] = forecasts[woken_at:, :, :1]
    waiting = np.full((N_ROWS + M, M, E + 3, S), np.nan)
    scored = ScoredSteps.of(M)
    more = np.concatenate([forecasts, asleep], axis=2)
    labels = actual[:, :1].swapaxes(1, 2)
    start = Mixing.of(M, E + 1, S)
    mixed, mixtures = start.follow(more[:woken_at], waiting[: woken_at + M], labels, scored)
    alone = np.full((woken_at + M, M, E + 2, S), np.nan)
    same, expected = Mixing.of(M, E, S).follow(forecasts[:woken_at], alone, labels, scored)
    np.testing.assert_allclose(mixtures, expected, rtol=1e-9)
    np.testing.assert_allclose(mixed.weights[:, :E], same.weights, rtol=1e-9, atol=1e-12)
    assert (mixed.weights[:, E] == 0.0).all()
    awake, _ = start.follow(more, np.full_like(waiting, np.nan, shape=(N_ROWS + M, M, E + 3, S)),
                            labels, scored)  # fmt: skip
    assert (awake.weights[:, E] > 0.0).all()
    np.testing.assert_allclose(awake.weights.sum(axis=1), 1.0)


def test_streams_are_independent_of_each_other(stream):
    forecasts, actual = stream
    whole, _ = walk(forecasts, actual, Mixing.of(M, E, S))
    alone, _ = walk(forecasts[..., 1:], actual[..., 1:], Mixing.of(M, E, 1))
    np.testing.assert_array_equal(whole[..., 1:], alone)


def test_a_missing_label_and_what_was_never_said_change_nothing(stream):
    forecasts, actual = stream
    _, mixing = walk(forecasts, actual, Mixing.of(M, E, S))
    unknown = np.full_like(mixing.loss, np.nan)
    assert content(mixing.step(unknown)) == content(mixing)


def test_experts_that_are_all_exact_stay_finite():
    mixing = Mixing.of(1, 3, 1)
    for _ in range(100):
        mixing = mixing.step(np.zeros((1, 5, 1)))
    np.testing.assert_allclose(mixing.weights, 1 / 3)
