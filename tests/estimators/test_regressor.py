"""The recurrent regressor: memory, carried state, and where predict starts."""

import numpy as np
import pandas as pd
import pytest
from helpers import content, hourly

from tsrnn import RNNRegressor

QUICK = {"hidden_size": 6, "max_iter": 5, "window_size": 16, "random_state": 0}


@pytest.fixture
def table():
    data = hourly(400, n_columns=3)
    return data[["s1", "s2"]], data["s0"]


@pytest.mark.parametrize("cell", ["rnn", "lstm", "gru"])
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
    parts = RNNRegressor(cell, **QUICK).fit(X[:300], y[:300])
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
