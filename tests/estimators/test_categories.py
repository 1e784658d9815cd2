"""Categorical inputs: one-hot over the categories of the history, anything else is "other"."""

import copy

import numpy as np
import pandas as pd
import pytest
from helpers import content, hourly
from helpers.internals import stream_of
from sklearn.preprocessing import OneHotEncoder

from tsrnn import RNNForecaster, RNNRegressor
from tsrnn.frames.columns import Columns

QUICK = {"hidden_size": 6, "max_iter": 5, "window_size": 16, "random_state": 0}
SKIES = np.array(["clear", "rain", "snow"])
EFFECTS = np.array([0.0, 5.0, -5.0])


def weather(n_rows=300, seed=0):
    """A load that the sky of the hour before moves."""
    rng = np.random.default_rng(seed)
    frame = hourly(n_rows, n_columns=2, seed=seed)
    sky = rng.integers(0, 3, n_rows)
    frame["s0"] += EFFECTS[np.roll(sky, 1)]
    return frame.assign(sky=SKIES[sky])


KINDS = {
    "string": lambda sky: sky.astype("string"),
    "object": lambda sky: sky.astype(object),
    "category": lambda sky: sky.astype("category"),
    "ordered, with one never seen": lambda sky: sky.astype(
        pd.CategoricalDtype(["snow", "fog", "rain", "clear"], ordered=True)
    ),
    "category of numbers": lambda sky: sky.map({"clear": 7, "rain": 3, "snow": 5}).astype(
        "category"
    ),
    "mixed": lambda sky: sky.astype(object).replace("rain", 1),
}


@pytest.mark.parametrize("kind", KINDS)
def test_any_categorical_dtype_is_one_hot_as_by_scikit_learn(kind):
    frame = weather()
    sky = KINDS[kind](frame["sky"])
    frame = frame.assign(sky=sky)
    model = RNNForecaster(2, target="s0", **QUICK).fit(frame[:200])
    learner = stream_of(model)
    window = learner.window[len(learner.window) - 100 :]
    names, seen = model._reader.columns.expanded_names, list(sky[:200].unique().astype(str))
    assert names == ["s1", "sky", "sky", "sky"]
    encoder = OneHotEncoder(categories=[seen], handle_unknown="ignore", sparse_output=False)
    table = pd.DataFrame({"sky": sky.astype(str).astype(object)})
    expected = encoder.fit(table[:200]).transform(table[:200])
    means = expected.mean(axis=0)
    np.testing.assert_allclose(window.inputs[:, 1:] + means, expected[-100:], atol=1e-12)
    assert not window.missing.any()
    assert learner.design.flagged == [0, 1]  # one indicator tells that the sky is missing


@pytest.mark.slow
def test_a_category_is_of_use():
    frame = weather(1500)
    settings = {"max_iter": 30, "random_state": 0}
    with_it, without = (
        RNNForecaster(target="s0", **settings).fit(data[:1000]).score(data[1000:])
        for data in (frame, frame.drop(columns="sky"))
    )
    assert without < 0.7
    assert with_it > 0.9
    X, y = frame[["sky"]], EFFECTS[[list(SKIES).index(s) for s in frame["sky"]]]
    assert RNNRegressor(**QUICK).fit(X[:1000], y[:1000]).score(X[1000:], y[1000:]) > 0.99


def test_a_category_not_seen_at_fit_is_other_and_a_missing_one_missing():
    frame = weather()
    model = RNNForecaster(2, target="s0", **QUICK).fit(frame[:200])
    new = frame[200:].copy()
    new.iloc[3:5, 2], new.iloc[5:8, 2] = "hail", None
    model.update(new[:5])
    window = stream_of(model).window
    shares = [(frame["sky"][:200] == sky).mean() for sky in frame["sky"][:200].unique()]
    np.testing.assert_allclose(window.inputs[-2:, 1:], -np.array([shares] * 2), atol=1e-12)
    assert not window.missing[-5:].any()
    model.update(new[5:8])
    window = stream_of(model).window
    assert window.missing[-3:, 1:].all()
    np.testing.assert_array_equal(window.inputs[-3:], window.inputs[[-3, -2, -1]])
    np.testing.assert_array_equal(window.inputs[-1, 1:], window.inputs[-4, 1:])  # carried forward
    assert np.isfinite(model.partial_fit(new[8:]).forecast()).all(axis=None)


def test_bools_are_categories_with_or_without_missing_ones():
    frame = weather().drop(columns="sky").assign(open=np.arange(300) % 3 > 0)
    model = RNNForecaster(2, target="s0", **QUICK).fit(frame[:200])
    plain = model.update(frame[200:220])._state
    as_objects = frame.astype({"open": object})
    as_objects.iloc[230, 2] = None
    nullable = as_objects.astype({"open": "boolean"})
    for data in (as_objects, nullable):
        other = RNNForecaster(2, target="s0", **QUICK).fit(data[:200]).update(data[200:220])
        assert content(other._state) == content(plain)
        assert stream_of(other.update(data[220:231])).window.missing[-1, 1:].all()


def test_a_column_all_missing_in_the_history_stays_missing():
    frame = weather().assign(sky=None)
    forecasts = []
    for sky in (frame["sky"], frame["sky"].astype("category"), frame["sky"].astype("string")):
        model = RNNForecaster(2, target="s0", **QUICK).fit(frame.assign(sky=sky)[:200])
        for later in (frame, frame.assign(sky=weather()["sky"]), frame.assign(sky=1.0)):
            forecasts.append(copy.deepcopy(model).partial_fit(later[200:]).forecast())
    for forecast in forecasts[1:]:
        pd.testing.assert_frame_equal(forecast, forecasts[0], check_exact=True)


def test_objects_that_are_numbers_are_numbers():
    frame = hourly(250, n_columns=2)
    frame.iloc[100, 1] = np.nan
    model = RNNForecaster(2, target="s0", **QUICK).fit(frame[:200])
    objects = frame.astype({"s1": object}).where(frame.notna(), None)
    other = RNNForecaster(2, target="s0", **QUICK).fit(objects[:200])
    assert content(model._state) == content(other._state)
    as_array = RNNRegressor(**QUICK).fit(objects.to_numpy()[:50], frame["s0"].to_numpy()[:50])
    assert as_array._reader.columns.categories == {}


def test_rows_of_categories_may_be_split_anywhere():
    frame = weather()
    frame.iloc[210:240:3, 2] = None
    frame.iloc[250:260, 2] = "hail"
    whole, parts = (RNNForecaster(2, target="s0", **QUICK).fit(frame[:200]) for _ in range(2))
    whole.partial_fit(frame[200:])
    for row in range(200, 300):  # a part may hold a single category, or none
        parts.partial_fit(frame[row : row + 1].infer_objects())
    assert content(vars(whole)) == content(vars(parts))


@pytest.mark.parametrize(
    ("params", "change", "message"),
    [
        ({}, lambda f: f, r"no numbers.*'sky'.*name the targets"),
        ({"target": "sky"}, lambda f: f, "no numbers.*'sky'"),
        ({"target": ["s0", "sky"]}, lambda f: f.astype({"sky": "category"}), "no numbers.*'sky'"),
        (
            {"target": "s0"},
            lambda f: f.assign(sky=[f"{i}" for i in range(300)]),
            "found 300 categories in column 'sky', expected at most 100",
        ),
        ({"target": "s0"}, lambda f: f.assign(sky=f.index), "no numbers.*'sky'.*set_index"),
        ({"target": "s0"}, lambda f: f.assign(sky=[{}] * 300), "no numbers.*'sky'"),
    ],
)
def test_what_is_no_category_is_refused(params, change, message):
    with pytest.raises(ValueError, match=message):
        RNNForecaster(2, **params, **QUICK).fit(change(weather()))


def test_numbers_at_fit_are_numbers_later():
    frame = hourly(250, n_columns=2)
    model = RNNForecaster(2, target="s0", **QUICK).fit(frame[:200])
    before = content(vars(model))
    with pytest.raises(ValueError, match=r"no numbers.*'s1'"):
        model.update(frame[200:].assign(s1="high"))
    assert content(vars(model)) == before


@pytest.mark.parametrize("static", ["site", ["site"]])
def test_roles_of_columns(static):
    frame = weather().assign(site=3.0)
    columns = Columns.of(frame, None, 4, future_cols=["sky", "s1"], static_cols=static)
    assert columns.target_names == ["s0"]  # whatever is not named as an input
    assert (columns.inputs, columns.input_names) == ([1, 2, 3], ["s1", "sky", "site"])
    assert columns.future_names == ["s1", "sky"]
    assert (columns.future, columns.static) == ([0, 1, 2, 3], [4])
    for roles, message in {
        "expected different names out of the columns": {"future_cols": "wind"},
        r"found \['s1'\] in static_cols and in target='s1'": {"target": "s1", "static_cols": "s1"},
        "expected a target among them": {"future_cols": list(frame.columns)},
    }.items():
        with pytest.raises(ValueError, match=roles):
            Columns.of(frame, None, 4, **message)


def test_categories_that_are_numbers_may_come_as_plain_numbers_later():
    frame = weather()
    frame = frame.assign(sky=frame["sky"].map({"clear": 7, "rain": 3, "snow": 5}))
    models = []
    for dtype in (object, "category", float, "int8"):
        model = RNNForecaster(2, target="s0", **QUICK)
        model.fit(frame[:200].astype({"sky": "category"}))
        models.append(model.update(frame[200:].astype({"sky": dtype})))
    assert stream_of(models[0]).window.inputs[:, 1:].max() > 0.5
    for model in models[1:]:
        assert content(model._state) == content(models[0]._state)
