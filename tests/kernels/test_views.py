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


def test_views_of_places_side_by_side(maths):
    @maths.compiled
    def add(numbers, rows, start, stop, out):
        first, second, third = maths.views_of(numbers, 1, ((2, 2), (3,), (0, 2)))
        out[0], out[1], out[2] = first[1, 0], second[2], third.size
        some = maths.rows_of(rows, start, stop)
        for row in range(len(some)):
            some[row, 1, 0] += 100.0
        out[3] = some.size

    expected, out = np.arange(20.0).reshape(5, 2, 2), np.empty(4)
    rows = expected.copy()
    add(np.arange(10.0), rows, 1, 4, out)
    assert out.tolist() == [3.0, 7.0, 0.0, 12.0]
    expected[1:4, 1, 0] += 100.0
    np.testing.assert_array_equal(rows, expected)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_numbers_on_the_stack_last_as_long_as_the_call(maths, dtype):
    @maths.compiled
    def reverse(a):
        kept, flags = maths.on_stack(len(a), a.dtype), maths.on_stack(len(a), np.bool_)
        for k in range(len(a)):
            kept[k], flags[k] = a[k], a[k] > 2
        for k in range(len(a)):
            a[k] = kept[len(a) - 1 - k] if flags[len(a) - 1 - k] else 0

    a = np.arange(7, dtype=dtype)
    reverse(a)
    assert a.tolist() == [6, 5, 4, 3, 0, 0, 0]


def test_what_goes_wrong_in_a_part_of_a_kernel_is_raised(maths):
    @maths.inner
    def require_positive(x):
        if x <= 0.0:
            raise ValueError("found a number that is not positive")
        return np.sqrt(x)

    @maths.compiled
    def root(x):
        return require_positive(x)

    assert root(4.0) == 2.0
    with pytest.raises(ValueError, match="not positive"):
        root(-1.0)
