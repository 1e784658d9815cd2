"""A readout for each step against least squares that are solved anew at every row."""

import numpy as np
import pytest
from helpers import content, needs_numba

from tsrnn.features.step_features import StepFeatures
from tsrnn.kernels.numpy_.per_step import RENEW_EVERY, follow_profiles
from tsrnn.nn import set_kernels
from tsrnn.online.readouts.per_step import FAST_RATE, SLOW_RATE, PerStepRLS
from tsrnn.warnings_ import NumericalWarning

pytestmark = pytest.mark.usefixtures("both_kernels")

N, S, M, SEASONS, FORGETTING, RIDGE = 90, 2, 5, (3, 7), 0.98, np.array([0.5, 2.0])


@pytest.fixture
def labels():
    rng = np.random.default_rng(0)
    labels = rng.normal(size=(N, S)).cumsum(axis=0)
    labels[rng.random(labels.shape) < 0.1] = np.nan
    labels[0] = 0.3
    return labels


def carried(labels):
    levels = labels.copy()
    for row in range(1, len(levels)):
        levels[row] = np.where(np.isfinite(levels[row]), levels[row], levels[row - 1])
    return levels


def blank(horizon=M, seasons=SEASONS):
    return PerStepRLS(StepFeatures.of(horizon, seasons), S, FORGETTING, RIDGE)


def profile(known, rate):
    """Return the profile of a phase from its known values up to a row, oldest first."""
    value = known[0] if known else np.nan
    for count, new in enumerate(known, 1):
        value += max(rate, 1 / count) * (new - value)
    return value


def slow_features(labels, stream, origin, step):
    """Return the features of a step, written out from their definition."""
    y = carried(labels)[:, stream]

    def level(row):
        return y[row] if row >= 0 else np.nan

    def profile_of(row, rate):
        phase = [labels[r, stream] for r in range(row % 7 if row >= 0 else 0, row + 1, 7)]
        return profile([v for v in phase if np.isfinite(v)], rate)

    mean = 0.0
    for row in range(origin + 1):
        if np.isfinite(labels[row, stream]):
            mean += (y[row] - mean) / 7

    def newest_of_phase(season):
        row = origin + step
        while row > origin:
            row -= season
        return row

    now = y[origin]
    x = [level(origin - 1) - now, level(origin - 2) - now, now - mean]
    for season in SEASONS:
        x += [now - level(origin - season), level(newest_of_phase(season)) - now]
    for rate in (FAST_RATE, SLOW_RATE):
        x += [now - profile_of(origin, rate), profile_of(newest_of_phase(7), rate) - now]
    return np.nan_to_num([*x, 1.0])  # what has not been seen yet counts for nothing


def solved(labels, stream, step, last):
    """Return the weights of exponentially weighted ridge regression with a lasting penalty."""
    forgetting, n_labels = FORGETTING**2, 0
    K = StepFeatures.of(M, SEASONS).n_features
    A, b = RIDGE[stream] * np.eye(K), np.zeros(K)
    for row in range(last + 1):
        if row < step or not np.isfinite(labels[row, stream]):
            continue
        x = slow_features(labels, stream, row - step, step)
        A = forgetting * A + np.outer(x, x)
        b = forgetting * b + x * (labels[row, stream] - carried(labels)[row - step, stream])
        n_labels += 1
        if n_labels % RENEW_EVERY == 0:
            at = (n_labels // RENEW_EVERY - 1) % K
            A[at, at] += RIDGE[stream] * (1 - forgetting ** (RENEW_EVERY * K))
    return np.linalg.solve(A, b), A


def test_equals_least_squares_that_are_solved_anew(labels):
    readout, forecasts, _ = blank().follow(carried(labels), labels, learning=True)
    for stream in range(S):
        for step in (1, 2, 5):
            weights, A = solved(labels, stream, step, N - 1)
            np.testing.assert_allclose(readout.weights[stream, step - 1], weights, rtol=1e-7)
            P = readout.covariance[stream, step - 1]
            np.testing.assert_allclose(P @ A, np.eye(len(A)), atol=1e-7)
            np.testing.assert_array_equal(P, P.T)
            x = slow_features(labels, stream, N - 1, step)
            expected = carried(labels)[-1, stream] + weights @ x
            assert forecasts[-1, stream, step - 1] == pytest.approx(expected, rel=1e-7)


@pytest.mark.parametrize("chunk", [1, 4, 13])
def test_any_split_of_the_rows_gives_the_same_and_what_was_stays(labels, chunk):
    whole, expected, _ = blank().follow(carried(labels), labels, learning=True)
    part, found = blank(), []
    for start in range(0, N, chunk):
        rows = slice(start, start + chunk)
        before = content(part)
        after, forecasts, _ = part.follow(carried(labels)[rows], labels[rows], learning=True)
        assert content(part) == before
        part = after
        found.append(forecasts)
    np.testing.assert_array_equal(np.concatenate(found), expected)
    assert content(part) == content(whole)


def test_nothing_of_a_label_is_learnt_before_its_row(labels):
    changed = labels.copy()
    changed[60:] += 100.0
    _, expected, _ = blank().follow(carried(labels), labels, learning=True)
    _, found, _ = blank().follow(carried(changed), changed, learning=True)
    np.testing.assert_array_equal(found[:60], expected[:60])
    assert (found[60:] != expected[60:]).any(axis=(1, 2)).all()


def test_labels_of_forecasts_issued_while_nothing_was_learnt_are_passed_over(labels):
    labels[40:60] = np.random.default_rng(1).normal(size=(20, S))
    readout, _, _ = blank().follow(carried(labels)[:40], labels[:40], learning=True)
    before = readout.weights
    readout, _, _ = readout.follow(carried(labels)[40:50], labels[40:50], learning=False)
    np.testing.assert_array_equal(readout.weights, before)
    counted = readout.n_labels
    readout, _, _ = readout.follow(carried(labels)[50:53], labels[50:53], learning=True)
    expected = [2, 1, 0, 0, 0]  # steps 1, 2: origins from row 50 on; the others reach back to 40 on
    np.testing.assert_array_equal(readout.n_labels - counted, [expected] * S)


def test_a_penalty_that_lasts_bounds_the_covariance_of_a_constant_series():
    labels = np.full((3000, S), 0.5)
    readout, forecasts, _ = blank(2, (3,)).follow(labels, labels, learning=True)
    n_features = readout.weights.shape[2]
    bound = FORGETTING ** (-2 * RENEW_EVERY * n_features) * 2 / RIDGE
    assert (np.linalg.eigvalsh(readout.covariance).max(axis=(1, 2)) < bound).all()
    assert (np.linalg.eigvalsh(readout.covariance).min(axis=(1, 2)) > 0).all()
    np.testing.assert_allclose(forecasts[-1], 0.5, atol=1e-9)


@pytest.mark.parametrize("part", ["weights", "covariance"])
def test_what_is_not_finite_starts_anew_and_is_told(labels, part):
    readout, _, _ = blank().follow(carried(labels)[:50], labels[:50], learning=True)
    array = getattr(readout, part).copy()
    array[1, 2] = np.nan
    setattr(readout, part, array)
    rows = np.array([[0.1, 0.2]])
    with pytest.warns(NumericalWarning, match="weight or covariance"):
        readout, forecasts, _ = readout.follow(rows, rows, learning=True)
    assert np.isfinite(forecasts).all()
    for array in (readout.weights, readout.covariance):
        assert np.isfinite(array).all()
    readout, _, _ = readout.follow(carried(labels)[50:60], labels[50:60], learning=True)
    assert np.isfinite(readout.weights).all()


def test_a_surprise_beyond_all_digits_starts_the_covariance_anew(labels):
    labels[50] = 1e9
    levels = carried(labels)
    _, forecasts, _ = blank().follow(levels, labels, learning=True)
    assert np.isfinite(forecasts).all()


@needs_numba
def test_kernels_agree(labels):
    found = {}
    for name in ("numpy", "numba"):
        set_kernels(name)
        found[name] = blank().follow(carried(labels), labels, learning=True)
    set_kernels(None)
    for one, other in zip(
        *((r.covariance, r.weights, f) for r, f, _ in found.values()), strict=True
    ):
        np.testing.assert_allclose(other, one, rtol=1e-9, atol=1e-9)


def test_profiles_hold_for_rows_that_do_not_know_their_value():
    values = np.zeros((10, 1, 6))
    values[:, 0, 0], values[3:, 0, 4] = np.arange(10.0), [1, 1, 1, 0, 1, 1, 1]
    values[:3, 0, 1:3] = 2.0
    follow_profiles(values, 3, 3, (0.25, 0.1, 0.5))
    np.testing.assert_allclose(values[[3, 6, 9], 0, 1], [3.0, 3.0, 6.0])
    np.testing.assert_allclose(values[3:, 0, 4], [1, 1, 1, 1, 2, 2, 2])


@pytest.mark.parametrize("early", [-2, 3])
def test_profiles_go_with_a_season_that_comes_earlier(early):
    """Kind: a clock is set: forecasts are what they are after rows that were early all along."""
    pattern = np.random.default_rng(3).normal(size=(SEASONS[-1], S))
    rows = np.arange(40 * SEASONS[-1])
    usual, moved = (pattern[(rows + shift) % SEASONS[-1]] for shift in (0, early))
    n = len(rows) // 2  # until then the mean of all phases has forgotten the move
    taught, _, _ = blank().follow(usual[:n], usual[:n], True)
    other = blank().follow(moved[:n], moved[:n], False)[0]
    other.weights = taught.weights
    after, expected = (
        readout.follow(moved[n:], moved[n:], False)[1][-1]
        for readout in (taught.phases_shifted(early), other)
    )
    np.testing.assert_allclose(after, expected, atol=1e-8)
