"""p-values: under the forecast of the row before, of all kinds of streams."""

import copy

import numpy as np
import pandas as pd
import pytest
from helpers import content, hourly, melted
from helpers.internals import learner_of

from tsrnn import RNNForecaster, StreamingPipeline
from tsrnn.baselines import LinearForecaster, NaiveForecaster
from tsrnn.evaluate import prequential

SMALL = {"hidden_size": 4, "max_iter": 3, "random_state": 0}
ROWS = hourly(220, 2, tz="Europe/Rome")
LONG = melted(hourly(150, 3)).sort_values("time", kind="stable", ignore_index=True)
LONG["price"] = np.random.default_rng(0).integers(0, 2, len(LONG)).astype(float)
PANEL = {"id_col": "id", "time_col": "time", "target": "value"}


@pytest.fixture(scope="module")
def stream():
    return RNNForecaster(3, target="s0", future_cols="s1", **SMALL).fit(ROWS[:180])


@pytest.fixture(scope="module")
def panel():
    first = LONG["time"].unique()[110]
    model = RNNForecaster(3, future_cols="price", **PANEL, **SMALL)
    return model.fit(LONG[LONG["time"] < first]), LONG[LONG["time"] >= first]


def test_rows_of_a_call_are_scored_as_one_by_one(stream):
    before, new = content(stream), ROWS[180:200]
    found = stream.p_values(new)
    assert content(stream) == before
    assert list(found.columns) == ["s0"]
    assert found.index.equals(new.index)
    follower = copy.deepcopy(stream)
    for row in range(len(new)):
        now = new[row : row + 1]
        pd.testing.assert_frame_equal(follower.p_values(now), found[row : row + 1])
        follower.update(now)


def test_a_p_value_tells_whether_an_interval_holds_the_value(stream):
    row = ROWS[180:181]
    for coverage in (0.5, 0.9, 0.98):
        frame = stream.forecast(1, X_future=row[["s1"]], coverage=coverage)
        for edge, sign in (("lower", -1.0), ("upper", 1.0)):
            bound = frame[f"s0_{edge}_{coverage}"].iloc[0]
            if bound == 0.0:  # cut off
                continue
            inside = stream.p_values(row.assign(s0=bound - 1e-6 * sign))["s0"].iloc[0]
            outside = stream.p_values(row.assign(s0=bound + 1e-6 * sign))["s0"].iloc[0]
            assert outside < 1.0 - coverage < inside


def test_the_own_inputs_of_a_row_are_known(stream):
    row = ROWS[180:181]
    frame = stream.forecast(1, X_future=row[["s1"]])
    at = stream.p_values(row.assign(s0=frame["s0"]))["s0"].iloc[0]
    assert at > 0.6


def test_missing_and_first_rows_have_none(stream):
    new = ROWS[180:184].copy()
    new.iloc[1, 0] = np.nan
    found = stream.p_values(new)["s0"]
    assert found.isna().tolist() == [False, True, False, False]
    in_sample = stream.p_values(ROWS[:50])["s0"]
    assert in_sample.isna().tolist() == [True] + [False] * 49
    pd.testing.assert_series_equal(stream.p_values(ROWS[:50], start="fit")["s0"], in_sample)


def test_an_absurd_value_is_improbable(stream):
    found = stream.p_values(ROWS[180:181].assign(s0=1e9))["s0"].iloc[0]
    assert 0.0 <= found < 1e-5


def test_series_of_a_panel(panel):
    model, new = panel
    before = content(model)
    found = model.p_values(new)
    assert content(model) == before
    assert found.index.equals(new.index)
    assert ((found["value"] > 0.0) & (found["value"] <= 1.0)).all()
    follower = copy.deepcopy(model)
    for _, now in list(new.groupby("time"))[:4]:
        alone = follower.p_values(now)
        np.testing.assert_allclose(alone, found.loc[now.index], rtol=1e-9)
        follower.update(now)
    own = new["id"] == "s1"
    np.testing.assert_allclose(model.p_values(new[own]), found[own], rtol=1e-9)


def test_several_targets_and_baselines():
    for model in (RNNForecaster(2, **SMALL), LinearForecaster(2)):
        found = model.fit(ROWS[:180]).p_values(ROWS[180:190])
        assert list(found.columns) == ["s0", "s1"]
        assert found.notna().all(axis=None)
    rows = LONG.drop(columns="price")
    history = rows["time"] < rows["time"].max() - pd.Timedelta("5h")
    found = NaiveForecaster(2, **PANEL).fit(rows[history]).p_values(rows[~history])
    assert found["value"].between(0.0, 1.0).all()


def test_a_pipeline_passes_through():
    pipe = StreamingPipeline([("model", RNNForecaster(2, **SMALL))]).fit(ROWS[:180])
    alone = RNNForecaster(2, **SMALL).fit(ROWS[:180]).p_values(ROWS[180:185])
    pd.testing.assert_frame_equal(pipe.p_values(ROWS[180:185]), alone)


def test_prequential_has_those_of_step_1(stream, panel):
    table = prequential(stream, ROWS[180:190]).forecasts
    first = table[table["step"] == 1]
    assert table.loc[table["step"] > 1, "p_value"].isna().all()
    expected = []
    follower = copy.deepcopy(stream)
    for row in range(180, 190):
        expected.append(follower.p_values(ROWS[row : row + 1])["s0"].iloc[0])
        follower.partial_fit(ROWS[row : row + 1])
    np.testing.assert_array_equal(first["p_value"], expected)
    model, new = panel
    table = prequential(model, new[:9]).forecasts
    np.testing.assert_allclose(
        table.loc[table["step"] == 1, "p_value"][:3], model.p_values(new[:3])["value"], rtol=1e-9
    )


@pytest.mark.parametrize("kind", ["stream", "panel"])
def test_learning_and_p_values_at_once_are_what_they_are_one_after_the_other(kind, request):
    """With rows missing, of one series and of all, and a value missing."""
    if kind == "stream":
        model, new = request.getfixturevalue("stream"), ROWS[180:200].drop(ROWS.index[[183, 190]])
        new.iloc[5, 0] = np.nan
        stamps = [new[row : row + 1] for row in range(len(new))]
    else:
        model, new = request.getfixturevalue("panel")
        times = new["time"].unique()
        gone = new["time"].isin(times[[4, 9]]) | ((new["id"] == "s1") & (new["time"] == times[6]))
        stamps = [rows for _, rows in new[~gone & (new["time"] < times[12])].groupby("time")]
    at_once, follower = copy.deepcopy(model), copy.deepcopy(model)
    for rows in stamps:
        found, expected = at_once._take_scored(rows, learning=True), follower.p_values(rows)
        np.testing.assert_array_equal(found, expected)
        follower.partial_fit(rows)
    assert content(at_once) == content(follower)


def test_tails_of_a_panel_move_while_seasons_are_yet_to_come():
    """Of 90 rows no week has been seen: its experts sleep, and the mixture of the others counts."""
    long = melted(hourly(90, 3)).sort_values("time", kind="stable", ignore_index=True)
    history = long["time"] < long["time"].unique()[30]
    model = RNNForecaster(2, **SMALL, **PANEL).fit(long[history])
    before = learner_of(model).experts.tails
    model.partial_fit(long[~history])
    after = learner_of(model).experts.tails
    assert np.isfinite(after).all()
    assert (after[:, -1] > before[:, -1]).all()  # how many excesses are in them
