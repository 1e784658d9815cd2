"""Shared data and helpers: small streams, and the exact content of an estimator."""

import dataclasses
import importlib.util
import runpy
import sys

import numpy as np
import pandas as pd
import pytest

from tsrnn.nn import set_kernels

needs_numba = pytest.mark.skipif(
    importlib.util.find_spec("numba") is None, reason="numba, the extra fast, is not installed"
)


def hourly(n_rows, n_columns=1, seed=0, tz=None):
    """Hourly rows with a day's pattern, a random walk and noise."""
    rng = np.random.default_rng(seed)
    index = pd.date_range("2024-01-01", periods=n_rows, freq="h", tz=tz, name="time")
    phase = 2 * np.pi * np.arange(n_rows)[:, None] / 24
    values = 10 + 3 * np.sin(phase + np.arange(n_columns)) + rng.normal(size=(n_rows, n_columns))
    values += 0.1 * rng.normal(size=(n_rows, n_columns)).cumsum(axis=0)
    return pd.DataFrame(values, index, [f"s{i}" for i in range(n_columns)])


def melted(rows):
    """Turn columns into the series of a panel, in long form."""
    return rows.melt(ignore_index=False, var_name="id").reset_index()


def content(value):
    """Everything an object holds, arrays as bytes, so that two contents can be compared."""
    if isinstance(value, np.ndarray):
        if value.dtype == object:  # its bytes are pointers
            return value.tolist()
        return value.dtype.str, value.shape, value.tobytes()
    if isinstance(value, pd.Index):
        return type(value).__name__, value.name, value.tolist()
    if isinstance(value, dict):
        return {key: content(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [content(item) for item in value]
    if dataclasses.is_dataclass(value):
        names = [field.name for field in dataclasses.fields(value)]
        return type(value).__name__, content({name: getattr(value, name) for name in names})
    if type(value).__module__.startswith("tsrnn") and hasattr(value, "__dict__"):
        held = {k: v for k, v in vars(value).items() if k != "_scratch"}
        return type(value).__name__, content(held)
    return value


def run_benchmark(path, arguments, monkeypatch, capsys):
    """Run a script of ``benchmarks`` in this process, which has imported all; return its output."""
    monkeypatch.syspath_prepend(path.parent)
    monkeypatch.setattr(sys, "argv", [str(path), *arguments])
    with pytest.raises(SystemExit) as ended:
        runpy.run_path(str(path), run_name="__main__")
    out = capsys.readouterr().out
    assert not ended.value.code, out
    return out


@pytest.fixture
def series():
    return hourly(700)


@pytest.fixture(params=["numpy", pytest.param("numba", marks=needs_numba)])
def both_kernels(request):
    """Run a test on NumPy's kernels and, where numba is installed, on its own."""
    set_kernels(request.param)
    yield
    set_kernels(None)
