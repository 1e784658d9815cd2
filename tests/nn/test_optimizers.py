"""Steps worked out by hand, saved and copied optimizers, clipping. See also test_torch.py."""

import numpy as np
import pytest

from tsrnn.nn import SGD, Adam, clip_by_global_norm

OPTIMIZERS = [SGD(0.1, 0.9), SGD(0.1, 0.5, nesterov=True), Adam(0.1)]
each_optimizer = pytest.mark.parametrize("optimizer", OPTIMIZERS, ids=["sgd", "nesterov", "adam"])


def test_momentum_by_hand():
    optimizer, weight = SGD(0.1, 0.5), np.array([1.0])
    optimizer.step([weight], [np.array([2.0])])  # velocity 2
    assert weight[0] == pytest.approx(0.8)
    optimizer.step([weight], [np.array([1.0])])  # velocity 0.5 * 2 + 1 = 2
    assert weight[0] == pytest.approx(0.6)


def test_nesterov_by_hand():
    optimizer, weight = SGD(0.1, 0.5, nesterov=True), np.array([1.0])
    optimizer.step([weight], [np.array([2.0])])  # 2 + 0.5 * 2 = 3
    assert weight[0] == pytest.approx(0.7)


def test_adam_by_hand():
    optimizer, weight = Adam(0.1, betas=(0.5, 0.75), epsilon=1.0), np.array([1.0])
    optimizer.step([weight], [np.array([2.0])])  # m̂ = 2, v̂ = 4
    assert weight[0] == pytest.approx(1 - 0.1 * 2 / 3)
    optimizer.step([weight], [np.array([0.0])])  # m = 0.5, v = 0.75
    m, v = 0.5 / 0.75, 0.75 / (1 - 0.75**2)
    assert weight[0] == pytest.approx(1 - 0.1 * 2 / 3 - 0.1 * m / (np.sqrt(v) + 1))


def take_steps(optimizer, weights, count, seed):
    rng = np.random.default_rng(seed)
    for _ in range(count):
        optimizer.step(weights, [rng.normal(size=weight.shape) for weight in weights])


def make_weights():
    return [np.ones((2, 3)), np.ones(4)]


@each_optimizer
def test_saved_and_copied_optimizers_go_on_alike(optimizer):
    optimizer, weights = optimizer.copy(), make_weights()
    take_steps(optimizer, weights, 3, seed=0)
    saved, copied = optimizer.state_dict(), optimizer.copy()
    restored = type(optimizer).__new__(type(optimizer))
    restored.__dict__ = optimizer.copy().__dict__ | {"n_steps": 0, "slots": {}}
    restored.load_state_dict(saved, weights)
    twins = [[weight.copy() for weight in weights] for _ in range(2)]
    take_steps(optimizer, weights, 3, seed=1)
    take_steps(copied, twins[0], 3, seed=1)
    take_steps(restored, twins[1], 3, seed=1)
    for weight, *others in zip(weights, *twins, strict=True):
        assert all(np.array_equal(weight, other) for other in others)


@each_optimizer
def test_unused_optimizer_can_be_saved(optimizer):
    saved = optimizer.copy().state_dict()
    used, weights = optimizer.copy(), make_weights()
    take_steps(used, weights, 2, seed=0)
    used.load_state_dict(saved, weights)
    fresh, twins = optimizer.copy(), [weight.copy() for weight in weights]
    take_steps(used, weights, 2, seed=1)
    take_steps(fresh, twins, 2, seed=1)
    assert all(np.array_equal(*pair) for pair in zip(weights, twins, strict=True))


@each_optimizer
def test_learning_rate_of_one_step(optimizer):
    optimizer, scheduled = optimizer.copy(), optimizer.copy()
    weights, twins, grads = make_weights(), make_weights(), make_weights()
    scheduled.step(twins, grads, learning_rate=0.05)
    optimizer.step(weights, grads)
    for weight, twin in zip(weights, twins, strict=True):
        assert np.allclose(1 - weight, 2 * (1 - twin), rtol=1e-12)
    assert scheduled.learning_rate == 0.1


@each_optimizer
def test_step_writes_in_place_keeps_dtype_and_leaves_gradients(optimizer):
    weights = [np.ones((2, 3), np.float32)]
    grads = [np.full((2, 3), 0.5, np.float32)]
    optimizer.copy().step(weights, grads)
    assert np.all(weights[0] < 1)
    assert weights[0].dtype == np.float32
    assert np.all(grads[0] == 0.5)


@each_optimizer
def test_mismatch_changes_nothing(optimizer):
    optimizer, weights = optimizer.copy(), make_weights()
    take_steps(optimizer, weights, 1, seed=0)
    before, saved = [weight.copy() for weight in weights], optimizer.state_dict()
    with pytest.raises(ValueError, match="must match"):
        optimizer.step(weights, weights[:1])
    with pytest.raises(ValueError, match="must match"):
        optimizer.step(weights[:1], weights[:1])
    with pytest.raises(ValueError, match="must match"):
        optimizer.step([weights[0].T, weights[1]], [weights[0].T, weights[1]])
    with pytest.raises(ValueError, match="learning_rate"):
        optimizer.step(weights, weights, learning_rate=-1)
    assert all(np.array_equal(*pair) for pair in zip(weights, before, strict=True))
    for key, value in optimizer.state_dict().items():
        assert np.array_equal(value, saved[key])


@each_optimizer
def test_bad_state_dict_changes_nothing(optimizer):
    optimizer, weights = optimizer.copy(), make_weights()
    take_steps(optimizer, weights, 1, seed=0)
    saved = optimizer.state_dict()
    key = next(reversed(saved))
    for bad in [
        {k: v for k, v in saved.items() if k != key},
        saved | {"other": np.ones(1)},
        saved | {key: np.ones(9)},
        saved | {key: np.full(4, np.nan)},
        saved | {"n_steps": -1},
    ]:
        with pytest.raises(ValueError):
            optimizer.load_state_dict(bad, weights)
    for k, value in optimizer.state_dict().items():
        assert np.array_equal(value, saved[k])


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: SGD(0), "learning_rate must be a positive"),
        (lambda: SGD(momentum=1), r"momentum must lie in \[0, 1\)"),
        (lambda: Adam(np.nan), "learning_rate must be a positive"),
        (lambda: Adam(betas=(0.9, 1)), "betas must be two numbers"),
        (lambda: Adam(epsilon=0), "epsilon must be a positive"),
    ],
)
def test_bad_options(make, message):
    with pytest.raises(ValueError, match=message):
        make()


def test_clip_by_global_norm():
    grads = [np.array([[3.0], [0.0]]), np.array([4.0])]
    assert clip_by_global_norm(grads, 10) == 5
    assert grads[0][0, 0] == 3
    assert clip_by_global_norm(grads, 2.5) == 5
    assert np.allclose(np.concatenate([g.ravel() for g in grads]), [1.5, 0, 2])
    assert clip_by_global_norm([], 1) == 0
    with pytest.raises(ValueError, match="max_norm"):
        clip_by_global_norm(grads, 0)


@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_clip_reports_what_is_not_finite_and_leaves_it(bad):
    grads = [np.array([bad]), np.array([4.0])]
    assert not np.isfinite(clip_by_global_norm(grads, 1))
    assert grads[1][0] == 4


def test_clip_of_large_float32_gradients_does_not_overflow():
    grad = np.full(4, 1e30, np.float32)
    assert clip_by_global_norm([grad], 1) == pytest.approx(2e30)
    assert np.allclose(grad, 0.5)
