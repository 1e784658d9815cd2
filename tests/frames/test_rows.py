"""Rows as people pass them in: none, one that is no frame, ids of two kinds, unknown targets."""

import copy

import numpy as np
import pandas as pd
import pytest
from helpers import content, hourly, melted

from tsrnn import RNNForecaster, RNNRegressor
from tsrnn.baselines import LinearForecaster, NaiveForecaster
from tsrnn.evaluate import prequential
from tsrnn.frames.bands import bands_of

QUICK = {"hidden_size": 4, "max_iter": 3, "window_size": 16, "random_state": 0}


def quick(horizon=3, **params):
    return RNNForecaster(horizon, **{**QUICK, **params})


@pytest.fixture(scope="module")
def fitted():
    return quick().fit(hourly(80, 2))


@pytest.fixture(scope="module")
def panel():
    """Three series, of which s0 has ended 30 hours and s1 two hours ago."""
    long = melted(hourly(100, 3))
    ends = long["id"].map({"s0": 69, "s1": 97, "s2": 99})
    hour = (long["time"] - long["time"].min()) // pd.Timedelta("1h")
    return quick(id_col="id", time_col="time").fit(long[hour <= ends])


# --- frames ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("form", [lambda d: d, lambda d: d.to_numpy(), lambda d: d.iloc[:, 0]])
def test_no_rows_are_nothing_to_do(form):
    """A call without rows, of frames, arrays and series: nothing happens."""
    data = hourly(60, 1)
    model = LinearForecaster(2, lags=3).fit(form(data))
    before = content(vars(model))
    model.update(form(data)[:0]).partial_fit(form(data)[:0])
    assert content(vars(model)) == before


def test_no_rows_of_a_panel_and_a_regressor(panel):
    """A call without rows, as a filter leaves it, of panels and the regressor: nothing happens."""
    model, nothing = copy.deepcopy(panel), pd.DataFrame({"id": [], "time": [], "value": []})
    before = content(vars(model))
    assert content(vars(model.update(nothing).partial_fit(nothing))) == before
    X = hourly(40, 2)
    regressor = RNNRegressor(**QUICK).fit(X, X["s0"])
    before = content(vars(regressor))
    regressor.update(X[:0]).partial_fit(X[:0], X["s0"][:0])
    assert content(vars(regressor)) == before


def test_a_row_that_has_become_a_series_is_told_of(fitted):
    """A row that has become a Series, by ``df.iloc[-1]``: the remedy is ``df.iloc[[-1]]``."""
    data = hourly(81, 2)
    for call in (fitted.update, fitted.partial_fit, fitted.predict):
        with pytest.raises(ValueError, match=r"pass df.iloc\[\[-1\]\], not df.iloc\[-1\]"):
            call(data.iloc[-1])


def test_a_dict_is_told_of(fitted):
    """A row that is no frame but a dict: the remedy names a frame, in every method and at fit."""
    for call in (fitted.update, fitted.partial_fit, fitted.predict, quick().fit):
        with pytest.raises(ValueError, match=r"found X as a dict.*df.iloc\[\[-1\]\]"):
            call({"s0": 1.0, "s1": 2.0})


@pytest.mark.parametrize(
    "row_of",
    [
        lambda data: next(data.itertuples()),
        lambda data: next(data.iterrows()),
        lambda data: [next(data.itertuples(index=False))],
        lambda data: data.to_dict("records"),
        lambda data: [data.index[0], 1.0, 2.0],
        lambda data: iter(data.to_numpy()),
        lambda data: "rows.csv",
    ],
    ids=["itertuples", "iterrows", "named tuples", "records", "values", "iterator", "file"],
)
def test_rows_that_are_no_frame_are_told_of(fitted, row_of):
    """Rows that are no frame, as loops over one give them: the remedy, in every method."""
    row = row_of(hourly(2, 2))
    for call in (fitted.update, fitted.partial_fit, fitted.predict):
        with pytest.raises(ValueError, match=r"found X as a .*(df.iloc\[\[-1\]\]|read_csv)"):
            call(row)


def test_a_single_number_is_told_of():
    """``series.iloc[-1]``, in every method and at fit."""
    model = quick().fit(hourly(60)["s0"])
    for call in (model.update, model.partial_fit, model.predict, quick().fit):
        with pytest.raises(ValueError, match=r"found X as the number .*series\[-1:\]"):
            call(hourly(61)["s0"].iloc[-1])


def test_rows_without_columns_are_told_of(fitted, panel):
    """Only times, or ids and times: the columns of fit are named."""
    rows = hourly(82, 2)[80:]
    with pytest.raises(ValueError, match=r"X with no columns .*expected \['s0', 's1'\]"):
        fitted.update(rows[[]])
    with pytest.raises(ValueError, match=r"X with no columns .*expected \['value'\]"):
        panel.update(pd.DataFrame({"id": "s2", "time": [hourly(101).index[-1]]}))


def test_times_left_in_a_column_are_told_of():
    """As read from a CSV: where there is no target, and where all else is an input."""
    rows = hourly(120).rename_axis("time").reset_index()
    rows["time"] = rows["time"].dt.strftime("%d/%m/%Y %H:%M")
    for model in (quick(), quick().set_params(target="s0")):
        with pytest.raises(ValueError, match=r"column.*time.*index: X.set_index"):
            model.fit(rows)


def test_texts_that_hold_numbers_are_told_of():
    """As read from a CSV with decimal commas."""
    rows = hourly(60).astype(str)
    with pytest.raises(ValueError, match=r"pd.to_numeric"):
        quick().fit(rows)


# --- names of columns -----------------------------------------------------------------------------


def test_columns_of_quantiles_have_unique_names(fitted):
    """Names that rounding makes alike: columns of close or repeated quantiles stay unique."""
    found = fitted.forecast(1, quantiles=[0.9000001, 0.9000002, 0.5, 0.5], coverage=[0.9, 0.9])
    assert found.columns.is_unique
    assert list(found.columns[found.columns.str.startswith("s1_")]) == [
        "s1_lower_0.9",
        "s1_upper_0.9",
        "s1_quantile_0.9000001",
        "s1_quantile_0.9000002",
        "s1_quantile_0.5",
    ]
    assert bands_of(1 - 1e-9)[0][0] == "lower_0.999999999"


def test_a_target_named_as_a_bound_is_refused():
    """A target with the name of a bound: two columns would have one name, which is refused."""
    model = NaiveForecaster(2).fit(hourly(40, 2).set_axis(["y", "y_lower_0.9"], axis=1))
    with pytest.raises(ValueError, match=r"targets \['y_lower_0.9'\].*rename"):
        model.forecast(coverage=0.9)
    assert model.forecast(coverage=0.8).columns.is_unique


def test_columns_of_two_levels_stay_tuples():
    """Names that are tuples stay tuples, with coverage, in forecasts and evaluations."""
    data = hourly(90, 2)
    data.columns = pd.MultiIndex.from_tuples([("p", "a"), ("q", 1)])
    model = quick().fit(data[:80])
    found = model.forecast(coverage=0.9)
    assert [*found.columns[2:]] == [
        ("p", "a_lower_0.9"),
        ("p", "a_upper_0.9"),
        ("q", "1_lower_0.9"),
        ("q", "1_upper_0.9"),
    ]
    table = prequential(model, data[80:], coverage=0.9).forecasts
    assert (table["lower_0.9"] <= table["upper_0.9"]).all()


# --- panels and ids -------------------------------------------------------------------------------


def test_series_that_have_ended_may_be_left_out(panel):
    """Series that ended long ago: ``active`` leaves them out of forecasts and ``future_index``."""
    assert panel.forecast()["id"].unique().tolist() == ["s0", "s1", "s2"]
    for active, ids in ((True, ["s2"]), (0, ["s2"]), (2, ["s1", "s2"]), (500, ["s0", "s1", "s2"])):
        found = panel.forecast(active=active)
        assert found["id"].unique().tolist() == ids
        index = panel.future_index(active=active)
        assert index.get_level_values("time").tolist() == found["time"].tolist()
        whole = panel.forecast(ids=ids)
        pd.testing.assert_frame_equal(found, whole)
    assert panel.forecast(ids=["s1", "s0"], active=3)["id"].unique().tolist() == ["s1"]
    with pytest.raises(ValueError, match="active == -1"):
        panel.forecast(active=-1)
    one = NaiveForecaster(2).fit(hourly(30))
    pd.testing.assert_frame_equal(one.forecast(active=True), one.forecast())


def test_only_active_series_need_what_is_known_ahead():
    """Series that ended need no rows known ahead: X_future is that of the active ones alone."""
    long = melted(hourly(60, 2)).assign(price=1.0)
    gone = (long["id"] == "s0") & (long["time"] > long["time"].min() + pd.Timedelta("30h"))
    model = quick(id_col="id", time_col="time", future_cols="price").fit(long[~gone])
    ahead = model.future_index(active=True).to_frame(index=False).assign(price=2.0)
    assert model.forecast(X_future=ahead, active=True)["id"].unique().tolist() == ["s1"]
    with pytest.raises(ValueError, match="without 3 of the 6 rows"):
        model.forecast(X_future=ahead)


@pytest.mark.parametrize("as_text", [True, False])
def test_ids_of_another_kind_are_no_new_series(as_text):
    """Ids of another kind are no new series: texts at fit and numbers later, or the other way."""
    long = melted(hourly(40, 2))
    long["id"] = long["id"].str[1:]
    kinds = long, long.astype({"id": int})
    history, new = kinds if as_text else kinds[::-1]
    rows = new.assign(time=new["time"] + pd.Timedelta("40h"))
    for form in (lambda d: d, lambda d: d.set_index(["id", "time"])):
        params = {"id_col": "id", "time_col": "time"} if form(long) is long else {}
        model = NaiveForecaster(**params).fit(form(history))
        before = content(vars(model))
        for call in (model.update, model.partial_fit, model.predict):
            with pytest.raises(ValueError, match=r"they would be new series; convert them.*astype"):
                call(form(rows))
        assert content(vars(model)) == before
        model.update(form(rows.astype({"id": str if as_text else int})))


# --- targets --------------------------------------------------------------------------------------


def test_a_target_that_was_never_known_is_named_and_nan():
    """A target never known, all NaN beside good ones: a warning, NaN until a value has come."""
    data = hourly(90, 2).assign(s1=np.nan)
    with pytest.warns(UserWarning, match=r"no known value of the targets \['s1'\].* NaN until"):
        model = quick(coverage=0.9).fit(data[:80])
    found = model.forecast()
    bad = found.columns.str.startswith("s1")
    assert found.loc[:, bad].isna().all(axis=None)
    assert np.isfinite(found.loc[:, ~bad]).all(axis=None)
    prediction = model.predict(data[80:])
    assert np.isnan(prediction[:, 3:]).all()
    assert np.isfinite(prediction[:, :3]).all()
    model.partial_fit(data[80:].assign(s1=5.0))
    assert (model.forecast()["s1"] - 5.0).abs().max() < 3.0


def test_a_target_of_a_panel_that_was_never_known():
    """A target never known in any series of a panel: a warning that names it, and NaN."""
    long = melted(hourly(60, 2)).assign(other=np.nan)
    model = quick(id_col="id", time_col="time")
    with pytest.warns(UserWarning, match=r"\['other'\]"):
        model.fit(long)
    found = model.forecast()
    assert found["other"].isna().all()
    assert np.isfinite(found["value"]).all()


def test_a_series_that_was_never_known_is_named():
    """A series never known is named by a warning, and forecast as a typical one of its panel."""
    long = melted(hourly(60, 3)).assign(value=lambda d: d["value"].where(d["id"] != "s1"))
    with pytest.warns(UserWarning, match=r"no known value of the series \['s1'\].*typical"):
        model = quick(id_col="id", time_col="time").fit(long)
    assert np.isfinite(model.forecast()["value"]).all()


# --- predict in-sample ----------------------------------------------------------------------------


@pytest.mark.parametrize(
    "form", [lambda d: d, lambda d: d.to_numpy(), lambda d: d.reset_index(drop=True)]
)
def test_where_predict_starts_may_be_chosen(form):
    """Rows without stamps, in-sample and after the cutoff; rows with stamps alike."""
    data = form(hourly(100, 1))
    model = quick().fit(data[:80])
    in_sample = model.predict(data[:80], start="fit")
    expected = copy.deepcopy(model).reset_state().predict(data[:80])
    np.testing.assert_array_equal(in_sample, expected)
    ahead = model.predict(data[80:], start="cutoff")
    np.testing.assert_array_equal(ahead, model.predict(data[80:]))
    assert not np.array_equal(model.predict(data[80:], start="fit"), ahead)
    if isinstance(data, pd.DataFrame):
        np.testing.assert_array_equal(model.predict(data[:80]), in_sample)
        with pytest.raises(ValueError, match="20 rows not newer than the cutoff"):
            model.predict(data[60:], start="cutoff")
    with pytest.raises(ValueError, match="found start='zero', expected 'fit', 'cutoff' or None"):
        model.predict(data, start="zero")


def test_where_a_regressor_starts_may_be_chosen():
    """The regressor: rows without stamps in-sample."""
    values = hourly(70, 2).to_numpy()
    X, y = values[:, :1], values[:, 1]
    model = RNNRegressor(**QUICK).fit(X, y)
    expected = copy.deepcopy(model).reset_state().predict(X)
    np.testing.assert_array_equal(model.predict(X, start="fit"), expected)
    np.testing.assert_array_equal(model.predict(X, start="cutoff"), model.predict(X))
