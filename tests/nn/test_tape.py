"""The tape: whose it is, how long it lives, and what never reaches a caller.

The three classic mistakes of a hand-written backward each have their test here, besides the
gradient checks: (a) skipping t = 0, (b) dropping d_c between steps, (c) a stale tape.
"""

import copy
import itertools
import pickle
import threading

import numpy as np
import pytest
from helpers.layers import CELL_NAMES, D, H, N, T, draw_state, make_layer

from tsrnn.nn import LSTM, Dense, Network

each_cell = pytest.mark.parametrize("name", CELL_NAMES)


@each_cell
def test_first_step_is_not_skipped(name):
    """(a) With one step, t = 0 is all there is."""
    rng = np.random.default_rng(0)
    layer = make_layer(name)
    layer.forward(rng.normal(size=(N, 1, D)), draw_state(name, rng))
    d_x = layer.backward(np.ones((N, 1, H)))
    for gradient in (d_x, layer.d_h_0, *layer.grads.values()):
        assert np.all(gradient != 0)


def test_cell_state_gradient_is_handed_back():
    """(b) With the recurrent weights at zero, only c carries a gradient from step to step."""
    layer = LSTM(D, H, dtype=np.float64, clip=None, random_state=0)
    layer.params["Wh"] = 0
    d_h = np.zeros((N, T, H))
    d_h[:, -1] = 1
    layer.forward(np.ones((N, T, D)))
    d_x = layer.backward(d_h)
    assert np.all(d_x != 0)
    # Same input at each step, so what reaches c_0 has passed T forget gates, one value each.
    forget = 1 / (1 + np.exp(-(layer.params["Wx"].sum(0) + layer.params["bias"])[H : 2 * H]))
    one_step = LSTM(D, H, dtype=np.float64, clip=None, random_state=0)
    one_step.load_state_dict(layer.state_dict())
    carried = make_stateful_end(layer, T - 1)
    one_step.forward(np.ones((N, 1, D)), carried)
    one_step.backward(d_h[:, -1:])
    assert np.allclose(layer.d_c_0, one_step.d_c_0 * forget ** (T - 1), rtol=1e-12)


def make_stateful_end(layer, n_steps):
    twin = copy.deepcopy(layer)
    twin.reset_state()
    twin.forward(np.ones((N, n_steps, D)), tape=False)
    return twin.state


@each_cell
def test_backward_belongs_to_the_last_forward(name):
    """(c) An earlier forward, of the same shape or another, leaves no trace in the gradients."""
    rng = np.random.default_rng(0)
    x, d_h = rng.normal(size=(N, T, D)), rng.normal(size=(N, T, H))
    state = draw_state(name, rng)
    fresh, used = make_layer(name), make_layer(name)
    others = [(N, T, D), (N, T + 3, D), (N + 2, 1, D)]
    for (n, t, _), finished in itertools.product(others, [False, True]):
        used.forward(rng.normal(size=(n, t, D)), draw_state(name, rng, n))
        if finished:
            used.backward(rng.normal(size=(n, t, H)))
        used.forward(x, state)
        fresh.forward(x, state)
        assert np.array_equal(used.backward(d_h), fresh.backward(d_h))
        assert np.array_equal(used.d_h_0, fresh.d_h_0)
        for key, grad in fresh.grads.items():
            assert np.array_equal(used.grads[key], grad), key


@pytest.mark.parametrize("kind", [*CELL_NAMES, "dense", "network"])
def test_tape_is_used_once_and_never_stale(kind):
    """(c) No tape, a used one, and one that a forward without tape has made stale."""
    layer = {"dense": Dense(D, H), "network": Network(D, H)}.get(kind) or make_layer(kind)
    shape = (T, D, N) if kind == "network" else (N, T, D)
    x = np.ones(shape, np.float32)
    d_h = np.ones((T, H, N) if kind == "network" else (N, T, H), np.float32)
    with pytest.raises(RuntimeError, match="forward\\(x, tape=True\\)"):
        layer.backward(d_h)
    layer.forward(x)
    layer.backward(d_h)
    with pytest.raises(RuntimeError, match="forward\\(x, tape=True\\)"):
        layer.backward(d_h)
    layer.forward(x)
    layer.forward(x, tape=False)
    with pytest.raises(RuntimeError, match="forward\\(x, tape=True\\)"):
        layer.backward(d_h)


@each_cell
@pytest.mark.parametrize("n_streams", [1, N])
def test_a_forward_that_is_refused_keeps_the_tape(name, n_streams):
    layer = make_layer(name)
    x, d_h = np.ones((n_streams, T, D)), np.ones((n_streams, T, H))
    layer.forward(x)
    with pytest.raises(ValueError, match="finite"):
        layer.forward(x * np.nan, tape=False)
    layer.backward(d_h)


@each_cell
def test_gradients_are_overwritten_not_added(name):
    layer = make_layer(name)
    x, d_h = np.ones((N, T, D)), np.ones((N, T, H))
    layer.forward(x)
    layer.backward(d_h)
    first = {key: grad.copy() for key, grad in layer.grads.items()}
    layer.forward(x)
    layer.backward(d_h)
    for key, grad in layer.grads.items():
        assert np.array_equal(grad, first[key]), key


@each_cell
def test_weights_changed_after_forward_do_not_matter_to_backward(name):
    x, d_h = np.ones((N, T, D)), np.ones((N, T, H))
    still, moved = make_layer(name), make_layer(name)
    still.forward(x)
    moved.forward(x)
    moved.params["Wh"] = 0
    assert np.array_equal(still.backward(d_h), moved.backward(d_h))


@each_cell
def test_what_is_handed_out_is_the_callers_own(name):
    rng = np.random.default_rng(0)
    layer = make_layer(name, stateful=True)
    x, d_h = rng.normal(size=(N, T, D)), rng.normal(size=(N, T, H))
    start = draw_state(name, rng)
    layer.forward(x, start)
    d_x = layer.backward(d_h)
    h_last, h_stack = layer.forward(x, start)
    handed = [h_last, h_stack, d_x, layer.d_h_0, layer.state.h]
    handed += [layer.state.c, layer.d_c_0] if name == "lstm" else []
    before = [array.copy() for array in handed]
    layer.forward(x + 1, start)
    layer.backward(d_h + 1)
    for array, copied in zip(handed, before, strict=True):
        assert np.array_equal(array, copied)
    # ... and writing to any of them, or to what was passed in, changes nothing in the layer.
    expected = copy.deepcopy(layer).forward(x)[1]
    for array in (*handed, layer.state.h, *(part for part in start if part is not None)):
        array[...] = 9
    assert np.array_equal(layer.forward(x)[1], expected)


def test_dense_tape_survives_a_caller_who_reuses_his_array():
    layer = Dense(D, H, dtype=np.float64)
    x = np.ones((N, D))
    layer.forward(x)
    x[...] = 7
    layer.backward(np.ones((N, H)))
    assert np.all(layer.grads["W"] == N)


@pytest.mark.parametrize("duplicate", [copy.deepcopy, lambda x: pickle.loads(pickle.dumps(x))])
@pytest.mark.parametrize("kind", [*CELL_NAMES, "dense", "network"])
def test_copies_are_whole_independent_and_without_scratch(kind, duplicate):
    layer = {"dense": Dense(D, H), "network": Network(D, H, 2)}.get(kind) or make_layer(kind)
    long = (2000, D, 5) if kind == "network" else (5, 2000, D)
    short = (T, D, N) if kind == "network" else (N, T, D)
    layer.forward(np.zeros(long, np.float32))
    expected = np.array(layer.forward(np.ones(short, np.float32), tape=False)[0])
    layer.forward(np.zeros(long, np.float32))
    twin = duplicate(layer)
    assert len(pickle.dumps(twin)) < 20_000
    assert len(pickle.dumps(layer)) < 20_000
    assert np.array_equal(twin.forward(np.ones(short, np.float32), tape=False)[0], expected)
    for weight in layer.weights:
        weight[...] = 0
    assert np.array_equal(twin.forward(np.ones(short, np.float32), tape=False)[0], expected)
    with pytest.raises(RuntimeError):
        twin.backward(np.ones(short, np.float32))


@each_cell
def test_threads_share_a_network_but_not_its_scratch(name):
    network = Network(D, H, cell=name, random_state=0)
    inputs = [np.full((50, D, N), value, np.float32) for value in range(4)]
    expected = [network.forward(x, tape=False)[0].copy() for x in inputs]
    barrier = threading.Barrier(len(inputs))
    wrong = []

    def work(x, h):
        for _ in range(20):
            barrier.wait()
            found = network.forward(x, tape=False)[0]
            barrier.wait()  # all have run before anyone looks
            if not np.array_equal(found, h):
                wrong.append(x[0, 0, 0])

    threads = [
        threading.Thread(target=work, args=pair) for pair in zip(inputs, expected, strict=True)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not wrong
