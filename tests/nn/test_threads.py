"""Halves of a batch in two threads: the same results, and BLAS as it was."""

import contextlib
import os
import threading

import numpy as np
import pytest
from helpers.layers import CELL_NAMES, LAYERS, needs_numba, relative_error
from threadpoolctl import ThreadpoolController

from tsrnn import threads
from tsrnn.nn import LSTM, Network, set_kernels
from tsrnn.nn.products import unpacked

BLAS = ThreadpoolController().select(user_api="blas")
T, D, H, N = 5, 3, 6, 37


def blas_threads():
    return [library.num_threads for library in BLAS.lib_controllers]


@pytest.fixture
def halved(monkeypatch):
    """Two BLAS threads, and every batch large enough for halves."""
    if not BLAS.lib_controllers:
        pytest.skip("no BLAS whose threads can be set")
    monkeypatch.setattr(threads, "HALVES_FROM", 0)
    with BLAS.limit(limits=2):
        if threads._one_blas_thread.available() < 2:
            pytest.skip("BLAS takes no second thread here")
        yield


def passes(name):
    network = Network(D, H, 2, cell=name, dtype=np.float64, random_state=0)
    rng = np.random.default_rng(0)
    x, d_h = rng.normal(size=(T, D, N)), rng.normal(size=(T, H, N))
    h, state = network.forward(x)
    results = [h.copy(), *(part for s in state for part in s if part is not None)]
    results.append(network.backward(d_h))
    results += [part for s in network.d_state for part in s if part is not None]
    return results + network.weight_grads


@pytest.mark.parametrize("name", CELL_NAMES)
def test_halves_equal_the_whole(name, halved):
    before = blas_threads()
    found = passes(name)
    assert blas_threads() == before
    again = passes(name)
    with BLAS.limit(limits=1):
        expected = passes(name)
    assert threads.parts(N, 1) == (slice(0, 32), slice(32, N))
    for ours, twice, reference in zip(found, again, expected, strict=True):
        assert np.array_equal(ours, twice)
        assert relative_error(ours, reference) < 1e-13


# (N, T, D, H): all at once; blocks of rows, the last smaller; many; no whole registers.
@needs_numba
@pytest.mark.parametrize(
    "shape",
    [(32, 60, 8, 64), (96, 60, 3, 64), (704, 5, 8, 128), (17, 9, 8, 128), (24, 9, 8, 128),
     (33, 9, 3, 96), (65, 9, 3, 64)],
)  # fmt: skip
@pytest.mark.parametrize("name", CELL_NAMES)
def test_halves_of_a_window_have_the_bits_of_the_whole(name, shape, halved, monkeypatch):
    """Where they are taken without a tape, by the length of a window: see WINDOW_FROM."""
    set_kernels("numba")
    monkeypatch.setattr(threads, "HALVES_FROM", 1 << 40)
    *window, hidden_size = shape
    layer = LAYERS[name](window[2], hidden_size, random_state=0)
    step = layer._cell.packed_blocks * hidden_size * (hidden_size + window[2] + 1) * window[0]
    monkeypatch.setattr(threads, "WINDOW_FROM", 2 * step)
    x = np.random.default_rng(0).normal(size=window).astype(np.float32)
    halves = layer.forward(x, tape=False)[1]
    n_parts = len(layer._core._scratch.parts[False].tapes)
    assert n_parts == (2 if unpacked() and window[0] % 16 == 0 else 1)
    monkeypatch.setattr(threads, "WINDOW_FROM", 1 << 40)
    assert np.array_equal(layer.forward(x, tape=False)[1], halves)
    assert len(layer._core._scratch.parts[False].tapes) == 1


@pytest.mark.usefixtures("halved")
@pytest.mark.parametrize("n_streams", [2, 3, 4, 5])
def test_few_streams_equal_each_alone(n_streams):
    layer = LSTM(D, H, dtype=np.float64, random_state=0)
    x = np.random.default_rng(0).normal(size=(n_streams, T, D))
    h = layer.forward(x)[1]
    alone = [layer.forward(x[n : n + 1])[1][0] for n in range(n_streams)]
    assert relative_error(h, np.stack(alone)) < 1e-13


@pytest.mark.usefixtures("halved")
def test_blas_is_put_back_after_an_error():
    before = blas_threads()

    def work(part):
        raise ArithmeticError(part)

    for n_parts in (1, 2):
        with pytest.raises(ArithmeticError):
            threads.run(work, n_parts, threads.SMALL)
        assert blas_threads() == before


@pytest.mark.usefixtures("halved")
def test_the_callers_error_state_holds_in_both_threads():
    layer = LSTM(1, 2, random_state=0)
    layer.params["Wx"] = 3e38
    with np.errstate(over="ignore", invalid="ignore"):
        layer.forward(np.full((8, 2, 1), 1e30), tape=False)
    seen = [None, None]
    with np.errstate(over="call"):
        threads.run(lambda part: seen.__setitem__(part, np.geterr()["over"]), 2, threads.SMALL)
    assert seen == ["call", "call"]


@pytest.mark.usefixtures("halved")
def test_many_threads_at_once_leave_blas_as_it_was():
    before, networks = blas_threads(), [Network(D, H, random_state=k) for k in range(4)]
    x = np.random.default_rng(0).normal(size=(T, D, N)).astype(np.float32)
    expected = [network.forward(x, tape=False)[0].copy() for network in networks]
    wrong = []

    def work(network, h):
        for _ in range(30):
            if not np.array_equal(network.forward(x, tape=False)[0], h):
                wrong.append(network)

    workers = [
        threading.Thread(target=work, args=pair) for pair in zip(networks, expected, strict=True)
    ]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    assert not wrong
    assert blas_threads() == before


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork on this system")
@pytest.mark.usefixtures("halved")
@pytest.mark.filterwarnings("ignore:This process.*is multi-threaded:DeprecationWarning")
def test_a_forked_process_has_a_helper_of_its_own():
    expected = passes("lstm")
    child = os.fork()
    if child == 0:
        code = 1
        with contextlib.suppress(BaseException):
            code = 0 if np.array_equal(passes("lstm")[0], expected[0]) else 2
        os._exit(code)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
