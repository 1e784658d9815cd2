"""A pipeline on a stream: it goes on, forecasts and saves through its transformers."""

import numpy as np
import pandas as pd
import pytest
from helpers import content, hourly, melted
from sklearn.base import clone
from sklearn.compose import ColumnTransformer, _column_transformer
from sklearn.decomposition import PCA
from sklearn.exceptions import NotFittedError
from sklearn.impute import SimpleImputer
from sklearn.model_selection import GridSearchCV, TimeSeriesSplit
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import (
    FunctionTransformer,
    MinMaxScaler,
    OneHotEncoder,
    OrdinalEncoder,
    PowerTransformer,
    QuantileTransformer,
    StandardScaler,
)

import tsrnn
from tsrnn import RNNForecaster, RNNRegressor, StreamingPipeline
from tsrnn.baselines import LinearForecaster, NaiveForecaster, SeasonalNaiveForecaster
from tsrnn.evaluate import backtest, prequential

QUICK = {"hidden_size": 4, "max_iter": 3, "window_size": 16, "random_state": 0}
LOOSE = {"check_freq": False, "rtol": 1e-7}


def scaled(model, transformer=None, **params):
    transformer = StandardScaler() if transformer is None else transformer
    return StreamingPipeline([("scale", transformer), ("forecast", model)], **params)


# --- the way there and back -----------------------------------------------------------------------


def test_forecasts_come_back_in_the_units_of_the_rows():
    """Kind: a scaler in front of a forecaster, whose forecasts were in scaled units, unsaid."""
    rows = hourly(300, 2) * 100 + 5_000
    model = scaled(RNNForecaster(24, **QUICK)).fit(rows)
    forecast = model.forecast()
    assert forecast.index[0] == rows.index[-1] + pd.Timedelta("1h")
    assert list(forecast) == ["s0", "s1"]
    assert ((forecast > 4_000) & (forecast < 8_000)).all(axis=None)


@pytest.mark.parametrize(
    "transformer",
    [
        StandardScaler(),
        MinMaxScaler(),
        FunctionTransformer(np.log1p, np.expm1),
        PowerTransformer(),
        QuantileTransformer(n_quantiles=100),
        StandardScaler().set_output(transform="pandas"),
        "passthrough",
    ],
    ids=str,
)
def test_the_naive_forecast_is_the_same_through_any_transformer(transformer):
    """Whatever increases: values, bands and quantiles of a repeated value come back exactly."""
    rows = hourly(200, 2)
    plain, model = NaiveForecaster(3), scaled(NaiveForecaster(3), transformer)
    for each in (plain, model):
        each.fit(rows[:150]).partial_fit(rows[150:190]).update(rows[190:])
    pd.testing.assert_frame_equal(model.forecast(), plain.forecast(), **LOOSE)
    np.testing.assert_allclose(model.predict(rows[190:]), plain.predict(rows[190:]), rtol=1e-7)
    assert model.score(rows[160:]) == pytest.approx(plain.score(rows[160:]))
    bands = model.forecast(coverage=[0.5, 0.9], quantiles=[0.2])
    assert list(bands) == list(plain.forecast(coverage=[0.5, 0.9], quantiles=[0.2]))
    for name in ("s0", "s1"):
        edges = ["_lower_0.9", "_quantile_0.2", "", "_upper_0.5", "_upper_0.9"]
        ordered = bands[[name + edge for edge in edges]].to_numpy()
        assert (np.diff(ordered) >= 0).all()


def test_affine_transformers_change_no_forecast_of_least_squares():
    """Two of them, and their bands: an identity that needs the right order of inverses."""
    rows = hourly(300)
    plain = LinearForecaster(6).fit(rows[:280]).partial_fit(rows[280:])
    steps = [("a", StandardScaler()), ("skip", None), ("b", MinMaxScaler((3, 5)))]
    model = StreamingPipeline([*steps, ("forecast", LinearForecaster(6))])
    model.fit(rows[:280]).partial_fit(rows[280:])
    expected = plain.forecast(coverage=0.8, quantiles=[0.3])
    pd.testing.assert_frame_equal(model.forecast(coverage=0.8, quantiles=[0.3]), expected, **LOOSE)


def test_series_and_arrays_go_through():
    rows = hourly(120)["s0"]
    for given in (rows, rows.to_numpy(), rows.to_numpy()[:, None], rows.rename(None)):
        plain = LinearForecaster(2).fit(given[:100]).partial_fit(given[100:])
        model = scaled(LinearForecaster(2)).fit(given[:100]).partial_fit(given[100:])
        pd.testing.assert_frame_equal(model.forecast(), plain.forecast(), **LOOSE)


def weather(n_rows=130):
    rng = np.random.default_rng(0)
    sky = np.array(["clear", "rain", "snow"])[rng.integers(0, 3, n_rows)]
    frame = hourly(n_rows, 2).set_axis(["load", "temperature"], axis=1)
    return frame.assign(sky=sky, load=frame["load"] + 3.0 * (sky == "rain"))


def encoder():
    return ColumnTransformer(
        [
            ("sky", OneHotEncoder(sparse_output=False, drop="first"), ["sky"]),
            ("filled", make_pipeline(SimpleImputer(), StandardScaler()), ["temperature"]),
        ],
        remainder="passthrough",
        verbose_feature_names_out=False,
    )


def test_targets_that_pass_unchanged_need_no_inverse():
    """Such as a ColumnTransformer's, which has none."""
    rows = weather()
    model = scaled(RNNForecaster(3, target="load", **QUICK), encoder()).fit(rows[:100])
    seen = encoder().set_output(transform="pandas").fit(rows[:100])
    plain = RNNForecaster(3, target="load", **QUICK).fit(seen.transform(rows[:100]))
    model.partial_fit(rows[100:])
    plain.partial_fit(seen.transform(rows[100:]))
    pd.testing.assert_frame_equal(model.forecast(), plain.forecast())


def test_future_inputs_go_through_the_transformers():
    """The columns that future_cols are made of, whatever else X_future holds or lacks."""
    rows = weather()
    params = {"target": "load", "future_cols": ["sky_rain", "sky_snow"]}
    model = scaled(RNNForecaster(3, **params, **QUICK), encoder()).fit(rows[:120])
    seen = encoder().set_output(transform="pandas").fit(rows[:120])
    plain = RNNForecaster(3, **params, **QUICK).fit(seen.transform(rows[:120]))
    expected = plain.forecast(X_future=seen.transform(rows[120:]), coverage=0.9)
    ahead = rows[["sky"]][120:]
    pd.testing.assert_frame_equal(model.forecast(X_future=ahead, coverage=0.9), expected)
    shuffled = rows[["sky", "temperature"]].iloc[::-1]
    pd.testing.assert_frame_equal(model.forecast(X_future=shuffled, coverage=0.9), expected)
    with pytest.raises(ValueError, match=r"expected \['sky'\] among them, of which future_cols"):
        model.forecast(X_future=rows[["temperature"]][120:])
    assert prequential(model, rows[120:]).forecasts["forecast"].notna().all()


def test_what_the_targets_make_is_not_known_ahead():
    rows = weather()[["load", "temperature"]]
    pca = FunctionTransformer(lambda X: X.assign(mixed=X["load"] + X["temperature"]))
    model = scaled(RNNForecaster(3, target="load", future_cols="mixed", **QUICK), pca)
    with pytest.raises(
        ValueError, match=r"future_cols=\['mixed'\].*make of the targets \['load'\]"
    ):
        model.fit(rows)


def test_a_target_that_comes_as_y_is_not_transformed():
    rows = hourly(200, 2)
    X, y = rows[["s0"]], rows["s1"] * 1_000
    model = scaled(LinearForecaster(3)).fit(X[:150], y[:150]).partial_fit(X[150:], y[150:])
    plain = LinearForecaster(3).fit(X[:150], y[:150]).partial_fit(X[150:], y[150:])
    pd.testing.assert_frame_equal(model.forecast(), plain.forecast())


@pytest.mark.parametrize("form", ["columns", "levels", "ids"])
def test_panels_go_through(form):
    """Ids and times pass by the transformers, in each form of a panel."""
    long = melted(hourly(160, 3)).sort_values(["time", "id"], ignore_index=True)
    history, new = long[:420], long[420:]
    params = {"id_col": "id", "time_col": "time"} if form == "columns" else {}
    if form == "levels":
        history, new = history.set_index(["id", "time"]), new.set_index(["id", "time"])
    given = [(history, {}), (new, {})]
    if form == "ids":
        params = {}
        given = [
            (part.set_index("time")[["value"]], {"ids": part["id"]}) for part in (history, new)
        ]
    plain, model = LinearForecaster(3, **params), scaled(LinearForecaster(3, **params))
    for each in (plain, model):
        (rows, ids), (rest, rest_ids) = given
        each.fit(rows, **ids).partial_fit(rest, **rest_ids)
    pd.testing.assert_frame_equal(model.forecast(), plain.forecast(), **LOOSE)
    pd.testing.assert_frame_equal(model.forecast(ids=["s1"]), plain.forecast(ids=["s1"]), **LOOSE)
    pd.testing.assert_series_equal(model.cutoff_, plain.cutoff_)
    pd.testing.assert_index_equal(model.future_index(2), plain.future_index(2))
    part = model.split(["s1"])
    pd.testing.assert_frame_equal(part.forecast(), model.forecast(ids=["s1"]), **LOOSE)
    assert "s1" not in model.forget("s1").cutoff_.index
    assert [*part.cutoff_.index] == ["s1"]


def test_a_panel_with_future_inputs_goes_through():
    long = melted(hourly(160, 2)).sort_values(["time", "id"], ignore_index=True)
    long = long.assign(price=np.arange(len(long)) % 7 * 10.0)
    params = {"id_col": "id", "time_col": "time", "target": "value", "future_cols": "price"}
    model = scaled(RNNForecaster(3, **params, **QUICK)).fit(long[:300])
    scaler = StandardScaler().set_output(transform="pandas").fit(long[:300][["value", "price"]])
    seen = pd.concat([long[["id", "time"]], scaler.transform(long[["value", "price"]])], axis=1)
    plain = RNNForecaster(3, **params, **QUICK).fit(seen[:300])
    expected = plain.forecast(X_future=seen[300:])
    expected["value"] = expected["value"] * scaler.scale_[0] + scaler.mean_[0]
    found = model.forecast(X_future=long[300:].drop(columns="value"))
    pd.testing.assert_frame_equal(found, expected, **LOOSE)


def test_a_regressor_at_the_end():
    rows = hourly(200, 3)
    X, y = rows[["s0", "s1"]], rows["s2"]
    model = scaled(RNNRegressor(**QUICK)).fit(X[:150], y[:150]).partial_fit(X[150:180], y[150:180])
    scaler = StandardScaler().set_output(transform="pandas").fit(X[:150])
    plain = RNNRegressor(**QUICK).fit(scaler.transform(X[:150]), y[:150])
    plain.partial_fit(scaler.transform(X[150:180]), y[150:180])
    new = X[180:]
    assert np.array_equal(model.predict(new), plain.predict(scaler.transform(new)))
    intervals = plain.predict_interval(scaler.transform(new), coverage=0.5)
    assert np.array_equal(model.predict_interval(new, coverage=0.5), intervals)
    assert model.score(new, y[180:]) == plain.score(scaler.transform(new), y[180:])
    assert not hasattr(model, "forecast")
    assert not hasattr(scaled(RNNForecaster()), "predict_interval")


# --- what cannot come back ------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("transformer", "message"),
    [
        (FunctionTransformer(np.log1p), "no inverse_transform that brings them back"),
        (
            FunctionTransformer(np.log1p, np.exp, check_inverse=False),
            "no inverse_transform that brings them back",
        ),
        (FunctionTransformer(np.negative, np.negative), "larger targets become smaller"),
        (PCA(), "expected targets to keep their names"),
        (ColumnTransformer([("s", StandardScaler(), ["s0"])]), "expected targets to keep their"),
        (
            ColumnTransformer([("s", StandardScaler(), ["s0"])], verbose_feature_names_out=False),
            "no inverse_transform that brings them back",
        ),
        (FunctionTransformer(lambda X: X[:-1]), "may not drop rows"),
        (FunctionTransformer(lambda X: X.to_numpy()[:, [0, 0]]), "columns without names"),
    ],
)
def test_what_cannot_come_back_is_refused_and_changes_nothing(transformer, message):
    rows = hourly(120)
    model = scaled(LinearForecaster(2)).fit(rows)
    model.set_params(scale=transformer)
    before = content(vars(model.named_steps["forecast"]))
    with pytest.raises(ValueError, match=message):
        model.fit(rows * 3)
    assert model.named_steps["scale"] is transformer
    assert content(vars(model.named_steps["forecast"])) == before


def test_a_call_that_raises_changes_nothing():
    rows = hourly(140)
    model = scaled(LinearForecaster(2), learn_transformers=True).fit(rows[:100])
    before = tsrnn.dumps(model)
    wrong = pd.concat([rows[100:110], rows[90:95]])
    for method in (model.partial_fit, model.update):
        with pytest.raises(ValueError, match="not newer than the cutoff"):
            method(wrong)
    assert tsrnn.dumps(model) == before


def test_a_last_step_of_another_kind_is_refused():
    model = StreamingPipeline([("a", StandardScaler()), ("b", StandardScaler())])
    with pytest.raises(TypeError, match="as the last step, expected a forecaster"):
        model.fit(hourly(50))


def test_before_fit():
    with pytest.raises(NotFittedError):
        scaled(LinearForecaster()).forecast()


def test_no_rows_are_no_news():
    rows = hourly(100)
    model = scaled(LinearForecaster(2), learn_transformers=True).fit(rows)
    before = tsrnn.dumps(model)
    assert tsrnn.dumps(model.update(rows[:0]).partial_fit(rows[:0])) == before


# --- transformers that learn ----------------------------------------------------------------------


def chunked(model, rows, cuts):
    for part in np.split(np.arange(len(rows)), cuts):
        model.partial_fit(rows.iloc[part])
    return tsrnn.dumps(model)


@pytest.mark.parametrize("learn", [False, True])
def test_any_split_of_the_rows_gives_the_same_pipeline(learn):
    rows = hourly(120, 2)
    models = [scaled(RNNForecaster(3, **QUICK), learn_transformers=learn) for _ in range(3)]
    contents = {
        chunked(model.fit(rows[:100]), rows[100:], cuts)
        for model, cuts in zip(models, [[], [1, 7, 15], range(1, 20)], strict=True)
    }
    assert len(contents) == 1


def test_a_row_is_seen_before_the_transformer_learns_it():
    rows = hourly(130)
    model = scaled(NaiveForecaster(), learn_transformers=True).fit(rows[:100])
    model.partial_fit(rows[100:])
    scaler = StandardScaler().fit(rows[:100])
    for row in range(100, 130):
        seen = scaler.transform(rows[row : row + 1])
        scaler.partial_fit(rows[row : row + 1])
    assert model.named_steps["scale"].mean_ == scaler.mean_
    assert model[-1].forecast().iloc[0, 0] == seen[0, 0]


def test_transformers_learn_only_if_they_are_to():
    rows = hourly(130)
    for learn, n_seen in ((False, 100), (True, 130)):
        model = scaled(NaiveForecaster(), learn_transformers=learn).fit(rows[:100])
        model.partial_fit(rows[100:120]).partial_fit(rows[120:])
        assert model.named_steps["scale"].n_samples_seen_ == n_seen
        model.update(rows[:0])


def test_rows_of_one_stamp_of_a_panel_are_seen_alike():
    long = melted(hourly(130, 3)).sort_values(["time", "id"], ignore_index=True)
    forecaster = LinearForecaster(2, id_col="id", time_col="time")
    once, twice = (scaled(clone(forecaster), learn_transformers=True) for _ in range(2))
    once.fit(long[:300]).partial_fit(long[300:])
    twice.fit(long[:300])
    for _, part in long[300:].groupby("time"):
        twice.partial_fit(part.sample(frac=1, random_state=0))
    pd.testing.assert_frame_equal(once.forecast(), twice.forecast(), rtol=1e-9)


@pytest.mark.parametrize("is_panel", [False, True])
def test_a_replay_is_harmless(is_panel):
    """Kind: rows that come again, after a kill, to a model with late="drop"."""
    rows, params = hourly(130, 2), {}
    if is_panel:
        rows = melted(rows).sort_values(["time", "id"], ignore_index=True)
        params = {"id_col": "id", "time_col": "time"}
    n = len(rows) // 2
    model = scaled(LinearForecaster(2, late="drop", **params), learn_transformers=True)
    model.fit(rows[:n]).partial_fit(rows[n : n + 20])
    seen = model.named_steps["scale"].n_samples_seen_
    model.partial_fit(rows[n : n + 24])
    assert model.n_late_ == 20
    assert model.named_steps["scale"].n_samples_seen_ == seen + 4


# --- saved, cloned, searched, evaluated -----------------------------------------------------------


@pytest.mark.parametrize(
    "steps",
    [
        [StandardScaler()],
        [FunctionTransformer(np.log1p, np.expm1), MinMaxScaler()],
        [encoder()],
        [ColumnTransformer([("sky", OrdinalEncoder(), ["sky"])], remainder="passthrough",
                           verbose_feature_names_out=False)],
        [PowerTransformer().set_output(transform="pandas"), "passthrough", None],
    ],
    ids=str,
)  # fmt: skip
def test_a_pipeline_goes_on_from_its_file(steps, tmp_path):
    rows = weather(110)
    if not isinstance(steps[0], ColumnTransformer):
        rows = rows[["load", "temperature"]]
    elif hasattr(_column_transformer, "_RemainderColsList"):
        pytest.skip("this scikit-learn keeps a list of its own class, which no file may name")
    named = [(f"t{number}", step) for number, step in enumerate(steps)]
    model = StreamingPipeline(
        [*named, ("forecast", RNNForecaster(3, target="load", **QUICK))], learn_transformers=True
    )
    model.fit(rows[:100]).partial_fit(rows[100:105])
    model.save(tmp_path / "m")
    loaded = tsrnn.load(tmp_path / "m")
    assert tsrnn.dumps(loaded) == tsrnn.dumps(model)
    for each in (model, loaded):
        each.partial_fit(rows[105:])
    pd.testing.assert_frame_equal(loaded.forecast(), model.forecast(), check_exact=True)
    assert tsrnn.dumps(loaded) == tsrnn.dumps(model)
    assert clone(loaded).fit(rows).forecast().equals(clone(model).fit(rows).forecast())


def test_a_transformer_that_no_file_may_name_is_told(tmp_path):
    model = scaled(LinearForecaster(), FunctionTransformer(abs, abs)).fit(hourly(60))
    with pytest.raises(TypeError, match=r"steps\[0\]\[1\]\.func"):
        model.save(tmp_path / "m")


def test_parameters_are_scikit_learns():
    model = scaled(LinearForecaster(3), learn_transformers=True)
    twin = clone(model).set_params(scale__with_mean=False, forecast__lags=4)
    assert twin.get_params()["learn_transformers"] is True
    assert (twin["scale"].with_mean, twin[-1].lags, model[-1].lags) == (False, 4, None)
    rows = hourly(120)
    model.fit(rows)
    assert model[:-1].transform(rows).std() == pytest.approx(1.0)
    assert model.n_features_in_ == 1
    search = GridSearchCV(model, {"forecast__lags": [2, 9]}, cv=TimeSeriesSplit(2)).fit(rows)
    assert search.best_estimator_.forecast().shape == (3, 1)


def test_a_pipeline_is_evaluated_as_a_forecaster():
    rows = hourly(200)
    plain, model = LinearForecaster(3), scaled(LinearForecaster(3))
    found = prequential(model.fit(rows[:150]), rows[150:], coverage=0.8).forecasts
    expected = prequential(plain.fit(rows[:150]), rows[150:], coverage=0.8).forecasts
    pd.testing.assert_frame_equal(found, expected, **{"rtol": 1e-7})
    found = backtest(model, rows, initial=150, step=20).forecasts
    pd.testing.assert_frame_equal(found, backtest(plain, rows, initial=150, step=20).forecasts)


def test_frames_of_polars_come_and_go():
    pl = pytest.importorskip("polars")
    pytest.importorskip("narwhals")
    rows = hourly(130, 2).assign(price=np.arange(130) % 5)
    params = {"target": ["s0", "s1"], "future_cols": "price", **QUICK}
    given = pl.from_pandas(rows.reset_index())
    plain = scaled(RNNForecaster(3, **params)).fit(rows[:110]).partial_fit(rows[110:120])
    model = scaled(RNNForecaster(3, **params)).fit(given[:110]).partial_fit(given[110:120])
    found = model.forecast(X_future=given[120:])
    assert isinstance(found, pl.DataFrame)
    expected = plain.forecast(X_future=rows[120:]).reset_index()
    assert found.columns == list(expected) == ["time", "s0", "s1"]
    np.testing.assert_array_equal(found["s1"].to_numpy(), expected["s1"])
    assert model.future_index().columns == ["time"]
    assert found["time"].to_list() == expected["time"].to_list()


def test_series_that_have_ended_are_left_out():
    long = melted(hourly(100, 2)).sort_values(["time", "id"], ignore_index=True)
    long = long[(long["id"] == "s0") | (long["time"] < long["time"].iloc[100])]
    model = scaled(LinearForecaster(2, id_col="id", time_col="time")).fit(long)
    assert set(model.forecast(active=True)["id"]) == {"s0"}
    assert set(model.forecast()["id"]) == {"s0", "s1"}
    assert len(model.future_index(active=True)) == 2


def test_a_pipeline_resets_and_forecasts_again():
    rows = hourly(200)
    model = scaled(SeasonalNaiveForecaster(3)).fit(rows[:150]).reset_state()
    assert model.cutoff_ is None
    assert model.update(rows[150:]).forecast().shape == (3, 1)
    assert model.freq_ == pd.offsets.Hour()
