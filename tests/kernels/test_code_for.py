"""What is called in the place of numba's search for the code of given types."""

import numpy as np
import pytest
from helpers import needs_numba

pytestmark = needs_numba


@pytest.fixture(scope="module")
def maths():
    return pytest.importorskip("tsrnn.kernels.numba_.maths")


@pytest.fixture(scope="module")
def weighted(maths):
    """The sum of numbers, weighted by their places; kept in no cache."""
    from numba import njit

    @njit(_nrt=False)
    def weighted(nested, out):
        a, (factor,) = nested
        out[0] = 0.0
        for i, j in np.ndindex(a.shape):
            out[0] += factor * a[i, j] * (1 + 10 * i + j)

    return weighted


CASES = {
    "rows": np.arange(6.0).reshape(2, 3),
    "columns": np.asfortranarray(np.arange(6.0).reshape(2, 3)),
    "strided": np.arange(12.0).reshape(2, 6)[:, ::2],
    "float32": np.arange(6, dtype=np.float32).reshape(2, 3),
    "int64": np.arange(6).reshape(2, 3),
}


def test_it_is_told_apart_by_type_and_layout(maths, weighted):
    for a in CASES.values():
        by_dispatcher, by_code = np.empty(1), np.empty(1)
        weighted((a, (2,)), by_dispatcher)
        maths.code_for(weighted, (a, (2,)), by_code)((a, (2,)), by_code)
        assert by_code == by_dispatcher
    codes = {maths.code_for(weighted, (a, (2,)), np.empty(1)) for a in CASES.values()}
    assert len(codes) == len(CASES)
    again = maths.code_for(weighted, (CASES["rows"] + 1.0, (3,)), np.empty(2))
    assert again is maths.code_for(weighted, (CASES["rows"], (2,)), np.empty(1))


def test_there_is_none_of_what_was_not_compiled(maths, weighted):
    with pytest.raises(KeyError):
        maths.code_for(weighted, (np.zeros((2, 3), dtype=np.int8), (2,)), np.empty(1))
