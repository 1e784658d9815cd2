"""A stuck sensor is missing: held against the same rows with its values taken out."""

import numpy as np
import pandas as pd
import pytest
from helpers import content, fit_once, hourly
from helpers.internals import learner_of, stream_of

import tsrnn
from tsrnn import RNNForecaster
from tsrnn.online.storage.series import Block
from tsrnn.online.stuck import LEAST

SMALL = {"hidden_size": 4, "max_iter": 3, "random_state": 0}
N_FIT, FIRST, LAST = 200, 210, 250


@pytest.fixture(scope="module")
def model():
    return RNNForecaster(3, **SMALL).fit(hourly(N_FIT))


def rows_with(value, first=FIRST, last=LAST):
    """Rows after the history that hold one value for a while, and the same with it missing."""
    stuck, missing = hourly(280), hourly(280)
    stuck.iloc[first:last] = stuck.iloc[first - 1, 0] if value == "same" else value
    missing.iloc[first:last] = np.nan
    return stuck[N_FIT:], missing[N_FIT:]


@pytest.mark.parametrize("how", ["partial_fit", "update"])
def test_a_stuck_sensor_is_missing(model, how):
    """Issue 18: a dead sensor cost 2.3 times the error of the week after; now 1.10.

    That is what a week of missing values costs: what was learnt of it is taken back to the bit.
    """
    stuck, missing = rows_with(0.0)
    found, expected = (
        getattr(tsrnn.loads(tsrnn.dumps(model)), how)(rows) for rows in (stuck, missing)
    )
    for end in ("learner", "scaling"):
        assert content(getattr(found._state, end)) == content(getattr(expected._state, end))
    assert found._state.watch.before is None


@pytest.mark.usefixtures("both_kernels")
@pytest.mark.parametrize("seasons", ["auto", None])
@pytest.mark.parametrize("n_fit", [N_FIT, FIRST + 3])
@pytest.mark.parametrize("kind", ["same", "near", "near, then a missing row"])
def test_the_first_value_of_a_run_is_missing_too(kind, n_fit, seasons):
    """A sensor that dies near its last value: lags go on from the one before, as if never seen.

    The first values may have been those of the history.
    """
    stuck, missing = hourly(280), hourly(280)
    stuck.iloc[FIRST:LAST] = stuck.iloc[FIRST - 1, 0] + 0.01 * (kind != "same")
    if "then" in kind:
        stuck.iloc[FIRST + 1] = np.nan
    missing.iloc[FIRST - (kind == "same") : LAST] = np.nan
    model = fit_once(RNNForecaster(3, season=seasons, **SMALL), stuck[:n_fit])
    assert model._state.watch.limit == LEAST
    found = stream_of(model.partial_fit(stuck[n_fit:])).window
    scaling = model._state.scaling
    expected = (missing.to_numpy() - scaling.mean[:, 0]) / scaling.scale[:, 0]
    np.testing.assert_allclose(found.targets[-80:], expected[-80:], rtol=1e-9)
    if n_fit == N_FIT:
        model = fit_once(RNNForecaster(3, season=seasons, **SMALL), stuck[:N_FIT])
        whole = stream_of(model.partial_fit(missing[N_FIT:])).window
        np.testing.assert_array_equal(found.levels[-80:], whole.levels[-80:])


@pytest.mark.usefixtures("both_kernels")
def test_rows_and_kills_make_no_difference(model, tmp_path):
    stuck, _ = rows_with(0.0)
    at_once, by_row = (tsrnn.loads(tsrnn.dumps(model)) for _ in range(2))
    predicted, before = by_row.predict(stuck), content(by_row)
    assert content(model) == before
    at_once.partial_fit(stuck[:70])
    for row in range(70):
        by_row.partial_fit(stuck[row : row + 1])
        if row in (9, 10, 11, 20, 10 + LEAST, 11 + LEAST, 40):  # within the run, and about its ends
            by_row.save(tmp_path / "model")
            by_row = tsrnn.load(tmp_path / "model")
            chunk = tsrnn.loads(tsrnn.dumps(model)).partial_fit(stuck[: row + 1])
            assert content(chunk) == content(by_row)
    assert content(at_once) == content(by_row)
    advanced = tsrnn.loads(tsrnn.dumps(model))
    for row in range(70):
        found = advanced.update(stuck[row : row + 1]).forecast()["s0"]
        np.testing.assert_allclose(found, predicted[row], rtol=1e-9)


def test_one_of_several_targets():
    rows = hourly(280, 3)
    stuck, missing = rows.copy(), rows.copy()
    stuck.iloc[FIRST:LAST, 1], missing.iloc[FIRST:LAST, 1] = -5.0, np.nan
    stuck.iloc[FIRST + 7 : LAST, 2], missing.iloc[FIRST + 7 : LAST, 2] = 3.0, np.nan
    model = RNNForecaster(3, **SMALL).fit(rows[:N_FIT])
    found, expected = (
        tsrnn.loads(tsrnn.dumps(model)).partial_fit(frame[N_FIT:]) for frame in (stuck, missing)
    )
    assert content(learner_of(found)) == content(learner_of(expected))


def test_values_that_always_repeat_are_believed():
    """Counts, of which the history holds runs of 15 zeros: 35 of them are nothing odd."""
    index = pd.date_range("2024", periods=400, freq="h")
    counts = np.where(np.arange(400) % 20 < 15, 0.0, 5.0)
    counts[300:335] = 0.0
    rows = pd.DataFrame({"n": counts}, index)
    model = RNNForecaster(3, **SMALL).fit(rows[:300]).partial_fit(rows[300:])
    watch = model._state.watch
    assert watch.limit.tolist() == [45]
    assert np.isfinite(stream_of(model).window.targets[-60:]).all()


def test_a_value_that_stays_is_how_things_are():
    """After as many rows as a gap may have; forecasts come to be that value."""
    rows = hourly(700)
    rows.iloc[220:] = 4.0
    model = RNNForecaster(3, max_gap=48, **SMALL).fit(rows[:N_FIT]).partial_fit(rows[N_FIT:])
    assert np.abs(model.forecast()["s0"] - 4.0).max() < 0.5


def test_a_new_run_begins_anew(model):
    stuck, _ = rows_with(0.0)
    begun = tsrnn.loads(tsrnn.dumps(model)).partial_fit(stuck[: FIRST - N_FIT + 5])
    assert begun._state.watch.before is not None
    begun.reset_state()
    assert begun._state.watch.before is None


@pytest.mark.parametrize(
    ("change", "expected"),
    [(None, [70]), ((69, "jump"), [69, 1]), ((30, "jump"), [70]), ((30, "again"), [30, 1, 1, 38])],
)
def test_rows_without_a_run_are_taken_in_at_once(model, change, expected):
    """A jump is kept apart only where a run may follow: at the end of a call."""
    values = hourly(70).to_numpy()[:, :, None] * 0.1
    if change is not None:
        row, kind = change
        values[row] = values[row - 1] if kind == "again" else 1e3
    if change == (30, "jump"):
        values[31] = 1e3 + 1.0
    n_rows = []

    def move(learner, rows):
        n_rows.append(len(rows.targets))
        return learner

    nothing = np.zeros((70, 0, 1)), np.zeros((70, 0)), np.zeros(1, dtype=bool)
    block = Block(0, slice(None), values, *nothing)
    model._state.watch.restarted().take(object(), block, move, learning=True)
    assert n_rows == expected
