"""Online conformal intervals: coverage, order, and that nothing learns from what is missing."""

from dataclasses import replace

import numpy as np
import pytest
from helpers import content

from tsrnn.kernels.numpy_.conformal import season_weights
from tsrnn.online.intervals.conformal import Conformal
from tsrnn.online.intervals.tracking import Intervals

pytestmark = pytest.mark.usefixtures("both_kernels")


def walk(errors, conformal, tails=(0.05, 0.95)):
    """Show errors (n, S) of one step ahead; return bounds (2, n, S) issued before each."""
    bounds, scale = [], conformal.scale(-1)
    for row, error in enumerate(errors):
        bounds.append(conformal.offsets(tails, scale)[:, 0])
        conformal = conformal.step(error[None], scale, row)
        scale = conformal.scale(row)
    return np.array(bounds).swapaxes(0, 1), conformal


def covered(errors, bounds, rows=slice(None)):
    return ((bounds[0] <= errors) & (errors <= bounds[1]))[rows].mean()


@pytest.mark.parametrize(
    "kind",
    [
        *["normal", "shifting", "daily"],
        *(
            pytest.param(k, marks=pytest.mark.slow)
            for k in ("skew", "heavy tails", "growing", "biased")
        ),
    ],
)
def test_covers_its_share_whatever_the_errors(kind):
    rng = np.random.default_rng(0)
    n = np.arange(6000)[:, None]
    errors = {
        "normal": lambda z: z,
        "skew": lambda z: np.exp(z) - 2.0,
        "heavy tails": lambda z: rng.standard_t(3, size=z.shape),
        "growing": lambda z: z * 1.0005**n,
        "shifting": lambda z: z * np.where(n % 2000 < 1000, 1.0, 8.0),
        "daily": lambda z: z * np.where(n % 24 < 8, 0.1, 3.0),
        "biased": lambda z: z + 0.5,
    }[kind](rng.normal(size=(6000, 1)))
    bounds, _ = walk(errors, Conformal.of([1], 1, seasons=(24,)))
    assert covered(errors, bounds) == pytest.approx(0.9, abs=0.01)
    for start in range(0, 6000, 1000):
        assert 0.85 < covered(errors, bounds, slice(start, start + 1000)) < 0.95


def test_hours_have_intervals_of_their_own_width():
    rng = np.random.default_rng(0)
    n = np.arange(5000)[:, None]
    errors = rng.normal(size=(5000, 1)) * np.where(n % 24 < 8, 0.1, 3.0)
    bounds, _ = walk(errors, Conformal.of([1], 1, seasons=(24,)))
    width = (bounds[1] - bounds[0])[3000:, 0]
    quiet = (np.arange(3000, 5000) % 24) < 8
    np.testing.assert_allclose(width[quiet].mean(), 0.1 * 2 * 1.645, rtol=0.25)
    np.testing.assert_allclose(width[~quiet].mean(), 3.0 * 2 * 1.645, rtol=0.15)
    assert covered(errors, bounds, slice(3000, None)) == pytest.approx(0.9, abs=0.015)


def test_a_season_that_errors_do_not_have_makes_intervals_no_wider():
    """Factors that differ by chance alone are left out; of normal errors that is known."""
    errors = np.random.default_rng(0).normal(size=(6000, 40))
    bounds, conformal = walk(errors, Conformal.of([1], 40, seasons=(24, 168)))
    width = (bounds[1] - bounds[0])[3000:].mean() / (2 * 1.645)
    assert 0.99 < width < 1.03
    _, full = walk(errors, replace(Conformal.of([1], 40, seasons=(24, 168)), noise=0.0))
    for season in (slice(24), slice(24, None)):
        factors = full.profiles[season]
        by_chance = (factors.var(axis=0) / factors.mean(axis=0) ** 2).mean()
        assert by_chance == pytest.approx(conformal.noise, rel=0.2)


def test_factors_of_a_season_do_not_sink_in_the_long_run():
    """What they have in common is the level's, and would go down by a half in 1,000 visits."""
    errors = np.random.default_rng(0).normal(size=(5000, 40))
    _, conformal = walk(errors, Conformal.of([1], 40, seasons=(4,)))
    assert conformal.profiles.mean() == pytest.approx(1.0, abs=0.05)


def test_a_season_of_few_visits_weighs_by_what_chance_would_have_made_of_so_many():
    rng = np.random.default_rng(0)
    errors = rng.normal(size=(24 * 3, 40))
    widths = np.where(np.arange(len(errors)) % 24 < 8, 0.3, 1.5)[:, None]
    weights = []
    for each in (errors, errors * widths):
        _, conformal = walk(each, Conformal.of([1], 40, seasons=(24,)))
        weights.append(
            season_weights(conformal.profiles, [24], conformal.n_labels[0], conformal.noise)
        )
    assert np.median(weights[0]) < 0.6
    assert np.median(weights[1]) > 0.8


def test_after_a_restart_a_season_weighs_as_soon_as_at_the_start():
    """Factors begin anew then, and so do the rows that tell what chance makes of them."""
    rng = np.random.default_rng(0)
    n = np.arange(24 * 20)
    errors = rng.normal(size=(len(n), 40)) * np.where(n % 24 < 8, 0.3, 1.5)[:, None]
    _, conformal = walk(errors, Conformal.of([1], 40, seasons=(24,)))
    _, again = walk(errors[: 24 * 3], conformal.without_seasons())
    quiet, loud = again.scale(24 * 3 - 1)[0], again.scale(24 * 3 + 11)[0]
    assert np.median(quiet / loud) < 0.9


def test_far_steps_whose_errors_overlap_are_covered_from_a_few_overlaps_on():
    rng, delay, n_streams, n_rows = np.random.default_rng(0), 240, 40, 2000
    noise = rng.normal(size=(n_rows + delay, n_streams)).cumsum(axis=0)
    errors = (noise[delay:] - noise[:-delay]) / np.sqrt(delay)
    conformal, issued, inside = Conformal.of([delay], n_streams), [], []
    for row, error in enumerate(errors):
        if row >= delay:
            scale, (low, high) = issued[row - delay]
            inside.append((low <= error) & (error <= high))
            conformal = conformal.step(error[None], scale, row)
        scale = conformal.scale(row)
        issued.append((scale, conformal.offsets((0.05, 0.95), scale)[:, 0]))
    assert np.mean(inside[2 * delay :]) == pytest.approx(0.9, abs=0.04)


@pytest.mark.parametrize(
    "kind", [pytest.param("random walk", marks=pytest.mark.slow), "white noise"]
)
def test_widths_of_all_steps_are_true_ones(kind):
    """Kind: errors that overlap. Each step's mean width of eight streams each, and its noise."""
    horizon, n_streams, n_rows, grows = 24, 8, 3000, 0.0
    if kind == "random walk":
        n_rows, grows = 12_000, 0.5  # 24 steps ahead they are 500 errors that do not overlap
    labels = np.random.default_rng(0).normal(size=(n_rows, n_streams))
    forecasts = np.zeros((n_rows, n_streams, horizon))
    if kind == "random walk":
        labels = labels.cumsum(axis=0)
        forecasts += labels[:, :, None]
    intervals, widths = Intervals(horizon, n_streams), []
    for start in range(0, n_rows, 20):
        rows = slice(start, start + 20)
        intervals = intervals.follow(forecasts[rows], labels[rows, :, None])
        low, high = intervals.offsets((0.05, 0.95))
        widths.append(high - low)
    true = 2 * 1.645 * np.arange(1.0, horizon + 1.0) ** grows
    ratio = np.array(widths[len(widths) // 2 :]) / true  # (n, S, horizon)
    assert np.abs(ratio.mean(axis=0) - 1.0).max() < 0.15
    assert np.log(ratio).std(axis=(0, 1)).max() < 0.2


def test_errors_that_have_grown_are_covered_within_a_few_rows():
    rng, n_streams, n_before, n_after = np.random.default_rng(0), 200, 300, 30
    labels = rng.normal(size=(n_before + n_after, n_streams, 1))
    labels[n_before:] *= 4.0
    intervals, inside = Intervals(1, n_streams), []
    for row in labels[:, None]:
        low, high = intervals.offsets((0.05, 0.95))
        inside.append((low <= row[0]) & (row[0] <= high))
        intervals = intervals.follow(np.zeros_like(row), row)
    assert np.mean(inside[100:n_before]) == pytest.approx(0.9, abs=0.015)
    assert np.mean(inside[n_before : n_before + 3]) < 0.5
    assert np.mean(inside[-20:]) > 0.75


def test_either_side_has_a_width_of_its_own():
    errors = np.random.default_rng(0).exponential(size=(8000, 1)) - 1.0
    bounds, _ = walk(errors, Conformal.of([1], 1))
    lower, upper = np.median(bounds[:, 2000:, 0], axis=1)
    assert lower == pytest.approx(np.log(1 / 0.95) - 1.0, abs=0.08)
    assert upper == pytest.approx(np.log(1 / 0.05) - 1.0, rel=0.15)


def test_quantiles_never_cross():
    rng = np.random.default_rng(0)
    _, conformal = walk(rng.standard_t(2, size=(2000, 3)), Conformal.of([1], 3))
    crossed = conformal.quantiles.copy()
    crossed[[1, 2]] = crossed[[2, 1]]
    conformal = replace(conformal, quantiles=crossed)
    tails = np.linspace(0.001, 0.999, 41)
    offsets = conformal.offsets(tails, conformal.scale(0))
    assert (np.diff(offsets, axis=0) >= 0).all()
    np.testing.assert_array_equal(
        conformal.offsets([0.05], conformal.scale(0))[0],
        np.sort(conformal.quantiles, axis=0)[2] * conformal.scale(0),
    )


def test_what_is_missing_changes_nothing_and_streams_do_not_meet():
    rng = np.random.default_rng(0)
    errors = rng.normal(size=(300, 2))
    _, both = walk(errors, Conformal.of([1], 2, (5,)))
    _, alone = walk(errors[:, :1], Conformal.of([1], 1, (5,)))
    np.testing.assert_allclose(both.quantiles[..., :1], alone.quantiles, rtol=1e-12)
    np.testing.assert_allclose(both.profiles[:, :1], alone.profiles, rtol=1e-12)
    nothing = np.full((1, 2), np.nan)
    assert content(both.step(nothing, both.scale(0), 1)) == content(both)
    one = both.step(np.array([[np.nan, 1.0]]), both.scale(0), 1)
    np.testing.assert_array_equal(one.quantiles[..., 0], both.quantiles[..., 0])
    np.testing.assert_array_equal(one.profiles[:, 0], both.profiles[:, 0])
    assert (one.quantiles[..., 1] != both.quantiles[..., 1]).any()


def test_perfect_forecasts_and_absurd_errors_leave_the_state_finite():
    errors = np.zeros((500, 1))
    errors[250] = 1e12
    bounds, conformal = walk(errors, Conformal.of([1], 1, (24,)))
    assert np.isfinite(bounds).all()
    assert np.isfinite(conformal.scale(0)).all()
    assert np.abs(bounds[:, 245]).max() < 0.1
    assert np.abs(bounds[:, 260]).max() < 100 * np.abs(bounds[:, 245]).max()


@pytest.mark.parametrize("cuts", [[1, 2, 3], [40], list(range(1, 100))])
def test_intervals_take_any_split_of_the_rows_and_score_each_step_by_its_own_label(cuts):
    rng = np.random.default_rng(0)
    forecasts, labels = rng.normal(size=(100, 2, 3)), rng.normal(size=(100, 2, 1))
    labels[rng.random(100) < 0.2, 0] = np.nan
    whole = Intervals(3, 2, (7,)).follow(forecasts, labels)
    part = Intervals(3, 2, (7,))
    for f, y in zip(np.split(forecasts, cuts), np.split(labels, cuts), strict=True):
        part = part.follow(f, y)
    assert content(part) == content(whole)
    counts = [np.isfinite(labels[delay:, :, 0]).sum(axis=0) for delay in (1, 2, 3)]
    np.testing.assert_array_equal(whole.conformal.n_labels, counts)
    assert content(whole.restarted().follow(forecasts[:1], labels[:1]).conformal.quantiles) == (
        content(whole.conformal.quantiles)  # nothing waits any more
    )
