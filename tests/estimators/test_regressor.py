"""The recurrent regressor: memory, carried state, and where predict starts."""

import copy

import numpy as np
import pandas as pd
import pytest
from helpers import content, hourly
from helpers.internals import stream_of
from sklearn.exceptions import NotFittedError

from tsrnn import RNNRegressor, dumps, load, loads

QUICK = {"hidden_size": 6, "max_iter": 5, "window_size": 16, "random_state": 0}


@pytest.fixture
def table():
    data = hourly(400, n_columns=3)
    return data[["s1", "s2"]], data["s0"]


@pytest.mark.slow
@pytest.mark.parametrize("cell", ["gru", "rnn", "lstm"])
def test_it_remembers_further_back_than_its_lags(cell):
    rng = np.random.default_rng(0)
    X = rng.choice([-1.0, 1.0], size=(3000, 1))
    y = X[:, 0] * np.roll(X[:, 0], 1) * np.roll(X[:, 0], 2)  # no linear readout of X can
    model = RNNRegressor(cell, lags=0, max_iter=250, learning_rate=0.02, random_state=0)
    assert model.fit(X[:2500], y[:2500]).score(X[2500:], y[2500:]) > 0.8


@pytest.mark.parametrize("cell", ["rnn", "lstm", "gru"])
@pytest.mark.parametrize("learn", ["partial_fit", "update"])
def test_any_split_of_the_rows_gives_the_same_estimator(table, cell, learn):
    X, y = table
    whole = RNNRegressor(cell, **QUICK).fit(X[:300], y[:300])
    parts = copy.deepcopy(whole)
    getattr(whole, learn)(X[300:], y[300:])
    for start, stop in zip([300, 301, 302, 340], [301, 302, 340, 400], strict=True):
        getattr(parts, learn)(X[start:stop], y[start:stop])
    assert content(vars(parts)) == content(vars(whole))


def test_predict_goes_on_from_the_carried_state_and_changes_nothing(table):
    X, y = table
    model = RNNRegressor(**QUICK).fit(X[:300], y[:300])
    before = content(vars(model))
    whole = model.predict(X[300:])
    assert content(vars(model)) == before
    model.update(X[300:350])
    np.testing.assert_array_equal(model.predict(X[350:]), whole[50:])


def test_rows_already_seen_roll_from_the_zero_state(table):
    X, y = table
    model = RNNRegressor(**QUICK).fit(X[:300], y[:300])
    in_sample = model.predict(X)
    continued = model.predict(X[300:])
    assert (in_sample[300:] != continued).any()  # one started far back at zero, the other did not
    model.reset_state()
    np.testing.assert_array_equal(model.predict(X), in_sample)


def test_time_stamps_need_no_frequency_but_must_increase(table):
    X, y = table
    odd = X.index[:400:3].append(X.index[1:400:7]).sort_values().unique()
    model = RNNRegressor(**QUICK).fit(X.loc[odd], y.loc[odd])
    assert model.cutoff_ == odd[-1]
    with pytest.raises(ValueError, match="not newer than the cutoff"):
        model.partial_fit(X[-5:], y[-5:])
    with pytest.raises(ValueError, match="sort_index"):
        RNNRegressor(**QUICK).fit(X[::-1], y[::-1])


def test_numbers_of_rows_are_times(table):
    """Labels that are numbers: steps of 2 and a gap are kept, rows that were seen are late."""
    X, y = (data.set_axis(np.r_[0:400:2, 500:900:2]) for data in table)
    X = X.set_axis([0, 1], axis=1)  # so that arrays may follow
    model = RNNRegressor(**QUICK).fit(X[:200], y[:200])
    assert model.cutoff_ == 398
    with pytest.raises(ValueError, match=r"10 rows not newer than the cutoff 398.*RangeIndex\(399"):
        model.partial_fit(X[190:210], y[190:210])
    with pytest.raises(ValueError, match="row numbers that do not increase"):
        model.update(X[210:199:-1], y[210:199:-1])
    stamped = [data.set_axis(pd.to_datetime(data.index, unit="h")) for data in (X, y)]
    other = RNNRegressor(**QUICK).fit(stamped[0][:200], stamped[1][:200])
    np.testing.assert_array_equal(model.predict(X[150:220]), other.predict(stamped[0][150:220]))
    again = loads(dumps(model)).partial_fit(X[200:210], y[200:210])
    assert again.cutoff_ == 518
    assert again.update(X[210:220].to_numpy(), y[210:220].to_numpy()).cutoff_ == 528
    assert again.reset_state().cutoff_ is None
    assert again.update(X[:3], y[:3]).cutoff_ == 4


def test_several_outputs_keep_the_shape_of_y(table):
    X, y = table
    Y = np.column_stack([y, 2 * y + 1])
    model = RNNRegressor(**QUICK).fit(X[:300], Y[:300])
    prediction = model.predict(X[300:])
    assert prediction.shape == (100, 2)
    np.testing.assert_allclose(prediction[:, 1], 2 * prediction[:, 0] + 1, rtol=0.05)
    single = RNNRegressor(**QUICK).fit(X[:300], y.to_numpy()[:300, None])
    assert single.predict(X[300:]).shape == (100, 1)


def test_state_is_carried_by_layer(table):
    X, y = table
    model = RNNRegressor("lstm", n_layers=2, **QUICK).fit(X[:300], y[:300])
    assert [(s.h.shape, s.c.shape) for s in model.state_] == [((1, 6), (1, 6))] * 2
    assert model.n_iter_ == len(model.loss_curve_) == 5
    model.reset_state()
    assert not model.state_[0].h.any()


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda X, y: (X, y.where(y.index != y.index[7])), "NaN in column 's0', row 7"),
        (lambda X, y: (X.replace(X.iloc[3, 1], np.inf), y), "infinity.*column 's2', row 3"),
        (lambda X, y: (X, None), "requires y to be passed"),
        (lambda X, y: (X[:2], y[:2]), "found 2 sample.*expected at least 3"),
        (lambda X, y: (X.assign(time=X.index), y), "no numbers.*time"),
        (lambda X, y: (X, y.astype(str) + "?"), "could not convert"),
        (lambda X, y: (pd.concat([X, X], axis=1), y), "more than once"),
        (lambda X, y: (X, y[:-1]), "inconsistent numbers of samples"),
    ],
)
def test_bad_input_is_named_before_anything_changes(table, change, message):
    X, y = table
    model = RNNRegressor(**QUICK).fit(X, y)
    before = content(vars(model))
    with pytest.raises(ValueError, match=message):
        model.fit(*change(X, y))
    assert content(vars(model)) == before


def walk(n_rows, seed=0, n_outputs=1):
    """X, and y that is part of it and a random walk."""
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(n_rows, 2))
    level = rng.normal(size=(n_rows, n_outputs)).cumsum(axis=0)
    y = X[:, :1] + level + 0.3 * rng.normal(size=(n_rows, n_outputs))
    return X, y[:, 0] if n_outputs == 1 else y


def test_the_newest_y_counts_by_its_age():
    X, y = walk(1500)
    model = RNNRegressor(**QUICK).fit(X[:1000], y[:1000])
    one_by_one = []
    for row in range(1000, 1500):
        one_by_one.append(model.predict(X[row : row + 1])[0])
        model.partial_fit(X[row : row + 1], y[row : row + 1])
    error = np.mean((one_by_one - y[1000:]) ** 2)
    assert error < 0.1 * y[1000:].var()
    weights = model.expert_weights_
    assert weights.index.names == ["target", "age"]
    assert weights.index.get_level_values("age").tolist() == [2**k for k in range(12)]
    assert weights.columns.tolist() == ["recurrent", "linear", "newest_y"]
    np.testing.assert_allclose(weights.sum(axis=1), 1.0)
    assert weights.loc[("y", 1), "newest_y"] > 0.4


def test_y_of_update_moves_the_mixture_and_the_intervals_and_nothing_else():
    X, y = walk(1200)
    model = RNNRegressor(**QUICK).fit(X[:1000], y[:1000])
    before = model.expert_weights_
    blind = RNNRegressor(**QUICK).fit(X[:1000], y[:1000]).update(X[1000:])
    pd.testing.assert_frame_equal(blind.expert_weights_, before)
    model.update(X[1000:], y[1000:])
    assert not model.expert_weights_.equals(before)
    for one, other in ((model, blind),):
        for readout in ("readout", "linear"):
            a, b = (getattr(stream_of(m), readout).weights for m in (one, other))
            np.testing.assert_array_equal(a, b)
    assert (model.predict(X[:5]) != blind.predict(X[:5])).all()  # y of row 1199 against y of 999


@pytest.mark.slow
@pytest.mark.parametrize("n_outputs", [pytest.param(1, marks=pytest.mark.slow), 2])
def test_intervals_cover_their_share_row_by_row(n_outputs):
    X, y = walk(2600, n_outputs=n_outputs)
    model = RNNRegressor(**QUICK).fit(X[:1000], y[:1000])
    inside = []
    for row in range(1000, 2600):
        new = slice(row, row + 1)
        ends, estimate = model.predict_interval(X[new], coverage=0.8), model.predict(X[new])
        assert ends.shape == ((1, 2) if n_outputs == 1 else (1, 2, 2))
        assert (ends[..., 0] <= estimate).all()
        assert (estimate <= ends[..., 1]).all()
        inside.append((ends[0, ..., 0] <= y[row]) & (y[row] <= ends[0, ..., 1]))
        model.partial_fit(X[new], y[new])
    np.testing.assert_allclose(np.mean(inside, axis=0), 0.8, atol=0.03)


def test_intervals_widen_with_the_age_of_y_and_with_coverage_and_change_nothing():
    X, y = walk(1200)
    model = RNNRegressor(**QUICK).fit(X[:1000], y[:1000])
    before = content(vars(model))
    narrow, wide = (np.diff(model.predict_interval(X[1000:], c)) for c in (0.5, 0.95))
    assert content(vars(model)) == before
    assert (narrow < wide).all()
    assert wide[99] > 1.5 * wide[0]
    for coverage, kind in ((1.0, ValueError), (0.0, ValueError), ("0.9", TypeError)):
        with pytest.raises(kind, match="coverage"):
            model.predict_interval(X[1000:], coverage)


def test_no_interval_is_narrower_than_that_of_a_newer_y():
    X, y = walk(1200)
    y[:900] = np.sin(np.arange(900.0))  # the newest y is worse than an older one, 44 rows back
    model = RNNRegressor(**QUICK).fit(X[:900], y[:900])
    ends = model.predict_interval(X[900:]) - model.predict(X[900:])[:, None]
    assert (np.diff(ends[:, 0]) <= 1e-9).all()
    assert (np.diff(ends[:, 1]) >= -1e-9).all()


@pytest.mark.slow
def test_intervals_hold_far_ahead_of_y_where_errors_come_in_runs():
    """What X does not tell of y wanders for some 400 rows; y is not known for up to 1,000."""
    inside = []
    for seed in range(2):
        rng = np.random.default_rng(seed)
        X, steps = rng.normal(size=(9000, 1)), rng.normal(size=9000) * np.sqrt(1 / 200)
        wandering = np.zeros(9000)
        for row in range(1, 9000):
            wandering[row] = (1 - 1 / 400) * wandering[row - 1] + steps[row]
        y = X[:, 0] + wandering + 0.2 * rng.normal(size=9000)
        model = RNNRegressor(**QUICK).fit(X[:4000], y[:4000])
        for start in range(4000, 7900, 300):
            ends, actual = model.predict_interval(X[start : start + 1000]), y[start : start + 1000]
            covered = (ends[:, 0] <= actual) & (actual <= ends[:, 1])
            inside.append(covered[200:].mean())
            model.partial_fit(X[start : start + 300], y[start : start + 300])
    assert np.mean(inside) > 0.78  # 0.61 where levels and quantiles move as fast as at small ages


def test_intervals_are_aligned_with_predict_wherever_it_starts(table):
    X, y = table
    model = RNNRegressor(**QUICK).fit(X[:300], y[:300])
    whole = model.predict_interval(X[300:])
    model.update(X[300:350])
    np.testing.assert_array_equal(model.predict_interval(X[350:]), whole[50:])
    in_sample = model.predict_interval(X)
    estimates = model.predict(X)
    assert ((in_sample[:, 0] <= estimates) & (estimates <= in_sample[:, 1])).all()
    with pytest.raises(NotFittedError):
        RNNRegressor().predict_interval(X)


@pytest.mark.parametrize("lags", [0, 3])
def test_few_first_rows_are_held_back_until_they_are_enough(table, tmp_path, lags):
    X, y = table
    model = RNNRegressor(lags=lags, **QUICK)
    whole = RNNRegressor(lags=lags, **QUICK).fit(X[: lags + 2], y[: lags + 2])
    for row in range(lags + 1):
        model.partial_fit(X[row : row + 1], y[row : row + 1])
        with pytest.raises(NotFittedError):
            model.predict(X)
        with pytest.raises(NotFittedError):
            model.update(X[row : row + 1])
        model.save(tmp_path / "held")
        model = load(tmp_path / "held")
    model.partial_fit(X[lags + 1 : lags + 2], y[lags + 1 : lags + 2])
    assert content(vars(model)) == content(vars(whole))


@pytest.mark.parametrize(
    "form",
    [
        lambda X, y: (X.to_numpy(), y.to_numpy()),
        lambda X, y: (X.to_numpy().tolist(), y.tolist()),
        lambda X, y: (X.reset_index(drop=True), y.reset_index(drop=True)),
        lambda X, y: (X.assign(s2=np.where(X["s2"] > 10, "high", "low")), y.to_frame()),
        lambda X, y: (X.astype("float32"), y.to_numpy()),
    ],
)
def test_rows_are_held_back_in_any_form(table, form):
    X, y = table
    parts = RNNRegressor(lags=8, **QUICK)
    for start in range(0, 12, 4):
        parts.partial_fit(*form(X[start : start + 4], y[start : start + 4]))
    whole = RNNRegressor(lags=8, **QUICK).fit(*form(X[:12], y[:12]))
    new = form(X[12:20], y[12:20])[0]
    # an array's layout in memory is the caller's, and with it the order of a mean's sums
    np.testing.assert_allclose(parts.predict(new), whole.predict(new), rtol=1e-9)


def test_rows_that_do_not_follow_those_held_back_are_refused_and_change_nothing(table):
    X, y = table
    model = RNNRegressor(lags=8, **QUICK).partial_fit(X[4:6], y[4:6])
    before = content(vars(model))
    for rows, message in (
        ((X[:2], y[:2]), "sort_index"),
        ((X[["s1"]][6:8], y[6:8]), "found columns.*s1.*expected.*s2"),
        ((X[6:8].rename(columns={"s1": "x"}), y[6:8]), "s1"),
        ((X.to_numpy()[6:8], y[6:8].to_numpy()), "an array"),
        ((X[6:8], None), "requires y"),
        ((X[6:8], y[6:8].where(y[6:8] > 1e9)), "NaN in column 's0'"),
    ):
        with pytest.raises(ValueError, match=message):
            model.partial_fit(*rows)
        assert content(vars(model)) == before
    with pytest.raises(ValueError, match="lags"):
        RNNRegressor(lags=-1).partial_fit(X[:1], y[:1])


def test_a_wide_X_leaves_the_linear_expert_fewer_lags():
    rng = np.random.default_rng(0)
    X = rng.normal(size=(60, 80))
    model = RNNRegressor(**QUICK).fit(X, X[:, 0])
    assert stream_of(model).design.linear_lags == 5  # 6 rows of 80, and 1
    assert np.isfinite(model.predict(X)).all()


def test_an_absurd_y_is_neither_repeated_nor_learnt():
    X, y = walk(1200)
    spiked = y.copy()
    spiked[1000] += 1000 * y.std()
    errors = []
    for labels in (y, spiked):
        model = RNNRegressor(**QUICK).fit(X[:1000], y[:1000])
        model.partial_fit(X[1000:1001], labels[1000:1001])
        estimates = []
        for row in range(1001, 1200):
            estimates.append(model.predict(X[row : row + 1])[0])
            model.partial_fit(X[row : row + 1], y[row : row + 1])
        errors.append(np.mean((estimates - y[1001:]) ** 2))
    assert errors[1] < 1.1 * errors[0]
