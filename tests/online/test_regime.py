"""Changes of level, scale and phase are noted, and told beside those of the errors."""

from dataclasses import replace

import numpy as np

from tsrnn.online.intervals.tracking import Intervals
from tsrnn.online.regime import DONE, MOST, Regime, changes_of


def errors_changed_at(*rows):
    """Return intervals of a stream whose errors are noted to have changed at these rows."""
    intervals = Intervals(1, n_streams=1)
    changes = tuple((row, 0, 2.5) for row in rows)
    intervals.drift = replace(intervals.drift, changes=changes)
    return intervals


def followed(regime, *levels, phase=0):
    for row, level in levels:
        regime = regime.follow(row, np.array([level]), np.ones(1), phase, [1.0])
    return regime


def test_a_change_of_errors_is_told_with_what_then_stood():
    regime = followed(Regime.of(1), (5, 2.0), (9, 4.0))
    told = changes_of(errors_changed_at(3, 7), regime)
    assert [(row, *rest) for row, _, _, *rest, _ in told] == [
        (3, 0.0, 1.0, 0, "error"),
        (5, 2.0, 1.0, 0, "level"),
        (7, 2.0, 1.0, 0, "error"),
        (9, 4.0, 1.0, 0, "level"),
    ]
    assert {kind: done for *_, kind, done in told} == {k: DONE[k] for k in ("error", "level")}


def test_what_stood_is_known_after_changes_were_cleared():
    regime = followed(Regime.of(1), (5, 2.0), phase=3).cleared()
    assert regime.changes == ()
    assert changes_of(errors_changed_at(1), regime) == [
        (1, 0, 2.5, 2.0, 1.0, 3, "error", DONE["error"])
    ]


def test_what_stood_is_known_after_old_changes_fell_off():
    regime = followed(Regime.of(1), *((row, 2.0 * row) for row in range(1, MOST + 11)))
    assert len(regime.changes) == MOST
    assert regime.changes[0][0] == 11
    told = changes_of(errors_changed_at(3, 11), regime)
    assert told[0][:6] == (11, 0, 1.0, 22.0, 1.0, 0)  # what then was at row 3 is not known any more
    assert told[1][:7] == (11, 0, 2.5, 22.0, 1.0, 0, "error")
    assert len(told) == MOST + 1


def test_without_a_regime_or_intervals():
    assert changes_of(None, None) == []
    [told] = changes_of(errors_changed_at(1), None)
    assert told[:7] == (1, 0, 2.5, 0.0, 1.0, 0, "error")
    assert len(changes_of(None, followed(Regime.of(1), (5, 2.0)))) == 1
