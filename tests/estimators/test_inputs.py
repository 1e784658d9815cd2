"""Whatever form rows come in: dtypes, names, frequencies, memory, copies and threads."""

import copy
import pickle
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pandas as pd
import pytest
from helpers import content, fit_once, hourly
from helpers.internals import stream_of

from tsrnn import RNNForecaster, RNNRegressor
from tsrnn.baselines import LinearForecaster
from tsrnn.online import stream_learner

QUICK = {"hidden_size": 6, "max_iter": 5, "window_size": 16, "random_state": 0}


def quick(horizon=3, **params):
    return RNNForecaster(horizon, **{**QUICK, **params})


@pytest.mark.parametrize("dtype", ["int64", "int8", "float32", "float16", "Int64", "Float64"])
def test_any_numeric_dtype_is_read(dtype):
    data = hourly(140).round().clip(0, 100).astype(dtype)
    model = fit_once(quick(), data[:120]).partial_fit(data[120:130])
    data = data.astype(float)
    expected = fit_once(quick(), data[:120]).partial_fit(data[120:130])
    assert model.forecast().equals(expected.forecast())


def test_columns_with_other_names_are_refused_whatever_the_names_are():
    data = hourly(140, n_columns=2)
    data.columns = [0, 1]
    model = fit_once(quick(target=0), data[:120])
    with pytest.raises(ValueError, match=r"found the columns \[1, 0\] of X, expected \[0, 1\]"):
        model.update(data[120:][[1, 0]])
    named = quick().fit(data[0][:120].rename(7))
    with pytest.raises(ValueError, match=r"found the columns \[8\]"):
        named.update(data[0][120:].rename(8))


def test_targets_with_other_names_are_refused():
    data = hourly(140, n_columns=3)
    X, Y = data[["s2"]], data[["s0", "s1"]]
    model = quick().fit(X[:120], Y[:120])
    with pytest.raises(ValueError, match="of y, expected"):
        model.partial_fit(X[120:], Y[120:][["s1", "s0"]])
    with pytest.raises(ValueError, match="pass y"):
        model.score(X[120:])


@pytest.mark.parametrize(
    "target", [("a", "x"), [("a", "x")], pd.MultiIndex.from_tuples([("a", "x")])]
)
def test_a_target_may_be_a_label_of_column_levels(target):
    data = hourly(120, n_columns=2)
    data.columns = pd.MultiIndex.from_tuples([("a", "x"), ("a", "y")])
    forecast = quick(target=target).fit(data.reset_index(drop=True)).forecast()
    assert list(forecast.columns) == [("a", "x")]


@pytest.mark.parametrize("rule", ["D", "W-WED", "ME", "B", "QE", "15min"])
@pytest.mark.parametrize("tz", [None, "Europe/Berlin"])
def test_frequencies_are_inferred_and_carried_through_a_clock_change(rule, tz):
    index = pd.date_range("2024-01-03", periods=160, freq=rule, tz=tz)
    values = pd.Series(np.random.default_rng(0).normal(size=160), index._with_freq(None))
    model = fit_once(quick(), values[:40])  # of days: ends before the clocks change
    model.update(values[40:100])
    expected = values.index[100:103]
    pd.testing.assert_index_equal(model.forecast().index, expected, exact="equiv")
    assert model.predict(values[100:]).shape == (60, 3)


@pytest.mark.parametrize(
    ("rule", "seasons"),
    [
        ("h", (24, 168)),
        ("15min", (96, 672)),
        ("6h", (4, 28)),
        ("5h", ()),
        ("D", (7,)),
        ("B", (5,)),
        ("W-SUN", (52,)),
        ("7D", (52,)),
        ("ME", (12,)),
        ("BME", (12,)),
        ("2MS", (6,)),
        ("QE", (4,)),
        ("YE", ()),
        ("s", ()),
    ],
)
def test_seasons_of_frequencies(rule, seasons):
    index = pd.date_range("2000-01-01", periods=200, freq=rule)
    for stamps in (index, index._with_freq(None)):
        model = LinearForecaster(1, lags=1).fit(pd.Series(np.arange(200.0), stamps))
        model.season = "auto"
        expected = tuple(s for s in seasons if 2 * s <= 200)
        assert model._seasons_of(200) == expected


def test_rows_off_the_phase_of_fit_are_refused_after_a_reset_too():
    data = hourly(120)
    model = fit_once(quick(), data).reset_state()
    late = data[:10].set_axis(data.index[:10] + pd.Timedelta("400D30min"))
    with pytest.raises(ValueError, match="off the frequency"):
        model.update(late)
    monthly = pd.Series(np.arange(40.0), pd.date_range("2020", periods=40, freq="ME"))
    model = LinearForecaster(1, lags=1).fit(monthly).reset_state()
    with pytest.raises(ValueError, match="off the frequency"):
        model.update(pd.Series([1.0], pd.DatetimeIndex(["2024-01-15"])))


@pytest.mark.parametrize("change", [lambda d: d[::-1], lambda d: d.sample(frac=1, random_state=0)])
def test_row_numbers_out_of_order_are_refused(change):
    with pytest.raises(ValueError, match="row numbers that do not increase"):
        quick().fit(change(hourly(120).reset_index(drop=True)))


def test_periods_are_forecast_as_their_starts_would_be():
    data = hourly(140)
    periods = data.set_axis(data.index.to_period("h"))
    model = fit_once(quick(), periods[:120]).partial_fit(periods[120:])
    expected = fit_once(quick(), data[:120]).partial_fit(data[120:]).forecast()
    expected.index = expected.index.to_period("h")
    pd.testing.assert_frame_equal(model.forecast(), expected)


def test_a_short_memory_still_knows_the_rows_it_looks_back_on():
    data = hourly(800)
    model = fit_once(quick(forgetting=0.5), data[:700])
    stream = stream_of(model)
    window = stream.window.levels[-stream.design.reach - 1 :, :, None, None]
    window = model._state.scaling.undo(slice(None), window)[:, 0, 0, 0]
    np.testing.assert_allclose(window, data["s0"].to_numpy()[700 - len(window) : 700])
    assert (
        (stream_of(LinearForecaster(24, forgetting=0.5).fit(data)).readout.weights != 0)
        .any(-1)
        .all()
    )


@pytest.mark.parametrize("n_rows", [3, 4, 5, 10, 30])
def test_short_histories_do(n_rows):
    model = RNNForecaster(1, random_state=0).fit(hourly(n_rows))
    assert np.isfinite(model.forecast()).all(axis=None)
    X = hourly(n_rows, n_columns=2)
    model = RNNRegressor(lags=0, random_state=0).fit(X[["s0"]], X["s1"])
    assert np.isfinite(model.predict(X[["s0"]])).all()


def test_a_sensor_dead_at_the_end_of_the_history_does_not_end_training():
    data = hourly(700)
    dead = data.where(np.arange(700)[:, None] < 560)
    assert fit_once(quick(max_iter=60), dead).n_iter_ == 60


@pytest.mark.parametrize("scale", [1e-12, 1e12])
def test_the_unit_does_not_matter(scale):
    data = hourly(220)
    ours = fit_once(quick(dtype=np.float64), data[:120]).partial_fit(data[120:]).forecast()
    other = quick(dtype=np.float64).fit(scale * data[:120]).partial_fit(scale * data[120:])
    np.testing.assert_allclose(other.forecast() / scale, ours, rtol=1e-6)


@pytest.mark.parametrize("values", [0.0, 5.0])
def test_a_constant_series_is_forecast_as_constant(values):
    data = hourly(220) * 0 + values
    model = fit_once(quick(), data[:120]).partial_fit(data[120:])
    np.testing.assert_allclose(model.forecast(), values, atol=1e-9)


def test_arrays_of_the_caller_are_neither_written_nor_kept():
    values = hourly(400).to_numpy()
    values.flags.writeable = False
    model = fit_once(quick(season=(24,)), values[:120])
    new = np.asfortranarray(values[120:140].repeat(2, axis=1))[:, ::2].copy()
    model.partial_fit(new)
    before = content(vars(model))
    new[:] = 1e9
    assert content(vars(model)) == before


@pytest.mark.parametrize("block", [300, pytest.param(stream_learner.BLOCK, marks=pytest.mark.slow)])
def test_long_runs_are_taken_in_blocks_without_changing_a_bit(block, monkeypatch):
    monkeypatch.setattr(stream_learner, "BLOCK", block)
    data = hourly(120 + block * 9 // 8)
    model = quick(horizon=2).fit(data[:120])
    whole = model.predict(data[120:])
    model.update(data[120 : 120 + block // 2])
    np.testing.assert_array_equal(model.predict(data[120 + block // 2 :]), whole[block // 2 :])


@pytest.mark.parametrize(
    "duplicate", [copy.copy, copy.deepcopy, lambda m: pickle.loads(pickle.dumps(m))]
)
@pytest.mark.parametrize("n_layers", [1, 2])
def test_a_copy_learns_on_its_own(duplicate, n_layers):
    data = hourly(240)
    model = fit_once(quick(n_layers=n_layers), data[:120]).partial_fit(data[120:160])
    before = content(vars(model))
    twin = duplicate(model)
    assert content(vars(twin)) == before
    twin.partial_fit(data[160:])
    assert content(vars(model)) == before
    model.partial_fit(data[160:])
    assert content(vars(model)) == content(vars(twin))


def test_threads_forecast_while_another_learns():
    data = hourly(420)
    model = fit_once(quick(), data[:120])
    alone, expected = copy.deepcopy(model), {}
    for row in range(120, 420):
        expected[alone.cutoff_] = alone.forecast().to_numpy()
        alone.partial_fit(data[row : row + 1])
    expected[alone.cutoff_] = alone.forecast().to_numpy()

    def ask(_):
        forecast = model.forecast()
        cutoff = forecast.index[0] - pd.Timedelta("1h")
        np.testing.assert_array_equal(forecast, expected[cutoff])  # of one consistent state
        return cutoff

    with ThreadPoolExecutor(3) as pool:
        asked = pool.map(ask, range(200))
        for row in range(120, 420):
            model.partial_fit(data[row : row + 1])
        assert len(set(asked)) >= 1
    assert content(vars(model)) == content(vars(alone))
