"""Mixing against a slow reference written label by label, and what it promises."""

from dataclasses import replace
from functools import partial

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


def reference(forecasts, actual, discounts, follows_scale=True):
    """One output of one stream, label by label: mixtures and the last weights of the experts.

    Sums are kept in units of the scale, so that they need not change with it.
    """
    *discounts, of_experts, of_mixtures = discounts
    n_regrets, scale = len(discounts), 0.0
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
        squares = np.square([*f, *mixtures] - y)
        rate = 1 / (n_labels / 2 + 1)
        newest = min(squares[-1], scale + 9 * squares.min())
        scale = (1 - rate) * scale + rate * newest if n_labels else squares.max()
        unit = scale + 1e-12 if follows_scale else 1.0
        for r, discount in enumerate(discounts):
            for e in range(E):
                gain = (mixtures[r] - y) * (mixtures[r] - f[e]) / unit
                regret[r, e] = discount * regret[r, e] + gain
                spread[r, e] = discount * spread[r, e] + gain**2
            weight = np.maximum(unit * regret[r] - 1e-12, 0) / (unit**2 * spread[r] + 1e-12)
            parts[r] = weight / weight.sum() if weight.sum() > 0 else np.full(E, 1 / E)
        most = 25 * (squares.min() + unit * min(losses) / n_labels) if n_labels else np.inf
        losses = of_experts * np.array(losses) + squares[:E] / unit
        n_labels = of_experts * n_labels + 1
        mixture_losses = (
            of_mixtures * np.array(mixture_losses) + np.minimum(squares[E:], most) / unit
        )
        parts[-1], blend = inverse_power(unit * losses), inverse_power(unit * mixture_losses)
    return np.array(said), sum(b * p for b, p in zip(blend, parts, strict=True))


@pytest.mark.parametrize("follows_scale", [True, False])
@pytest.mark.parametrize("discounts", [(0.98,), (), (0.9, 0.99)])
def test_equals_the_slow_reference(stream, discounts, follows_scale):
    forecasts, actual = stream
    of_losses = np.linspace([0.999, 0.995], [0.99, 0.9], M)
    discounts = np.concatenate([np.tile(discounts, (M, 1)), of_losses], axis=1)
    start = Mixing.of(M, E, S, discounts)
    if not follows_scale:
        start = replace(start, scale=np.full_like(start.scale, np.nan))
    mixtures, mixing = walk(forecasts, actual, start)
    for m in range(M):
        for s in range(S):
            said, weights = reference(
                forecasts[:, m, :, s], actual[:, m, s], discounts[m], follows_scale
            )
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
    # Where its regret crosses zero, the mixture by regrets gives a row to the other expert.
    assert (np.abs(mixtures[50:600]) < 0.6).mean() > 0.99
    assert np.abs(mixtures[50:600]).mean() < 0.1
    assert np.abs(mixtures[620:]).mean() < 0.15
    assert mixing.weights[0, 1, 0] > 0.95


def loud_then_calm(n_loud, n_calm):
    """The second of two experts errs twice as much at first, and a tenth as much later."""
    errors = np.ones((n_loud + n_calm, 1, 2, 1))
    errors[:n_loud] *= 10.0
    errors[:n_loud, :, 1] *= 2.0
    errors[n_loud:, :, 1] /= 10.0
    return errors * np.random.default_rng(3).choice([-1.0, 1.0], size=errors.shape)


def test_a_loud_beginning_does_not_decide_for_calm_rows():
    forecasts = loud_then_calm(20, 80)
    _, mixing = walk(forecasts, np.zeros((100, 1, 1)), Mixing.of(1, 2, 1))
    assert mixing.weights[0, 1, 0] > 0.8
    before = replace(Mixing.of(1, 2, 1), scale=np.full((1, 1), np.nan))
    _, before = walk(forecasts, np.zeros((100, 1, 1)), before)
    assert before.weights[0, 1, 0] < 0.2


def test_the_unit_of_the_errors_is_of_no_account(stream):
    forecasts, actual = stream
    _, mixing = walk(forecasts, actual, Mixing.of(M, E, S))
    _, scaled = walk(1e3 * forecasts, 1e3 * actual, Mixing.of(M, E, S))
    np.testing.assert_allclose(scaled.weights, mixing.weights, rtol=1e-6, atol=1e-9)
    np.testing.assert_allclose(scaled.scale, 1e6 * mixing.scale, rtol=1e-6)


def test_a_state_of_the_first_version_is_completed():
    """It knew of no scale; its discounts were those of the regrets."""
    mixing = Mixing.of(M, E, S)
    state = {key: value for key, value in vars(mixing).items() if key != "scale"}
    for regrets in (np.array([0.9]), np.full((M, 1), 0.9)):
        older = object.__new__(Mixing)
        older.__setstate__(state | {"discounts": regrets})
        assert older.discounts.shape == (*regrets.shape[:-1], 3)
        assert (older.discounts == [0.9, 0.999, 0.995]).all()
        assert older.scale.shape == (M, S) and np.isnan(older.scale).all()


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


def test_weights_of_a_step_are_shrunk_to_those_of_all_steps(stream):
    """Against the same written out: far steps, of few labels apart, lean on the others most."""
    (forecasts, actual), steps = stream, np.array([1, 4, 24])
    mixing = Mixing.of(M, E, S)
    for row in range(N_ROWS):
        issued, _ = issue(forecasts[row], mixing.parts, mixing.blend)
        if row < 40:
            actual[row, 2] = np.nan  # whose first labels come later
        error = issued - actual[row][:, None]
        before = mixing.step(error)
        mixing = before.among(forecasts[row], steps)
        seen = mixing.n_labels > 0
        for s in np.flatnonzero(seen.any(axis=0)):
            rows = np.flatnonzero(seen[:, s])
            mean_loss = mixing.loss[..., s] / np.maximum(mixing.n_labels[:, [s]], 1)
            units = mean_loss[:, :E].mean(axis=1)
            mean = partial(np.average, axis=0, weights=np.sqrt(steps[rows]))
            regret = mean([mixing.regret[m, 0, :, s] / units[m] for m in rows])
            spread = mean([mixing.spread[m, 0, :, s] / units[m] ** 2 for m in rows])
            losses = [mean_loss[m, :E] / units[m] for m in rows]
            weight = np.maximum(regret, 0) / (spread + 1e-12)
            weight = weight / weight.sum() if weight.sum() > 0 else np.full(E, 1 / E)
            shared = np.array([weight, inverse_power(mean(losses))])
            for m in range(M):
                own = mixing.n_labels[m, s] / steps[m]
                own = own / (own + 20)
                apart = own_weights(mixing, m, s)
                expected = own * apart + (1 - own) * shared
                np.testing.assert_allclose(mixing.parts[m, ..., s], expected, rtol=1e-6, atol=1e-9)
        np.testing.assert_array_equal(mixing.blend, before.blend)


def own_weights(mixing, m, s):
    regret, spread = mixing.regret[m, 0, :, s], mixing.spread[m, 0, :, s]
    weight = np.maximum(regret - 1e-12, 0) / (spread + 1e-12)
    weight = weight / weight.sum() if weight.sum() > 0 else np.full(E, 1 / E)
    return np.array([weight, inverse_power(mixing.loss[m, :E, s])])
