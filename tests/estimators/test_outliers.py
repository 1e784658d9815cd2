"""Values taken for absurd are listed, can all be believed, and are learnt where announced."""

import copy

import numpy as np
import pandas as pd
import pytest
from helpers import content, hourly

from tsrnn import RNNForecaster, RNNRegressor, dumps, loads
from tsrnn.baselines import NaiveForecaster

SMALL = {"hidden_size": 4, "max_iter": 3, "random_state": 0}
PANEL = {"id_col": "id", "time_col": "time"}


def broken():
    """Return rows with a spike, and a level that stays."""
    rows = hourly(230)[["s0"]].copy()
    rows.iloc[205] = 5e6
    rows.iloc[215:] += 1e5
    return rows


def long_of(rows):
    frames = [rows.set_axis(["value"], axis=1) * (k + 1) for k in range(2)]
    frames = [frame.assign(id=name) for frame, name in zip(frames, "ab", strict=True)]
    return pd.concat(frames).rename_axis("time").reset_index().sort_values(["time", "id"])


def test_what_is_refused_is_listed_and_whether_it_was_believed():
    """Kind: values held for absurd in silence: `outliers_` lists them, and what was believed."""
    rows = broken()
    model = RNNForecaster(2, **SMALL).fit(rows[:200])
    one_by_one = copy.deepcopy(model)
    model.partial_fit(rows[200:])
    found = model.outliers_
    assert list(found.columns) == ["time", "target", "value", "believed"]
    assert found["time"].tolist() == [rows.index[205], rows.index[215]]
    assert found["value"].tolist() == pytest.approx([5e6, rows["s0"].iloc[215]], rel=1e-11)
    assert found["believed"].tolist() == [False, True]
    for row in range(200, len(rows)):
        one_by_one.partial_fit(rows[row : row + 1])
    assert content(one_by_one) == content(model)
    pd.testing.assert_frame_equal(loads(dumps(model)).outliers_, found)
    assert model.reset_state().outliers_.empty


def test_series_of_a_panel_have_theirs():
    """Kind: values held for absurd in silence, of a panel: listed by series."""
    rows = broken()
    long = long_of(rows)
    old = long["time"] < rows.index[200]
    model = RNNForecaster(2, **PANEL, **SMALL).fit(long[old])
    one_by_one = copy.deepcopy(model)
    model.partial_fit(long[~old])
    found = model.outliers_
    assert found["id"].tolist() == ["a", "b", "a", "b"]
    assert found["believed"].tolist() == [False, False, True, True]
    assert found["value"].iloc[1] == pytest.approx(1e7, rel=1e-11)
    for _, now in long[~old].groupby("time"):
        one_by_one.partial_fit(now)
    pd.testing.assert_frame_equal(one_by_one.outliers_, found)
    assert set(model.forget("a").outliers_["id"]) == {"b"}


def test_the_list_is_bounded():
    rows = hourly(400)[["s0"]].copy()
    rows.iloc[150::2] = 1e6 * np.arange(1, 126)[:, None]
    model = RNNForecaster(1, **SMALL).fit(rows[:150]).partial_fit(rows[150:])
    assert 0 < len(model.outliers_) <= 100


def test_every_value_is_believed_where_the_filter_is_off():
    """Kind: a filter that cannot be switched off: ``outlier_filter=False`` believes every value."""
    rows = broken()
    for data in (rows, long_of(rows)):
        keys = PANEL if "id" in data else {}
        old = (data["time"] if "id" in data else data.index) < rows.index[200]
        model = RNNForecaster(2, outlier_filter=False, **keys, **SMALL).fit(data[old])
        model.update(data[~old][: 6 * (1 + bool(keys))])  # up to the spike
        assert model.outliers_.empty
        weights = model.expert_weights_
        assert weights.notna().all(axis=None)
        assert np.abs(model.forecast(1).select_dtypes("number").to_numpy()).max() > 1e4


def test_a_regressor_can_believe_every_y():
    """Kind: a filter that cannot be switched off, of the regressor."""
    rng = np.random.default_rng(0)
    X = rng.normal(size=(150, 1))
    y = X[:, 0].copy()
    y[-1] = 1e6
    estimates = []
    for believed in (True, False):
        model = RNNRegressor(outlier_filter=not believed, **SMALL).fit(X[:149], y[:149])
        estimates.append(abs(model.partial_fit(X[149:], y[149:]).predict(X[-1:])[0]))
    assert estimates[1] < 10.0 < estimates[0]


def test_baselines_list_none():
    with pytest.raises(AttributeError, match="expected an RNNForecaster"):
        _ = NaiveForecaster(1).fit(hourly(50)).outliers_


def holidays(n=700, first=320):
    """Return sales of 100 that are 10 on holidays, which begin after the history."""
    rng, holiday = np.random.default_rng(0), np.zeros(n)
    holiday[first::20] = 1.0
    sold = 100.0 + 2.0 * rng.normal(size=n) - 90.0 * holiday
    days = pd.date_range("2022-01-01", periods=n, name="time")
    return pd.DataFrame({"sold": sold, "holiday": holiday}, days)


def test_a_holiday_that_is_known_ahead_is_learnt():
    """A value that never was is absurd, but not where inputs known ahead announce it again."""
    rows = holidays()
    model = RNNForecaster(2, target="sold", future_cols="holiday", **SMALL).fit(rows[:310])
    model.partial_fit(rows[310:680])
    ahead = pd.DataFrame({"holiday": [1.0, 0.0]}, model.future_index())
    forecast = model.forecast(X_future=ahead)["sold"]
    assert forecast.iloc[0] == pytest.approx(10.0, abs=10.0)
    assert forecast.iloc[1] == pytest.approx(100.0, abs=10.0)
    refused = model.outliers_
    assert refused["time"].tolist() == [rows.index[320]]  # the first one, and no other


def test_a_holiday_of_several_rows_is_no_jump_and_a_spike_is_no_holiday():
    rows = holidays()
    rows["holiday"] = rows["holiday"].rolling(3, min_periods=1).max()
    rows["sold"] = 100.0 + np.random.default_rng(1).normal(size=len(rows))
    rows.loc[rows["holiday"] == 1.0, "sold"] -= 90.0
    rows.iloc[[330, 350], 0] = 5000.0  # on plain days
    model = RNNForecaster(2, target="sold", future_cols="holiday", **SMALL).fit(rows[:310])
    one_by_one = copy.deepcopy(model)
    model.partial_fit(rows[310:400])
    refused = model.outliers_
    assert refused["time"].tolist() == [rows.index[k] for k in (320, 330, 350)]
    for row in range(310, 400):
        one_by_one.partial_fit(rows[row : row + 1])
    assert content(one_by_one) == content(model)
