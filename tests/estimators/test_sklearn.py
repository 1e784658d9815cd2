"""Both estimators among scikit-learn's own: its checks, and what people put them into."""

import numpy as np
import pytest
from helpers import content, hourly
from sklearn.base import clone
from sklearn.compose import TransformedTargetRegressor
from sklearn.model_selection import GridSearchCV, TimeSeriesSplit, cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.utils.estimator_checks import check_estimator

from tsrnn import RNNForecaster, RNNRegressor

ROWS_DEPEND = "rows are consecutive time steps: what is predicted at a row depends on those before"
EXPECTED_FAILURES = {
    "check_methods_sample_order_invariance": ROWS_DEPEND,
    "check_methods_subset_invariance": ROWS_DEPEND,
}
ESTIMATORS = [RNNForecaster(), RNNRegressor()]
QUICK = {"hidden_size": 6, "max_iter": 5, "window_size": 16, "random_state": 0}


@pytest.mark.parametrize(
    "estimator",
    [
        RNNForecaster(**QUICK),
        RNNRegressor(**QUICK),
        *(pytest.param(one, marks=pytest.mark.slow) for one in ESTIMATORS),  # the defaults
    ],
    ids=lambda e: f"{type(e).__name__}, {e.max_iter} steps",
)
def test_estimator_checks(estimator):
    results = check_estimator(
        estimator, expected_failed_checks=EXPECTED_FAILURES, on_skip=None, on_fail="raise"
    )
    failed = {r["check_name"] for r in results if r["status"] == "xfail"}
    assert failed == set(EXPECTED_FAILURES)  # strictly: no more, and no fewer


@pytest.mark.parametrize("estimator", ESTIMATORS, ids=lambda e: type(e).__name__)
def test_no_tag_switches_checks_off(estimator):
    tags = estimator.__sklearn_tags__()
    assert not tags.no_validation
    assert not tags.non_deterministic
    assert not tags._skip_test
    assert tags.regressor_tags is None or not tags.regressor_tags.poor_score


@pytest.mark.parametrize("estimator", ESTIMATORS, ids=lambda e: type(e).__name__)
def test_missing_values_are_allowed_and_infinities_are_not(estimator):
    """The tag `allow_nan` leaves out a check that NaN is refused; what it says of inf stays."""
    assert estimator.__sklearn_tags__().input_tags.allow_nan
    model = clone(estimator).set_params(**QUICK)
    X = hourly(60, n_columns=2).to_numpy(copy=True)
    y = X[:, 0] + X[:, 1]
    X[::7, 1] = np.nan
    model.fit(X, y).partial_fit(X, y).update(X, y)
    assert np.isfinite(model.predict(X)).all()
    before = content(vars(model))
    for value in (np.inf, -np.inf):
        X[33, 1] = value
        for call in (model.fit, model.partial_fit, model.update, model.score):
            with pytest.raises(ValueError, match=r"infinity.*'x1', row 33"):
                call(X, y)
        with pytest.raises(ValueError, match="infinity"):
            model.predict(X)
    assert content(vars(model)) == before


@pytest.fixture
def table():
    data = hourly(400, n_columns=3)
    return data[["s1", "s2"]], data["s0"] + data["s1"].shift(1, fill_value=0.0)


def test_pipeline_in_a_grid_search_over_time(table):
    X, y = table
    pipe = make_pipeline(StandardScaler().set_output(transform="pandas"), RNNRegressor(**QUICK))
    search = GridSearchCV(
        pipe,
        {"rnnregressor__cell": ["rnn", "gru"]},
        cv=TimeSeriesSplit(n_splits=2, gap=12),
        return_train_score=True,
        error_score="raise",
    ).fit(X, y)
    assert np.isfinite(search.cv_results_["mean_test_score"]).all()
    assert np.isfinite(search.cv_results_["mean_train_score"]).all()
    assert list(search.best_estimator_[-1].feature_names_in_) == ["s1", "s2"]


@pytest.mark.parametrize("stamps", [True, False])
def test_forecaster_in_a_grid_search_over_time(stamps):
    data = hourly(250)
    data = data if stamps else data.to_numpy()
    search = GridSearchCV(
        RNNForecaster(3, **QUICK),
        {"lags": [4, 24]},
        cv=TimeSeriesSplit(n_splits=2, gap=12),
        return_train_score=True,
        error_score="raise",
    ).fit(data)
    train, test = (search.cv_results_[f"mean_{part}_score"] for part in ("train", "test"))
    assert np.isfinite(test).all()
    if stamps:  # rows without stamps cannot be told from new ones: they go on from the end
        assert (train > 0.3).all()


def test_cross_val_score_of_a_forecaster_needs_no_y():
    scores = cross_val_score(RNNForecaster(2, **QUICK), hourly(250), cv=TimeSeriesSplit(3))
    assert scores.shape == (3,)
    assert np.isfinite(scores).all()


def test_clone_is_unfitted_and_has_the_same_parameters():
    model = RNNForecaster(7, cell="gru", season=(24,), **QUICK).fit(hourly(300))
    twin = clone(model)
    assert twin.get_params() == model.get_params()
    assert not hasattr(twin, "n_features_in_")


def test_incremental_use_in_a_pipeline(table):
    X, y = table
    pipe = make_pipeline(StandardScaler(), RNNRegressor(**QUICK)).fit(X[:300], y[:300])
    before = pipe.predict(X[300:])
    pipe[-1].partial_fit(pipe[:-1].transform(X[300:350]), y[300:350])
    assert pipe[-1].cutoff_ == 349
    after = pipe.predict(X[350:])
    assert np.mean((after - y[350:]) ** 2) < np.mean((before[50:] - y[350:]) ** 2)


def test_a_transformed_target_is_transformed_back(table):
    X, y = table
    model = TransformedTargetRegressor(RNNRegressor(**QUICK), func=np.log1p, inverse_func=np.expm1)
    prediction = model.fit(X[:300], y[:300]).predict(X[300:])
    assert prediction.shape == (100,)
    assert np.corrcoef(prediction, y[300:])[0, 1] > 0.5
