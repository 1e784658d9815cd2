"""The streaming contract over random settings, streams and splits.

Settings and streams are drawn by strategies named by their axes. Contents are compared to the last
bit.
"""

import copy
import itertools

import numpy as np
import pandas as pd
import pytest
from helpers import content, hourly
from helpers.internals import learner_of, stream_of
from helpers.strategies import (
    N_FIT,
    Case,
    baselines,
    cases,
    cuts,
    examples,
    methods,
    missing_stamps,
    recurrent_forecasters,
    regressors,
    seeds,
)
from hypothesis import given
from hypothesis import strategies as st

from tsrnn import RNNForecaster, RNNRegressor
from tsrnn.baselines import LinearForecaster, SeasonalNaiveForecaster
from tsrnn.evaluate import prequential

# --- strategies: settings -----------------------------------------------------------------------


# --- strategies: streams and how they are split ---------------------------------------------------


# --- any split of the rows --------------------------------------------------------------------


def future_cols(model):
    return getattr(model, "future_cols", None) or []


def forecast(model, *horizon, rows=None):
    """Forecast, with what rows say of the columns known ahead; without rows that is missing."""
    if not future_cols(model):
        return model.forecast(*horizon)
    index = model.future_index(*horizon)
    known = pd.DataFrame(index=index) if rows is None else rows[0]
    return model.forecast(*horizon, X_future=known.reindex(index, columns=future_cols(model)))


def assert_same(one, other):
    assert content(vars(one)) == content(vars(other))
    if hasattr(one, "forecast"):
        pd.testing.assert_frame_equal(forecast(one), forecast(other), check_exact=True)


def check_split(case, cuts, methods):
    whole = case.walk(copy.deepcopy(case.model), (), methods)
    parts = case.walk(case.model, cuts, methods)
    assert_same(whole, parts)


@examples(8)
@given(cases(recurrent_forecasters()), cuts, methods)
def test_any_split_leaves_the_same_forecaster(case, cuts, methods):
    check_split(case, cuts, methods)


@examples(5)
@given(cases(recurrent_forecasters(), ahead=True), cuts, methods)
def test_any_split_leaves_the_same_forecaster_that_looks_ahead(case, cuts, methods):
    check_split(case, cuts, methods)


@examples(4)
@given(cases(regressors()), cuts, methods)
def test_any_split_leaves_the_same_regressor(case, cuts, methods):
    check_split(case, cuts, methods)


@examples(5)
@given(cases(baselines()), cuts, methods)
def test_any_split_leaves_the_same_baseline(case, cuts, methods):
    check_split(case, cuts, methods)


@examples(4)
@given(cases(st.one_of(recurrent_forecasters(), baselines())), cuts, st.integers(1, 20))
def test_a_replay_of_rows_already_seen_is_dropped(case, cuts, n_again):
    whole = case.model.set_params(late="drop")
    parts = copy.deepcopy(whole)
    whole.partial_fit(*case.between(case.n_fit))
    edges = [case.n_fit, *sorted(case.n_fit + cut for cut in cuts if cut), case.n_rows]
    edges = [edge for edge in edges if edge <= case.n_rows]
    for start, stop in itertools.pairwise(edges):
        again = max(0, start - n_again)
        parts.partial_fit(*case.between(again, stop))
    assert parts.n_late_ == sum(min(n_again, start) for start in edges[:-1])
    assert whole.cutoff_ == parts.cutoff_
    assert content(stream_of(whole)) == content(stream_of(parts))


QUICK = {"hidden_size": 4, "max_iter": 3, "window_size": 16, "random_state": 0}
LONG = {
    "rnn": (RNNForecaster(2, "rnn", **QUICK), 1000),
    "lstm": (RNNForecaster(2, "lstm", **QUICK), 1000),
    "gru": (RNNForecaster(2, "gru", **QUICK), 1000),
    "known ahead": (RNNForecaster(2, "gru", future_cols=["s1"], **QUICK), 1000),
    "known ahead, long": (RNNForecaster(2, "gru", future_cols=["s1"], **QUICK), 4500),
    "regressor": (RNNRegressor("gru", **QUICK), 3200),
    "linear": (LinearForecaster(2, lags=4), 4500),  # beyond a block of 4096 rows
    "seasonal naive": (SeasonalNaiveForecaster(2), 4500),
}


LONG_AND_SLOW = {"rnn", "gru", "known ahead, long", "regressor"}


@pytest.mark.slow
@pytest.mark.parametrize(
    "name",
    [pytest.param(k, marks=[pytest.mark.slow] if k in LONG_AND_SLOW else []) for k in LONG],
)
def test_a_long_stream_may_be_split_too(name):
    model, n_new = LONG[name]
    rng = np.random.default_rng(7)
    frame = hourly(N_FIT + n_new, 2, seed=1)
    if isinstance(model, RNNRegressor):
        rows = frame[["s1"]], frame["s0"]
    else:
        frame["s0"] = frame["s0"].mask(rng.random(len(frame)) < 0.1)
        rows = (frame[(rng.random(len(frame)) < 0.99) | (np.arange(len(frame)) < N_FIT)],)
        model.set_params(target="s0")
    case = Case(model, rows, N_FIT)
    cuts = np.cumsum(rng.choice([1, 2, 5, 16, 31], size=n_new))
    whole = case.walk(copy.deepcopy(model), ())
    assert_same(whole, case.walk(copy.deepcopy(model), cuts.tolist()))
    if "window_size" in model.get_params():  # the network took a step every 16 rows
        assert learner_of(whole).encoder.optimizer.n_steps >= 0.94 * n_new // 16
    frozen = case.walk(copy.deepcopy(model), (), ["update"])
    assert_same(frozen, case.walk(copy.deepcopy(model), cuts.tolist(), ["update"]))
    X = case.between(N_FIT)[0]
    if not isinstance(model, RNNRegressor):
        said = model.predict(X)
        np.testing.assert_array_equal(said[-1], forecast(frozen).to_numpy().ravel())
        model.update(X[: n_new // 2])
        np.testing.assert_array_equal(model.predict(X[n_new // 2 :]), said[n_new // 2 :])


# --- purity -----------------------------------------------------------------------------------


def questions(case):
    """Every pure call: on rows seen and to come, whole and with a gap, with and without y."""
    model, regression = case.model, isinstance(case.model, RNNRegressor)
    spans = [case.between(0), case.between(case.n_fit), case.between(case.n_fit // 2, -3)]
    spans.append(case.between(case.n_fit + 7))
    for rows in spans:
        yield lambda rows=rows: model.predict(rows[0])
        if not regression and len(rows) == 2:
            yield lambda rows=rows: model.predict(*rows)
    yield lambda: model.score(*case.between(0))
    yield lambda: model.score(*case.between(case.n_fit))
    if not regression:
        yield lambda: forecast(model, rows=case.rows).to_numpy()
        yield lambda: forecast(model, 1, rows=case.rows).to_numpy()


def spoil(answer):
    """Write to what a call returned: the model must not have kept it."""
    if isinstance(answer, np.ndarray) and answer.flags.writeable:
        answer[...] = np.nan


@examples(5)
@given(
    cases(st.one_of(recurrent_forecasters(), regressors(), baselines())), st.permutations(range(12))
)
def test_questions_leave_the_model_and_the_rows_as_they_were(case, order):
    model, rows = case.model, copy.deepcopy(case.rows)
    undisturbed = copy.deepcopy(model)
    before = content(vars(model))
    asked = list(questions(case))
    answers = [np.copy(ask()) for ask in asked]
    for i in order:
        if i < len(asked):
            answer = asked[i]()
            np.testing.assert_array_equal(answer, answers[i])
            spoil(answer)
        assert content(vars(model)) == before
    for state in getattr(model, "state_", ()):
        spoil(state.h)
    assert content(vars(model)) == before
    assert all(part.equals(was) for part, was in zip(case.rows, rows, strict=True))
    assert_same(case.walk(model, ()), case.walk(undisturbed, ()))


def check_rolled(case, in_sample):
    model = case.model
    start = 0 if in_sample else case.n_fit
    prediction = model.predict(*case.between(start))
    if in_sample:
        model.reset_state()
    edges = [row for edge in (start, case.n_fit) for row in range(edge - 2, edge + 20)]
    for row in range(start, case.n_rows):
        model.update(*case.between(row, row + 1))
        if row % 3 and row not in edges:
            continue
        said = forecast(model, rows=case.rows)
        said = said.to_numpy().T.ravel()
        np.testing.assert_array_equal(np.ravel(prediction[row - start]), said)


@examples(6)
@given(
    st.one_of(
        cases(st.one_of(recurrent_forecasters(), baselines())),
        cases(recurrent_forecasters(), ahead=True),
    ),
    st.booleans(),
)
def test_predict_is_what_forecast_would_have_said(case, in_sample):
    check_rolled(case, in_sample)


@pytest.mark.parametrize("in_sample", [False, True])
def test_predict_too_starts_a_run_that_begins_with_a_missing_value(in_sample):
    frame = hourly(110)
    frame.iloc[[0, 30, 100]] = np.nan
    rows = frame.drop(frame.index[[28, 29, 95, 98, 99]])
    model = RNNForecaster(2, gap="reset", freq="h", season=None, **QUICK)
    check_rolled(Case(model, (rows,), 88), in_sample)


@examples(4)
@given(cases(st.one_of(recurrent_forecasters(), regressors(), baselines())))
def test_rows_only_taken_in_never_reach_a_prediction_in_sample(case):
    model, seen = case.model, case.between(0, case.n_fit)
    asked = seen[: 1 if isinstance(model, RNNRegressor) else 2]
    expected = model.predict(*asked)
    case.walk(model, (), ["update"])
    np.testing.assert_array_equal(model.predict(*asked), expected)


@examples(4)
@given(cases(st.one_of(recurrent_forecasters(), regressors(), baselines())))
def test_the_model_keeps_no_hold_on_the_rows_of_its_caller(case):
    model = case.model
    before = content(vars(model))
    for part in case.rows:
        for i, dtype in enumerate(part.dtypes if part.ndim == 2 else ()):
            other = {"f": 1e3, "b": True}.get(dtype.kind, "storm")
            part.iloc[:, i] = other
        if part.ndim == 1:
            part.iloc[:] = 1e3
    assert content(vars(model)) == before


# --- leakage ------------------------------------------------------------------------------------


def changed_from(rows, row, seed, kept=()):
    """Other values from a row on, but in columns to be kept: larger, lower, no longer missing."""
    rng = np.random.default_rng(seed)
    changed = []
    for part in rows:
        columns = {}
        for name, column in part.items() if part.ndim == 2 else [(part.name, part)]:
            later = column.iloc[row:]
            if name not in kept and pd.api.types.is_float_dtype(column):
                later = 50 * later.fillna(1.0) + rng.normal(scale=30, size=len(later))
            elif name not in kept:
                later = later.iloc[rng.permutation(len(later))]
                later = later.where(later.notna(), "storm")
            columns[name] = pd.Series([*column.iloc[:row], *later], part.index, name=name)
        changed.append(pd.DataFrame(columns) if part.ndim == 2 else columns[part.name])
    return tuple(changed)


fractions = st.floats(0, 1, exclude_max=True)


@examples(8)
@given(
    cases(st.one_of(recurrent_forecasters(), regressors(), baselines())),
    fractions, seeds, st.booleans(), missing_stamps,
)  # fmt: skip
def test_rows_to_come_never_reach_a_prediction(case, fraction, seed, in_sample, lost):
    model, start = case.model, 0 if in_sample else case.n_fit
    rows = case.between(start)[: 1 if isinstance(model, RNNRegressor) else 2]
    row = 1 + int(fraction * (len(rows[0]) - 1))
    expected = model.predict(*rows)[:row]
    kept = np.random.default_rng(seed).random(len(rows[0])) >= lost
    kept[:row] = True
    other = changed_from(rows, row, seed, future_cols(model))
    np.testing.assert_array_equal(model.predict(*other)[:row], expected)
    fewer = tuple(part[kept] for part in other), tuple(part[:row] for part in rows)
    row -= model.horizon if future_cols(model) else 0  # what is known ahead may not be lost
    for other in fewer if row > 0 else ():
        np.testing.assert_array_equal(model.predict(*other)[:row], expected[:row])


@examples(5)
@given(cases(recurrent_forecasters(), ahead=True), fractions, seeds, st.booleans())
def test_a_forecast_sees_no_further_ahead_than_its_horizon(case, fraction, seed, in_sample):
    model, rows = case.model, case.between(0 if in_sample else case.n_fit)
    row = 1 + int(fraction * (len(rows[0]) - 1))
    unaware = max(0, row - model.horizon)
    expected = model.predict(*rows)[:unaware]
    np.testing.assert_array_equal(model.predict(*changed_from(rows, row, seed))[:unaware], expected)


@examples(5)
@given(
    cases(st.one_of(recurrent_forecasters(), baselines()), y_apart=False),
    fractions, seeds, st.integers(1, 5), st.booleans(),
)  # fmt: skip
def test_rows_to_come_never_reach_an_issued_forecast(case, fraction, seed, chunk, learn):
    (data,) = case.between(case.n_fit)
    row = int(fraction * len(data))
    before = content(vars(case.model))
    issued = []
    for rows in (data, *changed_from((data,), row, seed, future_cols(case.model))):
        log = prequential(case.model, rows, chunk=chunk, learn=learn).forecasts
        log = log[log["cutoff"] < data.index[row]]
        issued.append(log[["cutoff", "time", "step", "target", "forecast"]])
    pd.testing.assert_frame_equal(*issued, check_exact=True)
    assert content(vars(case.model)) == before
