"""Panels: the mixture, the intervals and the drift log of each series."""

import copy
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from helpers.panels import N_FIT, START, by_stamps, content_of, divided, failing, long_frame, panel

import tsrnn
from tsrnn.evaluate import prequential
from tsrnn.features.ring_buffer import Ring
from tsrnn.online.experts.panel_experts import PanelExperts
from tsrnn.online.intervals.conformal import Conformal

M, J = 3, 2


def fed(n_rows, n_series, missing=0.0, seed=0, members=None, **kwargs):
    """Experts after rows of noise, the rows that they were given, and what they then knew."""
    rng = np.random.default_rng(seed)
    experts = PanelExperts(np.arange(1, M + 1), J, **kwargs).taken(slice(None), n_series)
    levels = Ring(rng.normal(size=(64 + n_rows, J, n_series)))
    rows, begun = [], np.zeros(n_series, dtype=int)
    for position in range(64, 64 + n_rows):
        chosen = slice(None) if members is None else members(position)
        arrived = levels.array[position][:, chosen]
        readout = rng.normal(size=(M, J, arrived.shape[1])) * (1.0 + position % 4)
        known = rng.random(readout.shape) >= missing
        before = experts
        experts = experts.learn(position, chosen, arrived, readout, known, levels, begun, 1)
        rows.append((position, chosen, readout, known, before))
    return experts, rows, levels


def test_weights_are_those_of_a_plain_loop():
    n_series, seasons = 5, (2, 4)
    experts, rows, levels = fed(30, n_series, missing=0.2, seasons=seasons)
    loss = np.zeros((4, M, J, n_series))
    total, count = np.zeros((4, M, J)), np.zeros((M, J))
    own = np.zeros((M, J, n_series))
    for position, _, readout, known, _ in rows:
        total, count = 0.995 * total, 0.995 * count
        for m, j, c in np.ndindex(M, J, n_series):
            if known[M - 1 - m, j, c]:  # the oldest origin, which is that of the last step, first
                y, origin = levels.array[position, j, c], position - (m + 1)
                back = [s * -(-(m + 1) // s) - (m + 1) for s in seasons]
                said = [levels.array[origin - b, j, c] for b in (0, *back)]
                squared = np.array([readout[M - 1 - m, j, c], *(y - s for s in said)]) ** 2
                loss[:, m, j, c] = 0.995 * loss[:, m, j, c] + squared
                total[:, m, j] += squared
                count[m, j] += 1
                own[m, j, c] += 1
    power = (loss + 5.0 * 0.9**own * (total / count)[..., None]) ** -8
    weights = power / power.sum(axis=0)
    np.testing.assert_allclose(experts.weights(slice(None)), weights, rtol=1e-9)
    said = np.random.default_rng(1).normal(size=(J, n_series, M))
    position, expected = rows[-1][0], np.zeros((J, n_series, M))
    for m in range(M):
        back = [s * -(-(m + 1) // s) - (m + 1) for s in seasons]
        every = [said[..., m], *(levels.array[position - b] for b in (0, *back))]
        expected[..., m] = sum(w * s for w, s in zip(weights[:, m], every, strict=True))
    mixed = experts.mix(said, levels, position, slice(None), np.zeros(n_series))
    np.testing.assert_allclose(mixed, expected, rtol=1e-9)


def test_quantiles_levels_and_profiles_move_as_those_of_one_stream():
    n_series, season = 5, 4
    experts, rows, _ = fed(60, n_series, missing=0.2, profile=season, probabilities=(0.05, 0.9))
    conformal = Conformal.of(np.arange(1, M + 1), J * n_series, (season,), (0.05, 0.9))
    _, _, levels = fed(60, n_series, missing=0.2)
    for position, chosen, readout, known, before in rows:
        weights = before.weights(chosen)
        arrived = levels.array[position]
        naive = arrived - levels.array[position - np.arange(1, M + 1)]
        error = weights[0] * readout[::-1] + weights[1] * naive
        error = np.where(known[::-1], error, np.nan).reshape(M, -1)
        # The panel's level stands in for that of a series before its first label.
        usual = before._level(before._fields(before.tracks.read(chosen))).reshape(M, -1)
        level = np.where(conformal.n_labels > 0, conformal.level, usual)
        conformal = replace(conformal, level=level)
        scale = level * conformal.profiles[position % season]
        conformal = conformal.step(error, scale, position)
    position = rows[-1][0]
    wanted = conformal.offsets([0.05, 0.3, 0.9], conformal.scale(position))
    found = experts.offsets([0.05, 0.3, 0.9], position, slice(None))
    expected = wanted.reshape(3, M, J, n_series).transpose(0, 2, 3, 1)
    np.testing.assert_allclose(found, expected, rtol=1e-9)


def test_series_that_do_not_move_stay_as_they_are():
    """Also where they share a block with others, of which there are three here."""
    n_series, position = 1100, 69
    _, rows, levels = fed(6, n_series, profile=2)
    at, _, readout, known, before = rows[-1]
    assert at == position
    begun = np.zeros(n_series, dtype=int)
    arrived, old = levels.array[position], before.tracks.read(slice(None))
    new = before.learn(position, slice(None), arrived, readout, known, levels, begun, 1)
    few = np.array([1, 2, 600, 601, 1099])
    some = before.learn(
        position, few, arrived[:, few], readout[..., few], known[..., few], levels, begun[few], 1
    )
    expected = old.copy()
    expected[:, few] = new.tracks.read(slice(None))[:, few]
    np.testing.assert_array_equal(some.tracks.read(slice(None)), expected)
    np.testing.assert_array_equal(before.tracks.read(slice(None)), old)
    mixed = np.array([1099, 3, 700])
    taken = new.taken(mixed)
    np.testing.assert_array_equal(taken.tracks.read(slice(None)), new.tracks.read(mixed))
    np.testing.assert_array_equal(new.weights(mixed), new.weights(slice(None))[..., mixed])


def content(model):
    """All there is to see of a panel: forecasts with intervals, weights and changes."""
    forecast = model.forecast(coverage=[0.8, 0.9]).set_index(["id", "time"]).sort_index()
    log = model.drift_log_.sort_values(["time", "id"], ignore_index=True)
    return forecast, model.expert_weights_.sort_index(), log


@pytest.mark.parametrize("policy", ["fill", "reset"])
def test_any_split_between_stamps_gives_the_same(policy):
    frame = long_frame(6, N_FIT + 300, missing=0.1, gone=0.05)
    frame.loc[(frame["id"] == "s1") & (frame["time"] > START + pd.Timedelta("300h")), "y"] *= 6
    late = (frame["id"] == "s4") & (frame["time"] < START + pd.Timedelta("100h"))
    history, new = divided(frame[~late])
    model = panel(season=24, gap=policy).fit(history)
    whole = content(copy.deepcopy(model).partial_fit(new))
    assert len(whole[2])
    rng = np.random.default_rng(0)
    for cuts in (range(400), rng.choice(300, 12)):
        parts = copy.deepcopy(model)
        for part in by_stamps(new, cuts):
            parts.partial_fit(part.sample(frac=1, random_state=1).sort_values("time"))
        for one, other in zip(whole, content(parts), strict=True):
            pd.testing.assert_frame_equal(one, other, rtol=1e-9)


def different_series(n_rows, seed=0):
    """A random walk, noise, and patterns of a day and of a week: each has its best expert."""
    rng = np.random.default_rng(seed)
    t = np.arange(n_rows)
    series = {
        "walk": np.cumsum(rng.normal(size=n_rows)),
        "noise": rng.normal(size=n_rows),
        "day": rng.normal(size=24)[t % 24] + 0.02 * rng.normal(size=n_rows),
        "week": rng.normal(size=168)[t % 168] + 0.02 * rng.normal(size=n_rows),
    }
    times = START + pd.to_timedelta(t, "h")
    return pd.concat(
        [pd.DataFrame({"id": name, "time": times, "y": y}) for name, y in series.items()]
    ).sort_values("time", kind="stable")


def test_no_series_is_forecast_worse_than_by_its_best_expert():
    history, new = divided(different_series(1400), 700)
    model = panel(horizon=6).fit(history)
    errors, learnt = {}, {}
    baselines = {
        "naive": tsrnn.baselines.NaiveForecaster(6, id_col="id", time_col="time"),
        "day": tsrnn.baselines.SeasonalNaiveForecaster(6, season=24, id_col="id", time_col="time"),
        "week": tsrnn.baselines.SeasonalNaiveForecaster(
            6, season=168, id_col="id", time_col="time"
        ),
    }
    for name, one in {"panel": model, **baselines}.items():
        one = one if name == "panel" else one.fit(history)
        result = prequential(one, new, chunk=4)
        forecasts, learnt[name] = result.forecasts, result.model
        squared = (forecasts["actual"] - forecasts["forecast"]) ** 2
        errors[name] = squared.groupby(forecasts["id"]).mean()
    errors = pd.DataFrame(errors)
    best = errors[list(baselines)].min(axis=1)
    assert (errors["panel"] <= 1.02 * best).all(), errors
    weights = learnt["panel"].expert_weights_
    np.testing.assert_allclose(weights.sum(axis=1), 1.0)
    assert (weights >= 0).all(axis=None)
    assert weights["seasonal_naive_168"].xs("week").mean() > 0.8


def test_intervals_cover_their_share_in_every_series():
    """Noise of different sizes, one of them by hour of the day, and one that grows."""
    frame = long_frame(4, N_FIT + 1000)
    rng = np.random.default_rng(0)
    hour, age = frame["time"].dt.hour, (frame["time"] - START) / pd.Timedelta("1h")
    size = np.where(frame["id"] == "s1", 1.0 + 4.0 * (hour < 8), 1.0)
    size = np.where(frame["id"] == "s2", 1.0 + age / 200, size)
    frame["y"] = size * rng.normal(size=len(frame))
    history, new = divided(frame)
    result = prequential(panel(coverage=[0.5, 0.9]).fit(history), new, chunk=2)
    forecasts = result.forecasts[result.forecasts["actual"].notna()]
    for share in (0.5, 0.9):
        low, high = forecasts[f"lower_{share}"], forecasts[f"upper_{share}"]
        inside = (forecasts["actual"] >= low) & (forecasts["actual"] <= high)
        assert inside.mean() == pytest.approx(share, abs=0.02)
        assert (abs(inside.groupby(forecasts["id"]).mean() - share) < 0.04).all()
        assert result.metrics.loc[("all", "all"), f"coverage_{share}"] == pytest.approx(
            inside.mean(), abs=1e-12
        )
        width = high - low
        assert result.metrics.loc[("all", "all"), f"width_{share}"] == pytest.approx(width.mean())
    assert (forecasts["lower_0.9"] <= forecasts["lower_0.5"]).all()
    assert (forecasts["forecast"] <= forecasts["upper_0.5"]).all()
    hours = pd.DatetimeIndex(forecasts["time"]).hour
    width = (forecasts["upper_0.9"] - forecasts["lower_0.9"])[forecasts["id"] == "s1"]
    night = hours[forecasts["id"] == "s1"] < 8
    assert width[night].mean() > 2.0 * width[~night].mean()


def test_columns_of_intervals_are_those_of_each_target():
    frame = long_frame(3, N_FIT).assign(z=lambda rows: 7.0 + rows["y"])
    model = panel(target=["y", "z"]).fit(frame.drop(columns="x"))
    forecast = model.forecast(coverage=0.8, quantiles=[0.3], horizon=2, ids=["s2", "s0"])
    names = ["lower_0.8", "upper_0.8", "quantile_0.3"]
    expected = ["id", "time", "y", "z", *(f"{t}_{name}" for t in "yz" for name in names)]
    assert list(forecast.columns) == expected
    assert list(forecast["id"]) == ["s2", "s2", "s0", "s0"]
    pd.testing.assert_frame_equal(forecast[expected[:4]], model.forecast(2, ids=["s2", "s0"]))
    np.testing.assert_allclose(forecast["z"], forecast["y"] + 7.0, rtol=0.2)
    assert (forecast["z_lower_0.8"] <= forecast["z"]).all()
    assert (forecast["z_lower_0.8"] <= forecast["z_quantile_0.3"]).all()


def test_a_change_of_the_error_level_is_noted_with_its_series():
    frame = long_frame(4, N_FIT + 400)
    shifted = START + pd.Timedelta(N_FIT + 300, "h")
    rng = np.random.default_rng(0)
    frame["y"] = rng.normal(size=len(frame)) * (
        1.0 + 9.0 * (frame["time"] >= shifted) * (frame["id"] == "s2")
    )
    history, new = divided(frame)
    model = panel().fit(history).partial_fit(new)
    log = model.drift_log_
    assert list(log.columns) == ["id", "time", "target", "error"]
    assert set(log["id"]) == {"s2"} and (log["error"] > 2.0).all()
    assert shifted <= log["time"].iloc[0] <= shifted + pd.Timedelta("12h")
    pd.testing.assert_frame_equal(copy.deepcopy(model).forget("s0").drift_log_, log)
    assert len(copy.deepcopy(model).forget("s2").drift_log_) == 0
    pd.testing.assert_frame_equal(model.reset_state().drift_log_, log)


def test_the_drift_log_is_bounded_and_follows_the_places_of_series():
    n_series = 130
    experts, _, _ = fed(1, n_series)
    begun, rng = np.zeros(n_series, dtype=int), np.random.default_rng(0)
    for position in range(64, 400):
        arrived = np.zeros((J, n_series))
        sizes = np.ones(n_series) if position < 350 else 1.0 + np.arange(n_series)
        readout = rng.choice([-1.0, 1.0], (M, J, n_series)) * sizes
        flat = Ring(np.zeros((8, J, n_series)) + 50.0)  # experts that repeat are far off
        known = np.ones(readout.shape, bool)
        experts = experts.learn(position, slice(None), arrived, readout, known, flat, begun, 1)
    assert len(experts.changes) == 100
    assert all(size > 2.0 or size < 0.4 for *_, size in experts.changes)
    kept = experts.taken(np.arange(100, n_series))
    of_kept = [(at, place - 100, *rest) for at, place, *rest in experts.changes if place >= 100]
    assert list(kept.changes) == of_kept


def test_a_new_series_starts_with_what_is_good_for_the_others():
    frame = long_frame(5, N_FIT + 200)
    frame["y"] = frame.groupby("id")["y"].cumsum()  # naive is good
    history, new = divided(
        frame[(frame["id"] != "s4") | (frame["time"] >= START + pd.Timedelta("270h"))]
    )
    model = (
        panel(season=24).fit(history).partial_fit(new[new["time"] < START + pd.Timedelta("270h")])
    )
    newest = new[new["time"] == START + pd.Timedelta("270h")]
    model.partial_fit(newest)
    weights = model.expert_weights_
    pooled = model._state.learner.experts
    own = pooled.pooled[:3, :, 0] / pooled.pooled[3, :, 0]
    expected = own**-8 / (own**-8).sum(axis=0)
    np.testing.assert_allclose(weights.loc["s4"].to_numpy(), expected.T, rtol=1e-6)
    forecast = model.forecast(coverage=0.9, ids=["s4"])
    assert np.isfinite(forecast.drop(columns=["id", "time"])).all(axis=None)
    assert (forecast["y_lower_0.9"] < forecast["y_upper_0.9"]).all()


def test_a_saved_panel_goes_on_exactly(tmp_path):
    history, new = divided(long_frame(4, N_FIT + 60, missing=0.1))
    model = panel(season=24).fit(history).partial_fit(new[:100])
    model.save(tmp_path / "panel.tsrnn")
    loaded = tsrnn.load(tmp_path / "panel.tsrnn").partial_fit(new[100:])
    model.partial_fit(new[100:])
    for one, other in zip(content(model), content(loaded), strict=True):
        pd.testing.assert_frame_equal(one, other, rtol=0, atol=0)


def test_looking_changes_nothing_and_failing_neither(monkeypatch):
    history, new = divided(long_frame(4, N_FIT + 20, missing=0.1))
    model = panel(season=24).fit(history)
    before = content_of(model)
    content(model)
    model.predict(new)
    newest = next(by_stamps(new, [1]))
    assert content_of(model) == before
    for owner, name in (
        (PanelExperts, "learn"),
        (PanelExperts, "_step"),
        (PanelExperts, "_drift"),
        (tsrnn.online.storage.tracks.Tracks, "changed"),
    ):
        for rows, call in ((newest, 1), (new, 1), (new, 3), (new, 12)):
            with monkeypatch.context() as patch, pytest.raises(FloatingPointError):
                patch.setattr(owner, name, failing(getattr(owner, name), call))
                model.partial_fit(rows)
            assert content_of(model) == before, (name, call)


def test_state_does_not_grow_with_rows():
    history, new = divided(long_frame(4, N_FIT + 200))
    model = panel(season=24).fit(history)

    def n_values():
        experts = model._state.learner.experts
        return sum(block.size for block in experts.tracks.blocks) + experts.pooled.size

    before = n_values()
    model.partial_fit(new)
    assert n_values() == before == 4 * ((3 + 2 + 3) * 3 + 3 + 24) + 6 * 3


def test_rows_only_taken_in_move_neither_weights_nor_widths():
    history, new = divided(long_frame(4, N_FIT + 20))
    model = panel(season=24).fit(history)
    before = copy.deepcopy(model)
    model.update(new)
    pd.testing.assert_frame_equal(model.expert_weights_, before.expert_weights_)


def test_baselines_say_that_their_panels_have_neither():
    history, _ = divided(long_frame(3, N_FIT))
    model = tsrnn.baselines.NaiveForecaster(2, target="y", id_col="id", time_col="time")
    model.fit(history)
    with pytest.raises(ValueError, match="have no intervals"):
        model.forecast(coverage=0.9)
    with pytest.raises(AttributeError, match="have no experts"):
        _ = model.drift_log_
