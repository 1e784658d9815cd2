"""Rows arranged for a learner, against a plain loop over positions."""

import numpy as np
import pytest

from tsrnn.frames.groups import MISSING, NEVER, arrange


def draw_rows(rng, n_series, n_positions, gone):
    """Rows in any order, some of them missing, and the steps from the row before of each."""
    at, of = np.nonzero(rng.random((n_positions, n_series)) >= gone)
    heads = np.where(rng.random(n_series) < 0.3, NEVER, -1 - rng.integers(0, 3, n_series))
    order = rng.permutation(len(at))
    series, positions = of[order], at[order]
    steps = np.empty(len(at), dtype=np.int64)
    for s in range(n_series):
        mine = np.flatnonzero(series == s)
        mine = mine[np.argsort(positions[mine])]
        before = heads[s]
        for row in mine:
            steps[row] = 0 if before == NEVER else positions[row] - before
            before = positions[row]
    return series, positions, steps


def taken_in(groups):
    """Return (position, series, row or MISSING, fresh) in the order in which they are taken in."""
    return [
        (group.start + t, int(s), int(group.rows[t, b]), bool(group.fresh[b]) and t == 0)
        for group in groups
        for t in range(len(group))
        for b, s in enumerate(group.series)
    ]


@pytest.mark.parametrize("policy", ["fill", "reset"])
@pytest.mark.parametrize("n_series", [1, 2, 5])
@pytest.mark.parametrize("gone", [0.0, 0.1, 0.6])
def test_every_row_comes_once_in_its_place_with_what_is_missing_before_it(policy, n_series, gone):
    rng = np.random.default_rng(0)
    for _ in range(20):
        series, positions, steps = draw_rows(rng, n_series, 12, gone)
        if not len(series):
            continue
        found = taken_in(arrange(series, positions, steps, policy))
        rows = [row for _, _, row, _ in found if row != MISSING]
        assert sorted(rows) == list(range(len(series)))
        assert [positions[row] for row in rows] == sorted(positions)
        for s in range(n_series):
            mine = [(at, row, fresh) for at, of, row, fresh in found if of == s]
            expected = []
            for row in sorted(np.flatnonzero(series == s), key=lambda row: positions[row]):
                missing = max(int(steps[row]) - 1, 0)
                fresh = steps[row] == 0 or (policy == "reset" and missing > 0)
                if policy == "fill":
                    at = range(int(positions[row]) - missing, int(positions[row]))
                    expected += [(p, MISSING, False) for p in at]
                expected.append((int(positions[row]), int(row), bool(fresh)))
            assert mine == expected


def test_series_that_move_together_are_one_group():
    positions = np.repeat(np.arange(50), 3)
    series = np.tile(np.arange(3), 50)
    steps = np.where(positions == 0, 0, 1)
    (group,) = arrange(series, positions, steps, "fill")
    np.testing.assert_array_equal(group.rows, np.arange(150).reshape(50, 3))


def test_values_of_missing_rows_are_nan():
    first, *_ = arrange(np.zeros(2, int), np.array([3, 6]), np.array([0, 3]), "fill")
    values = np.array([[1.0], [2.0]])
    np.testing.assert_array_equal(first.take(values)[:, 0, 0], [1.0, np.nan, np.nan, 2.0])
