"""Choosing kernels, and those of numba against those of NumPy, the reference."""

import os
import subprocess
import sys

import numpy as np
import pytest
from helpers.layers import CELL_NAMES, LAYERS, needs_numba

from tsrnn.nn import Network, get_kernels, set_kernels

BOUNDS = [(np.float32, 1e-5), (np.float64, 1e-12)]


def passes(kernels, name, dtype, shape):
    """Return all that a forward and a backward give."""
    T, D, H, N = shape
    set_kernels(kernels)
    network = Network(D, H, 2, cell=name, dtype=dtype, random_state=0)
    rng = np.random.default_rng(1)
    x, d_h = rng.normal(size=(T, D, N)).astype(dtype), rng.normal(size=(T, H, N)).astype(dtype)
    inferred = network.forward(x, tape=False)[0].copy()
    h, state = network.forward(x)
    assert np.array_equal(h, inferred)
    results = [h.copy(), *(part for s in state for part in s if part is not None)]
    results.append(network.backward(d_h / (T * N)))
    results += [part for s in network.d_state for part in s if part is not None]
    return results + network.weight_grads


# One stream; less than a tile; several tiles and a remainder.
@needs_numba
@pytest.mark.parametrize("shape", [(9, 3, 5, 1), (9, 3, 5, 4), (5, 2, 37, 23)])
@pytest.mark.parametrize(("dtype", "bound"), BOUNDS)
@pytest.mark.parametrize("name", CELL_NAMES)
def test_numba_agrees_with_numpy(name, dtype, bound, shape):
    expected = passes("numpy", name, dtype, shape)
    found = passes("numba", name, dtype, shape)
    assert len(found) == len(expected)
    for ours, reference in zip(found, expected, strict=True):
        assert ours.dtype == reference.dtype == dtype
        assert np.abs(ours - reference).max() < bound


# Copies of batch-first arrays: eight streams at a time, and a remainder.
@needs_numba
@pytest.mark.parametrize("n_streams", [1, 7, 19, 600])
@pytest.mark.parametrize("name", CELL_NAMES)
def test_numba_agrees_with_numpy_batch_first(name, n_streams):
    rng = np.random.default_rng(0)
    x, d_h = rng.normal(size=(n_streams, 40, 3)), rng.normal(size=(n_streams, 40, 5)) / n_streams
    found = []
    for kernels in ("numpy", "numba"):
        set_kernels(kernels)
        layer = LAYERS[name](3, 5, clip=None, dtype=np.float64, random_state=0)
        found.append([*layer.forward(x), layer.backward(d_h), layer.d_h_0, *layer.weight_grads])
    for ours, reference in zip(*found, strict=True):
        assert np.abs(ours - reference).max() < 1e-12


@needs_numba
@pytest.mark.parametrize(("dtype", "bound"), [(np.float32, 3e-7), (np.float64, 6e-16)])
def test_compiled_tanh(dtype, bound):
    import numba

    from tsrnn.kernels.numba_.rnn import _forward

    @numba.njit
    def forward(x, found):  # what is for compiled code alone has no way in from Python
        _forward(x, found)

    x = np.concatenate([np.linspace(-25, 25, 100_001), np.geomspace(1e-30, 1e-3, 1000)])
    x = np.concatenate([x, [np.inf, -np.inf, 1e30, -1e30]]).astype(dtype)
    found = np.empty_like(x)
    forward(x, found)
    expected = np.tanh(x.astype(np.longdouble))
    assert np.all(np.abs(found - expected) <= bound * np.abs(expected))
    nan = np.array([np.nan, 0.0], dtype)
    forward(nan, nan)
    assert np.isnan(nan[0])
    assert nan[1] == 0


@needs_numba
def test_a_tape_goes_back_by_the_kernels_that_made_it():
    set_kernels("numpy")
    network = Network(2, 3, random_state=0)
    x = np.ones((4, 2, 5), np.float32)
    h, _ = network.forward(x)
    expected = network.backward(np.ones_like(h))
    network.forward(x)
    set_kernels("numba")
    assert np.array_equal(network.backward(np.ones_like(h)), expected)


def test_the_choice_is_told():
    set_kernels("numpy")
    assert get_kernels() == "numpy"
    with pytest.raises(ValueError, match=r"name must be one of .*found 'fortran'"):
        set_kernels("fortran")
    assert get_kernels() == "numpy"


def in_new_process(code, value):
    environment = os.environ | {"TSRNN_KERNELS": value}
    run = subprocess.run(
        [sys.executable, "-c", code], env=environment, capture_output=True, text=True
    )
    return run.stdout + run.stderr


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("numpy", "numpy False"),
        pytest.param("numba", "numba True", marks=needs_numba),
        pytest.param("", "numba True", marks=needs_numba),
        ("fortran", "the environment variable TSRNN_KERNELS must be one of"),
    ],
)
def test_environment(value, expected):
    code = """
import sys
from tsrnn import nn
assert "numba" not in sys.modules, "imported before it is needed"
print(nn.get_kernels(), "numba" in sys.modules)
"""
    assert expected in in_new_process(code, value)


def test_numba_missing_is_told(monkeypatch):
    set_kernels("numpy")
    for name in [name for name in sys.modules if name.startswith("tsrnn.kernels.numba_")]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "numba", None)
    with pytest.raises(ImportError, match=r"pip install .tsrnn\[fast\]"):
        set_kernels("numba")
    assert get_kernels() == "numpy"
