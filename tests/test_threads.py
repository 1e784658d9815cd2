"""One BLAS thread, halves of a batch in two threads: the same results, and BLAS as it was."""

import contextlib
import json
import os
import subprocess
import sys
import threading

import numpy as np
import pytest
from helpers import content, hourly, melted
from helpers.layers import CELL_NAMES, LAYERS, needs_numba, relative_error
from threadpoolctl import ThreadpoolController

from tsrnn import RNNForecaster, RNNRegressor, threads
from tsrnn.baselines import LinearForecaster
from tsrnn.nn import LSTM, Network, get_kernels, set_kernels
from tsrnn.nn.products import unpacked

pytestmark = pytest.mark.usefixtures("both_kernels")
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
        if threads.one_blas_thread.available() < 2:
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
def test_halves_equal_the_whole_and_those_of_one_thread(name, halved, monkeypatch):
    before = blas_threads()
    found = passes(name)
    assert blas_threads() == before
    again = passes(name)
    with BLAS.limit(limits=1):
        expected = passes(name)
    assert threads.parts(N, 1) == (slice(0, 32), slice(32, N))
    monkeypatch.setattr(threads, "HALVES_FROM", 1 << 40)
    whole = passes(name)
    for ours, twice, one_thread, reference in zip(found, again, expected, whole, strict=True):
        assert np.array_equal(ours, twice)
        assert np.array_equal(ours, one_thread)
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
@pytest.mark.skipif(not hasattr(os, "sched_setaffinity"), reason="Linux alone lets threads choose")
def test_a_helper_works_on_other_cores_than_its_caller(halved):
    allowed = os.sched_getaffinity(0)
    if len(allowed) == 1:
        pytest.skip("one core")
    found = {}

    def work(part):
        found[part] = os.sched_getaffinity(0)

    for _ in range(2):  # a helper that starts is not known before
        threads.run(work, 2, threads.SMALL)
    assert len(found[0]) == len(allowed) - 1
    assert found[1] == allowed == os.sched_getaffinity(0)


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


FORECASTS = """
import json
from helpers import hourly, melted
from tsrnn import RNNForecaster, RNNRegressor

quick = {"max_iter": 4, "window_size": 24, "random_state": 0}
rows = hourly(370, 2)
stream = RNNForecaster(168, target="s0", **quick).fit(rows[:330]).partial_fit(rows[330:])
regressor = RNNRegressor(hidden_size=64, **quick).fit(rows[["s0"]][:150], rows["s1"][:150])
panel = melted(hourly(80, 30)).sort_values("time", kind="stable")
pooled = RNNForecaster(6, hidden_size=64, batch_size=128, id_col="id", time_col="time", **quick)
pooled.fit(panel[:2100]).partial_fit(panel[2100:])
values = [
    stream.forecast()["s0"].tolist(),
    regressor.predict(rows[["s0"]][:9]).tolist(),
    pooled.forecast()["value"].tolist(),
]
print(json.dumps(values))
"""


@pytest.mark.parametrize(
    "numbers", [("1", "8"), pytest.param((None, "1", "8"), marks=pytest.mark.slow)]
)
def test_forecasts_do_not_hang_on_the_threads_of_the_environment(numbers):
    """Where several BLAS threads may be had: unset, that is as many as there are cores."""
    found = []
    for number in numbers:
        environment = os.environ | {"TSRNN_KERNELS": get_kernels()}
        environment = {k: v for k, v in environment.items() if not k.endswith("_NUM_THREADS")}
        environment |= {"PYTHONPATH": os.pathsep.join(sys.path)}
        if number:
            environment["OMP_NUM_THREADS"] = number
        process = subprocess.run(
            [sys.executable, "-c", FORECASTS],
            env=environment, capture_output=True, text=True, check=True,
        )  # fmt: skip
        found.append(json.loads(process.stdout))
    assert [len(values) for values in found[0]] == [168, 9, 180]
    assert all(values == found[0] for values in found)


def models():
    quick = {"max_iter": 2, "window_size": 16, "hidden_size": 4, "random_state": 0}
    rows = hourly(150, 2)
    panel = melted(rows).assign(x=1.0).sort_values("time", kind="stable")
    columns = {"id_col": "id", "time_col": "time", "target": "value"}
    return {
        "stream": (RNNForecaster(3, **quick), rows),
        "known future": (RNNForecaster(3, target="s0", future_cols="s1", **quick), rows),
        "no network": (LinearForecaster(3), rows),
        "panel": (RNNForecaster(3, **columns, **quick), panel),
        "panel, known future": (RNNForecaster(3, future_cols="x", **columns, **quick), panel),
        "regressor": (RNNRegressor(**quick), rows),
    }


@pytest.mark.usefixtures("halved")
@pytest.mark.parametrize("kind", models())
def test_whatever_an_estimator_multiplies_and_solves_it_does_on_one_thread(kind, monkeypatch):
    model, rows = models()[kind]
    called = set()

    def watched(name, function):
        def call(*args, **kwargs):
            called.add(name)
            assert max(blas_threads()) == 1, f"{name} outside one_blas_thread"
            return function(*args, **kwargs)

        return call

    for where, names in (
        (np, ("matmul", "dot")),
        (np.linalg, ("solve", "inv", "lstsq", "cholesky", "eigh")),
    ):
        for name in names:
            monkeypatch.setattr(where, name, watched(name, getattr(where, name)))
    before, n = blas_threads(), len(rows) * 3 // 5
    past, known, later = rows[:n], rows[n : n + 2], rows[n + 2 :]
    if kind == "regressor":
        model.fit(past[["s0"]], past["s1"]).partial_fit(later[["s0"]], later["s1"])
        model.predict(rows[["s0"]])
    else:
        model.fit(past).partial_fit(known).update(later[:2]).partial_fit(later[2:-12])
        model.predict(later[-12:])
        ahead = later[-12:-6] if "panel" in kind else later[-12:-9]
        model.forecast(X_future=ahead if getattr(model, "future_cols", None) else None)
    assert called
    assert blas_threads() == before


@pytest.mark.usefixtures("halved")
def test_one_blas_thread_is_shared_by_all_inside():
    before = blas_threads()
    with threads.one_blas_thread:
        with threads.one_blas_thread:
            assert max(blas_threads()) == 1
        assert max(blas_threads()) == 1
        assert threads.one_blas_thread.available() == min(before)
    assert blas_threads() == before


def test_a_lock_left_held_by_an_interrupt_does_not_stop_the_next_call():
    """An interrupt may fall between the last line under the lock and its release."""
    context = threads._OneBlasThread()
    context._lock.acquire()  # as the interrupt leaves it
    before = blas_threads()
    with context:
        assert set(blas_threads()) <= {1}
    assert blas_threads() == before


def test_an_interrupt_as_blas_gets_its_threads_back_changes_no_model(monkeypatch):
    """What a fit has learnt was taken over before its last context was left."""
    model, context = LinearForecaster(2, lags=3).fit(hourly(60)), type(threads.one_blas_thread)
    left = context.__exit__
    before = content(model)

    def interrupted(self, *raised):
        left(self, *raised)
        if self._inside == 0:
            raise KeyboardInterrupt

    monkeypatch.setattr(context, "__exit__", interrupted)
    for change, rows in ((model.fit, 0), (model.partial_fit, 60), (model.update, 60)):
        with pytest.raises(KeyboardInterrupt):
            change(hourly(80, seed=1)[rows:])
        assert content(model) == before
