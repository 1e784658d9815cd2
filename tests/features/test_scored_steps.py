"""Scored steps: which they are, and that what lies between is a straight line."""

import numpy as np
import pytest

from tsrnn.features.scored_steps import ScoredSteps


@pytest.mark.parametrize("horizon", [1, 24, 40, 41, 50, 168, 720])
def test_the_first_steps_and_the_last_one_are_scored(horizon):
    scored = ScoredSteps.of(horizon)
    assert len(scored.steps) == min(horizon, 40)
    assert scored.steps[-1] == horizon
    np.testing.assert_array_equal(scored.steps[:24], np.arange(1, min(horizon, 24) + 1))
    assert (np.diff(scored.steps) > 0).all()
    assert scored.all_are == (horizon <= 40)


@pytest.mark.parametrize("horizon", [1, 3, 50])
def test_what_waits_is_all_that_labels_to_come_ask_for(horizon):
    scored = ScoredSteps.of(horizon)
    n_scored = len(scored.steps)
    issued = np.random.default_rng(0).normal(size=(horizon, n_scored, 2, 3))
    waiting = scored.waiting(issued)
    assert waiting.shape == (scored.steps.sum(), 2, 3)
    restored = scored.issued(waiting)
    newest = horizon - 1
    for row in range(newest + 1, newest + 1 + horizon):  # as labels come
        for place, step in enumerate(scored.steps):
            if (origin := row - step) <= newest:
                np.testing.assert_array_equal(restored[origin, place], issued[origin, place])
    np.testing.assert_array_equal(scored.waiting(restored), waiting)
    with pytest.raises(ValueError, match="broadcast"):
        scored.issued(waiting[1:])


@pytest.mark.parametrize("horizon", [3, 41, 168, 720])
def test_what_lies_between_is_interpolated(horizon):
    scored = ScoredSteps.of(horizon)
    values = np.random.default_rng(0).normal(size=(2, len(scored.steps)))
    expected = [np.interp(np.arange(1, horizon + 1), scored.steps, line) for line in values]
    np.testing.assert_allclose(scored.spread(values), expected, rtol=1e-12)
    np.testing.assert_array_equal(scored.take(scored.spread(values)), values)
