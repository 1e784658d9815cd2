"""Tails of errors: their moments, and the probabilities read off them."""

from statistics import NormalDist

import numpy as np
import pytest
from helpers import needs_numba

from tsrnn.kernels import compiled_kernels
from tsrnn.kernels.numpy_.tails import follow_tails, pooled_tails, tail_excesses, thresholds
from tsrnn.nn import set_kernels
from tsrnn.online.intervals.conformal import Conformal
from tsrnn.online.intervals.tails import normal_tails, p_values
from tsrnn.online.intervals.tracking import Intervals

PROBABILITIES = np.array([0.05, 0.5, 0.95])


def tails_of(errors, quantiles):
    """Return the tails after errors (n, S) with fixed quantiles (Q,)."""
    tails = normal_tails(PROBABILITIES, errors.shape[1])
    tracked = np.repeat(quantiles[:, None], errors.shape[1], axis=1)
    for row in errors:
        follow_tails(row, tracked, PROBABILITIES, tails)
    return tracked, tails


@pytest.mark.parametrize("shape", [0.0, 0.2])
def test_a_generalized_pareto_tail_is_found(shape):
    """Twice exponential, or heavier: P(|E| > e) is known."""
    rng = np.random.default_rng(0)
    uniform = rng.random((5000, 8))  # of eight streams, whose mean is looked at
    size = -np.log(uniform) if shape == 0.0 else (uniform**-shape - 1.0) / shape
    errors = size * rng.choice([-1.0, 1.0], size.shape)
    at = -np.log(0.1) if shape == 0.0 else (0.1**-shape - 1.0) / shape
    tracked, tails = tails_of(errors, np.array([-at, 0.0, at]))
    for p in (0.01, 0.001):
        far = -np.log(p) if shape == 0.0 else (p**-shape - 1.0) / shape
        for value in (far, -far):
            found = p_values(np.full(8, value), PROBABILITIES, tracked, tails).mean()
            assert p / 1.5 < found < 1.5 * p


def test_normal_errors_have_the_tails_of_the_start():
    _, tails = tails_of(
        np.random.default_rng(1).normal(size=(7500, 8)) / 0.798,
        np.array([NormalDist().inv_cdf(p) for p in PROBABILITIES]) / 0.798,
    )
    start = normal_tails(PROBABILITIES, 1)
    mean = tails.mean(axis=2, keepdims=True)
    np.testing.assert_allclose(mean[:, :2], start[:, :2], rtol=0.25)
    assert (tails[:, 2].sum(axis=1) > 2500).all()


def test_p_values_agree_with_intervals_and_fall_outwards():
    rng = np.random.default_rng(2)
    conformal = Conformal.of([1], n_streams=2)
    quantiles = conformal.quantiles[:, 0] * np.array([1.0, 3.0])
    tails = normal_tails(conformal.probabilities, 2)
    for coverage in (0.3, 0.8, 0.95, 0.985):
        share = (1.0 - coverage) / 2.0
        edges = conformal.offsets([share, 1.0 - share], np.array([[1.0, 3.0]]))[:, 0]
        found = [p_values(edge, conformal.probabilities, quantiles, tails) for edge in edges]
        np.testing.assert_allclose(found, 1.0 - coverage, rtol=1e-6)
    outwards = np.sort(rng.exponential(size=300) * 10)[:, None]
    found = [p_values(e * np.ones(2), conformal.probabilities, quantiles, tails) for e in outwards]
    assert (np.diff(found, axis=0) <= 0.0).all()
    assert np.isnan(p_values(np.full(2, np.nan), conformal.probabilities, quantiles, tails)).all()
    assert p_values(np.zeros(2), conformal.probabilities, quantiles, tails) == pytest.approx(1.0)


def test_a_huge_error_in_a_tail_counts_up_to_a_limit():
    quantiles = np.array([-2.0, 0.0, 2.0])
    errors = np.tile([[2.5], [1e9]], (1, 1))
    _, tails = tails_of(errors, quantiles)
    assert tails[1, 0, 0] < 1.0


def test_many_series_at_once_weigh_as_one_after_the_other():
    """While all weigh alike, the pooled mean is the mean of all."""
    errors = np.random.default_rng(3).exponential(size=(30, 1)) + 2.0
    quantiles = np.array([-2.0, 0.0, 2.0])
    _, one_by_one = tails_of(errors, quantiles)
    tracked = np.repeat(quantiles[:, None], 30, axis=1)
    limits = np.full((2, 30), np.inf)
    sums = tail_excesses(errors[:, 0], tracked, PROBABILITIES, limits).sum(axis=-1, keepdims=True)
    np.testing.assert_allclose(
        pooled_tails(normal_tails(PROBABILITIES, 1), sums), one_by_one, rtol=1e-12
    )


@needs_numba
def test_compiled_tails_are_those_of_numpy():
    rng = np.random.default_rng(4)
    labels = rng.standard_t(3, size=(400, 2, 1))
    labels[rng.random(labels.shape) < 0.1] = np.nan
    forecasts = rng.normal(size=(400, 2, 3))
    found = []
    for kernels in ("numpy", "numba"):
        set_kernels(kernels)
        assert (compiled_kernels() is None) == (kernels == "numpy")
        found.append(Intervals(3, 2, (24,)).follow(forecasts, labels).tails)
    set_kernels(None)
    np.testing.assert_allclose(found[1], found[0], rtol=1e-12)
    assert (found[0][:, 2] > 5).all()


def test_where_tails_begin():
    assert thresholds(np.array([0.005, 0.025, 0.05, 0.5, 0.95, 0.975])) == (2, 4)
    assert thresholds(np.array([0.25, 0.75])) == (0, 1)


def test_false_alarms_of_white_noise_come_at_the_nominal_rate():
    labels = np.random.default_rng(5).normal(size=(12_000, 4, 1))
    zeros, intervals, found = np.zeros((50, 4, 1)), Intervals(1, 4), []
    for start in range(0, len(labels), 50):
        block = labels[start : start + 50]
        if start >= 1000:
            found.append(intervals.p_values(block[0, :, 0], np.zeros(4)))
        intervals = intervals.follow(zeros, block)
    found = np.array(found)  # 880 of them
    for p, factor in ((0.5, 1.1), (0.05, 1.5)):
        assert p / factor < (found < p).mean() < p * factor
