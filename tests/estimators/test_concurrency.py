"""A forecast in one thread while another learns is of one state, before a row or after it."""

import copy
import sys
import threading

import numpy as np
import pandas as pd
import pytest
from helpers import hourly, melted

from tsrnn import RNNForecaster

pytestmark = pytest.mark.usefixtures("both_kernels")

N_FIT, N_NEW, HORIZON = 120, 60, 3
QUICK = {"hidden_size": 4, "max_iter": 3, "window_size": 16, "random_state": 0}


def cases():
    """Return, by kind of stream, a fitted model, its rows to come, and columns of a forecast."""
    rows = hourly(N_FIT + N_NEW, 2)
    history, new = rows[:N_FIT], rows[N_FIT:]
    stream = RNNForecaster(HORIZON, coverage=0.9, **QUICK).fit(history)
    panel = RNNForecaster(HORIZON, coverage=0.9, id_col="id", time_col="time", **QUICK)
    panel.fit(melted(history))
    parts = [new[n : n + 1] for n in range(N_NEW)]
    return {
        "one stream": (stream, parts, lambda f: f),
        "panel": (panel, [melted(p) for p in parts], lambda f: f.set_index(["id", "time"])),
    }


@pytest.fixture
def hasty_threads():
    """Threads take turns after microseconds, in the midst of a call."""
    interval = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    yield
    sys.setswitchinterval(interval)


@pytest.mark.parametrize("kind", ["one stream", "panel"])
def test_a_forecast_beside_a_row_that_is_learnt_is_of_one_state(kind, hasty_threads):
    model, parts, indexed = cases()[kind]
    alone = copy.deepcopy(model)
    expected = {}
    for part in [None, *parts]:
        if part is not None:
            alone.partial_fit(part)
        forecast = indexed(alone.forecast())
        expected[forecast.index[0]] = forecast
    seen, failed, looked, done = [], [], threading.Event(), threading.Event()

    def look():
        try:
            while not done.is_set():
                seen.append(indexed(model.forecast()))
                looked.set()
        except BaseException as error:  # told by the main thread
            failed.append(error)
            looked.set()

    readers = [threading.Thread(target=look) for _ in range(2)]
    for reader in readers:
        reader.start()
    for part in parts:
        looked.clear()
        model.partial_fit(part)
        if not looked.wait(60.0) or failed:  # until a reader has made a forecast, others going on
            break
    done.set()
    for reader in readers:
        reader.join()
    assert not failed, failed[0]
    # One of two readers has made a forecast in half of the rows, of that row or one just before.
    assert len({forecast.index[0] for forecast in seen}) > N_NEW // 12
    for forecast in seen:
        other = expected[forecast.index[0]]
        pd.testing.assert_index_equal(forecast.index, other.index)
        np.testing.assert_array_equal(forecast.to_numpy(), other.to_numpy())
