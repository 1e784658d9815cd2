"""The state: chunks equal one pass bit for bit, and a state comes and goes as it should."""

import numpy as np
import pytest
from helpers.layers import CELL_NAMES, D, H, N, T, draw_state, make_layer

from tsrnn.nn import Network, State

each_cell = pytest.mark.parametrize("name", CELL_NAMES)


@pytest.mark.parametrize("chunk", [1, 7])
@pytest.mark.parametrize("n_streams", [1, 7])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@each_cell
def test_chunks_equal_one_pass(name, dtype, n_streams, chunk):
    # 33 hidden units: whole SIMD registers and a remainder both occur.
    network = Network(5, 33, n_layers=2, cell=name, dtype=dtype, random_state=0)
    x = np.random.default_rng(0).normal(size=(40, 5, n_streams)).astype(dtype)
    whole, end = network.forward(x)
    whole = whole.copy()
    state, pieces = None, []
    for start in range(0, 40, chunk):
        h, state = network.forward(x[start : start + chunk], state, tape=False)
        pieces.append(h.copy())
    assert np.array_equal(np.concatenate(pieces), whole)
    for found, expected in zip(state, end, strict=True):
        assert np.array_equal(found.h, expected.h)
        assert name != "lstm" or np.array_equal(found.c, expected.c)


@each_cell
def test_stateful_chunks_equal_one_pass(name):
    x = np.random.default_rng(0).normal(size=(N, T, D))
    layer = make_layer(name, stateful=True)
    assert layer.state is None
    _, whole = layer.forward(x)
    end = layer.state
    layer.reset_state()
    assert layer.state is None
    pieces = [layer.forward(x[:, part])[1] for part in (slice(0, 2), slice(2, 3), slice(3, T))]
    assert np.array_equal(np.concatenate(pieces, axis=1), whole)
    assert np.array_equal(layer.state.h, end.h)
    assert name != "lstm" or np.array_equal(layer.state.c, end.c)


@each_cell
def test_without_tape_the_same_bits(name):
    x = np.random.default_rng(0).normal(size=(N, T, D))
    layer = make_layer(name)
    for with_tape, without in zip(layer.forward(x), layer.forward(x, tape=False), strict=True):
        assert np.array_equal(with_tape, without)


@each_cell
def test_not_stateful_starts_from_zero_each_time(name):
    x = np.random.default_rng(0).normal(size=(N, T, D))
    layer = make_layer(name)
    h_last, first = layer.forward(x)
    assert np.array_equal(layer.state.h, h_last)
    assert np.array_equal(layer.forward(x)[1], first)


@each_cell
def test_a_state_set_by_hand_is_the_start_of_one_forward(name):
    rng = np.random.default_rng(0)
    x = rng.normal(size=(N, T, D))
    layer = make_layer(name)
    start = draw_state(name, rng)
    fresh, expected = layer.forward(x)[1], layer.forward(x, State(*start))[1]
    layer.set_state(*start)
    assert np.array_equal(layer.forward(x)[1], expected)
    assert np.array_equal(layer.forward(x)[1], fresh)


@each_cell
def test_stateful_can_be_set(name):
    x = np.random.default_rng(0).normal(size=(N, T, D))
    layer = make_layer(name)
    fresh = layer.forward(x)[1]
    layer.stateful = True
    assert np.array_equal(layer.forward(x)[1], fresh), "switched on, it starts from zero"
    continued = layer.forward(x)[1]
    assert not np.array_equal(continued, fresh)
    layer.stateful = False
    assert np.array_equal(layer.forward(x)[1], fresh)


@each_cell
def test_given_state_wins_and_is_the_start(name):
    rng = np.random.default_rng(0)
    x = rng.normal(size=(N, T, D))
    h, c = draw_state(name, rng)
    layer = make_layer(name, stateful=True)
    layer.set_state(h, c)
    expected = layer.forward(x)[1]
    forms = [State(h, c), (h, c)] + ([h] if c is None else [])
    for form in forms:  # the state carried by now is another one
        assert np.array_equal(layer.forward(x, form)[1], expected)
    layer.reset_state()
    assert not np.array_equal(layer.forward(x)[1], expected)


@each_cell
def test_state_goes_in_and_comes_out_unchanged(name):
    h, c = draw_state(name, np.random.default_rng(0))
    layer = make_layer(name, stateful=True)
    layer.set_state(h, c)
    assert np.array_equal(layer.state.h, h)
    assert (layer.state.c is None) if c is None else np.array_equal(layer.state.c, c)


@each_cell
def test_streams_do_not_mix(name):
    rng = np.random.default_rng(0)
    layer = make_layer(name)
    x = rng.normal(size=(N, T, D))
    together = layer.forward(x)[1]
    x[1] += 1
    apart = layer.forward(x)[1]
    assert np.array_equal(apart[[0, 2]], together[[0, 2]])
    assert not np.array_equal(apart[1], together[1])


def test_zero_state_is_the_default_start():
    network = Network(D, H, n_layers=2, random_state=0)
    x = np.random.default_rng(0).normal(size=(T, D, N)).astype(np.float32)
    expected = network.forward(x)[0].copy()
    assert np.array_equal(network.forward(x, network.zero_state(N))[0], expected)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@each_cell
def test_streamed_rows_equal_one_window(name, dtype):
    x = np.random.default_rng(0).normal(size=(1, 40, D)).astype(dtype)
    layer = make_layer(name, dtype=dtype, stateful=True)
    h_last, whole = layer.forward(x)
    end = layer.state
    layer.reset_state()
    rows = [layer.forward(x[:, t : t + 1], tape=False) for t in range(40)]
    assert np.array_equal(np.concatenate([h for _, h in rows], axis=1), whole)
    assert np.array_equal(rows[-1][0], h_last)
    assert all(np.array_equal(*pair) for pair in zip(layer.state, end, strict=True))
    layer.reset_state()
    assert np.array_equal(layer.forward(np.asfortranarray(x), tape=False)[1], whole)


@each_cell
def test_a_streamed_row_is_checked_and_an_error_changes_nothing(name):
    layer, row = make_layer(name, stateful=True), np.ones((1, 1, D))
    layer.forward(row, tape=False)
    before = layer.state
    for value in (np.nan, np.inf, -np.inf):
        bad = np.ones((1, 3, D))
        bad[0, 1, 1] = value
        with pytest.raises(ValueError, match=r"x must be finite.*x\[0, 1, 1\]"):
            layer.forward(bad, tape=False)
    for shape in ((1, 0, D), (1, 1, D + 1), (1, D), (1, 1, 1, D)):
        with pytest.raises(ValueError, match="x must have shape"):
            layer.forward(np.ones(shape), tape=False)
    with pytest.raises(ValueError, match="x has N=2 streams, but the carried state has 1"):
        layer.forward(np.ones((2, 1, D)), tape=False)
    assert all(np.array_equal(*pair) for pair in zip(layer.state, before, strict=True))
    layer.set_state(*draw_state(name, np.random.default_rng(0)))
    with pytest.raises(ValueError, match="x has N=1 streams, but the carried state has 3"):
        layer.forward(row, tape=False)


@each_cell
def test_what_a_streamed_row_hands_out_is_the_callers_own(name):
    layer, row = make_layer(name, stateful=True), np.ones((1, 1, D))
    first = layer.forward(row, tape=False)
    kept = [h.copy() for h in first]
    layer.forward(row, tape=False)
    assert all(np.array_equal(*pair) for pair in zip(first, kept, strict=True))
    start = layer.state
    after = layer.forward(row, tape=False)
    for h in after:
        h[...] = 9
    continued = layer.forward(row, tape=False)[1]
    layer.set_state(*start)
    layer.forward(row, tape=False)
    assert np.array_equal(layer.forward(row, tape=False)[1], continued)


@each_cell
def test_a_streamed_row_makes_the_tape_stale(name):
    layer, row = make_layer(name), np.ones((1, 1, D))
    layer.forward(row)
    layer.forward(row, tape=False)
    with pytest.raises(RuntimeError, match="tape"):
        layer.backward(np.ones((1, 1, H)))
