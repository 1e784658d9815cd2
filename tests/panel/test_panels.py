"""Panels: the streaming contract over many series, and the forms in which they come and go."""

import copy
import pickle

import numpy as np
import pandas as pd
import pytest
from helpers import content, fit_once
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
from tsrnn.baselines import LinearForecaster, NaiveForecaster, SeasonalNaiveForecaster
from tsrnn.evaluate import prequential


def assert_close(one, other, rtol=1e-9):
    a, b = (m.forecast().set_index(["id", "time"])["y"].sort_index() for m in (one, other))
    pd.testing.assert_series_equal(a, b, rtol=rtol)


@st.composite
def panels(draw):
    """A fitted model in float64 and the rows that follow, some series new."""
    frame = long_frame(
        draw(st.integers(1, 6)),
        N_FIT + N_NEW,
        seed=draw(st.integers(0, 2**16)),
        missing=draw(st.sampled_from([0.0, 0.2])),
        gone=draw(st.sampled_from([0.0, 0.2])),
    )
    kind = draw(st.sampled_from(["rnn", "lstm", "gru", "linear", "seasonal"]))
    gap = draw(st.sampled_from(["fill", "reset"]))
    if kind == "linear":
        frame, model = frame.drop(columns="x"), LinearForecaster(HORIZON, lags=5, gap=gap)
        model.set_params(id_col="id", time_col="time")
    elif kind == "seasonal":
        frame = frame.drop(columns="x")
        model = SeasonalNaiveForecaster(HORIZON, id_col="id", time_col="time", gap=gap)
    else:
        model = panel(cell=kind, dtype=np.float64, gap=gap, forgetting=draw(forgettings))
    history, new = divided(frame)
    late = draw(st.booleans()) and len(set(history["id"])) > 1
    return model.fit(history[history["id"] != "s0"] if late else history), new


# --- any split, any order -------------------------------------------------------------------------


@examples(5)
@given(panels(), cuts, hows)
def test_any_split_between_stamps_and_any_order_gives_the_same_forecasts(case, cuts, how):
    model, new = case
    whole = walked(copy.deepcopy(model), [new], how)
    parts = walked(copy.deepcopy(model), by_stamps(new, cuts), how, rng=1)
    assert_close(whole, parts)
    assert whole.n_late_ == parts.n_late_ == 0
    pd.testing.assert_series_equal(whole.cutoff_.sort_index(), parts.cutoff_.sort_index())


@pytest.mark.slow
@pytest.mark.parametrize("how", ["partial_fit", "update"])
def test_a_long_panel_may_be_split_too(how):
    history, new = divided(long_frame(3, N_FIT + 400, missing=0.05, gone=0.01))
    model = fit_once(panel(dtype=np.float64), history)
    cuts = np.cumsum(np.random.default_rng(0).choice([1, 3, 40], size=60))
    whole = walked(copy.deepcopy(model), [new], how)
    assert_close(whole, walked(copy.deepcopy(model), by_stamps(new, cuts.tolist()), how))
    if how == "partial_fit":
        assert learner_of(whole).n_trainings > 400 // 16


@pytest.mark.parametrize("order", ["by time", "by series", "shuffled"])
def test_with_weights_frozen_every_series_of_a_panel_is_forecast_as_if_alone(order):
    history, new = divided(long_frame(8, N_FIT + 20, missing=0.1, gone=0.1))
    model = fit_once(panel(dtype=np.float64), history)
    together = copy.deepcopy(model)
    if order == "by series":
        for _, part in new.groupby("id"):
            together.update(part)
    elif order == "by time":
        walked(together, by_stamps(new, range(20)), "update")
    else:
        together.update(pd.concat(part for _, part in new.groupby("id")))
    forecasts = together.forecast().set_index("id")["y"]
    for name, part in new.groupby("id"):
        alone = copy.deepcopy(model).update(part)
        expected = alone.forecast(ids=name)["y"]
        np.testing.assert_allclose(forecasts[name], expected, rtol=1e-9)


# --- purity, all or nothing, no leak ------------------------------------------------------------


@examples(4)
@given(panels(), hows)
def test_predict_is_what_forecast_would_have_said(case, how):
    model, new = case
    new = new.groupby("time").head(2)
    model = walked(model, [new.iloc[: len(new) // 2]], how)
    rest = new.iloc[len(new) // 2 :].iloc[:30]
    rest = rest[rest["time"] > model.cutoff_.max()]
    before = content(pickle.loads(pickle.dumps(vars(model))))
    said = model.predict(rest)
    assert content(pickle.loads(pickle.dumps(vars(model)))) == before
    for i, row in enumerate(rest.index):
        model.update(rest.loc[[row]])
        expected = model.forecast(ids=rest.loc[row, "id"])["y"]
        np.testing.assert_allclose(said[i], expected, rtol=1e-9)


@examples(4)
@given(panels(), st.integers(1, N_NEW - 1), st.booleans())
def test_rows_to_come_never_reach_a_forecast(case, row, in_sample):
    model, new = case
    times = np.sort(new["time"].unique())
    later = new["time"] >= times[min(row, len(times) - 1)]
    other = new.copy()
    other.loc[later, "y"] = 1e3
    if in_sample:
        model.partial_fit(new)
    expected, said = model.predict(new), model.predict(other)
    np.testing.assert_array_equal(said[~later.to_numpy()], expected[~later.to_numpy()])
    if not in_sample:
        twin = copy.deepcopy(model).partial_fit(other[~later])
        assert_close(twin, model.partial_fit(new[~later]), rtol=0)


@pytest.mark.parametrize("how", ["partial_fit", "update"])
def test_a_saved_panel_goes_on_as_it_would_have(how, tmp_path):
    history, new = divided(long_frame(4, N_FIT + 40, missing=0.1))
    first, rest = by_stamps(new, [20])
    model = fit_once(panel(), history).partial_fit(first)
    model.save(tmp_path / "m")
    twin = tsrnn.load(tmp_path / "m")
    assert content_of(twin) == content_of(model)
    pd.testing.assert_frame_equal(
        getattr(twin, how)(rest).forecast(), getattr(model, how)(rest).forecast()
    )


# --- evaluation -----------------------------------------------------------------------------------


@pytest.mark.parametrize("form", ["columns", "dated", "levels"])
def test_prequential_scores_each_series_at_its_own_stamps(form):
    frame = long_frame(3, N_FIT + 6).drop(columns="x")
    frame["y"] = frame.groupby("id").cumcount() * frame["id"].map({"s0": 1.0, "s1": 2, "s2": 4})
    history, new = divided(frame)
    keys = {"columns": ("id", "time"), "dated": ("id", None), "levels": (None, None)}[form]
    if form == "dated":
        history, new = history.set_index("time"), new.set_index("time")
    if form == "levels":
        history, new = history.set_index(["id", "time"]), new.set_index(["id", "time"])
    model = NaiveForecaster(2, id_col=keys[0], time_col=keys[1], target="y").fit(history)
    result = prequential(model, new)
    assert list(result.forecasts) == [
        "id", "cutoff", "time", "step", "target", "actual", "forecast", "p_value"
    ]  # fmt: skip
    assert len(result.forecasts) == 3 * (6 + 5)
    missed = result.forecasts["actual"] - result.forecasts["forecast"]
    slope = result.forecasts["id"].map({"s0": 1.0, "s1": 2, "s2": 4})
    np.testing.assert_allclose(missed, slope * result.forecasts["step"])
    assert result.metrics.loc[("all", 2), "MASE"] == 2.0
    assert len(set(model.cutoff_)) == 1
    assert (result.model.cutoff_ > model.cutoff_).all()


def test_rows_to_come_never_reach_an_issued_forecast_of_a_panel():
    history, new = divided(long_frame(3, N_FIT + 30, missing=0.1, gone=0.1))
    model = fit_once(panel(), history)
    later = new["time"] >= START + pd.Timedelta(N_FIT + 12, "h")
    other = new.copy()
    other.loc[later, ["y", "x"]] = 99.0
    first, second = (prequential(model, rows).forecasts for rows in (new, other))
    known = first["cutoff"] < START + pd.Timedelta(N_FIT + 12, "h")
    pd.testing.assert_series_equal(first["forecast"][known], second["forecast"][known])


@pytest.mark.slow
def test_a_panel_of_white_noise_cannot_be_forecast():
    frame = long_frame(4, 700).drop(columns="x")
    frame["y"] = np.random.default_rng(0).normal(size=len(frame))
    history, new = divided(frame, 300)
    result = prequential(fit_once(panel(max_iter=30), history), new)
    assert result.metrics.loc[("all", 1), "RMSE"] ** 2 > new["y"].var()


# --- forms ----------------------------------------------------------------------------------------


def test_the_same_rows_in_any_form_give_the_same_forecasts():
    frame = long_frame(3, N_FIT + 10).drop(columns="x")
    history, new = divided(frame)
    expected = fit_once(panel(), history).partial_fit(new).forecast()
    assert list(expected.columns) == ["id", "time", "y"]

    free = {"id_col": None, "time_col": None}
    levels = [part.set_index(["id", "time"]) for part in (history, new)]
    forecast = fit_once(panel(**free), levels[0]).partial_fit(levels[1]).forecast()
    pd.testing.assert_frame_equal(forecast, expected.set_index(["id", "time"]))
    series = (
        panel(
            **free,
        )
        .set_params(target=None)
        .fit(levels[0]["y"])
    )
    pd.testing.assert_frame_equal(series.partial_fit(levels[1]["y"]).forecast(), forecast)

    dated = [part.set_index("time") for part in (history, new)]
    forecast = fit_once(panel(time_col=None), dated[0]).partial_fit(dated[1]).forecast()
    pd.testing.assert_frame_equal(forecast, expected.set_index("time")[["id", "y"]])

    beside = panel(**free).fit(dated[0][["y"]], ids=dated[0]["id"])
    beside.partial_fit(dated[1][["y"]], ids=dated[1]["id"].to_numpy())
    np.testing.assert_array_equal(beside.forecast()["y"], expected["y"])


def test_rows_without_times_are_counted_by_series():
    frame = long_frame(3, N_FIT + 10).drop(columns="x")
    history, new = divided(frame)
    counted = [part.drop(columns="time") for part in (history, new)]
    numbered = [part.assign(time=part.groupby("id").cumcount()) for part in (history, new)]
    numbered[1]["time"] += N_FIT
    by_count = fit_once(panel(time_col=None), counted[0]).partial_fit(counted[1])
    by_number = fit_once(panel(), numbered[0]).partial_fit(numbered[1])
    np.testing.assert_array_equal(by_count.forecast()["y"], by_number.forecast()["y"])
    assert by_number.forecast()["time"].tolist()[:3] == [N_FIT + 10, N_FIT + 11, N_FIT + 12]


def test_ids_travel_beside_X_through_a_pipeline():
    from sklearn import config_context
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    history = long_frame(3, N_FIT)
    X, y, ids = history.set_index("time")[["x"]], history.set_index("time")["y"], history["id"]
    with config_context(enable_metadata_routing=True):
        model = RNNForecaster(HORIZON, **QUICK)
        model.set_fit_request(ids=True).set_predict_request(ids=True).set_score_request(ids=True)
        pipe = make_pipeline(StandardScaler().set_output(transform="pandas"), model)
        pipe.fit(X, y, ids=ids.to_numpy())
        assert pipe.predict(X, ids=ids.to_numpy()).shape == (len(X), HORIZON)
        assert np.isfinite(pipe[-1].score(pipe[:-1].transform(X), y, ids=ids.to_numpy()))
    assert list(pipe[-1].forecast().index.names) == ["id", "time"]


def test_several_targets_categories_and_static_columns():
    frame = long_frame(4, N_FIT + 10)
    frame["z"] = -2 * frame["y"]
    frame["kind"] = frame["id"].map({"s0": "a", "s1": "a", "s2": "b", "s3": "b"})
    history, new = divided(frame)
    model = fit_once(panel(target=["y", "z"], static_cols="kind"), history).partial_fit(new)
    forecast = model.forecast()
    assert list(forecast.columns) == ["id", "time", "y", "z"]
    assert len(forecast) == 4 * HORIZON
    assert np.isfinite(forecast[["y", "z"]]).all(axis=None)
    assert model.predict(new).shape == (len(new), 2 * HORIZON)
    (state,) = model.state_
    assert state.h.shape == state.c.shape == (8, 4)
    with pytest.raises(ValueError, match="change within"):
        fit_once(panel(static_cols="x"), history)


@pytest.mark.parametrize("freq", ["D", "MS", "B"])
def test_calendar_frequencies(freq):
    history, new = divided_rows(long_frame(3, 60, freq=freq), 50)
    model = fit_once(panel(season=None), history).partial_fit(new)
    times = pd.date_range(history["time"].iloc[0], periods=63, freq=freq)[60:]
    assert model.forecast(ids="s1")["time"].tolist() == times.tolist()


def divided_rows(frame, n_fit):
    times = np.sort(frame["time"].unique())
    return frame[frame["time"] < times[n_fit]], frame[frame["time"] >= times[n_fit]]


# --- series come and go ---------------------------------------------------------------------------


def test_a_series_never_seen_starts_from_zero_in_units_of_its_first_value():
    history, new = divided(long_frame(4, N_FIT + 40))
    model = fit_once(panel(), history)
    big = new[new["id"] == "s1"].assign(id="big", y=lambda d: 1e6 * d["y"])
    small = big.assign(id="small", y=lambda d: 1e-9 * d["y"])
    model.partial_fit(pd.concat([new, big, small]))
    forecasts = model.forecast().set_index("id")["y"]
    np.testing.assert_allclose(forecasts["small"], 1e-9 * forecasts["big"], rtol=1e-5)
    level = big["y"].mean()
    assert (np.abs(forecasts["big"] - level) < 0.6 * level).all()


def test_forget_reset_and_most_series():
    history, new = divided(long_frame(4, N_FIT + 40))
    model = fit_once(panel(max_series=4), history)
    model.forget("s2")
    assert list(model.cutoff_.index) == ["s0", "s1", "s3"]
    with pytest.raises(ValueError, match="never seen"):
        model.forecast(ids=["s1", "s2"])
    model.reset_state(["s1"])
    assert model.cutoff_.isna().tolist() == [False, True, False]
    assert set(model.forecast()["id"]) == {"s0", "s3"}
    with pytest.raises(ValueError, match="since reset_state"):
        model.forecast(ids="s1")
    one, two, *_ = by_stamps(new, range(40))
    model.update(one[one["id"] != "s0"].replace({"s2": "new"}))
    assert set(model.cutoff_.index) == {"s0", "s1", "s3", "new"}
    model.update(two[two["id"] == "s1"].replace({"s1": "newer"}))  # s0 was seen longest ago
    assert set(model.cutoff_.index) == {"newer", "s1", "s3", "new"}
    with pytest.raises(ValueError, match="max_series"):
        model.update(two.assign(id=[f"n{i}" for i in range(4)]).pipe(lambda d: pd.concat(
            [d, d.assign(id="n9")])))  # fmt: skip


def test_late_rows_of_a_series_are_refused_or_dropped():
    history, new = divided(long_frame(3, N_FIT + 20))
    model = fit_once(panel(), history)
    with pytest.raises(ValueError, match=r"not newer than the cutoff .* late='drop'"):
        model.update(history.tail(3))
    dropping = fit_once(panel(late="drop"), history)
    first, _ = by_stamps(new, [10])
    dropping.partial_fit(first).partial_fit(new)
    assert dropping.n_late_ == len(first)
    model.partial_fit(new)
    assert_close(dropping, model, rtol=1e-5)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda d: pd.concat([d, d.tail(1)]), "doubled within their series"),
        (lambda d: d.iloc[::-1], "out of time order"),
        (lambda d: d.drop(columns="id"), r"without the columns \['id'\]"),
        (lambda d: d.assign(id=[None, *d["id"][1:]]), "rows without an id"),
        (lambda d: d.assign(time=d["time"] + pd.Timedelta("7min")), "off the frequency"),
        (lambda d: d.assign(time=d["time"] + pd.Timedelta("900D")), "gap of .* missing rows"),
        (lambda d: d.assign(time=[pd.NaT, *d["time"][1:]]), "NaT"),
        (lambda d: d.assign(time=d["time"].dt.tz_localize("UTC")), "time zone"),
        (lambda d: d.assign(y=np.inf), "infinity"),
        (lambda d: d.assign(y=d["y"].astype(str) + "?"), "no numbers"),
    ],
)
def test_rows_that_cannot_be_used_are_named(change, message):
    history, new = divided(long_frame(3, N_FIT + 20))
    model = fit_once(panel(), history)
    before = content_of(model)
    for call in (model.partial_fit, model.update):
        with pytest.raises(ValueError, match=message):
            call(change(new))
    assert content_of(model) == before


def test_panels_and_streams_are_not_taken_for_each_other():
    history, _ = divided(long_frame(3, N_FIT + 20))
    model = fit_once(panel(), history)
    with pytest.raises(ValueError, match="no column is known ahead"):
        model.forecast(X_future=history)
    one = history[history["id"] == "s0"].drop(columns="id")
    stream = fit_once(panel(id_col=None), one)
    assert stream.cutoff_ == one["time"].iloc[-1]
    with pytest.raises(ValueError, match="without ids"):
        stream.forecast(ids=["s0"])
    with pytest.raises(ValueError, match="without ids"):
        stream.forget("s0")
    with pytest.raises(ValueError, match="one series a constant"):
        fit_once(panel(id_col=None, static_cols="x"), one)


def test_baselines_of_a_panel_are_those_of_its_columns():
    frame = long_frame(3, N_FIT + 20).drop(columns="x")
    history, new = divided(frame)
    wide = frame.set_index(["time", "id"])["y"].unstack()  # noqa: PD010
    for make in (NaiveForecaster, SeasonalNaiveForecaster):
        model = make(HORIZON, id_col="id", time_col="time").fit(history).partial_fit(new)
        expected = make(HORIZON).fit(wide).forecast().melt(value_name="y")["y"]
        np.testing.assert_allclose(model.forecast()["y"], expected, rtol=1e-12)
