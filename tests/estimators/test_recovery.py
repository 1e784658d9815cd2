"""After a lasting change a stream is soon forecast as well as before, and the change is told."""

import copy
from functools import cache

import numpy as np
import pandas as pd
import pytest
from helpers.internals import stream_of

from tsrnn import RNNForecaster, datasets, load
from tsrnn.evaluate import prequential
from tsrnn.features.design import ForecastDesign
from tsrnn.online.experts.ensemble import Ensemble

WEEK, CHANGE = 168, 400


@pytest.fixture(scope="module")
def stream():
    return datasets.load_electricity()[:4600]


@pytest.fixture(scope="module")
def fitted(stream):
    return RNNForecaster(1, max_iter=60, random_state=0).fit(stream[:3000])


@pytest.fixture(scope="module")
def moved(stream, fitted):
    """A function that returns a copy of the model two weeks after a change."""

    @cache
    def once(kind):
        return copy.deepcopy(fitted).partial_fit(changed(stream, kind)[: CHANGE + 2 * WEEK])

    return lambda kind: copy.deepcopy(once(kind))


@pytest.fixture(scope="module")
def unchanged(stream, fitted):
    return prequential(fitted, stream[3000:])


def changed(stream, kind):
    """Return the rows after the history, changed for good from `CHANGE` on."""
    rows, spread = stream[3000:].copy(), stream[:3000].std()
    if kind == "level":
        rows.iloc[CHANGE:] += 3.0 * spread
    elif kind == "scale":
        rows.iloc[CHANGE:] = rows.mean() + 2.0 * (rows.iloc[CHANGE:] - rows.mean())
    else:
        early = np.delete(rows.to_numpy(), slice(CHANGE, CHANGE + 6), axis=0)
        rows = pd.DataFrame(early, rows.index[: len(early)], rows.columns)
    return rows


def errors(result, first):
    table = result.forecasts
    late = table[table["time"] >= first]
    return np.sqrt(((late["actual"] - late["forecast"]) ** 2).mean())


@pytest.mark.parametrize("size", [30.0, pytest.param(-1000.0, marks=pytest.mark.slow)])
def test_a_jump_that_is_confirmed_shifts_forecasts_and_does_nothing_else(stream, fitted, size):
    """As if its first row were missing and its second as was to be expected; and it is told."""
    rows, start, back = stream[3000:3400], 50, 300
    spread = stream[:3000].std()
    jumped, moved = rows.copy(), rows.copy()
    jumped.iloc[start:back] += size * spread
    moved.iloc[start] = np.nan
    missing = copy.deepcopy(fitted).partial_fit(moved[: start + 1])
    level = stream_of(missing).window.levels[-1:, :, None, None]  # of the missing row
    before = missing._state.scaling.undo(slice(None), level).item()
    confirmed = jumped.iloc[start + 1, 0]
    moved.iloc[start + 1 : back] += before - rows.iloc[start + 1, 0]
    one, other = copy.deepcopy(fitted), copy.deepcopy(fitted)
    for part, shift in ((slice(0, back), confirmed - before), (slice(back, 400), 0.0)):
        one.partial_fit(jumped[part])
        other.partial_fit(moved[part])
        difference = (one.forecast() - other.forecast() - shift) / spread
        assert np.abs(difference.to_numpy()).max() < 1e-6
    told = one.drift_log_["level"]
    assert (np.abs(told - size) < 3.0).any()
    assert np.abs(told.iloc[-1]) < 3.0


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["scale", "level", "phase"])
def test_the_error_is_back_after_three_seasons_and_the_change_in_the_log(
    stream, fitted, unchanged, kind
):
    """Kind: a change that lasts: the error is back soon, and the log tells what has changed."""
    rows = changed(stream, kind)
    before, after = unchanged, prequential(fitted, rows)
    later = rows.index[CHANGE + 3 * WEEK]
    unit = 2.0 if kind == "scale" else 1.0
    assert errors(after, later) / unit < 1.2 * errors(before, later)
    log = after.model.drift_log_
    log = log[(log["time"] >= rows.index[CHANGE]) & (log["time"] < later)]
    newest = log.iloc[-1]
    if kind == "level":
        assert 2.0 < newest["level"] - before.model.drift_log_["level"].max() < 4.5
    elif kind == "scale":
        assert 1.6 < newest["scale"] < 2.6
    else:
        assert newest["phase"] == 6


@pytest.mark.parametrize("kind", ["level", pytest.param("phase", marks=pytest.mark.slow)])
def test_any_split_follows_a_move_alike(stream, fitted, moved, tmp_path, kind):
    rows = changed(stream, kind)[: CHANGE + 2 * WEEK]
    fitted.save(tmp_path / "m")
    whole, parts = moved(kind), load(tmp_path / "m")
    for start in range(0, len(rows), 37):
        parts.partial_fit(rows[start : start + 37])
        parts.save(tmp_path / "parts")
        parts = load(tmp_path / "parts")
    now = stream_of(whole).design
    assert now.phase == 6 if kind == "phase" else 2.0 < now.norm.level[0] < 4.0
    pd.testing.assert_frame_equal(whole.drift_log_, parts.drift_log_)
    np.testing.assert_array_equal(whole.forecast(), parts.forecast())


def test_a_new_run_begins_where_the_history_was(moved):
    model = moved("level")
    assert stream_of(model).design.norm.level[0] > 2.0
    assert stream_of(model.reset_state()).design.norm.level[0] == 0.0


def test_a_level_goes_on_after_a_gap(stream, moved):
    model = moved("level").set_params(gap="reset", max_gap=100)
    rows = changed(stream, "level")
    level = stream_of(model).design.norm.level
    later = rows[CHANGE + 2 * WEEK + 50 :]
    after = stream_of(model.partial_fit(later[:1]))
    assert after.n_rows == 1 and level[0] > 2.0
    np.testing.assert_array_equal(after.design.norm.level, level)


def test_a_level_half_followed_goes_on_after_rows_that_are_only_taken_in():
    hours = np.arange(540)
    values = np.sin(2 * np.pi * hours / 24) + 0.1 * np.random.default_rng(0).normal(size=540)
    values[320:] += 2.5
    rows = pd.DataFrame({"y": values}, pd.date_range("2020-01-01", periods=540, freq="h"))
    model = RNNForecaster(3, hidden_size=6, max_iter=5, window_size=16, random_state=0)
    model.fit(rows[:304]).partial_fit(rows[304:336])
    moved = (values[480:].mean() - values[:304].mean()) / values[:304].std()
    assert 0.3 < stream_of(model).design.norm.level[0] / moved < 0.9
    model.update(rows[336:476]).partial_fit(rows[476:540])
    assert abs(stream_of(model).design.norm.level[0] / moved - 1) < 0.05


@pytest.mark.usefixtures("both_kernels")
def test_what_is_known_of_a_phase_goes_with_the_season(monkeypatch):
    """Kind: a clock is set: profiles and seasonal states of a week are not learnt again."""
    hours = np.arange(700)
    hours[420:] += 6
    values = np.sin(2 * np.pi * hours / 24) + 0.1 * np.random.default_rng(0).normal(size=700)
    rows = pd.Series(values, pd.date_range("2020-01-01", periods=700, freq="h"), name="y")
    model = RNNForecaster(3, hidden_size=4, max_iter=2, window_size=16, random_state=0)
    model.fit(rows[:400])
    shifts, shift = [], Ensemble.phases_shifted

    def watched(ensemble, early):
        after = shift(ensemble, early)
        assert not np.array_equal(after.per_step.rows, ensemble.per_step.rows, equal_nan=True)
        assert not np.array_equal(after.smoothing.rows, ensemble.smoothing.rows)
        shifts.append(early)
        return after

    monkeypatch.setattr(Ensemble, "phases_shifted", watched)
    for start in range(400, 700, 25):
        model.partial_fit(rows[start : start + 25])
    assert sum(shifts) == stream_of(model).design.phase == 6


def test_a_new_run_begins_in_the_calendar_s_phase(moved):
    model = moved("phase")
    assert stream_of(model).design.phase == 6
    assert stream_of(model.reset_state()).design.phase == 0
    assert model.drift_log_.empty


def test_after_a_gap_the_phase_is_found_anew(stream, moved):
    model = moved("phase").set_params(gap="reset", max_gap=100)
    rows = changed(stream, "phase")
    assert stream_of(model).design.phase == 6
    later = rows[CHANGE + 2 * WEEK + 50 :]
    model.partial_fit(later[:WEEK])
    assert stream_of(model).design.phase == 0  # nothing is known of a season yet
    model.partial_fit(later[WEEK : WEEK + 48])
    assert stream_of(model).design.phase == 6


@pytest.mark.parametrize("n_known", [9, pytest.param(12, marks=pytest.mark.slow)])
def test_an_outage_every_day_moves_no_phase(stream, fitted, n_known):
    rows = stream[3000 : 3000 + 2 * WEEK].copy()
    rows[(rows.index.hour - 6) % 24 >= n_known] = np.nan
    assert stream_of(copy.deepcopy(fitted).partial_fit(rows)).design.phase == 0


def test_a_season_is_looked_at_once_it_and_the_row_before_are_in(monkeypatch):
    days = pd.date_range("2024-01-01", periods=230, freq="D")
    series = pd.Series(np.sin(2 * np.pi * np.arange(230) / 7), days, name="y")
    model = RNNForecaster(2, max_iter=2, window_size=7, random_state=0).fit(series[:200])
    looks = []
    monkeypatch.setattr(
        ForecastDesign, "follow", lambda design, record, n_rows: looks.append(1) or design
    )
    model.reset_state().partial_fit(series[200:207])
    assert looks == []
    model.partial_fit(series[207:214])
    assert looks == [1]
