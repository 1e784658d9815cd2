"""Rows that are appended in place: what was looked at stays, whoever goes on from it."""

import numpy as np
import pytest

from tsrnn.online.storage.spare_rows import AppendsRows


class Remembers(AppendsRows):
    """Three rows of two arrays."""

    appended = ("values", "flags")

    def __init__(self):
        self.values, self.flags = np.zeros((3, 2)), np.zeros(3, dtype=bool)

    def then(self, *numbers):
        new = self.opened(len(numbers))
        new.values[3:], new.flags[3:] = np.array(numbers)[:, None], True
        new.close(len(numbers))
        return new

    @property
    def newest(self):
        return self.values[:, 0].tolist()


def test_every_value_keeps_its_rows():
    values = [Remembers()]
    for number in range(1, 50):
        values.append(values[-1].then(number))
    for number, value in enumerate(values):
        assert value.newest == [max(0, number - back) for back in (2, 1, 0)]
        assert value.flags.sum() == min(number, 3)


@pytest.mark.parametrize("n_before", range(8))
def test_two_that_go_on_from_one_value_do_not_meet(n_before):
    value = Remembers()
    for number in range(n_before):
        value = value.then(number)
    before = value.newest
    first, second = value.then(100.0), value.then(200.0)
    third = first.then(101.0)
    assert second.then(201.0).newest[-2:] == [200.0, 201.0]
    assert third.newest == [*before[-1:], 100.0, 101.0]
    assert first.newest == [*before[-2:], 100.0]
    assert second.newest == [*before[-2:], 200.0]
    assert value.newest == before


def test_what_was_opened_and_given_up_leaves_no_trace():
    value = Remembers().then(1.0).then(2.0)
    abandoned = value.opened(1)
    abandoned.values[3:] = 99.0
    assert value.then(3.0).newest == [1.0, 2.0, 3.0]


def test_rows_that_are_replaced_are_not_written_behind():
    value = Remembers().then(1.0).then(2.0)
    value.values = np.array([[7.0, 7.0], [8.0, 8.0], [9.0, 9.0]])
    assert value.then(10.0).newest == [8.0, 9.0, 10.0]


def test_the_buffer_of_a_row_is_mostly_the_old_one_and_of_constant_size():
    value, buffers, sizes = Remembers(), set(), set()
    for number in range(60):
        value = value.then(number)
        buffers.add(id(value.values.base))
        sizes.add(len(value.values.base))
    assert max(sizes) <= 8
    assert value.then(*range(100)).values.base is None or len(value.values.base) <= 8
    assert set(value.__getstate__()) == {"values", "flags"}
