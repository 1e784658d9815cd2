"""Panels at the edges: series that come, end and return, ids and times that cannot be used."""

import copy

import numpy as np
import pandas as pd
import pytest
from helpers import fit_once
from helpers.internals import learner_of
from helpers.panels import (
    HORIZON,
    N_FIT,
    QUICK,
    START,
    content_of,
    divided,
    failing,
    long_frame,
    panel,
)

import tsrnn
from tsrnn import RNNForecaster
from tsrnn.baselines import NaiveForecaster
from tsrnn.evaluate import prequential
from tsrnn.online.storage.values import twin


def hours(n_from, n, **columns):
    times = pd.date_range(START, periods=n_from + n, freq="h")[n_from:]
    return pd.DataFrame({"id": "n", "time": times, **columns, "x": 0.0})


def test_the_unit_of_a_new_series_is_not_known_before_its_first_value():
    history, _ = divided(long_frame(3, N_FIT))
    model = fit_once(panel(dtype=np.float64), history)
    new = hours(N_FIT, 5, y=[np.nan, np.nan, 1e6, np.nan, 1e6])
    said = model.predict(new)
    for i in range(len(new)):
        model.update(new.iloc[[i]])
        np.testing.assert_allclose(said[i], model.forecast(ids="n")["y"], rtol=1e-9)


def test_in_sample_rows_roll_from_the_zero_state():
    history, new = divided(long_frame(3, N_FIT + 20))
    model = fit_once(panel(dtype=np.float64), history)
    mixed = pd.concat([history[history["id"] == "s1"], new[new["id"] == "s0"]])
    said, back = model.predict(mixed), copy.deepcopy(model).reset_state("s1")
    for i in range(len(mixed)):
        back.update(mixed.iloc[[i]])
        expected = back.forecast(ids=mixed["id"].iloc[i])["y"]
        np.testing.assert_allclose(said[i], expected, rtol=1e-9)


def test_a_series_that_ended_long_ago_keeps_its_cutoff():
    frame = long_frame(2, 900)
    history = frame[(frame["id"] == "s0") | (frame["time"] < START + pd.Timedelta("100h"))]
    model = fit_once(panel(forgetting=0.9), history)
    assert model.cutoff_["s1"] == START + pd.Timedelta("99h")
    assert np.isfinite(model.forecast(ids="s1")["y"]).all()


@pytest.mark.parametrize("skipped", [4, 20, 40])
@pytest.mark.parametrize("case", ["gap", "reset_state"])
def test_a_call_that_fails_after_a_new_run_changes_nothing(case, skipped, monkeypatch):
    history, new = divided(long_frame(3, N_FIT + 60))
    model = fit_once(panel(gap="reset"), history)
    if case == "reset_state":
        model.reset_state(["s1"])
    before, held = content_of(model), twin(model)
    expected = held.forecast()
    with monkeypatch.context() as patch, pytest.raises(FloatingPointError):
        patch.setattr(tsrnn.online.panel_learner.PanelLearner, "_tick", failing(lambda *_: None, 1))
        model.partial_fit(new[new["time"] > new["time"].min() + pd.Timedelta(skipped, "h")].head(3))
    assert content_of(model) == before
    pd.testing.assert_frame_equal(held.forecast(), expected)


def test_a_reader_of_the_panel_before_reset_state_is_not_disturbed():
    history, new = divided(long_frame(3, N_FIT + 20))
    model = fit_once(panel(), history)
    held = twin(model)  # which shares the rings, as a reader in another thread does
    expected = held.forecast()
    early = new[new["id"] == "s1"].assign(time=lambda d: d["time"] - pd.Timedelta("4h"), y=7.0)
    model.reset_state("s1").partial_fit(early.head(8))
    pd.testing.assert_frame_equal(held.forecast(), expected)


@pytest.mark.parametrize("n_rows", [1, 12])
def test_copies_go_on_by_themselves(n_rows):
    """The rings of a panel are written in place: two copies must not share them."""
    history, new = divided(long_frame(3, N_FIT + n_rows))
    model = fit_once(panel(), history)
    others = new.assign(y=2.0 * new["y"])
    before, expected = content_of(model), copy.deepcopy(model).partial_fit(new).forecast()
    one, other = copy.copy(model), copy.copy(model)
    one.partial_fit(new)
    other.partial_fit(others)
    pd.testing.assert_frame_equal(one.forecast(), expected)
    assert content_of(model) == before
    assert not other.forecast().equals(expected)


def test_equally_old_series_are_dropped_in_the_same_order_for_any_split():
    history, _ = divided(long_frame(3, N_FIT))
    model = fit_once(panel(max_series=5), history)
    early = pd.concat([hours(N_FIT + 1, 1, y=1.0).assign(id="a"), hours(N_FIT, 2, y=1.0)] + [
        hours(N_FIT, 2, y=1.0).assign(id=i) for i in ("s0", "s1", "s2")])  # fmt: skip
    late = pd.concat(hours(N_FIT + 2, 1, y=1.0).assign(id=i) for i in ("s0", "s1", "s2", "d"))
    whole, parts = copy.deepcopy(model).partial_fit(early), copy.deepcopy(model)
    for _, part in early.groupby("time"):
        parts.partial_fit(part)
    kept = [set(m.partial_fit(late).cutoff_.index) for m in (whole, parts)]
    assert kept[0] == kept[1]


def test_fit_keeps_as_many_series_as_it_may():
    history, _ = divided(long_frame(5, N_FIT))
    assert len(fit_once(panel(max_series=2), history).cutoff_) == 2


def test_y_of_other_rows_is_refused():
    history, _ = divided(long_frame(3, N_FIT))
    free = RNNForecaster(HORIZON, **QUICK)
    levels = history.set_index(["id", "time"])
    with pytest.raises(ValueError, match="different indexes"):
        free.fit(levels[["x"]], levels["y"].sort_index())
    dated = history.set_index("time")
    with pytest.raises(ValueError, match="different indexes"):
        free.fit(dated[["x"]], dated["y"][::-1], ids=dated["id"])


def test_levels_without_an_id_or_the_wrong_way_round_are_refused():
    history, new = divided(long_frame(3, N_FIT + 5).drop(columns="x"))
    free = RNNForecaster(HORIZON, **QUICK)
    model = free.fit(history.set_index(["id", "time"]))
    nameless = new.assign(id=[None, *new["id"][1:]]).set_index(["id", "time"])
    for call in (model.partial_fit, copy.copy(free).fit):
        with pytest.raises(ValueError, match="rows without an id"):
            call(nameless)
    numbered = history.assign(id=history["id"].str[1:].astype(int)).set_index(["time", "id"])
    with pytest.raises(ValueError, match="swaplevel"):
        free.fit(numbered)


def test_rows_without_times_do_not_follow_rows_with_times():
    history, new = divided(long_frame(3, N_FIT + 5))
    model = panel(time_col=None).fit(history.set_index("time"))
    with pytest.raises(ValueError, match="expected a DatetimeIndex"):
        model.partial_fit(new.drop(columns="time"))


def test_all_series_may_be_forgotten():
    frame = long_frame(2, 60, freq="MS")
    model = fit_once(panel(season=None), frame).forget(["s0", "s1"])
    assert len(model.cutoff_) == len(model.forecast()) == 0
    intervals = model.forecast(coverage=0.9)
    assert len(intervals) == 0
    assert intervals.columns.tolist() == ["id", "time", "y", "y_lower_0.9", "y_upper_0.9"]
    assert len(model.future_index()) == len(model.drift_log_) == len(model.expert_weights_) == 0


@pytest.mark.parametrize("kind", ["recurrent", "baseline"])
def test_parts_go_on_by_themselves(kind):
    """Under update they are what they were in the whole: nothing is shared there."""
    history, new = divided(long_frame(4, N_FIT + 20))
    columns = ["id", "time", "y"]
    model = panel(dtype=np.float64) if kind == "recurrent" else NaiveForecaster(HORIZON)
    model.set_params(id_col="id", time_col="time").fit(history[columns])
    before, ids = content_of(model), ["s3", "s1"]
    part = model.split(ids)
    assert set(part.cutoff_.index) == set(ids) and len(part.cutoff_) == 2
    pd.testing.assert_frame_equal(part.forecast(ids=ids), model.forecast(ids=ids))
    own = new.loc[new["id"].isin(ids), columns]
    part.update(own)
    assert content_of(model) == before
    model.update(new[columns])
    pd.testing.assert_frame_equal(part.forecast(ids=ids), model.forecast(ids=ids), rtol=1e-9)
    later, again = content_of(model), copy.copy(part)
    rows = own.assign(time=own["time"] + pd.Timedelta("20h"))
    part.partial_fit(rows)  # what is learnt in a part is learnt there alone
    assert content_of(model) == later
    assert content_of(again.partial_fit(rows)) == content_of(part)
    assert content_of(tsrnn.loads(tsrnn.dumps(part))) == content_of(part)


def test_what_cannot_be_split_is_refused():
    history, _ = divided(long_frame(2, N_FIT))
    with pytest.raises(ValueError, match=r"found ids \['x'\] that were never seen"):
        fit_once(panel(), history).split(["s0", "x"])
    one = history[history["id"] == "s0"].set_index("time")[["y"]]
    with pytest.raises(ValueError, match="ids"):
        NaiveForecaster(2).fit(one).split(["s0"])


def test_evaluations_refuse_what_they_cannot_score():
    history, new = divided(long_frame(3, N_FIT + 5).drop(columns="x"))
    counted = NaiveForecaster(2, id_col="id").fit(history.drop(columns="time"))
    with pytest.raises(ValueError, match="without their ids and times"):
        prequential(counted, new.drop(columns="time").reset_index(drop=True))


def test_bounds_hold_for_panels():
    history, new = divided(long_frame(3, N_FIT + 5))
    model = fit_once(panel(lower=0.0, upper=1.0), history)
    assert model.forecast()["y"].between(0, 1).all()
    assert (model.predict(new) <= 1).all()


def test_a_forecast_overtaken_by_many_rows_is_made_again(monkeypatch):
    history, new = divided(long_frame(3, N_FIT + 40))
    model = fit_once(panel(), history)
    expected = copy.deepcopy(model)
    parts = [part for _, part in new.groupby("time")]
    for part in parts:
        expected.partial_fit(part)
    output, calls = tsrnn.online.panel_learner.PanelLearner.output, []

    def overtaken(*args):
        if not calls:
            calls.append(1)
            for part in parts:
                model.partial_fit(part)
        return output(*args)

    monkeypatch.setattr(tsrnn.online.panel_learner.PanelLearner, "output", overtaken)
    pd.testing.assert_frame_equal(model.forecast(), expected.forecast())


def test_a_unit_change_is_believed_row_by_row_too():
    history, new = divided(long_frame(3, N_FIT + 40))
    model = fit_once(panel(), history)
    changed = new.assign(y=np.where(new["id"] == "s1", 1e3, 1.0) * new["y"])
    before = model.forecast(ids="s1")["y"].mean()
    for _, part in changed.groupby("time"):
        model.update(part)
    newest = changed[changed["id"] == "s1"]["y"].iloc[-5:].mean()
    assert 0.3 * newest < model.forecast(ids="s1")["y"].mean() < 3 * newest
    assert newest > 300 * before


@pytest.mark.parametrize("future", [None, "x"])
def test_a_jump_of_a_series_that_is_confirmed_shifts_its_forecasts_alone(future):
    history, new = divided(long_frame(3, N_FIT + 40))
    model = fit_once(panel(dtype=np.float64, future_cols=future), history)
    hour = (new["time"] - new["time"].min()) // pd.Timedelta("1h")
    mine = new["id"] == "s1"
    before, confirmed = (new["y"][mine & (hour == h)].item() for h in (9, 11))
    jumped, moved, after = new.copy(), new.copy(), mine & (hour >= 10)
    jumped.loc[after, "y"] += 1e5
    moved.loc[after, "y"] += before - confirmed + 1e-9  # not the very same: no stuck sensor
    moved.loc[mine & (hour == 10), "y"] = np.nan
    shift = 1e5 + confirmed - before
    one, other = (copy.deepcopy(model).partial_fit(frame) for frame in (jumped, moved))
    ahead = one.future_index().to_frame(index=False).assign(x=0.5) if future else None
    said, expected = (m.forecast(X_future=ahead).set_index("id")["y"] for m in (one, other))
    expected += shift * (expected.index == "s1")
    np.testing.assert_allclose(said, expected, rtol=1e-6)
    shifts = shift * (mine & (hour > 10)).to_numpy()
    np.testing.assert_allclose(
        model.predict(jumped), model.predict(moved) + shifts[:, None], rtol=1e-6
    )


def test_the_network_does_not_learn_across_a_restart():
    history, new = divided(long_frame(3, N_FIT + 80))
    model = fit_once(panel(), history).partial_fit(new[new["time"] < START + pd.Timedelta("100h")])
    model.reset_state()
    trainings = []
    for _, part in new[new["time"] >= START + pd.Timedelta("100h")].groupby("time"):
        trainings.append(learner_of(model.partial_fit(part)).n_trainings)
    window = learner_of(model).encoder.window + HORIZON
    assert trainings[window - 2] == trainings[0]
    assert trainings[-1] > trainings[0]
