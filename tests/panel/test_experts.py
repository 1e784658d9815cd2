"""Panels: the mixture, the intervals and the drift log of each series."""

import copy

import numpy as np
import pandas as pd
import pytest
from helpers import fit_once
from helpers.internals import learner_of
from helpers.panels import N_FIT, START, by_stamps, content_of, divided, failing, long_frame, panel

import tsrnn
from tsrnn.evaluate import prequential
from tsrnn.features.ring_buffer import Ring
from tsrnn.online.experts.panel_experts import PanelExperts
from tsrnn.online.intervals.conformal import Conformal
from tsrnn.online.panel_learner import PanelLearner
from tsrnn.online.panel_regime import PanelRegime
from tsrnn.online.storage.issued import IssuedForecasts

M, J = 3, 2


def fed(n_rows, n_series, missing=0.0, seed=0, series=None, **kwargs):
    """Experts, in double precision, after rows of noise, and what each row brought."""
    rng, sizes = np.random.default_rng(seed), (M, J, ("one", "two"))
    experts = PanelExperts(*sizes, **kwargs, dtype=np.float64).taken(slice(None), n_series)
    levels = Ring(rng.normal(size=(64 + n_rows, J, n_series)))
    first, never = np.zeros(n_series, dtype=int), np.full((J, n_series), -1)
    issued = IssuedForecasts.none(np.arange(1, M + 1), 9, 2, J).taken(slice(None), n_series)
    issued.array[:] = rng.normal(size=issued.array.shape)
    rows = []
    for position in range(64, 64 + n_rows):
        chosen = slice(None) if series is None else series(position)
        gone = rng.random((J, n_series)) < missing
        arrived = np.where(gone, np.nan, levels.array[position])[:, chosen]
        forecasts = issued.array[issued.due(position)].copy()
        before = experts
        scales = rng.uniform(0.5, 2.0, (M, J, n_series))
        state = issued, levels, scales[..., chosen], first[chosen], never[:, chosen], True
        experts, changes, limits, sums = experts.score(position, chosen, arrived, *state)
        experts = experts.learn(sums, 1)
        rows.append((position, arrived, forecasts, scales, before, changes, limits))
        issued.array[:] = rng.normal(size=issued.array.shape) * (1.0 + position % 4)
    return experts, rows, levels


def errors_of(position, arrived, forecasts, scales, levels, seasons):
    """Errors (E, M, J, C) of all experts in units of the scales, by a plain loop."""
    found = []
    for m in range(M):
        origin = position - (m + 1)
        back = [s * -(-(m + 1) // s) - (m + 1) for s in seasons]
        repeats = [levels.array[origin - b] for b in (0, *back)]
        if seasons:
            change = levels.array[origin] - levels.array[origin - seasons[-1]]
            repeats.append(repeats[-1] + change)
        found.append([*forecasts[m].astype(float), *repeats])
    return (np.array(found).swapaxes(0, 1) - arrived) / scales


@pytest.mark.parametrize("shrinks", [True, False])
def test_weights_are_those_of_a_plain_loop(shrinks, monkeypatch):
    """Shrunk to those of all steps, and each step by itself, as of files of 0.1.0."""
    n_series, seasons, half = 5, (2, 4), 6.0 if shrinks else 0.0
    monkeypatch.setattr(PanelExperts, "shrinks", property(lambda _: shrinks, lambda *_: None))
    experts, rows, levels = fed(30, n_series, missing=0.2, seasons=seasons)
    assert experts.names == [
        "one", "two", "naive", "seasonal_naive_2", "seasonal_naive_4", "seasonal_change_4"
    ]  # fmt: skip
    E = len(experts.names)
    loss, total, count = np.zeros((E, M, J, n_series)), np.zeros((E, M, J)), np.zeros((M, J))
    own, weights = np.zeros((M, J, n_series)), np.full((E, M, J, n_series), 1.0 / E)
    n_labels, steps = np.zeros(own.shape), np.arange(1, M + 1)
    for position, arrived, forecasts, scales, *_ in rows:
        mean = total / np.maximum(count, 1.0)
        squared = np.square(errors_of(position, arrived, forecasts, scales, levels, seasons))
        total, count, of_panel = 0.995 * total, 0.995 * count, 5.0 * 0.9**own * mean[..., None]
        for m, j, c in np.ndindex(M, J, n_series):
            if np.isfinite(arrived[j, c]):
                loss[:, m, j, c] = 0.999 * loss[:, m, j, c] + squared[:, m, j, c]
                n_labels[m, j, c] = 0.999 * n_labels[m, j, c] + 1.0
                total[:, m, j] += squared[:, m, j, c]
                count[m, j] += 1
                own[m, j, c] += 1
        for j, c in np.argwhere((n_labels[0] > 0.0) & (shrinks | np.isfinite(arrived))):
            worth = loss[:, :, j, c] + of_panel[:, :, j, c]
            relative = worth / worth.mean(axis=0)
            shared = ((relative * np.sqrt(steps)).sum(axis=1) / np.sqrt(steps).sum()) ** -8
            share = n_labels[:, j, c] / (n_labels[:, j, c] + half * steps)
            alone = worth**-8 / (worth**-8).sum(axis=0)
            of_all = (shared / shared.sum())[:, None]
            weights[:, :, j, c] = share * alone + (1.0 - share) * of_all
    np.testing.assert_allclose(experts.weights(slice(None)), weights, rtol=1e-9)
    readouts = np.random.default_rng(1).normal(size=(2, J, n_series, M))
    position, expected = rows[-1][0], np.zeros((J, n_series, M))
    for m in range(M):
        back = [s * -(-(m + 1) // s) - (m + 1) for s in seasons]
        every = [*readouts[..., m], *(levels.array[position - b] for b in (0, *back))]
        every.append(every[-1] + levels.array[position] - levels.array[position - 4])
        expected[..., m] = sum(w * s for w, s in zip(weights[:, m], every, strict=True))
    mixed = experts.mix(readouts, levels, position, slice(None), np.full(n_series, 99))
    np.testing.assert_allclose(mixed, expected, rtol=1e-9)


@pytest.mark.parametrize("learning", [True, False])
def test_a_step_without_a_label_leans_on_those_that_have_some(both_kernels, learning):
    """While rows are only taken in, too; a series that has no row stays as it is."""
    experts = PanelExperts(M, 1, ("one", "two"), repeats=False).taken(slice(None), 2)
    issued = IssuedForecasts.none(np.arange(1, M + 1), 9, 2, 1).taken(slice(None), 2)
    issued.array[:, 0], issued.array[:, 1] = 0.5, 1.0
    levels, first = Ring(np.zeros((64, 1, 2))), np.array([63])
    state = issued, levels, np.ones((M, 1, 1)), first, np.full((1, 1), -1), learning
    moved, *_ = experts.score(64, np.array([1]), np.zeros((1, 1)), *state)
    of_one = moved.weights(slice(None))[0, :, 0]
    shrunk = 4.0**8 / (4.0**8 + 1.0)  # of the one label, of the first step
    np.testing.assert_allclose(of_one.T, [[0.5, 0.5, 0.5], 3 * [shrunk]], rtol=1e-6)


def test_quantiles_levels_and_profiles_move_as_those_of_one_stream():
    n_series, season = 5, 4
    experts, rows, levels = fed(
        60, n_series, missing=0.2, profile=season, probabilities=(0.05, 0.9)
    )
    conformal = Conformal.of(np.arange(1, M + 1), J * n_series, (season,), (0.05, 0.9))
    for position, arrived, forecasts, scales, before, *_ in rows:
        errors = errors_of(position, arrived, forecasts, scales, levels, ())
        error = -(before.weights(slice(None)) * errors).sum(axis=0).reshape(M, -1)
        by_chance = conformal.noise * (1.0 - 0.95 ** (2.0 * conformal.n_labels[0] / season))
        found = np.maximum(conformal.profiles.var(axis=0), 1e-300)
        weight = 1.0 - np.minimum(by_chance / found, 1.0) ** 2
        scale = conformal.level * (1.0 + weight * (conformal.profiles[position % season] - 1.0))
        conformal = conformal.step(error, scale, position)
    position = rows[-1][0]
    wanted = conformal.offsets([0.05, 0.3, 0.9], conformal.scale(position))
    scales = np.random.default_rng(1).uniform(0.5, 2.0, (J, n_series))
    found = experts.offsets([0.05, 0.3, 0.9], position, slice(None), scales)
    expected = wanted.reshape(3, M, J, n_series).transpose(0, 2, 3, 1) * scales[..., None]
    np.testing.assert_allclose(found, expected, rtol=1e-9)


def test_series_that_do_not_move_stay_as_they_are():
    """Also where they share a block with others, of which there are several here."""
    n_series = 300
    few = np.array([1, 2, 140, 141, 299])
    all_experts, rows, _ = fed(6, n_series, profile=2)
    some, *_ = fed(6, n_series, profile=2, series=lambda p: few if p == 69 else slice(None))
    expected = rows[-1][4].tracks.read(slice(None))
    expected[:, few] = all_experts.tracks.read(few)
    np.testing.assert_array_equal(some.tracks.read(slice(None)), expected)
    mixed = np.array([299, 3, 200])
    taken = all_experts.taken(mixed)
    np.testing.assert_array_equal(taken.tracks.read(slice(None)), all_experts.tracks.read(mixed))
    weights = all_experts.weights(slice(None))
    np.testing.assert_array_equal(all_experts.weights(mixed), weights[..., mixed])


def test_a_series_that_is_unsettled_has_losses_of_its_own_for_that_time():
    """One expert is good while settled, the other while the series jumps."""
    experts = PanelExperts(1, 1, ("one", "two")).taken(slice(None), 1)
    levels, issued = Ring(np.full((64, 1, 1), 50.0)), IssuedForecasts.none([1], 9, 2, 1)
    issued, unsettled, weight = issued.taken(slice(None), 1), np.full((1, 1), -1), []
    for position in range(300):
        strange = 200 <= position < 240
        if strange:
            unsettled = np.full((1, 1), position)
        issued.array[:, 0], issued.array[:, 1] = (5.0, 1.0) if strange else (1.0, 2.0)
        state = issued, levels, np.ones((1, 1, 1)), np.zeros(1, dtype=int), unsettled, True
        experts, *_, sums = experts.score(position, slice(None), np.zeros((1, 1)), *state)
        experts = experts.learn(sums, 1)
        weight.append(experts.weights(slice(None))[0, 0, 0, 0])
    assert weight[199] > 0.99 and weight[215] < 0.01 and weight[242] > 0.99


def content(model):
    """All there is to see of a panel: forecasts with intervals, weights and changes."""
    forecast = model.forecast(coverage=[0.8, 0.9]).set_index(["id", "time"]).sort_index()
    log = model.drift_log_.sort_values(["time", "id"], ignore_index=True)
    return forecast, model.expert_weights_.sort_index(), log


@pytest.mark.parametrize("policy", ["fill", "reset"])
def test_any_split_between_stamps_gives_the_same(policy):
    frame = long_frame(5, N_FIT + 100, missing=0.1, gone=0.05)
    frame.loc[(frame["id"] == "s1") & (frame["time"] > START + pd.Timedelta("120h")), "y"] *= 6
    late = (frame["id"] == "s4") & (frame["time"] < START + pd.Timedelta("80h"))
    history, new = divided(frame[~late])
    model = fit_once(panel(season=24, gap=policy), history)
    whole = content(copy.deepcopy(model).partial_fit(new))
    assert len(whole[2])
    rng = np.random.default_rng(0)
    for cuts in (range(100), rng.choice(100, 12)):
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


@pytest.mark.slow
def test_no_series_is_forecast_worse_than_by_its_best_expert():
    history, new = divided(different_series(1400), 700)
    model = fit_once(panel(horizon=6), history)
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
    of_week = weights.filter(regex="_168$")  # the value of a week ago, and what smooths weeks
    assert of_week.xs("week").sum(axis=1).mean() > 0.8


def test_intervals_are_wider_where_few_labels_have_come_and_errors_are_large_of_late():
    horizon, shape = 96, (J, 4)
    experts = PanelExperts(horizon, J, ("one", "two"), dtype=np.float64).taken(slice(None), 4)

    def widths():
        low, high = experts.offsets((0.05, 0.95), 0, slice(None), np.ones(shape))
        return high - low

    blank = widths()
    np.testing.assert_allclose(blank[..., -1], 1.5 * blank[..., 0])  # errors overlap, no label yet
    fields = experts._fields(experts.tracks.blocks[0])
    fields.n_labels[:] = 479.0
    np.testing.assert_allclose(widths()[..., -1], 1.05 * blank[..., 0])
    fields.size[:] = 2.8  # twice of what is still taken for calm
    lifted = widths()
    np.testing.assert_allclose(lifted[..., 0], 2.0 * blank[..., 0])
    assert (np.diff(lifted[..., :24]) < 0.0).all()  # what is large now says less of later rows


@pytest.mark.slow
def test_intervals_cover_their_share_in_every_series():
    """Noise of different sizes, one of them by hour of the day, and one that grows."""
    frame = long_frame(4, N_FIT + 1000)
    rng = np.random.default_rng(0)
    hour, age = frame["time"].dt.hour, (frame["time"] - START) / pd.Timedelta("1h")
    size = np.where(frame["id"] == "s1", 1.0 + 4.0 * (hour < 8), 1.0)
    size = np.where(frame["id"] == "s2", 1.0 + age / 200, size)
    frame["y"] = size * rng.normal(size=len(frame))
    history, new = divided(frame)
    result = prequential(fit_once(panel(coverage=[0.5, 0.9]), history), new, chunk=2)
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
    noise = np.random.default_rng(0).normal(size=len(frame))
    noise *= 1.0 + 9.0 * (frame["time"] >= shifted) * (frame["id"] == "s2")
    frame["y"] = 30.0 * np.sin(2 * np.pi * frame["time"].dt.hour / 24) + noise  # of one scale
    history, new = divided(frame)
    model = fit_once(panel(), history).partial_fit(new)
    log = model.drift_log_
    sizes = ["error", "level", "scale", "phase"]
    assert list(log.columns) == ["id", "time", "target", *sizes, "kind", "done"]
    assert set(log["kind"]) >= {"error"}
    loud = log[log["error"] > 2.0]
    assert set(loud["id"]) == {"s2"}
    assert shifted <= loud["time"].iloc[0] <= shifted + pd.Timedelta("12h")
    others = log[log["id"] != "s0"].reset_index(drop=True)
    pd.testing.assert_frame_equal(copy.deepcopy(model).forget("s0").drift_log_, others)
    assert "s2" not in set(copy.deepcopy(model).forget("s2").drift_log_["id"])
    pd.testing.assert_frame_equal(model.reset_state().drift_log_, log)


def test_the_log_of_changes_is_bounded_and_follows_the_places_of_series():
    n_series = 130
    regime = PanelRegime.none(n_targets=1).taken(slice(None), n_series)
    places, ones = np.arange(n_series), np.ones((1, n_series))
    regime = regime.follow(7, places, 2.0 + ones, ones, ones * places)
    regime = regime.note_errors(8, [(129, 0, 3.0)])
    assert len(regime.changes) == 100
    assert regime.changes[-1][:-1] == (8, 129, 0, 3.0, 3.0, 1.0, "error")
    of_level = (7, 129, 0, 129.0, 3.0, 1.0, "level")  # of too many the largest are kept
    assert regime.changes[-2][:-1] == of_level
    kept = regime.taken(np.arange(100, n_series))
    of_kept = [(at, place - 100, *rest) for at, place, *rest in regime.changes if place >= 100]
    assert list(kept.changes) == of_kept


def test_a_new_series_starts_with_what_is_good_for_the_others():
    frame = long_frame(5, N_FIT + 130)
    frame["y"] = frame.groupby("id")["y"].cumsum()  # naive is good
    history, new = divided(
        frame[(frame["id"] != "s4") | (frame["time"] >= START + pd.Timedelta("170h"))]
    )
    model = fit_once(panel(season=24), history).partial_fit(
        new[new["time"] < START + pd.Timedelta("170h")]
    )
    newest = new[new["time"] == START + pd.Timedelta("170h")]
    before = learner_of(model).experts.pooled.copy()
    model.partial_fit(newest)
    weights = model.expert_weights_
    pooled = learner_of(model).experts
    E = len(pooled.names)
    own = before[:E, :, 0] / before[-1, :, 0]
    asleep = ["24" in name for name in pooled.names]  # a day has not been seen
    own[asleep] = np.inf
    expected = own**-8 / (own**-8).sum(axis=0)
    np.testing.assert_allclose(weights.loc["s4"].to_numpy(), expected.T, rtol=1e-5, atol=1e-12)
    forecast = model.forecast(coverage=0.9, ids=["s4"])
    assert np.isfinite(forecast.drop(columns=["id", "time"])).all(axis=None)
    assert (forecast["y_lower_0.9"] < forecast["y_upper_0.9"]).all()


def test_a_saved_panel_goes_on_exactly(tmp_path):
    history, new = divided(long_frame(4, N_FIT + 60, missing=0.1))
    model = fit_once(panel(season=24), history).partial_fit(new[:100])
    model.save(tmp_path / "panel.tsrnn")
    loaded = tsrnn.load(tmp_path / "panel.tsrnn").partial_fit(new[100:])
    model.partial_fit(new[100:])
    for one, other in zip(content(model), content(loaded), strict=True):
        pd.testing.assert_frame_equal(one, other, rtol=0, atol=0)


def test_looking_changes_nothing_and_failing_neither(monkeypatch):
    history, new = divided(long_frame(4, N_FIT + 20, missing=0.1))
    model = fit_once(panel(season=24), history)
    before = content_of(model)
    content(model)
    model.predict(new)
    newest = next(by_stamps(new, [1]))
    assert content_of(model) == before
    for owner, name in (
        (PanelExperts, "score"),
        (PanelExperts, "_changed"),
        (PanelLearner, "_weigh"),
        (PanelLearner, "_forecasts"),
        (tsrnn.online.storage.tracks.Tracks, "changed"),
    ):
        for rows, call in ((newest, 1), (new, 1), (new, 3), (new, 12)):
            with monkeypatch.context() as patch, pytest.raises(FloatingPointError):
                patch.setattr(owner, name, failing(getattr(owner, name), call))
                model.partial_fit(rows)
            assert content_of(model) == before, (name, call)


def test_state_does_not_grow_with_rows():
    history, new = divided(long_frame(4, N_FIT + 200))
    model = fit_once(panel(season=24), history)

    def n_values():
        experts = learner_of(model).experts
        return sum(block.size for block in experts.tracks.blocks) + experts.pooled.size

    before = n_values()
    model.partial_fit(new)
    assert n_values() == before


def test_rows_only_taken_in_move_weights_and_widths_of_their_own_series():
    history, new = divided(long_frame(4, N_FIT + 20))
    model = fit_once(panel(season=24), history)
    before = copy.deepcopy(model)
    model.update(new[new["id"] == "s1"])
    moved = (model.expert_weights_ != before.expert_weights_).any(axis=1).groupby("id").any()
    assert moved.to_dict() == {"s0": False, "s1": True, "s2": False, "s3": False}
    model.reset_state()  # what is predicted in sample starts from where learning left it
    pd.testing.assert_frame_equal(model.expert_weights_, before.expert_weights_)


@pytest.mark.slow
@pytest.mark.parametrize("name", ["Naive", "SeasonalNaive", "Linear"])
def test_baselines_have_intervals_and_forecast_as_without(name):
    """Noise of one size for each series, and one that grows tenfold."""
    frame = long_frame(3, N_FIT + 500)
    rng, late = np.random.default_rng(0), frame["time"] >= START + pd.Timedelta(N_FIT + 250, "h")
    size = 1.0 + 9.0 * (late & (frame["id"] == "s1"))
    frame["y"] = size * rng.normal(size=len(frame))
    history, new = divided(frame.drop(columns="x"))
    make = getattr(tsrnn.baselines, f"{name}Forecaster")
    result = prequential(make(2, id_col="id", time_col="time").fit(history), new, coverage=0.9)
    table = result.forecasts.dropna(subset="actual")
    inside = table["actual"].between(table["lower_0.9"], table["upper_0.9"])
    assert (abs(inside.groupby(table["id"]).mean() - 0.9) < 0.05).all()
    log = result.model.drift_log_
    assert set(log["id"]) == {"s1"} and (log["error"] > 2.0).any()
    loaded = tsrnn.loads(tsrnn.dumps(result.model))
    pd.testing.assert_frame_equal(
        loaded.forecast(coverage=0.9), result.model.forecast(coverage=0.9)
    )
