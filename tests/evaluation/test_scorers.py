"""Scorers for scikit-learn's searches: what they measure, and what they refuse."""

import numpy as np
import pandas as pd
import pytest
from helpers import hourly, melted
from sklearn.model_selection import (
    GridSearchCV,
    TimeSeriesSplit,
    cross_val_score,
    cross_validate,
)
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer, StandardScaler

from tsrnn import RNNForecaster, RNNRegressor, StreamingPipeline, metrics
from tsrnn.baselines import LinearForecaster, NaiveForecaster
from tsrnn.evaluate import prequential
from tsrnn.metrics import make_scorer

POINT = {
    "mae": metrics.mae,
    "mse": metrics.mse,
    "rmse": metrics.rmse,
    "smape": metrics.smape,
    "pinball": lambda y, f: metrics.pinball(y, f, 0.5),
}


@pytest.fixture(scope="module")
def rows():
    return hourly(160, 2)


@pytest.mark.parametrize("metric", POINT)
@pytest.mark.parametrize("horizon", [None, 2])
def test_a_score_is_the_error_of_the_rows_ahead_negated(metric, horizon, rows):
    """Against the naive forecast written out: row i for each of the rows after it."""
    new = rows[100:]
    pairs = [(new.iloc[h:], new.iloc[:-h]) for h in range(1, 1 + (horizon or 4))]
    actual, forecast = (
        np.concatenate([part.to_numpy() for part in s]) for s in zip(*pairs, strict=True)
    )
    score = make_scorer(metric, horizon)(NaiveForecaster(4).fit(rows[:100]), new)
    assert score == pytest.approx(-POINT[metric](actual, forecast))


def test_mase_is_in_units_of_the_history(rows):
    history, new = rows[:100] * [1.0, 50.0], rows[100:] * [1.0, 50.0]
    model = NaiveForecaster().fit(history)
    scale = history.diff().abs().mean()
    pd.testing.assert_series_equal(model.naive_error_, scale)
    expected = np.nanmean(new.diff().abs() / scale)
    assert make_scorer("mase")(model, new) == pytest.approx(-expected)


def test_mase_of_a_panel_is_in_units_of_each_series(rows):
    wide = rows * [1.0, 50.0]
    long = melted(wide).sort_values(["time", "id"], ignore_index=True)
    model = NaiveForecaster(id_col="id", time_col="time").fit(long[:200])
    assert model.naive_error_["value"].to_dict() == pytest.approx(
        wide[:100].diff().abs().mean().to_dict()
    )
    new = long[200:]
    expected = make_scorer("mase")(NaiveForecaster().fit(wide[:100]), wide[100:])
    assert make_scorer("mase")(model, new) == pytest.approx(expected)
    unknown = new.assign(id=new["id"].where(new["id"] == "s0", "new"))
    one = make_scorer("mase")(NaiveForecaster().fit(wide[["s0"]][:100]), wide[["s0"]][100:])
    assert make_scorer("mase")(model, unknown) == pytest.approx(one), "others have no history"


@pytest.mark.parametrize("metric", ["coverage", "mean_width", "winkler"])
def test_intervals_are_scored_as_prequential_scores_them(metric, rows):
    model = LinearForecaster(3).fit(rows[:100])
    found = prequential(model, rows[100:130], learn=False, coverage=0.8).metrics
    column = {"mean_width": "width_0.8", "winkler": "Winkler_0.8", "coverage": "coverage_0.8"}
    expected = found.loc[("all", "all"), column[metric]]
    expected = abs(expected - 0.8) if metric == "coverage" else expected
    assert make_scorer(metric, coverage=0.8)(model, rows[100:130]) == pytest.approx(-expected)


def test_a_pipeline_is_scored_in_the_units_of_the_rows(rows):
    new = rows[100:]
    log = FunctionTransformer(np.log1p, np.expm1)
    model = StreamingPipeline([("log", log), ("forecast", NaiveForecaster(2))]).fit(rows[:100])
    plain = NaiveForecaster(2).fit(rows[:100])
    for metric in ("mae", "mase"):
        expected = make_scorer(metric)(plain, new)
        assert make_scorer(metric)(model, new) == pytest.approx(expected)
    old = make_pipeline(StandardScaler().set_output(transform="pandas"), NaiveForecaster(2))
    assert make_scorer("mae")(old.fit(rows[:100]), new) < 0


def test_searches_take_it(rows):
    scoring = make_scorer("mae", horizon=1)
    search = GridSearchCV(
        LinearForecaster(3), {"lags": [2, 9]}, cv=TimeSeriesSplit(2), scoring=scoring
    ).fit(rows)
    assert (search.cv_results_["mean_test_score"] < 0).all()
    scores = cross_val_score(NaiveForecaster(2), rows, cv=TimeSeriesSplit(3), scoring=scoring)
    assert scores.shape == (3,)
    several = {name: make_scorer(name) for name in ("mae", "mase")}
    found = cross_validate(
        NaiveForecaster(2), rows, cv=TimeSeriesSplit(2), scoring=several, return_train_score=True
    )
    assert (found["test_mae"] < 0).all() and (found["train_mase"] < 0).all()


def test_a_target_that_comes_as_y(rows):
    X, y = rows[["s0"]], rows["s1"]
    scores = cross_val_score(
        NaiveForecaster(2), X, y, cv=TimeSeriesSplit(2), scoring=make_scorer("mae")
    )
    assert (scores < 0).all()


@pytest.mark.parametrize("scoring", ["neg_mean_absolute_error", ["r2", "neg_mean_squared_error"]])
@pytest.mark.parametrize("with_y", [False, True])
def test_a_scorer_of_scikit_learn_is_refused_by_an_error_that_names_ours(scoring, with_y, rows):
    """Kind: a search whose scores are all NaN, so that the first setting wins, with a warning."""
    given = (rows[["s0"]], rows["s1"]) if with_y else (rows,)
    search = GridSearchCV(
        LinearForecaster(3), {"lags": [2, 9]}, cv=TimeSeriesSplit(2), scoring=scoring, refit=False
    )
    with pytest.raises(ValueError, match=r"tsrnn\.metrics\.make_scorer\('mae'\)"):
        search.fit(*given)
    pipe = StreamingPipeline([("scale", StandardScaler()), ("forecast", LinearForecaster(3))])
    with pytest.raises(ValueError, match=r"tsrnn\.metrics\.make_scorer\('mae'\)"):
        cross_validate(pipe, *given, cv=TimeSeriesSplit(2), scoring=scoring)


def test_a_regressor_is_scored_by_scikit_learns(rows):
    model = RNNRegressor(hidden_size=4, max_iter=2, random_state=0)
    scores = cross_val_score(
        model, rows[["s0"]], rows["s1"], cv=TimeSeriesSplit(2), scoring="neg_mean_absolute_error"
    )
    assert (scores < 0).all()


def test_what_cannot_be_scored_is_named(rows):
    model = NaiveForecaster(2).fit(rows[:100])
    for arguments, message in [
        ({"metric": "mape"}, "found metric='mape', expected one of"),
        ({"metric": "mae", "horizon": 0}, "found horizon=0"),
        ({"metric": "winkler", "coverage": 90}, "found coverage=90"),
    ]:
        with pytest.raises(ValueError, match=message):
            make_scorer(**arguments)
    with pytest.raises(ValueError, match="expected at most the forecaster's 2"):
        make_scorer("mae", 3)(model, rows[100:])
    with pytest.raises(ValueError, match="expected at most the forecaster's 2"):
        make_scorer("winkler", 3)(model, rows[100:])
    with pytest.raises(ValueError, match="none of them with a known value"):
        make_scorer("mae")(model, rows[100:101])
    with pytest.raises(TypeError, match="found StandardScaler, expected a forecaster"):
        make_scorer("mae")(StandardScaler(), rows)
    assert repr(make_scorer("mae", 3)).startswith("ForecastScorer(metric='mae', horizon=3")


@pytest.mark.slow
def test_a_recurrent_forecaster_in_parallel(rows):
    model = RNNForecaster(2, hidden_size=4, max_iter=2, random_state=0)
    scoring, cv = make_scorer("rmse"), TimeSeriesSplit(2)
    scores = cross_val_score(model, rows, cv=cv, scoring=scoring, n_jobs=2)
    assert np.array_equal(scores, cross_val_score(model, rows, cv=cv, scoring=scoring))
