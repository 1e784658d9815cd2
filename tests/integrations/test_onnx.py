"""The exported step is update and forecast of the estimator, row by row, states included."""

import doctest
import json
import pickle

import numpy as np
import pandas as pd
import pytest
from helpers import content, hourly, melted
from helpers.internals import stream_of

pytest.importorskip("onnx")
pytest.importorskip("onnxruntime")

import onnxruntime

import tsrnn.integrations.onnx as module
from tsrnn import RNNForecaster, baselines, datasets
from tsrnn.integrations.onnx import export
from tsrnn.kernels.numpy_ import mixing as kernels

SMALL = {"hidden_size": 4, "window_size": 16, "max_iter": 3, "random_state": 0}


def session_of(path):
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    return onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])


def steps(model, rows, tmp_path, y=None, **export_options):
    """Yield after each row what the graph forecasts, the state after it, and what it should."""
    step = export(model, tmp_path / "m.onnx", **export_options)
    session, state = session_of(tmp_path / "m.onnx"), step.initial_state()
    for i in range(len(rows)):
        row = rows[i : i + 1]
        targets = None if y is None else y[i : i + 1]
        forecast, state = step.step(session, state, row, targets)
        yield forecast, state, model.update(row, targets).forecast()


def largest_difference(model, rows, tmp_path, y=None):
    """Return the largest difference of forecasts over rows, in standard deviations."""
    unit, worst = model._state.scaling.scale[:, 0], 0.0
    for found, _, expected in steps(model, rows, tmp_path, y):
        assert found.index.equals(expected.index)
        assert found.columns.equals(expected.columns)
        difference = np.abs(found - expected).to_numpy() / unit
        assert np.isfinite(difference).all()
        worst = max(worst, float(difference.max()))
    return worst


@pytest.mark.parametrize("cell", ["rnn", "lstm", "gru"])
def test_two_hundred_rows_of_electricity(cell, tmp_path):
    load = datasets.load_electricity()[:900]
    model = RNNForecaster(24, cell=cell, max_iter=3, random_state=0).fit(load[:700])
    assert largest_difference(model, load[700:], tmp_path) < 1e-5


def messy(n_rows=460):
    """Return two targets and two inputs; values are missing, absurd, and jump."""
    rows, rng = hourly(n_rows, 3), np.random.default_rng(1)
    rows["kind"] = pd.Categorical(rng.choice(["a", "b"], n_rows))
    rows.iloc[rng.integers(0, n_rows, 40), rng.integers(0, 3)] = np.nan
    rows.iloc[rng.integers(0, n_rows, 40), 0] = np.nan
    rows.iloc[427:433] = rows.iloc[396:403, 0] = np.nan  # gaps; one lasts on over row 400
    rows.iloc[410, 0] = 1e5
    rows.iloc[440:, 1] += 500.0  # a jump that lasts
    return rows


VARIANTS = {
    "layers": {"n_layers": 2, "cell": "gru"},
    "double": {"dtype": np.float64, "lags": 3},
    "bounded": {"lower": 9.0, "upper": 11.0},
    "unbounded": {"lower": None},
    "one season": {"season": 24, "horizon": 30},
    "long": {"horizon": 60, "season": 24},  # not every step is scored
    "bare": {"season": None, "lags": 0},
}


@pytest.mark.parametrize("params", VARIANTS.values(), ids=VARIANTS)
def test_variants(params, tmp_path):
    rows = messy()
    params = {"horizon": 3, "target": ["s0", "s1"], **SMALL, **params}
    model = RNNForecaster(**params).fit(rows[:400])
    assert largest_difference(model, rows[400:], tmp_path) < 1e-6


@pytest.mark.parametrize("transform", ["log", "log1p", "sqrt"])
@pytest.mark.filterwarnings("ignore:found 1 target value")
def test_transforms(transform, tmp_path):
    rows = hourly(130)
    rows.iloc[115] = -2.0  # which does not fit, and lifts the bound at zero
    model = RNNForecaster(3, target_transform=transform, **SMALL).fit(rows[:100])
    assert largest_difference(model, rows[100:], tmp_path) < 1e-6


def test_seasons_that_are_seen_later(tmp_path):
    """A day is seen in part, a week not at all: their experts wake on the way."""
    rows = hourly(360)
    model = RNNForecaster(3, **SMALL).fit(rows[:20])
    assert largest_difference(model, rows[20:], tmp_path) < 1e-6


def test_an_expert_that_falls_asleep(tmp_path):
    """Logarithms are taken no more once a value was zero."""
    rows = hourly(130)
    rows.iloc[110] = 0.0
    model = RNNForecaster(3, season=24, **SMALL).fit(rows[:100])
    *_, (found, state, expected) = steps(model, rows[100:], tmp_path)
    np.testing.assert_allclose(found, expected, rtol=1e-6)
    assert state["smoothing_limit"] == 0.0


def test_the_limit_of_logarithms(tmp_path):
    """A jump out of a night that is near zero."""
    rows = hourly(150)
    rows *= np.where(np.arange(150) % 24 < 8, 1e-3, 1.0)[:, None]
    rows.iloc[123:] += 2.0 * rows.to_numpy().max()
    model = RNNForecaster(3, season=24, **SMALL).fit(rows[:100])
    *_, (found, state, expected) = steps(model, rows[100:], tmp_path)
    np.testing.assert_allclose(found, expected, rtol=1e-6)
    assert -state["smoothing_limit"] > 5.0  # in units of the history


def test_a_year_of_days(tmp_path):
    rows = hourly(820).set_axis(pd.date_range("2020-01-01", periods=820, freq="D"))
    model = RNNForecaster(3, **SMALL).fit(rows[:700])
    assert largest_difference(model, rows[700:], tmp_path) < 1e-6


def test_a_series_that_has_moved_and_come_to_be_early(tmp_path):
    load = datasets.load_electricity()[:1200].copy()
    load[700:] = load[700:].shift(-3).ffill() + 5 * load.std()
    model = RNNForecaster(3, **SMALL).fit(load[:700]).partial_fit(load[700:1100])
    design = stream_of(model).design
    assert design.phase != 0 and design.norm.level[0] > 1.0
    assert largest_difference(model, load[1100:1140], tmp_path) < 1e-5


@pytest.mark.parametrize("kind", ["numbers", "periods", "zone", "y", "polars"])
def test_rows_in_the_forms_they_come_in(kind, tmp_path):
    rows, y = hourly(120, 2, tz="Asia/Tokyo" if kind == "zone" else None), None
    if kind == "numbers":
        rows = rows.set_axis(pd.RangeIndex(0, 240, 2))
    elif kind == "periods":
        rows = rows.to_period()
    elif kind == "y":
        y, rows = rows["s1"], rows[["s0"]]
    elif kind == "polars":
        columns = rows.reset_index().to_dict("list")
        rows = pytest.importorskip("polars").DataFrame(columns)
    params = {"time_col": "time"} if kind == "polars" else {}
    model = RNNForecaster(3, **params, **SMALL).fit(rows[:100], None if y is None else y[:100])
    after = None if y is None else y[100:]
    for found, _, expected in steps(model, rows[100:], tmp_path, after):
        assert type(found) is type(expected)
        if kind == "polars":
            found, expected = (pd.DataFrame(frame.to_dict()) for frame in (found, expected))
        pd.testing.assert_frame_equal(found, expected, rtol=1e-6)


def test_some_experts_are_the_mixture_of_those_alone(tmp_path):
    """Against the kernels' mixture of what the model's own experts have issued."""
    rows, chosen = hourly(160), ["recurrent", "naive", "holt_winters_24"]
    rows.iloc[130] = np.nan
    model = RNNForecaster(4, season=24, **SMALL).fit(rows[:120])
    stream, scaling = stream_of(model), model._state.scaling
    names, mixing = stream.ensemble.names, stream.ensemble.mixing
    kept = [names.index(name) for name in chosen]
    behind = [*kept, *range(len(names), mixing.loss.shape[1])]
    parts = mixing.parts[:, :, kept]
    moving = [
        mixing.regret[:, :, kept], mixing.spread[:, :, kept], mixing.loss[:, behind].copy(),
        mixing.n_labels.copy(), mixing.scale.copy(),
        parts / parts.sum(axis=2, keepdims=True), mixing.blend.copy(),
    ]  # fmt: skip
    issued = [*stream.ensemble.rows[:, :, behind]]
    found = steps(model, rows[120:], tmp_path, experts=chosen[::-1])
    for forecast, state, _ in found:
        stream = stream_of(model)
        label, at = stream.window.targets[-1], np.arange(4)
        error = np.stack(issued)[len(issued) - 1 - at, at] - label
        kernels.score_experts(error, np.zeros_like(moving[2]), mixing.discounts, *moving)
        forecasts = stream.ensemble.rows[-1][:, kept]
        kernels.shrink_to_all_steps(at + 1, forecasts, *moving[:-1])
        now, mixture = kernels.issue(forecasts, *moving[5:])
        issued.append(now)
        expected = mixture[:, 0] * scaling.scale[0, 0] + scaling.mean[0, 0]
        np.testing.assert_allclose(forecast["s0"], expected, rtol=1e-6)
        np.testing.assert_allclose(state["mixture_parts"], moving[5], atol=1e-6)


def test_what_a_graph_of_few_experts_does_not_need_is_left_out(tmp_path):
    model = RNNForecaster(3, **SMALL).fit(hourly(100))
    step = export(model, tmp_path / "m.onnx", experts=["naive", "seasonal_naive_24"])
    assert step.experts == ["naive", "seasonal_naive_24"]
    assert list(step.inputs) == ["targets"]
    of_mixture = {name for name in step.initial_state() if name.startswith("mixture_")}
    of_rows = {"levels", "gap", "usual_change", "refused", "jump", "below_zero", "n_rows"}
    assert set(step.initial_state()) == of_mixture | of_rows | {"issued"}
    whole = export(model, tmp_path / "whole.onnx")
    assert whole.experts == list(model.expert_weights_.columns)
    sizes = [(tmp_path / name).stat().st_size for name in ("m.onnx", "whole.onnx")]
    assert sizes[0] < 0.55 * sizes[1]  # of hundreds of operations that both need for missing rows


def test_a_file_tells_what_is_in_it(tmp_path):
    rows = hourly(100, 2)
    model = RNNForecaster(3, target="s0", **SMALL).fit(rows)
    step = export(model, tmp_path / "m.onnx")
    metadata = session_of(tmp_path / "m.onnx").get_modelmeta().custom_metadata_map
    told = {key: json.loads(value) for key, value in metadata.items()}
    assert told["targets"] == ["s0"] and told["inputs"] == ["s1"]
    assert len(told["calendar"]) == model._reader.calendar_after(0, 1).shape[1]
    assert told["calendar"][0] == "sine_1_of_day" and told["calendar"][-1] == "weekend"
    assert tuple(told["left_out"]) == step.left_out
    assert any("learning" in what for what in step.left_out)
    assert told["experts"] == step.experts


def test_the_model_and_the_state_stay_as_they_were(tmp_path):
    rows = hourly(102)
    model = RNNForecaster(3, **SMALL).fit(rows[:100])
    before = content(model)
    step = export(model, tmp_path / "m.onnx")
    state, session = step.initial_state(), session_of(tmp_path / "m.onnx")
    copied = {name: array.copy() for name, array in state.items()}
    first, _ = step.step(session, state, rows[100:101])
    again, _ = step.step(session, state, rows[100:101])
    assert first.equals(again)
    assert content(state) == content(copied) == content(step.initial_state())
    assert content(model) == before
    elsewhere = pickle.loads(pickle.dumps(step))  # such as another process
    assert elsewhere.step(session, elsewhere.initial_state(), rows[100:101])[0].equals(first)


def test_states_of_two_streams_go_side_by_side(tmp_path):
    """One session serves many streams: whatever moves is in the state."""
    one, two = hourly(110), hourly(110, seed=1)
    model = RNNForecaster(3, **SMALL).fit(one[:100])
    step, session = export(model, tmp_path / "m.onnx"), session_of(tmp_path / "m.onnx")
    states = {0: step.initial_state(), 1: step.initial_state()}
    for i in range(100, 110):
        for stream, rows in enumerate((one, two)):
            found, states[stream] = step.step(session, states[stream], rows[i : i + 1])
    expected = model.update(two[100:]).forecast()
    pd.testing.assert_frame_equal(found, expected, rtol=1e-6)


def test_what_cannot_be_exported_is_refused(tmp_path):
    path, rows = tmp_path / "m.onnx", hourly(100, 2)
    panel = RNNForecaster(3, id_col="id", time_col="time", **SMALL).fit(melted(rows))
    known = RNNForecaster(3, target="s0", future_cols="s1", **SMALL).fit(rows)
    model = RNNForecaster(3, **SMALL).fit(rows)
    for wrong, message in [
        (panel, "found a panel of 2 series, expected one stream; fit a forecaster to each"),
        (known, "found future_cols='s1', expected none: inputs that are known ahead"),
        (
            RNNForecaster(3, **SMALL).fit(hourly(60, tz="Europe/Rome")),
            "found rows in the time zone Europe/Rome, whose days are not of one length",
        ),
        (RNNForecaster(3), "not fitted yet"),
        (pickle.loads(pickle.dumps(model)).reset_state(), "found no row since reset_state"),
    ]:
        with pytest.raises(ValueError, match=message):
            export(wrong, path)
    with pytest.raises(TypeError, match="found LinearForecaster, expected an RNNForecaster"):
        export(baselines.LinearForecaster(3).fit(rows), path)
    for experts, message in [
        (["naive", "magic"], r"found experts \['magic'\] that the model does not have, expected"),
        ([], "found no experts, expected some of"),
    ]:
        with pytest.raises(ValueError, match=message):
            export(model, path, experts=experts)
    assert not path.exists()


@pytest.mark.filterwarnings("ignore:found no known value")
def test_a_target_that_was_never_known_is_refused(tmp_path):
    rows = hourly(60, 2).assign(s1=np.nan)
    with pytest.raises(ValueError, match=r"found targets \['s1'\] without a known value"):
        export(RNNForecaster(3, **SMALL).fit(rows), tmp_path / "m.onnx")


def test_rows_that_do_not_follow_are_refused(tmp_path):
    rows = hourly(110)
    model = RNNForecaster(3, **SMALL).fit(rows[:100])
    step, session = export(model, tmp_path / "m.onnx"), session_of(tmp_path / "m.onnx")
    state = step.initial_state()
    for wrong, message in [
        (rows[99:100], "found a row at 2024-01-05 03:00:00, expected .* 04:00:00; leave out"),
        (rows[102:103], "expected the one after the last, at 2024-01-05 04:00:00; take a step for"),
        (rows[100:102], "found 2 rows, expected one"),
        (rows[100:101].rename(columns={"s0": "x"}), "feature names"),
        (rows.iloc[100], "df.iloc"),
    ]:
        with pytest.raises(ValueError, match=message):
            step.step(session, state, wrong)
    with pytest.raises(ValueError, match="found a state of"):
        step.step(session, {"h": np.zeros(3)}, rows[100:101])


def test_the_example_of_the_docstring(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    results = doctest.testmod(module)
    assert results.attempted > 5 and results.failed == 0
