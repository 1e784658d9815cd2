import numpy as np
import pytest
from sklearn.metrics import (
    mean_absolute_error,
    mean_pinball_loss,
    mean_squared_error,
    root_mean_squared_error,
)

from tsrnn import metrics

NAN, INF = np.nan, np.inf
rng = np.random.default_rng(0)
ACTUAL, FORECAST = rng.normal(size=(2, 40))
POINT = [metrics.mae, metrics.mse, metrics.rmse, metrics.smape]


@pytest.mark.parametrize(
    ("ours", "theirs"),
    [
        (metrics.mae, mean_absolute_error),
        (metrics.mse, mean_squared_error),
        (metrics.rmse, root_mean_squared_error),
    ],
)
def test_point_errors_are_scikit_learns(ours, theirs):
    assert ours(ACTUAL, FORECAST) == pytest.approx(theirs(ACTUAL, FORECAST), rel=1e-12)


@pytest.mark.parametrize("quantile", [0.05, 0.5, 0.9])
def test_pinball_is_scikit_learns(quantile):
    expected = mean_pinball_loss(ACTUAL, FORECAST, alpha=quantile)
    assert metrics.pinball(ACTUAL, FORECAST, quantile) == pytest.approx(expected, rel=1e-12)


def test_smape_runs_from_0_to_200_and_0_over_0_counts_0():
    assert metrics.smape([1, 0, -4], [1, 0, -4]) == 0
    assert metrics.smape([5, -1, 0], [-2, 3, 7]) == 200
    assert metrics.smape([0, 1], [0, 3]) == 50
    assert metrics.smape([3, 1], [1, 3]) == metrics.smape([1, 3], [3, 1]) == 100


def test_mase_scale_is_the_mean_absolute_seasonal_difference():
    history = [1, 3, 2, 6, 5]
    assert metrics.mase_scale(history) == (2 + 1 + 4 + 1) / 4
    assert metrics.mase_scale(history, season=3) == (5 + 2) / 2
    assert metrics.mase_scale([1, 3, NAN, 6, 5]) == (2 + 1) / 2
    assert np.isnan(metrics.mase_scale(history, season=5))
    assert np.isnan(metrics.mase_scale([]))


def test_mase_of_the_naive_forecast_over_its_history_is_1():
    assert metrics.mase(ACTUAL[1:], ACTUAL[:-1], metrics.mase_scale(ACTUAL)) == pytest.approx(1)


def test_mase_takes_a_scale_for_each_series():
    actual, forecast = np.array([[1, 10], [2, 20]]), np.array([[2, 20], [2, 10]])
    assert metrics.mase(actual, forecast, [1, 10]) == (1 + 0 + 1 + 1) / 4
    assert metrics.mase([1, NAN], [3, 0], [2, 5]) == 1


def test_mase_of_a_constant_history():
    assert metrics.mase([1, 2], [2, 2.5], 0) == INF
    assert np.isnan(metrics.mase([1], [1], 0))


def test_coverage_counts_the_bounds_in():
    assert metrics.coverage([0, 1, 2, 3, 4], [1] * 5, [3] * 5) == 3 / 5
    assert metrics.coverage([0, 5], [-INF, -INF], [INF, 1]) == 1 / 2


def test_mean_width():
    assert metrics.mean_width([0, 1], [2, 5]) == 3
    assert np.isnan(metrics.mean_width([], []))


def test_winkler_by_hand():
    # width 2 everywhere; one step of 3 below and one of 1 above, each fined by 2 / 0.1
    actual, lower, upper = [1, -3, 3], [0, 0, 0], [2, 2, 2]
    score = metrics.winkler(actual, lower, upper, coverage=0.9)
    assert score == pytest.approx((2 + (2 + 20 * 3) + (2 + 20 * 1)) / 3)


def test_winkler_is_the_pinball_loss_of_both_bounds():
    lower, upper, alpha = FORECAST - 0.5, FORECAST + 0.7, 0.2
    pinballs = metrics.pinball(ACTUAL, lower, alpha / 2) + metrics.pinball(
        ACTUAL, upper, 1 - alpha / 2
    )
    score = metrics.winkler(ACTUAL, lower, upper, coverage=1 - alpha)
    assert score == pytest.approx(2 / alpha * pinballs)


CALLS = {
    **{metric.__name__: metric for metric in POINT},
    "mase": lambda y, f: metrics.mase(y, f, 2.0),
    "pinball": lambda y, f: metrics.pinball(y, f, 0.3),
    "coverage, lower": lambda y, f: metrics.coverage(y, f, np.full(np.shape(f), 9)),
    "coverage, upper": lambda y, f: metrics.coverage(y, np.full(np.shape(f), -9), f),
    "winkler": lambda y, f: metrics.winkler(y, f, np.asarray(f) + 1, 0.8),
}


@pytest.mark.parametrize("metric", CALLS.values(), ids=CALLS)
class TestEveryMetric:
    def test_leaves_missing_actuals_out(self, metric):
        assert metric([1, NAN, 4], [2, 100, 2.5]) == metric([1, 4], [2, 2.5])
        assert metric([1, NAN, 4], [2, NAN, 2.5]) == metric([1, 4], [2, 2.5])

    @pytest.mark.parametrize("actual", [[], [NAN, NAN]])
    def test_is_nan_where_no_actual_is_known(self, metric, actual):
        assert np.isnan(metric(actual, np.ones(len(actual))))

    def test_does_not_hide_a_failed_forecast(self, metric):
        assert np.isnan(metric([1, 2], [1, NAN]))

    def test_averages_arrays_of_any_shape(self, metric):
        flat = metric(ACTUAL, FORECAST)
        assert metric(ACTUAL.reshape(2, 4, 5), FORECAST.reshape(2, 4, 5)) == pytest.approx(flat)
        assert isinstance(flat, float)

    def test_refuses_arrays_of_different_shapes(self, metric):
        with pytest.raises(ValueError, match=r"actual \(3,\), .*\(1,\).*expected one shape.*Align"):
            metric([1, 2, 3], [1])


@pytest.mark.parametrize("metric", POINT)
def test_a_diverged_forecast_scores_without_a_warning(metric):
    assert not metric([1.0, 2.0], [1e300, -INF]) < 200


@pytest.mark.parametrize("bad", [0, 1, -0.1, 90, NAN])
def test_coverages_and_quantiles_are_fractions(bad):
    with pytest.raises(ValueError, match=r"coverage is .*expected a number between 0 and 1"):
        metrics.winkler([1], [0], [2], coverage=bad)
    with pytest.raises(ValueError, match=r"quantile is .*expected a number between 0 and 1"):
        metrics.pinball([1], [0], quantile=bad)


def test_mase_scale_refuses_tables_and_no_season():
    with pytest.raises(ValueError, match=r"shape \(2, 1\).*one series.*on each column"):
        metrics.mase_scale([[1.0], [2.0]])
    with pytest.raises(ValueError, match=r"season is 0.*1 row or more"):
        metrics.mase_scale([1.0, 2.0], season=0)


def test_mase_refuses_a_scale_of_another_shape():
    with pytest.raises(ValueError, match="broadcast"):
        metrics.mase([1, 2], [1, 2], [1, 2, 3])
    with pytest.raises(ValueError, match="shapes differ"):
        metrics.mase([1, 2], [1], 1.0)
