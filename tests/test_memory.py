"""Memory that a large history took goes back to the system."""

import ctypes

from helpers import hourly

from tsrnn.baselines import NaiveForecaster
from tsrnn.estimators import base
from tsrnn.memory import release_free_memory


def test_after_a_large_history_free_memory_is_released(monkeypatch):
    released, rows = [], hourly(40)
    monkeypatch.setattr(base, "release_free_memory", lambda: released.append(1))
    monkeypatch.setattr(base, "LARGE", 30)
    NaiveForecaster(2).fit(rows[:20]).partial_fit(rows[20:])
    assert not released
    NaiveForecaster(2).fit(rows)
    assert released


def test_another_c_library_is_no_error(monkeypatch):
    release_free_memory()
    for error in (OSError, TypeError, AttributeError):

        def missing(_, error=error):
            raise error

        monkeypatch.setattr(ctypes, "CDLL", missing)
        release_free_memory()
