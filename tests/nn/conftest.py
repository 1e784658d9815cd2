"""Every test of the layers runs on NumPy's kernels and, where numba is installed, on its own."""

import pytest
from helpers.layers import needs_numba

from tsrnn.nn import set_kernels


@pytest.fixture(autouse=True, params=["numpy", pytest.param("numba", marks=needs_numba)])
def kernels(request):
    """Choose kernels for a test."""
    set_kernels(request.param)
    yield request.param
    set_kernels(None)
