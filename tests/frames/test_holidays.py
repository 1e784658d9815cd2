"""Holidays that are known of every step."""

import sys

import numpy as np
import pandas as pd
import pytest
from helpers import content

from tsrnn import RNNForecaster, load
from tsrnn.frames.holidays import HolidayCalendar

pytest.importorskip("holidays")
SMALL = {"hidden_size": 4, "max_iter": 3, "random_state": 0}


@pytest.fixture(scope="module")
def sales():
    """Two years and a bit of days; nothing is sold on holidays of Bavaria."""
    days = pd.date_range("2022-01-01", periods=780, name="day")
    shut = HolidayCalendar("DE", "BY").features(days.as_unit("ns").asi8)[:, 0]
    values = 100.0 * (1.0 - shut) + np.random.default_rng(0).normal(size=780)
    return pd.DataFrame({"sold": values}, days), shut > 0


def test_days_are_told_from_their_eves_and_the_days_after():
    hours = pd.date_range("2024-12-23", periods=6 * 24, freq="h").as_unit("ns").asi8
    found = HolidayCalendar("DE").features(hours)[::24]
    days = [[0, 0, 0], [0, 1, 0], [1, 1, 0], [1, 0, 1], [0, 0, 1], [0, 0, 0]]  # 25th and 26th
    np.testing.assert_array_equal(found, days)


def test_forecasts_know_the_holidays_ahead(sales):
    rows, shut = sales
    model = RNNForecaster(3, holidays=("DE", "BY"), **SMALL).fit(rows[:700])
    issued = model.predict(rows[700:])
    ahead = np.arange(700, 776)[:, None] + [1, 2, 3]
    error = np.abs(issued[:76] - rows["sold"].to_numpy()[ahead])
    assert shut[ahead].sum() >= 6
    assert error[shut[ahead]].mean() < 10.0
    assert error[~shut[ahead]].mean() < 3.0


def test_predict_is_what_forecast_would_say_and_files_keep_it(sales, tmp_path):
    rows, _ = sales
    model = RNNForecaster(3, holidays="DE", **SMALL).fit(rows[:100])
    issued = model.predict(rows[100:110])
    before = content(model._state)
    model.forecast()
    assert content(model._state) == before
    model.save(tmp_path / "m.tsrnn")
    for one in (model, load(tmp_path / "m.tsrnn")):
        for row in range(10):
            one.update(rows[100 + row : 101 + row])
            np.testing.assert_allclose(one.forecast()["sold"], issued[row], rtol=1e-12)


def test_beside_columns_known_ahead_and_for_a_panel(sales):
    rows, _ = sales
    rows = rows[:60].assign(price=1.0)
    model = RNNForecaster(2, target="sold", future_cols="price", holidays="DE", **SMALL)
    ahead = pd.DataFrame({"price": 1.0}, pd.date_range("2022-03-02", periods=2, name="day"))
    assert np.isfinite(model.fit(rows).forecast(X_future=ahead)).all().all()
    long = pd.concat([rows.assign(shop=shop) for shop in "ab"]).reset_index()
    panel = RNNForecaster(2, target="sold", id_col="shop", time_col="day", holidays="DE", **SMALL)
    issued = panel.fit(long[long["day"] < "2022-02-20"]).predict(long[long["day"] >= "2022-02-20"])
    assert np.isfinite(issued).all()


@pytest.mark.parametrize("wrong", ["XX", ("DE", "QQ"), 3, ("DE", "BY", "x")])
def test_what_is_no_country_is_refused(sales, wrong):
    with pytest.raises(ValueError, match="holidays"):
        RNNForecaster(holidays=wrong, **SMALL).fit(sales[0][:40])


def test_rows_without_days_are_refused(sales):
    with pytest.raises(ValueError, match="without time stamps"):
        RNNForecaster(holidays="DE", **SMALL).fit(sales[0][:40].to_numpy())
    weeks = sales[0].resample("W").mean()
    with pytest.raises(ValueError, match="longer than a day"):
        RNNForecaster(holidays="DE", **SMALL).fit(weeks)


def test_without_the_package_the_extra_is_named(sales, monkeypatch):
    monkeypatch.setitem(sys.modules, "holidays", None)
    with pytest.raises(ImportError, match=r"tsrnn\[holidays\]"):
        RNNForecaster(holidays="FR", **SMALL).fit(sales[0][:40])
