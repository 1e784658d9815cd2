"""Panels: experts that smooth, and seasons that arrive."""

import numpy as np
import pandas as pd
import pytest
from helpers import fit_once, needs_numba
from helpers.panels import START, content_of, long_frame, panel

import tsrnn
from tsrnn.evaluate import prequential
from tsrnn.kernels import set_kernels
from tsrnn.online.experts import panel_smoothing
from tsrnn.online.experts.panel_smoothing import PanelSmoothing
from tsrnn.online.experts.smoothing import Smoothing
from tsrnn.online.storage.series import MARGIN

SEASONS, H, J = (2, 5), 7, 2


def rows_of(n_rows, n_series, seed=0):
    """Labels (n, J, C), some missing, and where zero is (J, C): above some of them."""
    rng = np.random.default_rng(seed)
    labels = rng.normal(size=(n_rows, J, n_series)) + np.arange(n_rows)[:, None, None] % 5
    labels[n_rows // 2 :, :, 0] += 100.0 * labels.std()  # logarithms meet their limit
    labels[rng.random(labels.shape) < 0.1] = np.nan
    return labels, rng.choice([-4.0, -20.0], size=(J, n_series))


def followed(labels, zero, starts):
    """A smoothing, its ring, and its forecasts (n, G, J, C) after each row; starts by series."""
    n_series = labels.shape[2]
    smoothing = PanelSmoothing(H, J, SEASONS, logs=True, year=11)
    ring = smoothing.ring(MARGIN).taken(slice(None), n_series)
    smoothing, found = smoothing.taken(slice(None), n_series), []
    for position, row in enumerate(labels):
        series = np.flatnonzero(starts <= position)
        forecasts = np.full((len(smoothing.names), J, n_series, H), np.nan)
        if len(series):
            ages = position - starts[series] + 1
            taken = position, series, ages
            smoothing = smoothing.follow(ring, *taken, row[:, series], zero[:, series])
            out = np.empty((H, len(forecasts), J, len(series)))
            smoothing.write_forecasts(ring, *taken, out)
            forecasts[:, :, series] = out.transpose(1, 2, 3, 0)
            awake = smoothing.awake(series, ages)
            np.testing.assert_array_equal(awake, ~np.isnan(forecasts[:, :, series, 0]))
        found.append(forecasts)
    return smoothing, ring, np.stack(found)


def test_each_series_is_smoothed_as_one_stream(monkeypatch):
    monkeypatch.setattr("tsrnn.online.experts.smoothing.SEASON", panel_smoothing.SEASON)
    labels, zero = rows_of(60, 4)
    starts = np.array([0, 3, 0, 40])
    smoothing, _, found = followed(labels, zero, starts)
    for c, start in enumerate(starts):
        alone = Smoothing(H, SEASONS, J, zero[:, c], year=11)
        assert smoothing.names == alone.names
        _, expected = alone.follow(labels[start:, :, c])
        expected = expected.transpose(0, 2, 3, 1)  # (n, G, J, H)
        np.testing.assert_allclose(found[start:, :, :, c], expected, rtol=1e-5, atol=1e-5)


@needs_numba
def test_compiled_functions_agree(monkeypatch):
    labels, zero = rows_of(60, 150)
    starts, found = np.random.default_rng(1).integers(0, 30, 150), []
    for kernels in ("numpy", "numba"):
        set_kernels(kernels)
        smoothing, ring, forecasts = followed(labels, zero, starts)
        found.append((forecasts, smoothing.tracks.read(slice(None)), ring.array))
    set_kernels(None)
    for one, other in zip(*found, strict=True):
        np.testing.assert_allclose(other, one, rtol=1e-6, atol=1e-6)


def seasonal(n_series, n_rows, freq, season, seed=0):
    """A season that is nearly all, and noise; each series its own."""
    rng = np.random.default_rng(seed)
    pattern = rng.normal(size=(season, n_series))[np.arange(n_rows) % season]
    values = 50.0 + 5.0 * pattern + 0.5 * rng.normal(size=(n_rows, n_series))
    times = pd.date_range(START.normalize(), periods=n_rows, freq=freq)
    frame = pd.DataFrame(values, times, [f"s{i}" for i in range(n_series)]).rename_axis("time")
    return (
        frame.melt(ignore_index=False, var_name="id", value_name="y")
        .reset_index()
        .sort_values(["time", "id"], ignore_index=True)
    )


def cut(frame, n_fit):
    times = np.sort(frame["time"].unique())
    return frame[frame["time"] < times[n_fit]], frame[frame["time"] >= times[n_fit]]


@pytest.mark.parametrize(
    ("freq", "season", "n_fit"),
    [("MS", 12, 20), pytest.param("W", 52, 60, marks=pytest.mark.slow), ("h", 24, 40)],
)
def test_a_season_that_the_history_did_not_show_twice_arrives(freq, season, n_fit):
    frame = seasonal(3, 4 * season, freq, season)
    history, new = cut(frame, n_fit)
    model = fit_once(panel(horizon=1, season=season), history)
    keys = frame.set_index(["id", "time"])["y"].groupby("id")
    late = keys.cumcount() >= 2 * season
    before, actual = keys.shift(season - 1), keys.shift(-1)  # of the row after each
    frozen = pd.Series(model.predict(new).ravel(), pd.MultiIndex.from_frame(new[["id", "time"]]))
    table = prequential(model, new).forecasts
    for issued in (frozen, table.set_index(["id", "cutoff"])["forecast"]):
        issued = issued[late[issued.index]]
        error = ((issued - actual[issued.index]) ** 2).mean()
        assert error <= 1.03 * ((before - actual) ** 2)[issued.index].mean()


def test_experts_sleep_until_they_have_seen_enough():
    frame = seasonal(3, 60, "MS", 12)
    frame = frame[(frame["id"] != "s2") | (frame["time"] >= frame["time"].iloc[3 * 28])]
    history, new = cut(frame, 20)
    model = fit_once(panel(horizon=2), history)
    times = np.sort(new["time"].unique())
    for n, time in enumerate(times):
        model.update(new[new["time"] == time])
        if "s2" not in model.cutoff_.index:
            continue
        weights = model.expert_weights_.loc["s2"]
        np.testing.assert_allclose(weights.sum(axis=1), 1.0)
        n_seen = int((times[: n + 1] >= times[8]).sum())
        of_season = weights[["seasonal_naive_12", "holt_winters_12", "log_holt_winters_12"]]
        assert (of_season > 0.0).all(axis=None) == (n_seen >= 12)
        assert (of_season == 0.0).all(axis=None) == (n_seen < 12)
        assert (weights["seasonal_change_12"] > 0.0).all() == (n_seen > 12)
    assert n_seen > 24


def test_what_is_saved_is_what_goes_on_whatever_was_there_before():
    """States of another run, or of a call that failed, leave nothing in files."""
    frame = seasonal(3, 60, "MS", 12)
    history, new = cut(frame, 30)
    first, second = cut(new, 10)
    model = fit_once(panel(horizon=2), history)
    twin = tsrnn.loads(tsrnn.dumps(model))
    with pytest.raises(ValueError, match="doubled"):
        model.partial_fit(pd.concat([first, first.tail(1)]))
    model.partial_fit(first)
    twin.partial_fit(first)
    assert content_of(model) == content_of(twin)
    for one in (model, twin):
        one.reset_state()
        for _, rows in second.groupby("time"):
            one.update(rows)
    assert content_of(model) == content_of(twin)
    loaded = tsrnn.loads(tsrnn.dumps(model)).partial_fit(second.assign(
        time=second["time"] + pd.DateOffset(years=3)))  # fmt: skip
    model.partial_fit(second.assign(time=second["time"] + pd.DateOffset(years=3)))
    pd.testing.assert_frame_equal(loaded.forecast(coverage=0.9), model.forecast(coverage=0.9))


@pytest.mark.parametrize("levels", [[10.0] * 6, np.geomspace(10.0, 1000.0, 6)])
@pytest.mark.parametrize("how", ["update", "partial_fit", "fit"])
def test_a_new_series_is_forecast_near_its_one_value(levels, how):
    """A series of one row is forecast in units of its own, not in those of the others.

    Before, one of 500 among others around 10 was forecast at 458, from 449 to 466 (issue 18).
    """
    frame = long_frame(6, 130, seed=3)
    rng, hour = np.random.default_rng(0), frame["time"].dt.hour
    shape = 1.0 + 0.1 * np.sin(2 * np.pi * hour / 24) + 0.05 * rng.normal(size=len(frame))
    frame["y"] = np.tile(levels, 130) * shape
    time = frame["time"].max() + pd.Timedelta("1h")
    row = pd.DataFrame({"id": ["new"], "time": [time], "y": [500.0], "x": [0.0]})
    if how == "fit":
        model = panel().fit(pd.concat([frame, row]))
    else:
        model = getattr(fit_once(panel(), frame), how)(row)
    forecast = model.forecast(coverage=0.9, ids="new")
    width = forecast["y_upper_0.9"] - forecast["y_lower_0.9"]
    assert (width > 50.0).all()  # the noise of the others is 5 % of their level, and of 500 that
    assert forecast["y"].between(425.0, 575.0).all()
    assert (forecast["y_lower_0.9"] < 500.0).all() and (forecast["y_upper_0.9"] > 500.0).all()
