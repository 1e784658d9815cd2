"""Panels with inputs known ahead: used at their own step, checked, and as pure as the rest."""

import copy
import itertools

import numpy as np
import pandas as pd
import pytest
from helpers import fit_once
from helpers.internals import learner_of
from helpers.panels import (
    HORIZON,
    N_FIT,
    N_NEW,
    QUICK,
    START,
    by_stamps,
    content_of,
    cuts,
    divided,
    failing,
    forgettings,
    hows,
    long_frame,
    panel,
    walked,
)
from helpers.strategies import examples
from hypothesis import given
from hypothesis import strategies as st

import tsrnn
from tsrnn import RNNForecaster
from tsrnn.baselines import NaiveForecaster
from tsrnn.evaluate import prequential
from tsrnn.features import design
from tsrnn.kernels.numpy_ import panel_experts
from tsrnn.online import panel_learner
from tsrnn.online.readouts import pooled_future

KEYS = ["id", "time"]
LEVELS = {"id_col": None, "time_col": None}


def market(n_series=3, n_rows=N_FIT + N_NEW, seed=0, **holes):
    """Series of different levels, each moved by its own price of the very hour; and wind."""
    frame = long_frame(n_series, n_rows, seed, **holes).rename(columns={"x": "price"})
    frame["y"] *= 1 - 0.1 * frame["price"]
    wind = np.random.default_rng(seed).normal(size=len(frame))
    price = frame["price"].mask(wind > 1.2) if holes.get("missing") else frame["price"]
    return frame.assign(price=price, wind=wind)


def planned(**params):
    return panel(**{"future_cols": "price", "dtype": np.float64, **params})


def ahead_of(model, rows, ids=None, horizon=None):
    """The X_future of a forecast, out of rows that hold it, NaN where they do not."""
    index = model.future_index(horizon, ids=ids)
    known = rows.set_index(KEYS)[["price"]].reindex(index)
    return known.reset_index() if model.id_col else known


def forecast_of(model, rows, ids=None):
    forecast = model.forecast(ids=ids, X_future=ahead_of(model, rows, ids))
    return forecast.reset_index().set_index(KEYS)["y"].sort_index()


def assert_close(one, other, rows, rtol=1e-9):
    pd.testing.assert_series_equal(forecast_of(one, rows), forecast_of(other, rows), rtol=rtol)


@st.composite
def markets(draw):
    """A fitted model and the rows that follow, some series new, in both forms."""
    holes = draw(st.sampled_from([0.0, 0.2]))
    n_series, seed = draw(st.integers(1, 5)), draw(st.integers(0, 2**16))
    frame = market(n_series, seed=seed, missing=holes, gone=draw(st.sampled_from([0.0, 0.2])))
    keys = draw(st.sampled_from([{}, LEVELS]))
    cell, gap = draw(st.sampled_from(["rnn", "lstm"])), draw(st.sampled_from(["fill", "reset"]))
    model = planned(cell=cell, gap=gap, forgetting=draw(forgettings), **keys)
    history, new = divided(frame)
    if draw(st.booleans()) and n_series > 1:
        history = history[history["id"] != "s0"]
    return Keyed(model).fit(history), new


class Keyed:
    """A model that is given long frames, and passes them on in the form it was made for."""

    def __init__(self, model):
        self.model, self.id_col = model, model.id_col

    def __getattr__(self, name):
        if name.startswith("__"):
            raise AttributeError(name)
        found = getattr(self.model, name)
        if name not in ("fit", "partial_fit", "update", "predict", "score"):
            return found

        def call(rows):
            said = found(rows if self.id_col else rows.set_index(KEYS))
            return self if said is self.model else said

        return call


# --- what it is worth -----------------------------------------------------------------------------


@pytest.mark.slow
@pytest.mark.parametrize("keys", [{}, pytest.param(LEVELS, marks=pytest.mark.slow)])
def test_each_step_of_each_series_is_forecast_in_the_light_of_its_own_row(keys):
    """The errors are those of the level alone: 0.25 · Σ 0.81^k, within 15 %."""
    n_series, n, n_fit = 4, 1200, 900
    rng = np.random.default_rng(0)
    price, level = rng.normal(size=(n, n_series)), np.zeros((n, n_series))
    for t in range(1, n):
        level[t] = 0.9 * level[t - 1] + 0.5 * rng.normal(size=n_series)
    scale = 10.0 ** np.arange(n_series)
    frame = long_frame(n_series, n)
    frame["y"], frame["price"] = (scale * (50 + level - 2 * price)).ravel(), price.ravel()
    frame = frame.drop(columns="x")
    history, new = divided(frame, n_fit)
    possible = 0.25 * np.cumsum(0.81 ** np.arange(HORIZON))
    for known, better in (("price", True), (None, False)):
        model = Keyed(planned(max_iter=60, future_cols=known, **keys)).fit(history)
        said = model.predict(new).reshape(-1, n_series, HORIZON)
        actual = new["y"].to_numpy().reshape(-1, n_series)
        n_said = len(said) - HORIZON
        errors = [
            np.mean(((said[:n_said, :, h] - actual[h + 1 :][:n_said]) / scale) ** 2)
            for h in range(HORIZON)
        ]
        if better:
            assert (errors < 1.15 * possible).all(), errors
        else:
            assert (np.array(errors) > 4).all()  # the variance of -2 price


@pytest.mark.slow
def test_a_target_that_its_price_determines_is_told_within_a_tenth_of_its_spread():
    frame = market(3, 600)
    scale = frame["id"].map({"s0": 1.0, "s1": 10.0, "s2": 100.0})
    frame["y"] = scale * (20 - 5 * frame["price"])
    history, new = divided(frame, 500)
    model = fit_once(planned(max_iter=20), history)
    said = model.predict(new)
    for step in range(HORIZON):
        actual = new.groupby("id")["y"].shift(-1 - step)
        missed = (said[:, step] - actual) / (5 * scale[new.index])
        assert np.sqrt((missed**2).mean()) < 0.1


def test_a_new_series_is_forecast_by_what_the_others_taught():
    frame = market(4, N_FIT + N_NEW)
    history, new = divided(frame)
    model = planned(max_iter=60).fit(history[history["id"] != "s3"])
    few = new[(new["id"] == "s3") & (new["time"] < START + pd.Timedelta(N_FIT + 5, "h"))]
    model.update(few)
    known = ahead_of(model, new, "s3")
    low, high = (model.forecast(ids="s3", X_future=known.assign(price=p))["y"] for p in (0, 1))
    level = few["y"].mean()
    np.testing.assert_allclose(high - low, -0.1 * level, rtol=0.4)


@pytest.mark.parametrize("drop", [0.9, pytest.param(0.2, marks=pytest.mark.slow)])
def test_announced_days_are_learnt_and_cost_the_others_nothing(drop):
    """Issue 18's kind "what is known ahead announces", of holidays that the history has none of.

    After seven of them: holidays 32 and 13 off before, now 4 and 2; other days 5.3, now 1.8. In
    any split of the rows: only the last row of a block was known to be announced.
    """
    n, n_series = 500, 4
    days = pd.date_range("2022-01-01", periods=n, name="time")
    holiday = np.zeros(n)
    holiday[320::20] = 1.0
    noise = 2.0 * np.random.default_rng(0).normal(size=(n, n_series))
    sold = 100.0 * (1.0 - drop * holiday[:, None]) + noise
    names = [f"s{k}" for k in range(n_series)]
    rows = pd.DataFrame(sold, days, names).melt(ignore_index=False, var_name="id", value_name="y")
    rows = rows.reset_index().merge(pd.Series(holiday, days, name="holiday").reset_index())
    rows = rows.sort_values(["time", "id"])
    model = planned(max_iter=3, horizon=2, future_cols="holiday").fit(rows[: 310 * n_series])
    model.partial_fit(rows[310 * n_series : 335 * n_series])
    by_stamp = copy.deepcopy(model).partial_fit(rows[335 * n_series : 337 * n_series])
    for stamp in range(337, 345):
        by_stamp.partial_fit(rows[stamp * n_series : (stamp + 1) * n_series])
    model.partial_fit(rows[335 * n_series : 345 * n_series])
    later = rows[345 * n_series : 365 * n_series]
    np.testing.assert_allclose(by_stamp.predict(later), model.predict(later), rtol=1e-9)
    model.partial_fit(rows[345 * n_series : 455 * n_series])
    ahead = model.predict(rows[455 * n_series :])[:, 0].reshape(-1, n_series)
    errors = np.abs(ahead[:-1] - sold[456:]).mean(axis=1)
    assert errors[holiday[456:] == 1.0].mean() < 6.0
    assert errors[holiday[456:] == 0.0].mean() < 1.3 * np.abs(noise).mean()


def test_what_a_panel_has_learnt_is_one_ridge_regression_of_each_step(monkeypatch):
    """From scratch, on the features of all origins and the prices of the rows that follow."""
    frame = market(3, 200)
    entered, sums = [], pooled_future.PooledFutureRLS.sums

    def noted(readout, group, features, *labels):
        if readout.effects.shape[1] == HORIZON:  # not those of one step: see `PanelAdjusted`
            entered.append(features[0])
        return sums(readout, group, features, *labels)

    monkeypatch.setattr(pooled_future.PooledFutureRLS, "sums", noted)
    units = []  # of each series at each origin

    def alike(learner, position, series, features, growth):
        units.append(learner.memory.window.scales.read([position], series)[0, 0])
        return np.ones_like(growth)

    monkeypatch.setattr(panel_learner.PanelLearner, "_weigh", alike)
    monkeypatch.setattr(panel_experts, "CLIP", 1e9)
    model = fit_once(planned(forgetting=1.0), frame)
    features, readout = np.stack(entered), learner_of(model).readout
    y = frame["y"].to_numpy().reshape(200, 1, 3)
    y = model._state.scaling.apply(slice(None), y)[:, 0]
    price = model._reader.input_scaling.apply(frame[["price", "wind"]].to_numpy())[:, 0].reshape(
        200, 3
    )
    n_features = features.shape[2]
    for step in range(1, HORIZON + 1):
        rows, targets = [], []
        for origin, series in itertools.product(range(200 - step), range(3)):
            way = price[origin + 1 : origin + step + 1, series]
            ahead = way[-1], way.mean() - way[-1]
            rows.append(np.append(features[origin, series], ahead))
            change = y[origin + step, series] - y[origin, series]
            targets.append(change / units[origin][series])
        rows = np.array(rows)
        held = np.diag([readout.penalty] * n_features + [1.0] * 2)
        expected = np.linalg.solve(held + rows.T @ rows, rows.T @ targets)
        found = np.append(readout.weights[0, step - 1], readout.effects[0, step - 1])
        np.testing.assert_allclose(found, expected, rtol=1e-8, atol=1e-9)


def test_the_network_learns_what_prices_leave_unexplained():
    """Its targets, series by series, against those of a plain loop."""
    frame = market(3, N_FIT + N_NEW)
    model = fit_once(planned(target=["y", "wind"]), frame)
    learner, units = learner_of(model), model._state.scaling
    start, stop = learner.clock - 20, learner.clock - HORIZON + 1
    view = learner.memory.window.view(slice(None), None, start)
    scales = np.random.default_rng(0).uniform(0.5, 2.0, (stop - start, 6, 1))
    found = learner._window_targets(view, start, stop, scales)
    found = found.reshape(stop - start, 2, 3, HORIZON)
    scales = scales.reshape(stop - start, 2, 3)
    values = frame[["y", "wind"]].to_numpy().reshape(-1, 3, 2).swapaxes(1, 2)
    values = units.apply(slice(None), values)
    price = model._reader.input_scaling.apply(frame[["price"]].to_numpy()).reshape(-1, 3)
    for origin, step, series in itertools.product(range(start, stop), (1, 2, 3), range(3)):
        way = price[origin + 1 : origin + step + 1, series]
        ahead = np.array([way[-1], way.mean() - way[-1]])
        change = values[origin + step, :, series] - values[origin, :, series]
        change = change / scales[origin - start, :, series]
        expected = change - learner.readout.effects[:, step - 1] @ ahead
        np.testing.assert_allclose(found[origin - start, :, series, step - 1], expected)


# --- any split, purity, all or nothing, no leak ---------------------------------------------------


@examples(5)
@given(markets(), cuts, hows)
def test_any_split_between_stamps_and_any_order_gives_the_same_forecasts(case, cuts, how):
    model, new = case
    seen = new[new["time"] < new["time"].max() - pd.Timedelta("3h")]
    whole = walked(copy.deepcopy(model), [seen], how)
    parts = walked(copy.deepcopy(model), by_stamps(seen, cuts), how, rng=1)
    assert_close(whole, parts, new)


@pytest.mark.slow
@examples(4)
@given(markets(), hows)
def test_predict_is_what_forecast_would_have_said(case, how):
    model, new = case
    first = new[new["time"] < START + pd.Timedelta(N_FIT + 10, "h")]
    model = walked(model, by_stamps(first, ()), how)
    rest = new[new["time"] > model.cutoff_.max()].groupby("time").head(2)
    before = content_of(model.model)
    said = model.predict(rest)
    assert content_of(model.model) == before
    for i, row in enumerate(rest.index[:30]):
        model.update(rest.loc[[row]])
        name = rest.loc[row, "id"]
        known = ahead_of(model, rest, name)
        expected = model.forecast(ids=name, X_future=known)["y"]
        np.testing.assert_allclose(said[i], expected, rtol=1e-9)


@pytest.mark.slow
@examples(4)
@given(markets(), st.integers(HORIZON, N_NEW - 1))
def test_later_rows_reach_no_forecast_but_by_what_is_known_ahead(case, row):
    model, new = case
    times = np.sort(new["time"].unique())
    row = min(row, len(times) - 1)
    later = new["time"] >= times[row]
    other = new.copy()
    other.loc[later, ["y", "wind"]] = 1e3
    expected, said = model.predict(new), model.predict(other)
    np.testing.assert_array_equal(said[~later.to_numpy()], expected[~later.to_numpy()])
    other.loc[later, "price"] = 1e3
    said = model.predict(other)
    out_of_reach = (new["time"] < times[row] - pd.Timedelta(HORIZON, "h")).to_numpy()
    np.testing.assert_array_equal(said[out_of_reach], expected[out_of_reach])
    twin = copy.deepcopy(model).partial_fit(other[~later])
    assert_close(twin, model.partial_fit(new[~later]), new, rtol=0)


def test_nothing_is_learnt_from_what_lies_ahead():
    history, new = divided(market())
    model, other = fit_once(planned(), history), fit_once(planned(), history)
    for part in by_stamps(new, range(N_NEW)):
        before = content_of(model)
        model.forecast(X_future=ahead_of(model, new))
        other.forecast(X_future=ahead_of(other, new).assign(price=1e3))
        assert content_of(model) == before
        model.partial_fit(part)
        other.partial_fit(part)
    assert content_of(model) == content_of(other)


@pytest.mark.parametrize("n_stamps", [1, pytest.param(20, marks=pytest.mark.slow)])
def test_a_call_that_fails_anywhere_changes_nothing(n_stamps, monkeypatch):
    history, new = divided(market(4, missing=0.1))
    part = next(by_stamps(new, [n_stamps]))
    model = fit_once(planned(), history)
    before = content_of(model)
    places = {
        panel_learner.PanelLearner: ["_errors", "_window_targets", "_forecasts", "_effects"],
        pooled_future.PooledFutureRLS: ["sums", "enter", "correct", "errors", "effect"],
        design.ForecastDesign: ["arrived_of_series", "ahead_of_series"],
    }
    n_failed = 0
    for owner, names in places.items():
        for name, call in itertools.product(names, (1, 2, 7)):
            with monkeypatch.context() as patch:
                patch.setattr(owner, name, failing(getattr(owner, name), call))
                trial = copy.deepcopy(model)
                for method in (trial.partial_fit, trial.predict):
                    held = content_of(trial)
                    try:
                        method(part)
                    except FloatingPointError:
                        n_failed += 1
                        assert content_of(trial) == held, (name, call)
    assert n_failed > (5 if n_stamps == 1 else 12)
    assert content_of(model) == before


@pytest.mark.parametrize("how", ["partial_fit", "update"])
def test_a_saved_panel_goes_on_as_it_would_have(how, tmp_path):
    history, new = divided(market(4, missing=0.1))
    first, rest, _ = by_stamps(new, [20, N_NEW - 3])
    model = fit_once(planned(dtype=np.float32), history).partial_fit(first)
    model.save(tmp_path / "m")
    twin = tsrnn.load(tmp_path / "m")
    assert content_of(twin) == content_of(model)
    assert_close(getattr(twin, how)(rest), getattr(model, how)(rest), new, rtol=0)


@pytest.mark.slow
def test_rows_of_one_stamp_that_come_apart_teach_nearly_the_same():
    """Each series in a call of its own: the gains of groups that far back are forgotten."""
    frame = market(6, N_FIT + 200)
    history, new = divided(frame)
    seen = new[new["time"] < new["time"].max() - pd.Timedelta("3h")]
    together, apart = (
        fit_once(planned(max_iter=20), history),
        fit_once(planned(max_iter=20), history),
    )
    walked(together, by_stamps(seen, range(200)), "partial_fit")
    for part in by_stamps(seen, range(200)):
        walked(apart, (rows for _, rows in part.groupby("id")), "partial_fit")
    effects = [learner_of(m).readout.effects for m in (together, apart)]
    np.testing.assert_allclose(*effects, atol=0.05 * np.abs(effects[0]).max())


# --- series come and go ---------------------------------------------------------------------------


def test_forget_reset_and_most_series():
    history, new = divided(market(4))
    model = fit_once(planned(max_series=4), history).forget("s2")
    assert model.future_index().get_level_values("id").unique().tolist() == ["s0", "s1", "s3"]
    model.reset_state("s1")
    assert set(forecast_of(model, new).index.get_level_values("id")) == {"s0", "s3"}
    for call in (model.forecast, model.future_index):
        with pytest.raises(ValueError, match="since reset_state"):
            call(ids="s1")
    one, two, three, *_ = by_stamps(new, range(N_NEW))
    model.update(one[one["id"] != "s0"].replace({"s2": "new"}))
    model.partial_fit(two[two["id"] == "s1"].replace({"s1": "newer"}))
    model.partial_fit(three[three["id"] == "s3"])
    assert set(model.cutoff_.index) == {"s1", "s3", "new", "newer"}
    forecast = forecast_of(model, new)
    assert len(forecast) == 4 * HORIZON
    assert np.isfinite(forecast).all()
    none = fit_once(planned(), history)
    none.forget(["s0", "s1", "s2", "s3"])
    assert len(none.forecast()) == len(none.forecast(X_future=ahead_of(none, new))) == 0


def test_each_series_has_its_own_cutoff():
    history, new = divided(market(3))
    model = fit_once(planned(), history)
    for i, name in enumerate(["s0", "s1", "s2"]):
        model.update(new[new["id"] == name].head(4 * i + 1))
    whole = forecast_of(model, new)
    assert whole.index.equals(model.future_index().sort_values())
    for name in ("s0", "s1", "s2"):
        alone = forecast_of(model, new, name)
        pd.testing.assert_series_equal(whole.loc[[name]], alone, rtol=1e-9)
    turned = model.forecast(ids=["s2", "s0"], X_future=ahead_of(model, new, ["s0", "s2"]))
    assert turned["id"].unique().tolist() == ["s2", "s0"]
    np.testing.assert_allclose(turned.set_index(KEYS)["y"].sort_index(), whole[["s0", "s2"]])


# --- forms ----------------------------------------------------------------------------------------


def test_the_same_rows_in_any_form_give_the_same_forecasts():
    history, new = divided(market().drop(columns="wind"))
    model = fit_once(planned(), history)
    known = ahead_of(model, new)
    expected = model.forecast(X_future=known)
    assert list(expected) == ["id", "time", "y"]
    y = expected["y"].to_numpy()
    shuffled = known.sample(frac=1, random_state=0)
    for other in (shuffled, new.merge(known[KEYS]), known.astype({"price": object})):
        np.testing.assert_array_equal(model.forecast(X_future=other)["y"], y)
    shorter = model.forecast(2, X_future=ahead_of(model, new, horizon=2))
    np.testing.assert_array_equal(shorter["y"], y.reshape(3, HORIZON)[:, :2].ravel())

    levels = planned(**LEVELS).fit(history.set_index(KEYS))
    by_level = known.set_index(KEYS)
    for other in (by_level, by_level["price"], by_level[::-1]):
        forecast = levels.forecast(X_future=other)
        assert forecast.index.equals(levels.future_index())
        np.testing.assert_array_equal(forecast["y"], y)

    dated = planned(time_col=None).fit(history.set_index("time"))
    np.testing.assert_array_equal(dated.forecast(X_future=known.set_index("time"))["y"], y)

    rows = history.set_index("time")[["y", "price"]]
    beside = planned(**LEVELS).fit(rows, ids=history["id"])
    np.testing.assert_array_equal(beside.forecast(X_future=by_level)["y"], y)
    with pytest.raises(ValueError, match=r"without an .id, time. index.*future_index"):
        beside.forecast(X_future=known[["price"]])


def test_rows_without_times_are_counted_by_series():
    history, new = divided(market().drop(columns="wind"))
    counted = history.drop(columns="time")
    model = fit_once(planned(time_col=None, season=None), counted)
    known = new.groupby("id").head(HORIZON).drop(columns=["time", "y"])
    forecast = model.forecast(X_future=known)
    assert model.future_index()[0] == ("s0", N_FIT)
    arrays = planned(**LEVELS, target="x0", future_cols="x1", season=None)
    arrays.fit(counted[["y", "price"]].to_numpy(), ids=counted["id"])
    by_series = known.sort_values("id", kind="stable")["price"].to_numpy()
    said = arrays.forecast(X_future=by_series)
    np.testing.assert_array_equal(said["x0"], forecast["y"])
    for n in (-1, 12):
        with pytest.raises(ValueError, match=r"with .* rows, expected 9: .* 's0' at 60 to .* 's2'"):
            arrays.forecast(X_future=np.resize(by_series, 12)[:n])
    by_name = known.assign(id=known["id"].replace("s0", "stranger"))
    others = pd.concat([by_name, known.sort_values("id", ascending=False, kind="stable")])
    others = others[others["id"].isin(["stranger", "s0"]) | ~others.index.duplicated()]
    pd.testing.assert_frame_equal(model.forecast(X_future=others), forecast)
    whole = new.drop(columns="time")
    with pytest.raises(ValueError, match=r"3 series, such as 36 of 's0', expected 3: .* in order"):
        model.forecast(X_future=whole)


def test_what_is_missing_ahead_is_carried_forward_by_series():
    history, new = divided(market())
    model = fit_once(planned(), history)
    known = ahead_of(model, new)
    holes = known.assign(price=known["price"].where(known.groupby("id").cumcount() == 0))
    filled = holes.assign(price=holes["price"].ffill())
    pd.testing.assert_frame_equal(model.forecast(X_future=holes), model.forecast(X_future=filled))
    newest = history.groupby("id")["price"].last()
    last = known.assign(price=known["id"].map(newest))
    nothing = known.assign(price=np.nan)
    assert np.allclose(model.forecast(X_future=nothing)["y"], model.forecast(X_future=last)["y"])


def test_known_categories_several_columns_and_targets():
    frame = market(3, N_FIT + N_NEW)
    holiday = np.random.default_rng(0).random(len(frame)) < 0.3
    frame["y"] *= 1 - 0.5 * holiday
    frame["z"] = -2 * frame["y"]
    frame["day"] = np.where(holiday, "holiday", "workday")
    frame["kind"] = frame["id"].map({"s0": "a", "s1": "b", "s2": "b"})
    history, new = divided(frame)
    names = {"target": ["y", "z"], "static_cols": "kind", "future_cols": ["day", "price"]}
    model = fit_once(planned(max_iter=60, **names), history)
    known = model.future_index().to_frame(index=False).merge(new, how="left")
    free, taken, storm = (
        model.forecast(X_future=known.assign(day=day)) for day in ("workday", "holiday", "storm")
    )
    assert list(free) == ["id", "time", "y", "z"]
    assert (free["y"] > 1.2 * taken["y"]).all()
    assert (free["z"] < 1.2 * taken["z"]).all()
    assert np.isfinite(storm["y"]).all()
    assert model.predict(new).shape == (len(new), 2 * HORIZON)


# --- evaluation -----------------------------------------------------------------------------------


@pytest.mark.parametrize("form", ["columns", "dated", "levels"])
def test_evaluation_shows_the_model_what_is_known_ahead(form):
    history, new = divided(market(3, gone=0.1))
    keys = {"columns": {}, "dated": {"time_col": None}, "levels": LEVELS}[form]
    change = {"columns": lambda d: d, "dated": lambda d: d.set_index("time")}.get(
        form, lambda d: d.set_index(KEYS)
    )
    model = planned(**keys).fit(change(history))
    result = prequential(model, change(new), learn=False)
    said = model.predict(change(new))
    table = result.forecasts.pivot_table(index=["id", "cutoff"], columns="step", values="forecast")
    whole = table.dropna()
    rows = new.reset_index(drop=True).reset_index().set_index(KEYS)["index"]
    whole = whole[whole.index.isin(rows.index)]
    assert len(whole) > 50
    np.testing.assert_allclose(said[rows[whole.index]], whole, rtol=1e-9)


# --- what cannot be used --------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda d: None, r"no X_future, expected \['price'\] of the 9 rows.*future_index"),
        (lambda d: d[1:], r"without 1 of the 9 rows to forecast, the first that of 's0' at 2024"),
        (
            lambda d: d[d["id"] != "s1"],
            r"3 of the 9 .* 1 series: 's1'.* 's1' at 2024-03-31 08.*merge",
        ),
        (lambda d: pd.concat([d, d.tail(1)]), r"1 of the 9 rows .* more than once .* 's2' at 2024"),
        (lambda d: d.assign(time=d["time"] + pd.Timedelta("1h")), r"3 of the 9 .* of 's0' at"),
        (
            lambda d: d.assign(time=d["time"] + pd.Timedelta("7min")),
            r"9 of the 9 .* 3 series: 's0'",
        ),
        (lambda d: d.assign(time=d["time"].dt.tz_localize("UTC")), "time zone"),
        (lambda d: d.assign(time=1.5), "times of X_future of type .*pd.to_datetime"),
        (lambda d: d.drop(columns="id"), r"X_future without the columns \['id'\]"),
        (lambda d: d.drop(columns="time"), r"X_future without the columns \['time'\]"),
        (lambda d: d.assign(id=[None, *d["id"][1:]]), "without 1 of the 9 rows .* 's0' at 2024"),
        (
            lambda d: d.rename(columns={"price": "cost"}),
            r"'cost'\] of X_future without \['price'\]",
        ),
        (
            lambda d: d["price"].to_numpy(),
            r"a DataFrame with the columns \['id', 'time', 'price'\]",
        ),
        (lambda d: d.assign(price=np.inf), "infinity.*'price', row 0"),
        (lambda d: d.assign(price="much"), "no numbers"),
    ],
)
def test_an_x_future_that_cannot_be_used_is_named(change, message):
    history, new = divided(market())
    model = fit_once(planned(), history)
    before = content_of(model)
    with pytest.raises(ValueError, match=message):
        model.forecast(X_future=change(ahead_of(model, new)))
    assert content_of(model) == before


def test_rows_are_picked_by_id_and_time():
    """A plan that is not cut to the rows ahead: X_future is picked by id and stamp.

    A longer calendar, another order, other series and columns, in columns and index levels.
    """
    history, new = divided(market())
    calendar = market()[[*KEYS, "price"]]
    by_column, by_level = (
        fit_once(planned(), history),
        planned(**LEVELS).fit(history.set_index(KEYS)),
    )
    before = content_of(by_column)
    known = ahead_of(by_column, new)
    expected = by_column.forecast(X_future=known)["y"].to_numpy()
    shuffled = calendar.sample(frac=1, random_state=0)
    stranger = pd.concat([shuffled, shuffled.assign(id="stranger")])
    nobody = pd.concat([calendar, known.assign(id=None), known.assign(time=pd.NaT)])
    past = pd.concat([calendar, history[[*KEYS, "price"]]])  # twice, but not to be forecast
    columns = shuffled.assign(y="?", cost=1j)
    seconds = shuffled.astype({"time": "datetime64[s]", "id": "category"})
    for other in (calendar, shuffled, stranger, nobody, past, columns, seconds):
        for model in (by_column, by_level):
            for rows in (other, other.set_index(KEYS), other.set_index("time")):
                if model.id_col is None and "id" in rows and "time" not in rows:
                    continue
                forecast = model.forecast(X_future=rows)
                np.testing.assert_array_equal(forecast["y"], expected)
    swapped = shuffled.set_index(["time", "id"])
    nameless = shuffled.set_index(KEYS).rename_axis([None, None])
    for rows in (swapped, nameless, shuffled.set_index("id")):
        np.testing.assert_array_equal(by_level.forecast(X_future=rows)["y"], expected)
    assert content_of(by_column) == before
    one = by_column.forecast(2, ids="s1", X_future=shuffled)
    np.testing.assert_allclose(one["y"], expected.reshape(3, HORIZON)[1, :2])


def test_a_needless_x_future_and_rows_that_are_not_known_are_named():
    history, new = divided(market())
    model = fit_once(planned(), history)
    with pytest.raises(ValueError, match=r"without 1 of the 2 rows .* of 's1' at 2024-03-31 09"):
        model.forecast(2, ids="s1", X_future=ahead_of(model, new, horizon=1))
    levels = planned(**LEVELS).fit(history.set_index(KEYS))
    with pytest.raises(ValueError, match=r"rows of X_future without an .id, time. index"):
        levels.forecast(X_future=ahead_of(model, new)[["price"]])
    plain = fit_once(panel(), history)
    naive = NaiveForecaster(HORIZON, target="y", id_col="id", time_col="time").fit(history)
    for needless in (plain, naive):
        with pytest.raises(ValueError, match="found X_future, expected none"):
            needless.forecast(X_future=ahead_of(model, new))
    forecast = model.forecast(coverage=0.9, X_future=ahead_of(model, new))
    assert (forecast["y_lower_0.9"] < forecast["y_upper_0.9"]).all()
    stream = RNNForecaster(HORIZON, **QUICK).fit(history["y"][:N_FIT].to_numpy())
    with pytest.raises(ValueError, match="without ids"):
        stream.future_index(ids="s0")
