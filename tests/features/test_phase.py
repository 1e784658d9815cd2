"""The phase of the newest season: moved only where the calendar explains it much worse."""

from dataclasses import replace

import numpy as np
import pytest

from tsrnn.features.phase import CalendarProfile
from tsrnn.frames.calendar import Calendar

HOUR_NS = 3_600_000_000_000
SEASONS = (24, 168)


def stream(n_rows=1000, noise=0.3):
    """Return levels with a working day and free weekends, and the calendar of the next rows."""
    rows = np.arange(n_rows)
    calendar = Calendar.of_step(HOUR_NS).features((rows + 1) * HOUR_NS)
    week = np.roll(calendar, 1, axis=0)
    levels = week[:, 0] + 0.5 * week[:, 3] - week[:, -1]
    levels = levels + np.random.default_rng(0).normal(scale=noise, size=n_rows)
    return levels[1:, None], calendar[1:]


def phase_after(early, current=0, noise=0.3):
    levels, calendar = stream(noise=noise)
    profile = CalendarProfile.of(levels[:500], calendar[:500], SEASONS)
    return profile.phase(levels[500 + early : 900 + early], calendar[500:900], current)


@pytest.mark.parametrize("early", [-11, -6, 6, 12])
def test_a_moved_phase_is_found(early):
    assert phase_after(early) == early


@pytest.mark.parametrize("noise", [0.3, 3.0, 30.0])
def test_a_phase_as_usual_stays(noise):
    assert phase_after(0, noise=noise) == 0


def test_a_phase_once_moved_is_refined_and_goes_back():
    assert phase_after(6, current=5) == 6
    assert phase_after(0, current=6) == 0


def test_three_short_seasons_tell_a_phase_where_each_of_them_does():
    """Kind: a clock is set; an odd day, or two of them, are none."""
    levels, calendar = stream()
    profile = CalendarProfile.of(levels[:500], calendar[:500], SEASONS)

    def phase_of(n_moved, early=6, current=0, times=1.0):
        targets = levels[400:900].copy()
        targets[len(targets) - n_moved :] = times * levels[900 - n_moved + early : 900 + early]
        return profile.phase(targets, calendar[400:900], current)

    assert [phase_of(n) for n in (0, 24, 48, 72)] == [0, 0, 0, 6]
    assert phase_of(48, times=5.0) == 0  # two loud ones do not outvote the third
    # the rest of the longest season, as it was before, takes nothing back
    assert [phase_of(n, current=6) for n in (72, 96, 120, 168)] == [6, 6, 6, 6]
    assert phase_of(72, early=0, current=6) == 0


def test_profiles_go_with_a_phase_where_the_calendar_explains_most_of_a_level():
    told = [
        CalendarProfile.of(*(rows[:500] for rows in stream(noise=noise)), SEASONS).moves_profiles
        for noise in (0.3, 3.0)
    ]
    assert told == [True, False]


def test_a_profile_of_the_first_version_looks_at_the_longest_season_alone():
    levels, calendar = stream()
    profile = replace(CalendarProfile.of(levels[:500], calendar[:500], SEASONS), shortest=0)
    targets = levels[400:900].copy()
    targets[-72:] = levels[834:906]
    assert profile.phase(targets, calendar[400:900], 0) == 0
    assert not profile.moves_profiles


def test_nothing_to_tell_a_phase_by_leaves_it():
    levels, calendar = stream()
    profile = CalendarProfile.of(np.zeros_like(levels), calendar, SEASONS)
    assert profile.phase(levels[:400], calendar[:400], 3) == 3
    profile = CalendarProfile.of(levels, calendar, SEASONS)
    assert profile.phase(np.zeros((400, 1)), calendar[:400], 3) == 3


def test_streams_share_the_phase_that_suits_them_together():
    levels, calendar = stream()
    both = np.concatenate([levels, -levels], axis=1)
    profile = CalendarProfile.of(both[:500], calendar[:500], SEASONS)
    assert profile.phase(both[506:906], calendar[500:900], 0) == 6


def test_a_moved_phase_is_found_through_an_outage():
    levels, calendar = stream()
    profile = CalendarProfile.of(levels[:500], calendar[:500], SEASONS)
    targets = levels.copy()
    targets[np.arange(len(targets)) % 24 >= 14] = np.nan
    assert profile.phase(targets[506:906], calendar[500:900], 0) == 6


@pytest.mark.parametrize("other", ["constant", "missing", "noise"])
def test_streams_that_tell_nothing_dilute_nothing(other):
    levels, calendar = stream()
    beside = np.zeros((len(levels), 9))
    if other == "noise":
        beside = np.random.default_rng(1).normal(size=beside.shape)
    targets = np.concatenate([levels, beside], axis=1)
    profile = CalendarProfile.of(targets[:500], calendar[:500], SEASONS)
    if other == "missing":
        targets[500:, 1:] = np.nan
    assert profile.phase(targets[506:906], calendar[500:900], 0) == 6


@pytest.mark.parametrize("size", [1e-200, 1e-12, 1e12, 1e200])
def test_sizes_do_not_matter(size):
    levels, calendar = stream()
    profile = CalendarProfile.of(levels[:500], calendar[:500], SEASONS)
    assert profile.phase(size * levels[506:906], calendar[500:900], 0) == 6
