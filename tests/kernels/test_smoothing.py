"""Exponential smoothing against a slow reference, and compiled against NumPy's."""

import copy

import numpy as np
import pytest
from helpers import content, needs_numba

from tsrnn.kernels.numpy_.smoothing import LOSS_DISCOUNT, NO_LIMIT
from tsrnn.nn import set_kernels
from tsrnn.online.experts.smoothing import Smoothing


def messy(n_rows=90):
    """Return two streams with gaps, the first one positive above -3, the second one not."""
    rng = np.random.default_rng(0)
    season = np.tile(rng.normal(size=5), 18)[:, None]
    values = season + 0.02 * np.arange(n_rows)[:, None] + 0.3 * rng.normal(size=(n_rows, 2))
    values[:, 0] = np.maximum(values[:, 0], -2.9)
    values[[3, 20, 21, 60]] = np.nan
    values[0, 1] = np.nan
    return values


def slow_state(values, alpha, beta, phi, gamma, period):
    """Return one-step forecasts by the textbook's recursion, from the second season on."""
    n_known = level = trend = 0.0
    season, raw, found = {}, [], []
    for t, y in enumerate(values):
        base = level + phi * trend
        if period > 1 and t < period:
            level += (y - level) / (n_known + 1) if np.isfinite(y) else 0.0
            raw.append(y if np.isfinite(y) else level)
            n_known += np.isfinite(y)
            if t == period - 1:
                season = {k: value - level for k, value in enumerate(raw)}
        else:
            error = y - base - season.get(t % period, 0.0) if np.isfinite(y) else 0.0
            rate = max(alpha, 1 / (n_known + 1))
            level = base + rate * error
            trend = phi * trend + (beta * rate * error if n_known else 0.0)
            if period > 1:
                season[t % period] += max(gamma, 1 / (t // period + 1)) * error
            n_known += np.isfinite(y)
        ready = n_known and t + 1 >= period
        ahead = level + phi * trend + season.get((t + 1) % period, 0.0)
        found.append(ahead if ready else np.nan)
    return np.array(found)


@pytest.mark.usefixtures("both_kernels")
@pytest.mark.parametrize("rates", [(0.3, 0.0, 0.0, 0.0), (0.5, 0.2, 0.9, 0.1), (0.0, 0, 0, 0)])
@pytest.mark.parametrize("period", [1, 5])
def test_equals_the_textbook(monkeypatch, rates, period):
    for name in ("MEAN", "LEVEL", "TREND", "SEASON"):
        monkeypatch.setattr(f"tsrnn.online.experts.smoothing.{name}", (rates,))
    values = messy()
    _, forecasts = Smoothing(1, (5,), 2).follow(values)
    for s in range(2):
        expected = slow_state(values[:, s], *rates, period)
        expert = 0 if period == 1 else 3
        np.testing.assert_allclose(forecasts[:, 0, expert, s], expected, rtol=1e-10, atol=1e-12)


@pytest.mark.usefixtures("both_kernels")
def test_steps_ahead_follow_the_damped_trend_and_the_newest_season(monkeypatch):
    rates = (0.5, 0.2, 0.9, 0.1)
    for name in ("MEAN", "LEVEL", "TREND", "SEASON"):
        monkeypatch.setattr(f"tsrnn.online.experts.smoothing.{name}", (rates,))
    values = messy()
    smoothing, forecasts = Smoothing(12, (5,), 2).follow(values)
    level, trend = smoothing.moving[:2]
    steps = np.arange(1, 13)
    expected = level[1] + np.cumsum(0.9**steps)[:, None] * trend[1]
    np.testing.assert_allclose(forecasts[-1, :, 1], expected, rtol=1e-10)
    season = smoothing._seasonal[-5:, 0][(steps - 1) % 5]
    expected = level[3] + np.cumsum(0.9**steps)[:, None] * trend[3] + season
    np.testing.assert_allclose(forecasts[-1, :, 3], expected, rtol=1e-10)


@pytest.mark.usefixtures("both_kernels")
def test_logarithms_are_taken_of_what_was_always_positive():
    values = messy()
    smoothing, forecasts = Smoothing(3, (5,), 2, zero=np.array([-3.0, 0.0])).follow(values)
    assert smoothing.names[-1] == "log_holt_winters_5"
    assert np.isfinite(forecasts[10:, :, -1, 0]).all()
    assert np.isnan(forecasts[:, :, -1, 1]).all()
    assert (forecasts[10:, :, -1, 0] > -3.0).all()


@pytest.mark.usefixtures("both_kernels")
def test_settings_side_by_side_count_by_the_fourth_power_of_their_errors(monkeypatch):
    """Each setting alone, as `test_equals_the_textbook` holds it, then weighed by its loss."""
    values = messy()[:, :1]
    settings = (0.1, 0.0, 0.0, 0.0), (0.8, 0.0, 0.0, 0.0)
    alone, errors = [], []
    for rates in settings:
        alone.append(slow_state(values[:, 0], *rates, 1))
        # The first value has no forecast: it is no error.
        errors.append(np.append(0.0, values[1:, 0] - alone[-1][:-1]))
    monkeypatch.setattr("tsrnn.online.experts.smoothing.LEVEL", settings)
    _, forecasts = Smoothing(1, (), 1).follow(values)
    losses = np.zeros(2)
    for row in range(len(values)):
        found = np.square([error[row] for error in errors])
        if np.isfinite(found).all() and row:
            losses = LOSS_DISCOUNT * losses + found
        if row > 5:
            weights = (losses.min() / losses) ** 4
            expected = np.average([forecast[row] for forecast in alone], weights=weights)
            np.testing.assert_allclose(forecasts[row, 0, 1, 0], expected, rtol=1e-9)


@pytest.mark.usefixtures("both_kernels")
def test_a_multiplicative_season_with_growth_is_met_by_logarithms():
    steps = np.arange(200)
    values = np.exp(0.01 * steps + np.sin(2 * np.pi * steps / 12))[:, None]
    smoothing, forecasts = Smoothing(1, (12,), 1, zero=np.zeros(1)).follow(values)
    error = forecasts[100:-1, 0] - values[101:, None]
    worth = dict(zip(smoothing.names, np.abs(error[..., 0]).mean(axis=0), strict=True))
    assert worth["log_holt_winters_12"] < 0.5 * worth["holt_winters_12"]


def quiet_nights(n_rows=240):
    """Return a stream that is near zero every night, and whose level jumps by ten of its peaks."""
    day = np.maximum(0.001, np.sin(2 * np.pi * np.arange(n_rows) / 24))
    return np.where(np.arange(n_rows) < 180, day, day + 10.0)[:, None]


@pytest.mark.usefixtures("both_kernels")
def test_logarithms_forecast_no_more_than_twice_the_largest_value():
    """A jump is a factor of thousands at night: the next day is not forecast at thousands."""
    values = quiet_nights()
    _, forecasts = Smoothing(24, (24,), 1, zero=np.zeros(1)).follow(values)
    highest, largest = forecasts[:, :, -1, 0].max(axis=1), np.maximum.accumulate(values[:, 0])
    awake = slice(23, None)
    assert (highest[awake] <= 2.0 * largest[awake] * (1.0 + 1e-12)).all()
    assert (highest[180:] > 1.7 * largest[180:]).any()  # it is met


@pytest.mark.usefixtures("both_kernels")
def test_nothing_limits_the_logarithms_of_a_file_that_knows_no_largest_value():
    values = quiet_nights()
    smoothing, _ = Smoothing(24, (24,), 1, zero=np.zeros(1)).follow(values[:180])
    old = copy.copy(smoothing)
    old.moving = *smoothing.moving[:5], np.array([NO_LIMIT])
    old, forecasts = old.follow(values[180:])
    assert old.moving[5] == NO_LIMIT
    assert forecasts[:, :, -1].max() > 50.0
    smoothing, forecasts = smoothing.follow(values[180:])
    assert -smoothing.moving[5] == values.max()
    assert forecasts[:, :, -1].max() < 23.0


@pytest.mark.usefixtures("both_kernels")
@pytest.mark.parametrize("cuts", [[1, 2, 3], [4, 5, 6, 37], list(range(1, 90))])
def test_any_split_of_the_rows_is_the_same(cuts):
    values, zero = messy(), np.array([-3.0, 0.0])
    whole, forecasts = Smoothing(7, (2, 5), 2, zero).follow(values)
    smoothing, found = Smoothing(7, (2, 5), 2, zero), []
    for part in np.split(values, cuts):
        smoothing, issued = smoothing.follow(part)
        found.append(issued)
    np.testing.assert_array_equal(np.concatenate(found), forecasts)
    assert content(smoothing) == content(whole)


@needs_numba
def test_compiled_equals_numpy():
    values, zero, found = messy(), np.array([-3.0, 0.0]), []
    for name in ("numpy", "numba"):
        set_kernels(name)
        smoothing, forecasts = Smoothing(9, (2, 5), 2, zero).follow(values)
        found.append((forecasts, smoothing._seasonal, *smoothing.moving))
    set_kernels(None)
    for one, other in zip(*found, strict=True):
        np.testing.assert_allclose(other, one, rtol=1e-10, atol=1e-12)


def test_a_season_that_comes_earlier_is_forecast_from_the_phase_it_is_in():
    """Kind: a clock is set: the states of a phase go with it, and are not learnt again."""
    pattern = np.random.default_rng(2).normal(size=7)
    values = np.tile(pattern, 30)[:, None]
    smoothing, _ = Smoothing(9, (7,), 1).follow(values)
    for early in (-3, 2, 6):
        after, moved = smoothing.phases_shifted(7, early).follow(np.full((1, 1), np.nan))
        assert after.names[-1] == "holt_winters_7"
        expected = pattern[(len(values) + 1 + early + np.arange(9)) % 7]
        np.testing.assert_allclose(moved[0, :, -1, 0], expected, atol=1e-6)
    young, _ = Smoothing(9, (7,), 1).follow(values[:13])
    assert young.phases_shifted(7, 2) is young
