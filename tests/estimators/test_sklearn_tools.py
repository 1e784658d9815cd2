"""scikit-learn's tools around both estimators: encoders in front, routing, output, processes."""

import pickle

import numpy as np
import pandas as pd
import pytest
import sklearn
from helpers import content, hourly
from sklearn.compose import ColumnTransformer, TransformedTargetRegressor
from sklearn.model_selection import GridSearchCV, TimeSeriesSplit, cross_validate
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler

from tsrnn import RNNForecaster, RNNRegressor

QUICK = {"hidden_size": 6, "max_iter": 5, "window_size": 16, "random_state": 0}
SKIES = np.array(["clear", "rain", "snow"])


def weather(n_rows=400):
    """A load, a temperature with gaps in it, and the sky, which moves the load at once."""
    rng = np.random.default_rng(0)
    frame = hourly(n_rows, n_columns=2).set_axis(["load", "temperature"], axis=1)
    sky = rng.integers(0, 3, n_rows)
    frame["load"] += 3.0 * sky
    frame["temperature"] = frame["temperature"].mask(rng.random(n_rows) < 0.1)
    return frame.assign(sky=SKIES[sky])


def encoder(*scaled):
    """Columns encoded and scaled in front of an estimator, as a frame with its index."""
    return ColumnTransformer(
        [
            ("sky", OneHotEncoder(sparse_output=False, drop="first"), ["sky"]),
            ("scaled", StandardScaler(), list(scaled)),
        ],
        remainder="passthrough",
        verbose_feature_names_out=False,
    ).set_output(transform="pandas")


@pytest.fixture(params=[False, True], ids=["without routing", "with routing"])
def routing(request):
    with sklearn.config_context(enable_metadata_routing=request.param):
        yield request.param


def regression(frame):
    return frame.drop(columns="load"), frame["load"]


def test_columns_may_be_encoded_and_scaled_in_front_of_a_regressor(routing):
    X, y = regression(weather())
    pipe = make_pipeline(encoder("temperature"), RNNRegressor(**QUICK))
    assert pipe.fit(X[:300], y[:300]).score(X[300:], y[300:]) > 0.5
    names = ["sky_rain", "sky_snow", "temperature"]
    assert list(pipe[-1].feature_names_in_) == names
    assert pipe[-1].cutoff_ == X.index[299]  # a frame keeps its index all the way
    pipe[-1].partial_fit(pipe[:-1].transform(X[300:310]), y[300:310])
    assert pipe[-1].cutoff_ == X.index[309]


def test_columns_may_be_encoded_in_front_of_a_forecaster(routing):
    frame = weather()
    model = RNNForecaster(2, target="load", future_cols=["sky_rain", "sky_snow"], **QUICK)
    pipe = make_pipeline(encoder(), model).fit(frame[:300])
    ahead = pipe[:-1].transform(frame[300:302])
    forecast = pipe[-1].forecast(X_future=ahead)
    pd.testing.assert_index_equal(forecast.index, frame.index[300:302]._with_freq(None))
    assert list(forecast.columns) == ["load"]
    plain = RNNForecaster(2, target="load", future_cols="sky", **QUICK).fit(frame[:300])
    other = plain.forecast(X_future=frame[300:302])
    np.testing.assert_allclose(forecast, other, atol=2.0)


@pytest.mark.parametrize("output", ["default", "pandas"])
def test_set_output_of_a_pipeline_is_for_its_transformers(output):
    """The estimators transform nothing: what predict and forecast return stays what it is."""
    X, y = regression(weather()[["load", "temperature"]])
    pipe = make_pipeline(StandardScaler(), RNNRegressor(**QUICK)).set_output(transform=output)
    prediction = pipe.fit(X[:300], y[:300]).predict(X[300:])
    assert type(prediction) is np.ndarray
    assert hasattr(pipe[-1], "feature_names_in_") == (output == "pandas")
    assert pipe[-1].cutoff_ == (X.index[299] if output == "pandas" else 299)
    for estimator in (RNNRegressor(), RNNForecaster()):
        assert not hasattr(estimator, "set_output")
        assert not hasattr(estimator, "transform")
    with sklearn.config_context(transform_output=output):
        forecast = RNNForecaster(2, **QUICK).fit(y[:300]).forecast()
        assert isinstance(forecast, pd.DataFrame)


def test_grid_search_over_a_pipeline():
    X, y = regression(weather(250))
    pipe = make_pipeline(encoder("temperature"), RNNRegressor(**QUICK))
    search = GridSearchCV(
        pipe, {"rnnregressor__lags": [0, 2]}, cv=TimeSeriesSplit(2), error_score="raise"
    ).fit(X, y)
    assert np.isfinite(search.cv_results_["mean_test_score"]).all()
    assert search.best_estimator_[-1].cutoff_ == X.index[-1]


def test_grid_search_over_a_forecaster_with_known_categories():
    model = RNNForecaster(2, target="load", future_cols="sky", **QUICK)
    search = GridSearchCV(model, {"lags": [2, 4]}, cv=TimeSeriesSplit(2), error_score="raise")
    frame = weather(250)
    search.fit(frame)
    assert np.isfinite(search.cv_results_["mean_test_score"]).all()
    assert search.predict(frame).shape == (250, 2)


@pytest.mark.parametrize("kind", ["regressor", "forecaster"])
def test_cross_validation_in_processes_gives_the_same(kind, routing):
    frame = weather(250)
    if kind == "regressor":
        data, model = regression(frame), RNNRegressor(**QUICK)
    else:
        data, model = (frame,), RNNForecaster(2, target="load", future_cols="sky", **QUICK)
    results = [
        cross_validate(
            model, *data, cv=TimeSeriesSplit(2), n_jobs=n, return_estimator=True,
            return_train_score=True, error_score="raise", params={},
        )
        for n in (1, 2)
    ]  # fmt: skip
    for score in ("test_score", "train_score"):
        np.testing.assert_array_equal(results[0][score], results[1][score])
    for one, other in zip(*(r["estimator"] for r in results), strict=True):
        assert content(vars(one)) == content(vars(other))


def test_metadata_go_where_they_are_asked_for():
    """A regressor's score takes weights, a forecaster ids; whatever else is passed is refused."""
    X, y = regression(weather())
    weights = np.linspace(0.0, 1.0, len(y))
    with sklearn.config_context(enable_metadata_routing=True):
        for estimator in (RNNRegressor(), RNNForecaster()):
            requests = estimator.get_metadata_routing()
            for method in ("fit", "partial_fit", "predict"):
                takes = {"ids": None} if isinstance(estimator, RNNForecaster) else {}
                takes |= {"start": None} if method == "predict" else {}
                assert getattr(requests, method).requests == takes
        with pytest.raises(TypeError, match="sample_weight"):
            make_pipeline(RNNRegressor(**QUICK)).fit(X, y, sample_weight=weights)
        model = RNNRegressor(**QUICK).set_score_request(sample_weight=True)
        scored = cross_validate(
            model, X, y, cv=TimeSeriesSplit(2), params={"sample_weight": weights}
        )["test_score"]
        unweighted = RNNRegressor(**QUICK)
        plain = cross_validate(unweighted, X, y, cv=TimeSeriesSplit(2), params={})["test_score"]
        assert (scored != plain).all()
        train, test = next(TimeSeriesSplit(2).split(X))
        model.fit(X.iloc[train], y.iloc[train])
        expected = model.score(X.iloc[test], y.iloc[test], sample_weight=weights[test])
        assert scored[0] == expected


def test_a_transformed_target_of_inputs_of_every_kind(routing):
    X, y = regression(weather())
    model = TransformedTargetRegressor(RNNRegressor(**QUICK), transformer=StandardScaler())
    prediction = model.fit(X[:300], y[:300]).predict(X[300:])
    plain = RNNRegressor(**QUICK).fit(X[:300], y[:300]).predict(X[300:])
    np.testing.assert_allclose(prediction, plain, atol=0.05)  # scaled it was already


@pytest.mark.parametrize("kind", ["regressor", "forecaster"])
def test_a_pickle_holds_everything(kind):
    frame = weather()
    if kind == "regressor":
        data, model = regression(frame), RNNRegressor(**QUICK)
    else:
        data, model = (frame,), RNNForecaster(2, target="load", future_cols="sky", **QUICK)
    model.fit(*(part[:300] for part in data))
    twin = pickle.loads(pickle.dumps(model))
    assert content(vars(twin)) == content(vars(model))
    for m in (model, twin):
        m.partial_fit(*(part[300:] for part in data))
    assert content(vars(twin)) == content(vars(model))
    pipe = make_pipeline(encoder(), RNNRegressor(**QUICK)).fit(*regression(frame))
    again = pickle.loads(pickle.dumps(pipe))
    X = weather(410).drop(columns="load")[400:]
    np.testing.assert_array_equal(again.predict(X), pipe.predict(X))
