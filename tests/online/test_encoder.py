"""The recurrent encoder: what is left for the network, and that encoders are values."""

import numpy as np
import pytest
from helpers import content

from tsrnn.features.design import ForecastDesign
from tsrnn.features.window import Window
from tsrnn.nn import Network, Squared
from tsrnn.online.encoder import RecurrentEncoder, _training_arrays
from tsrnn.online.training import TrainingSettings

H, S, M, WINDOW = 4, 2, 3, 12
SETTINGS = TrainingSettings(
    window_size=8,
    warmup=4,
    batch_size=4,
    max_iter=5,
    learning_rate=0.01,
    early_stopping=True,
    loss=Squared(),
)


@pytest.fixture
def window():
    rng = np.random.default_rng(0)
    return rng.normal(size=(WINDOW, S, 2)), rng.normal(size=(WINDOW, S, 5))


@pytest.fixture
def encoder():
    network = Network(2, H, dtype=np.float64, random_state=0)
    return RecurrentEncoder(
        network, np.array([0.5, 1.0, 2.0]), np.ones(S), SETTINGS, [], np.arange(3)
    )


@pytest.fixture
def weights():
    return np.random.default_rng(1).normal(size=(S, M, H + 5))


def test_nothing_is_left_to_learn_where_the_readout_explains_all(encoder, window, weights):
    inputs, skip = window
    hidden, _ = encoder.encode(inputs)
    features = np.concatenate([hidden, skip], axis=2)
    targets = np.matmul(weights, features[..., None])[..., 0]
    same = encoder.learn(inputs, skip, targets, weights)
    for after, before in zip(same.network.weights, encoder.network.weights, strict=True):
        np.testing.assert_allclose(after, before, atol=1e-6)
    changed = encoder.learn(inputs, skip, targets + 1.0, weights)
    assert (np.abs(changed.network.weights[0] - encoder.network.weights[0]) > 1e-5).any()


def test_learning_brings_the_forecast_nearer(encoder, window, weights):
    inputs, skip = window
    targets = np.random.default_rng(2).normal(size=(WINDOW, S, M))

    def loss(encoder):
        hidden, _ = encoder.encode(inputs)
        features = np.concatenate([hidden, skip], axis=2)
        errors = targets - np.matmul(weights, features[..., None])[..., 0]
        return np.square(errors[4:] / encoder.scale).mean()

    start = loss(encoder)
    for _ in range(20):
        encoder = encoder.learn(inputs, skip, targets, weights)
    assert loss(encoder) < start


def test_an_encoder_is_a_value(encoder, window, weights):
    inputs, skip = window
    targets = np.zeros((WINDOW, S, M))
    encoder = encoder.learn(inputs, skip, targets, weights)  # an optimizer with moments
    before = content(encoder)
    encoder.encode(inputs)
    encoder.learn(inputs, skip, targets, weights)
    encoder.restarted()
    assert content(encoder) == before


def test_the_state_is_carried_and_forgotten(encoder, window):
    inputs, _ = window
    whole, _ = encoder.encode(inputs)
    first, later = encoder.encode(inputs[:5])
    np.testing.assert_array_equal(np.concatenate([first, later.encode(inputs[5:])[0]]), whole)
    np.testing.assert_array_equal(later.restarted().encode(inputs)[0], whole)


def test_the_network_is_left_what_ridge_regression_does_not_explain():
    rng = np.random.default_rng(0)
    values = np.zeros((5000, 1))
    for t in range(2, 5000):  # AR(2): lags explain all but the noise, over more than one block
        values[t] = 1.2 * values[t - 1] - 0.5 * values[t - 2] + rng.normal()
    values[100] = np.nan
    record = Window(values, np.zeros((5000, 0)), np.zeros((5000, 0)))
    design = ForecastDesign.of(record, horizon=1, lags=3, seasons=())
    _, residual, scale, noise = _training_arrays(design, record.padded(design.reach), np.float64)
    assert noise == pytest.approx([1.0], rel=0.05)
    residual = residual * scale
    assert residual.shape == (5000, 1, 1)
    assert np.isnan(residual[[99, 4999]]).all()
    assert np.isfinite(np.delete(residual, [99, 4999], axis=0)).all()
    for part in (residual[200:2000], residual[4200:4999]):
        assert np.mean(part**2) == pytest.approx(1.0, rel=0.15)
