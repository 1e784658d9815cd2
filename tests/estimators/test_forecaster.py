"""What every forecaster promises: shapes, the streaming contract, and errors with a remedy."""

import copy
from functools import cache
from itertools import pairwise

import numpy as np
import pandas as pd
import pytest
from helpers import content, fit_once, hourly, melted
from helpers.internals import learner_of, stream_of

from tsrnn import RNNForecaster
from tsrnn.baselines import LinearForecaster, NaiveForecaster, SeasonalNaiveForecaster

QUICK = {"hidden_size": 6, "max_iter": 5, "window_size": 16, "random_state": 0}
CELLS = ["lstm", *(pytest.param(cell, marks=pytest.mark.slow) for cell in ("rnn", "gru"))]


def quick(horizon=3, **params):
    return RNNForecaster(horizon, **{**QUICK, **params})


EVERY = {
    "rnn": lambda **p: quick(cell="rnn", **p),
    "lstm": lambda **p: quick(cell="lstm", **p),
    "gru": lambda **p: quick(cell="gru", **p),
    "two layers, float64": lambda **p: quick(n_layers=2, dtype=np.float64, **p),
    "linear": lambda **p: LinearForecaster(**{"horizon": 3, **p}),
    "naive": lambda **p: NaiveForecaster(**{"horizon": 3, **p}),
    "seasonal naive": lambda **p: SeasonalNaiveForecaster(**{"horizon": 3, **p}),
}


# Of the networks the quick suite takes one LSTM here, and all of them in test_properties.
SLOW = ("rnn", "gru", "two layers, float64")


@pytest.fixture(
    params=[pytest.param(k, marks=[pytest.mark.slow] if k in SLOW else []) for k in EVERY]
)
def make(request):
    return EVERY[request.param]


def with_holes(series, holes):
    if not holes:
        return series
    rng = np.random.default_rng(3)
    series = series.mask(rng.random(series.shape) < 0.2)
    return series[(rng.random(700) < 0.8) | (np.arange(700) < 180)]


@cache
def fitted_once(name, holes=False):
    return EVERY[name]().fit(with_holes(hourly(700), holes)[:180])


@pytest.fixture
def fitted(request, make):
    """A function that returns a copy of a model fitted to the first 180 rows, with other settings.

    Those of its calls, not of its fit: every test would have to wait for a fit of its own.
    """
    name = request.node.callspec.params["make"]

    def a_copy(holes=False, **params):
        return copy.deepcopy(fitted_once(name, holes)).set_params(**params)

    return a_copy


# --- shapes and names ---------------------------------------------------------------------------


@pytest.mark.parametrize("tz", [None, "Europe/Berlin"])
def test_forecast_is_a_frame_of_the_next_time_stamps(make, tz):
    data = hourly(183, n_columns=2, tz=tz)
    model = make().fit(data[:180])
    forecast = model.forecast()
    assert list(forecast.columns) == ["s0", "s1"]
    pd.testing.assert_index_equal(forecast.index, data.index[180:]._with_freq(None))
    assert np.isfinite(forecast).all(axis=None)
    pd.testing.assert_frame_equal(model.forecast(2), forecast[:2])


@pytest.mark.parametrize(
    ("n_columns", "horizon", "shape"),
    [(1, 1, (8,)), (1, 3, (8, 3)), (2, 1, (8, 2)), (2, 3, (8, 6))],
)
def test_predict_has_a_row_for_each_row(make, n_columns, horizon, shape):
    data = hourly(158, n_columns)
    model = make(horizon=horizon).fit(data[:150])
    prediction = model.predict(data[150:])
    assert prediction.shape == shape
    last = model.update(data[150:]).forecast().to_numpy().T.ravel()
    np.testing.assert_array_equal(np.ravel(prediction[-1]), last)  # target-major


def test_frames_series_and_arrays_give_the_same_numbers(series):
    frame = fit_once(quick(), series[:180]).forecast()
    as_series = quick().fit(series["s0"][:180])
    assert list(as_series.forecast().columns) == ["s0"]
    np.testing.assert_array_equal(as_series.forecast(), frame)
    counted, counted_forecasts = series.reset_index(drop=True), []
    for rows in (counted, counted["s0"], counted.to_numpy(), counted["s0"].to_numpy()):
        model = fit_once(quick(season=(24,)), rows[:180])
        forecast = model.partial_fit(rows[180:190]).forecast()
        assert list(forecast.index) == [190, 191, 192]
        assert model.cutoff_ == 189
        assert model.predict(rows[190:200]).shape == (10, 3)
        counted_forecasts.append(forecast.to_numpy())
    for other in counted_forecasts[1:]:
        np.testing.assert_array_equal(other, counted_forecasts[0])
    assert list(quick().fit(counted.to_numpy()[:180]).forecast().columns) == ["x0"]
    assert list(quick().fit(counted["s0"].to_numpy()[:180]).forecast().columns) == ["y"]


def test_other_columns_are_past_inputs_of_a_named_target():
    data = hourly(280, n_columns=3)
    model = fit_once(quick(target="s1"), data[:180])
    assert list(model.forecast().columns) == ["s1"]
    assert list(fit_once(quick(target=["s2", "s0"]), data[:180]).forecast().columns) == ["s2", "s0"]
    other = data.copy()
    other.loc[other.index[179], "s0"] += 1.0
    changed = fit_once(quick(target="s1"), other[:180])
    assert (changed.forecast().to_numpy() != model.forecast().to_numpy()).any()


def test_y_is_the_target_and_missing_where_it_is_not_given():
    data = hourly(280, n_columns=2)
    X, y = data[["s1"]], data["s0"]
    model = quick().fit(X[:180], y[:180])
    assert list(model.forecast().columns) == ["s0"]
    named = fit_once(quick(target="s0"), data[:180])
    np.testing.assert_allclose(named.forecast(), model.forecast())
    without = model.predict(X[180:190])
    known = model.predict(X[180:190], y[180:190])
    assert without.shape == known.shape == (10, 3)
    assert (without[5:] != known[5:]).all()
    model.update(X[180:185])
    np.testing.assert_array_equal(model.forecast().to_numpy().ravel(), without[4])


def test_several_targets_are_forecast_as_series_of_their_own():
    data = hourly(200, n_columns=2)
    both = LinearForecaster(3).fit(data[:180])
    for name in data:
        alone = LinearForecaster(3).fit(data[:180][name])
        np.testing.assert_allclose(both.forecast()[name], alone.forecast()[name], rtol=1e-9)


# --- the streaming contract -----------------------------------------------------------------------


@pytest.mark.parametrize("learn", ["partial_fit", "update"])
@pytest.mark.parametrize("holes", [False, True], ids=["complete", "NaN and gaps"])
def test_any_split_of_the_rows_gives_the_same_estimator(fitted, series, learn, holes):
    whole = fitted(holes)
    new = with_holes(series, holes)[180:220]
    getattr(whole, learn)(new)
    for cuts in ([1, 2, 3, 20, 21, 33], range(1, 40)):
        parts = fitted(holes)
        for start, stop in zip([0, *cuts], [*cuts, 40], strict=True):
            getattr(parts, learn)(new[start:stop])
        assert content(vars(parts)) == content(vars(whole))
        assert whole.forecast().equals(parts.forecast())


def test_predict_is_what_forecast_would_have_said(fitted, series):
    model = fitted()
    prediction = model.predict(series[180:220])
    for row in range(180, 220):
        model.update(series[row : row + 1])
        np.testing.assert_array_equal(prediction[row - 180], model.forecast().to_numpy().ravel())


def test_in_sample_predict_rolls_from_the_zero_state_with_the_final_weights(fitted, series):
    model = fitted()
    prediction = model.predict(series[:190])
    from_cutoff = model.predict(series[179:190])  # the cutoff itself was seen: in-sample too
    model.reset_state()
    np.testing.assert_array_equal(model.predict(series[179:190]), from_cutoff)
    assert model.cutoff_ is None
    ends = [*range(1, 60), *range(60, 160, 20), *range(160, 191)]
    for start, stop in pairwise([0, *ends]):
        model.update(series[start:stop])
        np.testing.assert_array_equal(prediction[stop - 1], model.forecast().to_numpy().ravel())


def test_rows_without_time_stamps_always_go_on(make, series):
    values = series.to_numpy()
    model = make().fit(values[:180])
    first, again = model.predict(values[:20]), model.predict(values[:20])
    np.testing.assert_array_equal(first, again)
    model.update(values[:20])
    np.testing.assert_array_equal(first[-1], model.forecast().to_numpy().ravel())


def test_predict_and_forecast_change_nothing(fitted, series):
    model = fitted()
    before = content(vars(model))
    model.predict(series[180:200])
    model.predict(series[:200])
    model.forecast()
    model.forecast(2)
    model.score(series[180:280])
    assert content(vars(model)) == before


def test_the_past_alone_makes_a_forecast(fitted, series):
    changed = series.copy()
    changed.iloc[230:] = 1e3
    results = []
    for rows in (series, changed):
        model = fitted()
        forecasts = [model.forecast()]
        for row in range(180, 230):
            forecasts.append(model.partial_fit(rows[row : row + 1]).forecast())
        results.append((pd.concat(forecasts), model.predict(rows[220:240])[:10]))
        model.partial_fit(rows[230:280])
    assert results[0][0].equals(results[1][0])
    np.testing.assert_array_equal(results[0][1], results[1][1])
    in_sample = [fitted().predict(rows[:280])[:230] for rows in (series, changed)]
    np.testing.assert_array_equal(*in_sample)


@pytest.mark.parametrize("cell", CELLS)
def test_white_noise_cannot_be_forecast(cell):
    noise = pd.Series(np.random.default_rng(1).normal(size=600))
    model = fit_once(quick(horizon=2, cell=cell, max_iter=20), noise[:300])
    errors = []
    for row in range(300, 600):
        errors.append(noise[row] - model.forecast().iloc[0, 0])
        model.partial_fit(noise[row : row + 1])
    assert np.mean(np.square(errors)) > noise[300:].var()


def test_fit_forgets_and_the_first_partial_fit_is_fit(fitted, make, series):
    again = make().fit(hourly(100, n_columns=2, seed=5)).fit(series[:180])
    first = make().partial_fit(series[:180])
    assert content(vars(fitted())) == content(vars(again)) == content(vars(first))


def test_gaps_count_as_missing_rows(fitted, series):
    model, filled = fitted(), fitted()
    late = series[185:190]
    model.partial_fit(late)
    rows = series[180:190].copy()
    rows[:5] = np.nan
    filled.partial_fit(rows)
    assert model.forecast().equals(filled.forecast())
    prediction = fitted().predict(late)
    assert len(prediction) == 5
    expected = fitted().update(late).forecast().to_numpy().ravel()
    np.testing.assert_array_equal(prediction[-1], expected)
    with pytest.raises(ValueError, match=r"gap of 5 missing rows before 2024-01-08 17:00.*asfreq"):
        fitted(gap="raise").update(late)
    with pytest.raises(ValueError, match="gap of 5 missing rows"):
        fitted(max_gap=4).update(late)


def test_missing_targets_never_reach_a_forecast(make, series):
    rows = series.copy()
    rows.iloc[100:130] = np.nan
    rows.iloc[230:260] = np.nan
    model = make().fit(rows[:180])
    for row in range(180, 300):
        assert np.isfinite(model.partial_fit(rows[row : row + 1]).forecast()).all(axis=None)


def test_reset_state_keeps_what_was_learnt(fitted, series):
    model = fitted()
    in_sample = model.predict(series[:200])
    model.reset_state()
    with pytest.raises(ValueError, match="no row since reset_state"):
        model.forecast()
    np.testing.assert_array_equal(model.predict(series[:200]), in_sample)
    model.update(series[380:480])  # anywhere in time
    assert model.cutoff_ == series.index[479]


def test_the_readout_and_the_network_learn_from_the_state(series):
    model = fit_once(quick(), series[:180])
    before = stream_of(model)
    model.partial_fit(series[180:280])
    after = stream_of(model)
    assert (after.readout.weights != before.readout.weights).all()
    pairs = zip(after.encoder.network.weights, before.encoder.network.weights, strict=True)
    assert all((a != b).any() for a, b in pairs)
    model.update(series[280:380])
    frozen = stream_of(model)
    np.testing.assert_array_equal(frozen.readout.weights, after.readout.weights)
    np.testing.assert_array_equal(
        frozen.encoder.network.weights[0], after.encoder.network.weights[0]
    )


@pytest.mark.parametrize("is_panel", [False, True])
def test_the_network_learns_at_every_so_many_learnt_rows_whatever_comes_between(is_panel):
    rows, model, form = hourly(400, 2), quick(), melted if is_panel else pd.DataFrame
    if is_panel:
        model.set_params(id_col="id", time_col="time")
    model.fit(form(rows[:208]))  # to the end of a period
    before = learner_of(model).encoder.optimizer.n_steps
    for start in range(208, 400, 16):  # the next ones end where nothing is learnt
        middle = start + 8
        model.partial_fit(form(rows[start:middle])).update(form(rows[middle : start + 16]))
    assert learner_of(model).encoder.optimizer.n_steps - before == 96 // 16


@pytest.mark.parametrize("first", ["update", "partial_fit"])
def test_a_stamp_of_a_panel_counts_as_learnt_if_a_series_of_it_is(first):
    rows = hourly(240, 2)
    model = quick(id_col="id", time_col="time").fit(melted(rows[:208]))
    before = learner_of(model).encoder.optimizer.n_steps
    calls = [("s0", model.update), ("s1", model.partial_fit)]
    for row in range(208, 240):
        for name, call in calls if first == "update" else reversed(calls):
            call(melted(rows.iloc[[row]][[name]]))
    assert learner_of(model).encoder.optimizer.n_steps - before == 32 // 16


def test_a_new_run_counts_its_rows_anew(series):
    model = fit_once(quick(gap="reset"), series[:180])
    model.partial_fit(series[180:185]).partial_fit(series[280:291])  # a gap
    assert stream_of(model).n_learnt == 11
    model.reset_state()
    assert stream_of(model.partial_fit(series[300:307])).n_learnt == 7


# --- score ----------------------------------------------------------------------------------------


def test_score_is_r2_of_the_rows_that_follow(series):
    from sklearn.metrics import r2_score

    data = hourly(380, n_columns=2)
    model = fit_once(quick(horizon=2), data[:180])
    X = data[180:]
    prediction = model.predict(X)
    expected = []
    for s in range(2):
        for h in (1, 2):
            guess = prediction[: len(X) - h, 2 * s + h - 1]
            expected.append(r2_score(X.iloc[h:, s], guess))
    assert model.score(X) == pytest.approx(np.mean(expected), rel=1e-12)


# --- errors ---------------------------------------------------------------------------------------


def test_a_fit_that_fails_after_its_draw_gives_the_draw_back(series, monkeypatch):
    drawn = np.random.RandomState(0)
    model = quick(random_state=drawn)
    with monkeypatch.context() as patch, pytest.raises(ZeroDivisionError):
        patch.setattr(RNNForecaster, "_make_intervals", lambda *_: 1 / 0)
        model.fit(series)
    assert drawn.randint(2**31) == np.random.RandomState(0).randint(2**31)
    drawn.seed(0)
    forecast, again = (model.fit(series).forecast() for _ in range(2))
    expected = fit_once(quick(random_state=np.random.RandomState(0)), series).forecast()
    pd.testing.assert_frame_equal(forecast, expected)
    assert model.random_state is drawn and not forecast.equals(again)


def test_a_call_that_raises_changes_nothing(fitted, series):
    model = fitted()
    before = content(vars(model))
    shifted = series[180:190].set_axis(series.index[180:190] + pd.Timedelta("30min"))
    infinite = series[180:190].copy()
    infinite.iloc[3] = np.inf
    bad = {
        "not newer than the cutoff": series[170:190],
        "off the frequency": shifted,
        "sort_index": series[180:190][::-1],
        "duplicated": series.iloc[[180, 180, 181]],
        "infinity": infinite,
        "feature names": series[180:190].rename(columns={"s0": "other"}),
        "no numbers": series[180:190].astype(str),
        "tz_convert": series[180:190].tz_localize("UTC"),
        "DatetimeIndex": series[180:190].reset_index(drop=True),
        "expected none": None,
    }
    for message, rows in bad.items():
        in_sample_is_fine = message == "not newer than the cutoff"
        calls = [model.partial_fit, model.update, model.predict]
        for call in calls[: 2 if in_sample_is_fine else 3]:
            with pytest.raises(ValueError, match=message):
                call(rows) if rows is not None else call(series[180:190], series["s0"][180:190])
        assert content(vars(model)) == before, message
    with pytest.raises(ValueError, match="at most the fitted horizon 3"):
        model.forecast(4)
    with pytest.raises(ValueError, match="minimum of 1 is required"):
        model.fit(series[:0])
    assert content(vars(model)) == before


@pytest.mark.parametrize(
    ("params", "message"),
    [
        ({"cell": "transformer"}, "found cell='transformer', expected one of"),
        ({"loss": "quantile"}, "found loss="),
        ({"horizon": 0}, "horizon"),
        ({"hidden_size": 0}, "hidden_size"),
        ({"forgetting": 0.0}, "forgetting"),
        ({"forgetting": 1.5}, "forgetting"),
        ({"lags": -1}, "lags"),
        ({"season": 1}, "season"),
        ({"lower": 2.0, "upper": 1.0}, "lower < upper"),
        ({"lower": np.nan}, "found lower=nan"),
        ({"late": "ignore"}, "found late='ignore'"),
        ({"gap": "ignore"}, "found gap='ignore'.*reset"),
        ({"dtype": np.int32}, "float32 or numpy.float64"),
        ({"target": "load"}, "found target='load', expected different names out of"),
        ({"learning_rate": 0.0}, "learning_rate"),
        ({"learning_rate": np.nan}, "learning_rate"),
        ({"outlier_filter": "no"}, r"found outlier_filter='no', expected one of \(True, False\)"),
        ({"early_stopping": "false"}, "found early_stopping='false', expected one of"),
        ({"learning_rate": 1e30, "early_stopping": False, "max_iter": 30}, "not finite.*lower it"),
        ({"forgetting": np.nan}, "forgetting"),
        ({"target": ["s0", "s0"]}, "different names"),
    ],
)
def test_a_parameter_that_cannot_be_used_is_named(series, params, message):
    with pytest.raises(ValueError, match=message):
        fit_once(quick(**params), series[:180])


def test_before_fit_nothing_can_be_forecast(make, series):
    from sklearn.exceptions import NotFittedError

    for call in (
        lambda m: m.forecast(),
        lambda m: m.predict(series),
        lambda m: m.update(series),
        lambda m: m.score(series),
        lambda m: m.reset_state(),
    ):
        with pytest.raises(NotFittedError):
            call(make())


def test_y_must_come_as_it_came_at_fit(series):
    data = hourly(280, n_columns=2)
    model = quick().fit(data[["s1"]][:180], data["s0"][:180])
    with pytest.raises(ValueError, match="expected the targets"):
        model.partial_fit(data[["s1"]][180:])
    with pytest.raises(ValueError, match="expected the 1 of fit"):
        model.partial_fit(data[["s1"]][180:], data.to_numpy()[180:])
    with pytest.raises(ValueError, match="different indexes"):
        model.partial_fit(data[["s1"]][180:200], data["s0"][190:210])
    with pytest.raises(ValueError, match="one of them"):
        quick(target="s1").fit(data[["s1"]], data["s0"])


def test_progress_is_printed_when_asked(series, capsys):
    fit_once(quick(max_iter=20, verbose=True), series[:300])
    assert "step 20/20: loss" in capsys.readouterr().out


# --- bounds, late rows and gaps -------------------------------------------------------------------


def test_late_rows_are_dropped_and_counted_so_that_a_replay_is_harmless(fitted, series):
    model, once = fitted(late="drop"), fitted(late="drop")
    once.partial_fit(series[180:200])
    model.partial_fit(series[180:190])
    model.partial_fit(series[:185])  # all seen
    model.partial_fit(series[170:200])  # in part
    assert model.n_late_ == 185 + 20
    assert once.n_late_ == 0
    assert model.cutoff_ == once.cutoff_
    assert content(stream_of(model)) == content(stream_of(once))
    model.update(series[190:201])
    assert model.n_late_ == 185 + 20 + 10
    assert model.fit(series[:180]).n_late_ == 0


@pytest.mark.parametrize("learn", ["partial_fit", "update"])
def test_a_gap_may_start_a_new_run(fitted, series, learn):
    rows = pd.concat([series[180:220], series[225:280]])
    model, by_hand = fitted(gap="reset"), fitted(gap="reset")
    prediction = model.predict(rows)
    for start in range(0, 95, 7):
        getattr(model, learn)(rows[start : start + 7])
    getattr(by_hand, learn)(series[180:220])
    by_hand.reset_state()
    getattr(by_hand, learn)(series[225:280])
    assert model.forecast().equals(by_hand.forecast())
    ours, theirs = stream_of(model), stream_of(by_hand)
    for part in ("readout", "encoder"):
        if hasattr(ours, part):
            assert content(getattr(ours, part)) == content(getattr(theirs, part))
    # The newest rows: what was usual before the first one goes on over a gap, but not by hand.
    assert content(ours.window[-51:]) == content(theirs.window[-51:])
    if learn == "update":
        expected = by_hand.forecast().to_numpy().ravel()
        np.testing.assert_array_equal(prediction[-1], expected)
        assert prediction.shape == (95, 3)
    with pytest.raises(ValueError, match="gap of 20 missing rows"):
        fitted(gap="reset", max_gap=10).update(series[200:210])


def test_a_history_with_a_gap_is_learnt_run_by_run(make, series):
    rows = pd.concat([series[:150], series[180:330]])
    model = make(gap="reset").fit(rows)
    assert model.cutoff_ == series.index[329]
    if hasattr(stream_of(model), "n_rows"):
        assert stream_of(model).n_rows == 150  # since the gap
    assert np.isfinite(model.forecast()).all(axis=None)


def test_forecasts_keep_within_bounds_and_learning_does_not_know_of_them(series):
    free = fit_once(quick(), series[:180])
    prediction = free.predict(series[180:220])
    lower, upper = (float(q) for q in np.quantile(prediction, [0.3, 0.7]))
    bounded = fit_once(quick(lower=lower, upper=upper), series[:180])
    np.testing.assert_array_equal(bounded.forecast(), free.forecast().clip(lower, upper))
    np.testing.assert_array_equal(bounded.predict(series[180:220]), prediction.clip(lower, upper))
    assert content(bounded._state) == content(free._state)
    half = fit_once(quick(lower=lower), series[:180]).predict(series[180:220])
    np.testing.assert_array_equal(half, prediction.clip(lower))


@pytest.mark.parametrize(
    "wrong",
    [{"lower": "x"}, {"upper": "y"}, {"gap": "skip"}, {"late": 1}, {"max_gap": "q"},
     {"lower": 5.0, "upper": 1.0}, {"coverage": 7}],
)  # fmt: skip
def test_parameters_set_after_fit_are_checked_at_once(wrong):
    """`lower="x"` was taken for "auto", others failed in NumPy; the kind: what no `fit` sees."""
    model = quick().fit(hourly(80))
    before = content(model)
    with pytest.raises((ValueError, TypeError), match=r"found|must be"):
        model.set_params(**wrong)
    assert content(model) == before
    assert model.set_params(upper=50.0).forecast().max().max() <= 50.0
