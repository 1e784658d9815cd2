"""Fixtures of all tests."""

import os

import pytest
from helpers import hourly, needs_numba

from tsrnn.nn import set_kernels

os.environ.setdefault("TSRNN_QUIET", "1")  # what a process of a test says on stderr is its own
# Else each worker, and each process that a test starts, would compile all of tsrnn anew.
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)


@pytest.hookimpl(tryfirst=True)
def pytest_cmdline_main(config):
    """Under -n, keep the tests of a file together, which share fits, until a worker idles.

    Workers share the cores: threads of BLAS would wait for each other, an eighth of the time.
    """
    if getattr(config.option, "numprocesses", None) and config.option.dist in ("no", "load"):
        config.option.dist = "worksteal"
        os.environ.setdefault("OMP_NUM_THREADS", "1")


@pytest.fixture
def series():
    return hourly(700)


@pytest.fixture(params=["numpy", pytest.param("numba", marks=needs_numba)])
def both_kernels(request):
    """Run a test on NumPy's kernels and, where numba is installed, on its own."""
    set_kernels(request.param)
    yield
    set_kernels(None)
