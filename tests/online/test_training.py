"""Training on a history: gradients, masks, early stopping, and steps that scale with rows."""

import dataclasses

import numpy as np
import pytest

from tsrnn.nn import Network, Squared
from tsrnn.online import training
from tsrnn.online.training import TrainingSettings, train

SETTINGS = TrainingSettings(
    window_size=10,
    warmup=5,
    batch_size=8,
    max_iter=1000,
    learning_rate=0.01,
    early_stopping=False,
    loss=Squared(),
)


def network(**kwargs):
    return Network(1, 5, dtype=np.float64, random_state=0, **kwargs)


def history(n_rows=400):
    rng = np.random.default_rng(0)
    inputs = rng.normal(size=(n_rows, 1, 1))
    targets = np.roll(inputs, 1, axis=0) * inputs  # needs a memory and a product
    targets[n_rows // 2] = np.nan
    return inputs, targets


@pytest.mark.parametrize("cell", ["rnn", "lstm", "gru"])
def test_the_gradient_of_a_window_agrees_with_finite_differences(cell):
    rng = np.random.default_rng(0)
    net = network(cell=cell)
    head = rng.normal(size=(2, 5))
    inputs, targets = rng.normal(size=(7, 1, 3)), rng.normal(size=(3, 2, 4))
    targets[0, 1, 2] = np.nan
    arguments = head, inputs, targets, 3, Squared()
    _, d_head = training.bptt_step(net, *arguments)
    grads = [*[g.copy() for g in net.weight_grads], d_head]
    for weight, grad in zip([*net.weights, head], grads, strict=True):
        numeric = np.empty_like(weight)
        for i in np.ndindex(weight.shape):
            kept, step = weight[i], 1e-6
            values = []
            for sign in (1, -1):
                weight[i] = kept + sign * step
                values.append(training.bptt_step(net, *arguments)[0])
            weight[i] = kept
            numeric[i] = (values[0] - values[1]) / (2 * step)
        np.testing.assert_allclose(grad, numeric, rtol=1e-6, atol=1e-8)


def test_a_head_for_each_window_is_the_shared_head_where_they_are_equal():
    rng = np.random.default_rng(0)
    head, inputs, targets = rng.normal(size=(2, 5)), rng.normal(size=(7, 1, 3)), np.ones((3, 2, 4))
    net = network()
    shared, _ = training.bptt_step(net, head, inputs, targets, 3, Squared())
    grad = net.weight_grads[0].copy()
    own, _ = training.bptt_step(net, np.stack([head] * 3), inputs, targets, 3, Squared())
    assert own == pytest.approx(shared, rel=1e-12)
    np.testing.assert_allclose(net.weight_grads[0], grad, rtol=1e-12)


def test_it_learns_what_needs_a_memory():
    curve = train(network(), *history(3000), SETTINGS, np.random.default_rng(0))
    assert np.mean(curve[-20:]) < 0.5 * np.mean(curve[:20])


@pytest.mark.parametrize(("n_rows", "n_steps"), [(400, 40), (25, 2), (5, 1), (2, 1)])
def test_short_histories_get_fewer_steps(n_rows, n_steps):
    for early_stopping in (False, True):
        settings = dataclasses.replace(SETTINGS, early_stopping=early_stopping)
        curve = train(network(), *history(n_rows), settings, np.random.default_rng(0))
        assert len(curve) == n_steps


def test_early_stopping_restores_the_weights_that_were_best(monkeypatch):
    net, seen, scores = network(), [], iter([3.0, 1.0, 2.0, 4.0])

    def evaluate(network, *_):
        seen.append([w.copy() for w in network.weights])
        return next(scores)

    monkeypatch.setattr(training, "_evaluate", evaluate)
    settings = dataclasses.replace(SETTINGS, early_stopping=True, max_iter=80)
    train(net, *history(3000), settings, np.random.default_rng(0))
    for weight, best in zip(net.weights, seen[1], strict=True):
        np.testing.assert_array_equal(weight, best)


def test_early_stopping_gives_up_without_improvement(monkeypatch):
    monkeypatch.setattr(training, "_evaluate", lambda *_: 1.0)
    settings = dataclasses.replace(SETTINGS, early_stopping=True)
    curve = train(network(), *history(10000), settings, np.random.default_rng(0))
    assert len(curve) == training.EVALUATE_EVERY * (training.PATIENCE + 2)


def test_validation_rows_are_not_trained_on():
    inputs, targets = history(1000)
    spoilt = targets.copy()
    spoilt[850:] = 1e6
    settings = dataclasses.replace(SETTINGS, early_stopping=True, max_iter=19)
    curves = [
        train(network(), inputs, y, settings, np.random.default_rng(0)) for y in (targets, spoilt)
    ]
    assert curves[0] == curves[1]
