"""Views that compiled code makes of contiguous arrays, against NumPy's reshape."""

import numpy as np
import pytest
from helpers import needs_numba

pytestmark = needs_numba


@pytest.fixture(scope="module")
def maths():
    return pytest.importorskip("tsrnn.kernels.numba_.maths")


def test_views_are_reshapes_of_the_same_memory(maths):
    flat, in_rows, view_of = maths.flat, maths.in_rows, maths.view_of

    @pytest.importorskip("numba").njit
    def made(a):
        return flat(a), in_rows(a, a.shape[2]), view_of(flat(a), 4, (2, 1, 3))

    a = np.arange(24, dtype=np.float32).reshape(2, 3, 4)
    vector, rows, part = made(a)
    for found, expected in (
        (vector, a.ravel()),
        (rows, a.reshape(6, 4)),
        (part, a.ravel()[4:10].reshape(2, 1, 3)),
    ):
        assert found.shape == expected.shape
        np.testing.assert_array_equal(found, expected)
        found += 1
        assert np.shares_memory(found, a)
    del a, vector, rows
    assert part[0, 0, 0] == 4 + 3  # it keeps the memory alive


def test_what_is_not_contiguous_cannot_be_compiled(maths):
    flat = maths.flat

    @pytest.importorskip("numba").njit
    def made(a):
        return flat(a)

    with pytest.raises(Exception, match="found an array of layout 'A', expected a contiguous one"):
        made(np.ones((4, 4))[:, ::2])
