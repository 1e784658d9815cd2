"""Explanations add up to the forecast, and tell what the parts are worth."""

import numpy as np
import pandas as pd
import pytest
from helpers import content, hourly, melted
from sklearn.preprocessing import FunctionTransformer, StandardScaler

from tsrnn import RNNForecaster, StreamingPipeline
from tsrnn.baselines import LinearForecaster, NaiveForecaster, SeasonalNaiveForecaster
from tsrnn.online.explanation import Parts

SMALL = {"hidden_size": 4, "max_iter": 3, "random_state": 0}
GROUPS = ["level", "lags", "season", "calendar", "network"]
PANEL = {"id_col": "id", "time_col": "time"}


def sales(n=500, n_targets=1, level=20.0):
    """Return sales with a daily pattern, a promotion worth 4, and a temperature."""
    rng = np.random.default_rng(0)
    index = pd.date_range("2024-01-01", periods=n, freq="h", name="time")
    promotion = (rng.random(n) < 0.2).astype(float)
    day = 3.0 * np.sin(2.0 * np.pi * np.arange(n) / 24.0)
    noise = rng.normal(scale=0.5, size=(n, n_targets))
    sold = level + (day + 4.0 * promotion)[:, None] + noise
    frame = pd.DataFrame(sold, index, [f"sold{k}" for k in range(n_targets)])
    return frame.assign(promotion=promotion, warm=300.0 + rng.normal(size=n))


def panel_sales(n=300):
    frames = [sales(n, level=level).assign(id=name) for name, level in (("a", 9.0), ("b", 90.0))]
    return pd.concat(frames).reset_index().sort_values(["time", "id"], ignore_index=True)


def require_sum(explanation, forecast, targets):
    """Hold the sums of an explanation against the forecasts, by series and step."""
    n_steps = explanation.index.get_level_values("step").max()
    values = forecast[targets].to_numpy().reshape(-1, n_steps, len(targets)).swapaxes(1, 2).ravel()
    np.testing.assert_allclose(explanation.sum(axis=1), values, rtol=0, atol=1e-9)
    assert explanation.notna().all(axis=None)


@pytest.fixture
def closed(monkeypatch):
    """Collect what the level is given in the end for the sum to be right: rounding, no more."""
    left, add = [], Parts.add

    def noted(self, name, values):
        if getattr(self, "summed", False):
            left.append(np.abs(values).max())
        add(self, name, values)

    def total(self):
        self.summed = True
        return sum(self.found.values())

    monkeypatch.setattr(Parts, "add", noted)
    monkeypatch.setattr(Parts, "total", total)
    return left


@pytest.mark.parametrize("horizon", [24, 60])
@pytest.mark.parametrize("future", [None, ["promotion", "warm"]])
def test_a_stream_is_taken_apart_without_a_rest(horizon, future, closed):
    rows = sales() if future else sales()[["sold0"]]
    if horizon > 40 and future:
        pytest.skip("an expert beside the readouts is interpolated between scored steps")
    model = RNNForecaster(horizon, target="sold0", future_cols=future, **SMALL).fit(rows[:400])
    model.partial_fit(rows[400:405])
    before = content(model)
    ahead = {"X_future": rows[future][405:]} if future else {}
    found = model.explain(**ahead)
    assert content(model) == before
    require_sum(found, model.forecast(**ahead), ["sold0"])
    assert list(found.columns[:5]) == GROUPS
    assert set(found.columns) >= {*GROUPS, *(future or ()), "naive", "mean", "bounds"}
    assert found.index.names == ["target", "step"]
    assert closed
    assert max(closed) < 1e-12
    short = model.explain(3, **ahead)
    pd.testing.assert_frame_equal(short, found[:3], rtol=1e-9)


def test_a_promotion_worth_4_is_told_as_4():
    rows = sales()
    model = RNNForecaster(24, target="sold0", future_cols=["promotion", "warm"], **SMALL)
    found = model.fit(rows[:450]).explain(X_future=rows[["promotion", "warm"]][450:])
    on = rows["promotion"][450:474].to_numpy() == 1.0
    assert found["promotion"][on].between(3.0, 5.0).all()
    assert found["promotion"][~on].abs().max() < 0.3
    assert found["warm"].abs().max() < 1.0  # measured from its mean: 300 is worth nothing


def test_several_targets_bounds_and_transforms():
    rows = sales(300, n_targets=2)[["sold0", "sold1"]]
    for params in ({"upper": 19.0}, {"target_transform": "log"}, {"target_transform": "sqrt"}):
        model = RNNForecaster(5, **params, **SMALL).fit(rows)
        found, forecast = model.explain(), model.forecast()
        require_sum(found, forecast, ["sold0", "sold1"])
        cut = found["bounds"].to_numpy() != 0.0
        assert cut.any() == ("upper" in params)


def test_panels_are_taken_apart_without_a_rest(closed):
    rows = panel_sales()
    first = rows["time"].unique()[270]
    for future in (None, ["promotion", "warm"]):
        used = rows if future else rows[["id", "time", "sold0"]]
        model = RNNForecaster(6, target="sold0", future_cols=future, **PANEL, **SMALL)
        model.fit(used[used["time"] < first])
        model.partial_fit(used[(used["time"] == first) & (used["id"] == "b")])
        ahead = {"X_future": rows} if future else {}
        before = content(model)
        found = model.explain(**ahead)
        assert content(model) == before
        require_sum(found, model.forecast(**ahead), ["sold0"])
        assert found.index.names == ["id", "target", "step"]
        pd.testing.assert_frame_equal(model.explain(ids=["b"], **ahead), found.loc[["b"]])
    assert max(closed) < 1e-9
    on = rows[(rows["id"] == "a") & (rows["time"] >= first)]["promotion"][:6].to_numpy() == 1.0
    assert on.any()
    assert found.loc["a"]["promotion"][on].between(3.0, 5.0).all()


@pytest.mark.parametrize(
    "form", ["stream", pytest.param("targets", marks=pytest.mark.slow), "panel"]
)
def test_a_pipeline_is_taken_apart_in_the_units_of_its_rows(form):
    """Through a scaler parts are what they are without; through a logarithm they still add up."""
    known = ["promotion", "warm"]
    rows = panel_sales(200) if form == "panel" else sales(200, n_targets=1 + (form == "targets"))
    keys = PANEL if form == "panel" else {}
    targets = [name for name in rows if name.startswith("sold")]
    params = {"target": targets, "future_cols": known, **keys, **SMALL}
    history, ahead = (rows[:380], rows[380:]) if keys else (rows[:190], rows[190:])
    apart = []
    for transformer in (StandardScaler(), FunctionTransformer(np.log1p, np.expm1), "passthrough"):
        steps = [("scale", transformer), ("forecast", RNNForecaster(6, **params))]
        model = StreamingPipeline(steps).fit(history)
        before = content(model)
        found = model.explain(X_future=ahead)
        require_sum(found, model.forecast(X_future=ahead), targets)
        assert content(model) == before
        assert list(found.columns[:5]) == GROUPS
        apart.append(found)
    on = ahead["promotion"].to_numpy()[: 12 if keys else 6] == 1.0
    on = on.reshape(6, -1).T.ravel() if keys else np.tile(on, len(targets))
    worth = [part[on].mean() - part[~on].mean() for part in (f["promotion"] for f in apart)]
    assert worth[0] == pytest.approx(worth[2], abs=0.3)
    assert worth[::2] == pytest.approx([4.0, 4.0], abs=1.0)


def test_clocks_that_change_within_the_horizon():
    index = pd.date_range("2024-03-01", "2024-03-30 20:00", freq="h", tz="Europe/Rome")
    rows = hourly(len(index)).set_axis(index)
    model = RNNForecaster(24, **SMALL).fit(rows)
    require_sum(model.explain(), model.forecast(), list(rows.columns))


def test_baselines():
    rows = sales(200)[["sold0"]]
    for model in (NaiveForecaster(3), SeasonalNaiveForecaster(30, season=24), LinearForecaster(5)):
        require_sum(model.fit(rows).explain(), model.forecast(), ["sold0"])
    long = melted(hourly(100, 2))
    model = LinearForecaster(3, **PANEL).fit(long)
    require_sum(model.explain(), model.forecast(), ["value"])
