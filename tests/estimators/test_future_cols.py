"""Inputs known ahead: used at their own step, never before, checked, and as pure as the rest."""

import copy
from functools import cache

import numpy as np
import pandas as pd
import pytest
from helpers import content, fit_once, hourly
from helpers.internals import learner_of, stream_of

from tsrnn import RNNForecaster
from tsrnn.baselines import LinearForecaster
from tsrnn.evaluate import backtest, prequential

QUICK = {"hidden_size": 6, "max_iter": 5, "window_size": 16, "random_state": 0}
N_FIT, N_ROWS = 180, 380


def quick(horizon=3, **params):
    return RNNForecaster(horizon, **{"target": "load", "future_cols": "price", **QUICK, **params})


def market(n_rows=N_ROWS, seed=0, tz=None):
    """A load that the price of the very hour moves by -2, once and for good each time."""
    rng = np.random.default_rng(seed)
    price = rng.normal(size=n_rows)
    level = np.zeros(n_rows)
    for t in range(1, n_rows):
        level[t] = 0.9 * level[t - 1] + 0.5 * rng.normal()
    start = "2024-03-23"  # the clocks of Europe change a day after the history
    index = pd.date_range(start, periods=n_rows, freq="h", tz=tz, name="time")
    frame = pd.DataFrame({"load": 50 + level - 2 * price, "price": price}, index)
    return frame.assign(wind=rng.normal(size=n_rows))


@cache
def fitted_once():
    return quick().fit(market()[:N_FIT])


def fitted():
    """Return a copy of the model of the first rows, so that tests may share its fit."""
    return copy.deepcopy(fitted_once())


def errors(model, frame, n_fit):
    prediction = model.fit(frame[:n_fit]).predict(frame[n_fit:])
    horizon, load = prediction.shape[1], frame["load"].to_numpy()[n_fit:]
    n = len(prediction) - horizon
    return [np.mean((prediction[:n, h] - load[h + 1 : h + 1 + n]) ** 2) for h in range(horizon)]


@pytest.mark.slow
def test_each_step_is_forecast_in_the_light_of_its_own_row():
    """The errors are those of the level alone: 0.25 · Σ 0.81^k, within 15 %."""
    frame = market(2000)
    possible = 0.25 * np.cumsum(0.81 ** np.arange(3))
    with_it = errors(quick(max_iter=30), frame, 1300)
    assert (with_it < 1.15 * possible).all()
    without = errors(quick(max_iter=30, future_cols=None), frame, 1300)
    assert (np.array(without) > 4).all()  # the variance of -2 price


@pytest.mark.slow
def test_what_goes_on_before_a_step_counts_too():
    """An effect that lasts: 0.9^k of the inputs on the way; a tenth above what is possible."""
    rng = np.random.default_rng(1)
    x, noise = rng.normal(size=(2, 4000))
    load = np.zeros(4000)
    for t in range(1, 4000):
        load[t] = 0.9 * load[t - 1] + x[t] + 0.5 * noise[t]
    index = pd.date_range("2024", periods=4000, freq="h")
    frame = pd.DataFrame({"load": load, "price": x}, index)
    possible = 0.25 * np.cumsum(0.81 ** np.arange(6))
    assert (errors(quick(6, max_iter=60), frame, 3000) < 1.25 * possible).all()


@pytest.mark.parametrize("ids", [False, True])
def test_what_is_missing_ahead_of_a_clock_change_is_carried_forward_by_both(ids):
    """Clocks go forward within the horizon, where a step lies beyond that of the slots.

    There `forecast` went on from the input of the last row, `predict` from the newest known one.
    """
    frame = market(tz="Europe/Berlin")
    panel = {"id_col": "id", "time_col": "time"} if ids else {}

    def rows(first, last):
        part = frame[first:last]
        if not ids:
            return part
        return pd.concat([part.assign(id=name).reset_index() for name in ("a", "b")])

    model = fit_once(quick(5, **panel), rows(60, N_FIT))
    frame.iloc[N_FIT + 11 :, 1] = np.nan
    predicted = model.predict(rows(N_FIT, N_FIT + 16)).reshape(2 if ids else 1, 16, 5)
    for row in range(8, 12):  # of the hour before clocks change, or an hour or two before that
        now = copy.deepcopy(model).update(rows(N_FIT, N_FIT + row + 1))
        found = now.forecast(X_future=rows(N_FIT + row + 1, N_FIT + row + 6))["load"].to_numpy()
        np.testing.assert_allclose(found.reshape(-1, 5), predicted[:, row], rtol=1e-9)


@pytest.mark.parametrize(
    ("tz", "stamps", "holes"),
    [(None, True, False), ("Europe/Berlin", True, True), (None, False, True)],
)
def test_predict_is_what_forecast_would_have_said(tz, stamps, holes):
    frame = market(tz=tz)
    if holes:
        rng = np.random.default_rng(0)
        frame = frame.mask(rng.random(frame.shape) < 0.2)
        if stamps:
            frame = frame[(rng.random(N_ROWS) < 0.8) | (np.arange(N_ROWS) < N_FIT)]
    frame = frame[: N_FIT + 40]
    frame = frame if stamps else frame.reset_index(drop=True)
    for gap in ("fill", "reset"):
        model = fit_once(quick(gap=gap), frame[:N_FIT])
        prediction = model.predict(frame[N_FIT:])
        for row in range(N_FIT, len(frame)):
            model.update(frame[row : row + 1])
            index = model.future_index()
            ahead = frame.reindex(index) if stamps else frame[row + 1 : row + 4].reindex(index)
            forecast = model.forecast(X_future=ahead[["price"]])
            pd.testing.assert_index_equal(forecast.index, index)
            np.testing.assert_array_equal(prediction[row - N_FIT], forecast["load"])


def test_forms_of_x_future_are_one():
    """One plan in several forms, with more columns, as a Series or an array: one forecast."""
    frame = market()
    model = fitted()
    ahead = frame[N_FIT : N_FIT + 3]
    expected = model.forecast(X_future=ahead[["price"]])
    for other in (ahead, ahead["price"], ahead[["wind", "price"]], ahead[["price"]].astype(object)):
        pd.testing.assert_frame_equal(model.forecast(X_future=other), expected)
    shorter = model.forecast(2, X_future=ahead[:2])
    pd.testing.assert_frame_equal(shorter, expected[:2])
    values = frame.to_numpy()
    array_model = fit_once(quick(target="x0", future_cols="x1", season=(24, 168)), values[:N_FIT])
    by_frame = quick(season=(24, 168)).fit(frame.reset_index(drop=True)[:N_FIT])
    for other in (values[N_FIT : N_FIT + 3, [1]], values[N_FIT : N_FIT + 3, 1]):
        forecast = array_model.forecast(X_future=other)
        assert list(forecast.index) == [N_FIT, N_FIT + 1, N_FIT + 2]
        counted = by_frame.forecast(X_future=ahead.reset_index(drop=True))
        np.testing.assert_array_equal(forecast, counted)
    whole = array_model.forecast(X_future=values[N_FIT : N_FIT + 3])
    np.testing.assert_array_equal(whole, forecast)


@pytest.mark.parametrize("tz", [None, "Europe/Berlin"])
def test_rows_are_picked_by_their_time_stamps(tz):
    """A plan that is not cut to the rows ahead: X_future is picked by stamp.

    A longer calendar, another order, other columns and units, stamps that are no time.
    """
    frame = market(tz=tz)
    model = fit_once(quick(), frame[:N_FIT])
    before, calendar = content(vars(model)), frame[["price"]]
    expected = model.forecast(X_future=calendar[N_FIT : N_FIT + 3])
    shuffled = calendar.sample(frac=1, random_state=0)
    beyond = calendar.set_axis(calendar.index.as_unit("s"))
    end = pd.DatetimeIndex(np.array(["9999-01-01"], "M8[s]")).tz_localize(tz)
    far = pd.DataFrame({"price": [*calendar["price"], 9.0]}, beyond.index.append(end))
    useless = pd.concat([calendar, pd.DataFrame({"price": [1.0, 2.0]}, [pd.NaT, pd.NaT])])
    twice = pd.concat([calendar, calendar[:N_FIT], calendar[N_FIT + 3 :]])
    wrong = calendar.assign(price=calendar["price"].mask(np.arange(N_ROWS) < N_FIT, np.inf))
    columns = shuffled.assign(load="?", wind=1j, price_2=0.0, time=pd.Timestamp("2024"))
    texts = calendar[N_FIT : N_FIT + 3].set_axis(frame.index[N_FIT : N_FIT + 3].astype(str))
    others = [calendar, shuffled, beyond, far, useless, twice, wrong, columns]
    others += [texts] * (tz is None)  # texts tell an offset, no zone
    for other in others:
        pd.testing.assert_frame_equal(model.forecast(X_future=other), expected)
    shorter = model.forecast(1, X_future=calendar[N_FIT : N_FIT + 1])
    pd.testing.assert_frame_equal(shorter, expected[:1])
    assert content(vars(model)) == before


def test_times_may_be_a_column():
    """A plan whose times are a column: X_future is picked by them, in any order."""
    frame = market()
    history, calendar = frame[:N_FIT].reset_index(), frame[["price"]].sample(frac=1, random_state=0)
    model = fit_once(quick(time_col="time"), history)
    expected = fitted().forecast(X_future=calendar)
    for other in (calendar, calendar.reset_index(), calendar.rename_axis("when")):
        pd.testing.assert_frame_equal(model.forecast(X_future=other), expected)
    with pytest.raises(ValueError, match=r"without 1 of the 3 rows .* 2024-03-30 13:00:00"):
        model.forecast(X_future=calendar.drop(frame.index[N_FIT + 1]).reset_index())
    with pytest.raises(ValueError, match="no times, expected time stamps"):
        model.forecast(X_future=calendar.reset_index(drop=True).rename_axis("row"))


def test_rows_without_time_stamps_are_taken_in_order():
    frame = market()
    values = frame.to_numpy()
    arrays = fit_once(quick(target="x0", future_cols="x1", season=None), values[:N_FIT])
    rows = quick(season=None).fit(frame[:N_FIT].reset_index(drop=True))
    for model, ahead in ((arrays, values[N_FIT:, 1]), (rows, frame[["price"]][N_FIT:])):
        assert len(model.forecast(X_future=ahead[:3])) == 3
        for n in (2, 4):
            message = f"with {n} rows, expected 3: .* from 180 to 182, .*future_index"
            with pytest.raises(ValueError, match=message):
                model.forecast(X_future=ahead[:n])


@pytest.mark.parametrize("history", ["constant", "missing"])
def test_an_input_that_carries_nothing_does_no_harm(history):
    frame = market()
    frame["price"] = {"constant": 3.0, "missing": np.nan}[history]
    model, without = fit_once(quick(), frame[:N_FIT]), quick(future_cols=None)
    without.fit(frame[["load", "wind"]][:N_FIT])
    ahead = frame[["price"]][N_FIT : N_FIT + 3]
    for value in (3.0, np.nan, -50.0):
        forecast = model.forecast(X_future=ahead.assign(price=value))
        assert np.abs(forecast - without.forecast()).max(axis=None) < 3.0
    prediction = model.predict(frame.assign(price=np.arange(N_ROWS) % 7.0)[N_FIT:])
    assert np.abs(prediction - 50).max() < 20


def test_what_is_missing_ahead_is_carried_forward():
    frame = market()
    model = fitted()
    ahead = frame[["price"]][N_FIT : N_FIT + 3].copy()
    ahead.iloc[1:] = np.nan
    filled = ahead.ffill()
    assert model.forecast(X_future=ahead).equals(model.forecast(X_future=filled))
    ahead.iloc[:] = np.nan
    filled = ahead.fillna(frame["price"].iloc[N_FIT - 1])
    assert model.forecast(X_future=ahead).equals(model.forecast(X_future=filled))


def test_nothing_changes_where_nothing_is_known_ahead():
    frame = market()
    model = fit_once(quick(future_cols=None), frame[:N_FIT])
    assert type(stream_of(model).readout).__name__ == "DelayedRLS"
    named = fitted()
    network, other = (learner_of(m).encoder.network for m in (model, named))
    assert len(network.weights) == len(other.weights)


@pytest.mark.parametrize("learn", ["partial_fit", "update"])
@pytest.mark.parametrize("cuts", [[1, 2, 3, 50, 51, 110], list(range(1, 130))])
def test_any_split_of_the_rows_gives_the_same_estimator(learn, cuts):
    rng = np.random.default_rng(3)
    frame = market().mask(rng.random((N_ROWS, 3)) < 0.2)[: N_FIT + 130]
    whole, parts = fit_once(quick(), frame[:N_FIT]), fit_once(quick(), frame[:N_FIT])
    getattr(whole, learn)(frame[N_FIT:])
    for start, stop in zip([0, *cuts], [*cuts, 130], strict=True):
        getattr(parts, learn)(frame[N_FIT:][start:stop])
    assert content(vars(parts)) == content(vars(whole))


def test_nothing_is_learnt_from_what_lies_ahead():
    """Forecasts ask for rows ahead, learning never does: other futures leave the model alone."""
    frame = market()
    model, other = fitted(), fitted()
    for row in range(N_FIT, N_FIT + 60):
        before = content(vars(model))
        model.forecast(X_future=frame[row : row + 3])
        other.forecast(X_future=1e3 + frame[row : row + 3])
        assert content(vars(model)) == before
        model.partial_fit(frame[row : row + 1])
        other.partial_fit(frame[row : row + 1])
    assert content(vars(model)) == content(vars(other))


def test_a_forecast_depends_on_known_rows_alone():
    """Other columns that stand beside the known ones, and rows beyond, are not used."""
    frame = market()
    model = fitted()
    changed = frame.copy()
    changed.iloc[N_FIT:, [0, 2]] = 1e3
    changed.iloc[N_FIT + 3 :] = -1e3
    prediction = model.predict(frame[N_FIT - 10 : N_FIT + 1])
    ahead = slice(N_FIT, N_FIT + 3)
    assert model.forecast(X_future=frame[ahead]).equals(model.forecast(X_future=changed[ahead]))
    later = model.predict(pd.concat([frame[N_FIT - 10 : N_FIT], changed[N_FIT : N_FIT + 1]]))
    np.testing.assert_array_equal(later[:10], prediction[:10])
    first = model.predict(frame[N_FIT:])[0]
    changed.iloc[N_FIT] = frame.iloc[N_FIT]
    changed.iloc[N_FIT + 1 : N_FIT + 4, 1] = frame.iloc[N_FIT + 1 : N_FIT + 4, 1]
    np.testing.assert_array_equal(model.predict(changed[N_FIT:])[0], first)


def test_known_categories_and_bools():
    frame = market(603).drop(columns="price")
    holiday = np.random.default_rng(0).random(len(frame)) < 0.2
    frame["load"] -= 10 * holiday
    for values in (holiday, np.where(holiday, "holiday", "workday")):
        model = quick(future_cols="day", max_iter=60).fit(frame.assign(day=values)[:-3])
        ahead = frame[-3:].assign(day=values[[0] * 3])
        free, taken = (
            model.forecast(X_future=ahead.assign(day=values[[row] * 3]))
            for row in (int(np.argmin(holiday)), int(np.argmax(holiday)))
        )
        np.testing.assert_allclose(free - taken, 10, atol=1)
        unknown = model.forecast(X_future=ahead.assign(day="storm"))
        assert np.isfinite(unknown).all(axis=None)
        assert not unknown.equals(free)


def test_several_targets_and_columns():
    frame = market().rename(columns={"wind": "other"})
    model = fit_once(quick(target=None, future_cols=["price"]), frame[:N_FIT])
    ahead = frame[["price"]][N_FIT : N_FIT + 3]
    assert list(model.forecast(X_future=ahead).columns) == ["load", "other"]
    expected = model.update(frame[N_FIT : N_FIT + 1]).predict(frame[N_FIT + 1 :])
    assert expected.shape == (N_ROWS - N_FIT - 1, 6)


def test_y_may_be_apart():
    frame = market()
    X, y = frame[["price", "wind"]], frame["load"]
    apart = quick(target=None).fit(X[:N_FIT], y[:N_FIT])
    named = fitted()
    ahead = X[N_FIT : N_FIT + 3]
    pd.testing.assert_frame_equal(
        apart.forecast(X_future=ahead), named.forecast(X_future=ahead[["price"]])
    )


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda a: None, r"found no X_future, expected \['price'\] of the 3 rows.*future_index"),
        (lambda a: a[:2], r"without 1 of the 3 rows .* 2024-03-30 14:00:00 .*forecast.horizon=2."),
        (lambda a: a[1:], r"without 1 of the 3 rows .* 2024-03-30 12:00:00 .*reindex"),
        (lambda a: a[:0], r"without 3 of the 3 rows to forecast, the first that at 2024-03-30 12"),
        (lambda a: a.shift(freq="h"), "without 1 of the 3 .* own are from 2024-03-30 13.*reindex"),
        (lambda a: a.shift(freq="7min"), r"without 3 of the 3 rows .* future_index\(\)"),
        (lambda a: pd.concat([a, a[1:]]), "2 of the 3 rows .* more than once .* 2024-03-30 13:00"),
        (lambda a: a.tz_localize("UTC"), "time zone UTC, expected None"),
        (lambda a: a.reset_index(drop=True), "no times, expected .*set_index.model.future_index"),
        (lambda a: a.set_axis(a.index.astype(str) + "?"), "times of X_future .*pd.to_datetime"),
        (
            lambda a: a.rename(columns={"price": "cost"}),
            r"without \['price'\], expected the future",
        ),
        (lambda a: pd.concat([a, a], axis=1), "more than once"),
        (lambda a: a.to_numpy(), "ndarray, expected a DataFrame"),
        (lambda a: a * np.inf, "infinity.*'price', row 0"),
        (lambda a: a.astype(str) + "?", "no numbers"),
    ],
)
def test_an_x_future_that_cannot_be_used_is_named(change, message):
    frame = market()
    model = fitted()
    before = content(vars(model))
    with pytest.raises(ValueError, match=message):
        model.forecast(X_future=change(frame[["price"]][N_FIT : N_FIT + 3]))
    assert content(vars(model)) == before


def test_an_array_of_another_width_and_a_needless_x_future_are_named():
    frame = market()
    values = frame.to_numpy()
    model = fit_once(quick(target="x0", future_cols="x1"), values[:N_FIT])
    with pytest.raises(ValueError, match=r"with 2 columns, expected the 1 future_cols \['x1'\]"):
        model.forecast(X_future=values[N_FIT : N_FIT + 3, :2])
    for needless in (quick(future_cols=None), LinearForecaster(3, target="load")):
        with pytest.raises(ValueError, match="found X_future, expected none"):
            needless.fit(frame[:N_FIT]).forecast(X_future=frame[N_FIT : N_FIT + 3])
    with pytest.raises(ValueError, match=r"found future_cols='cost', expected different names"):
        fit_once(quick(future_cols="cost"), frame)
    with pytest.raises(ValueError, match=r"found \['load'\] in future_cols and in target='load'"):
        fit_once(quick(future_cols=["price", "load"]), frame)


@pytest.mark.slow
@pytest.mark.parametrize("form", ["stamps", "numbers", "array"])
def test_evaluation_shows_the_model_what_is_known_ahead(form):
    frame = market()
    forms = {"stamps": frame, "numbers": frame.reset_index(drop=True), "array": frame.to_numpy()}
    data, names = forms[form], {}
    if form == "array":
        names = {"target": "x0", "future_cols": "x1"}
    model = fit_once(quick(season=None, **names), data[:N_FIT])
    result = prequential(model, data[N_FIT : N_FIT + 100], chunk=3, learn=False)
    prediction = model.predict(data[N_FIT:])
    log = result.forecasts[3:]  # those issued at the fitted cutoff come first
    table = log.pivot_table(index="cutoff", columns="step", values="forecast")
    whole = table.dropna().to_numpy()
    assert len(whole) > 30
    np.testing.assert_array_equal(whole, prediction[2:][::3][: len(whole)])
    again = prequential(model, data[N_FIT : N_FIT + 100]).forecasts
    assert (
        np.corrcoef(again["actual"].dropna(), again["forecast"][again["actual"].notna()])[0, 1]
        > 0.9
    )
    for refit in (True, False):
        folds = backtest(quick(season=None, **names), data, initial=N_FIT, step=50, refit=refit)
        assert len(folds.forecasts) == 4 * 3


def test_evaluation_fills_what_is_missing_ahead():
    frame = market().drop(market().index[N_FIT + 5 : N_FIT + 8])
    log = prequential(fit_once(quick(), frame[:N_FIT]), frame[N_FIT:]).forecasts
    assert np.isfinite(log["forecast"]).all()


def test_a_jump_that_is_confirmed_is_followed_at_once():
    frame, jump = market(), 1000.0
    model, jumped = fit_once(quick(), frame[:N_FIT]), frame[N_FIT:].copy()
    jumped.iloc[20:, 0] += jump
    prediction = model.predict(jumped)
    assert np.abs(prediction[:20] - 50.0).max() < 30.0
    assert np.abs(prediction[21:] - 50.0 - jump).max() < 30.0
    model.partial_fit(jumped)
    ahead = frame[["price"]][:3].set_index(model.future_index())
    assert np.abs(model.forecast(X_future=ahead) - 50.0 - jump).max().max() < 30.0


def test_a_series_of_its_own_index_name_is_forecast_after_a_reset():
    frame = market()
    model = fitted().reset_state()
    with pytest.raises(ValueError, match="no row since reset_state"):
        model.future_index()
    model.update(frame[N_FIT + 100 : N_FIT + 110])
    ahead = hourly(3).set_axis(model.future_index()).set_axis(["price"], axis=1)
    assert model.forecast(X_future=ahead).index[0] == frame.index[N_FIT + 110]


@pytest.mark.slow
def test_inputs_known_ahead_have_the_mixture_and_intervals():
    """Daily sales of a week, a promotion and noise of 5: its variance is what is possible."""
    rng = np.random.default_rng(0)
    promotion, noise = rng.random(1200) < 0.2, 5.0 * rng.normal(size=1200)
    week = np.array([0.0, 0.0, 2.0, 4.0, 10.0, 25.0, 18.0])[np.arange(1200) % 7]
    index = pd.date_range("2020", periods=1200, freq="D")
    frame = pd.DataFrame({"load": 100 + week + 30 * promotion + noise, "price": promotion}, index)
    model = fit_once(quick(7, coverage=0.9, max_iter=30), frame[:800])
    result = prequential(model, frame[800:], coverage=0.9)
    table = result.forecasts.dropna()
    error = table["actual"] - table["forecast"]
    assert (error**2).mean() < 1.3 * 25.0
    inside = (table["lower_0.9"] <= table["actual"]) & (table["actual"] <= table["upper_0.9"])
    assert 0.86 < inside.mean() < 0.94
    weights = result.model.expert_weights_
    assert "per_step" in weights
    np.testing.assert_allclose(weights.sum(axis=1), 1.0)
    assert not weights.equals(model.expert_weights_)
    assert result.model.drift_log_["error"].notna().all()  # errors are followed
