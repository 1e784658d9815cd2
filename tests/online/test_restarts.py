"""Readouts whose numbers are lost start anew, say so, and go on; nobody sees a NaN."""

import copy
import warnings
from functools import cache
from itertools import pairwise, product

import numpy as np
import pandas as pd
import pytest
from helpers.internals import learner_of
from sklearn.base import clone

from tsrnn import NumericalWarning, RNNForecaster
from tsrnn.baselines import LinearForecaster
from tsrnn.online.readouts.covariance import RENEWAL
from tsrnn.online.readouts.pooled import PooledRLS
from tsrnn.online.readouts.rls import DelayedRLS

N_FIT, N_NEW = 120, 120


def rows(n_rows=N_FIT + N_NEW):
    rng = np.random.default_rng(0)
    hours = np.arange(n_rows)
    daily = np.sin(2 * np.pi * hours[:, None] / 24 + [0, 1])
    values = 50 + 10 * daily + rng.normal(size=(n_rows, 2))
    return pd.DataFrame(values, pd.date_range("2024", periods=n_rows, freq="h"), ["a", "b"])


def long(frame):
    return frame.rename_axis("time").reset_index().melt("time", var_name="id")


def models():
    small = {"max_iter": 5, "hidden_size": 4, "random_state": 0, "lags": 5, "dtype": np.float64}
    yield "one", LinearForecaster(3, lags=5), {}
    yield "mixed", RNNForecaster(3, **small), {}
    yield "panel", RNNForecaster(3, id_col="id", time_col="time", **small), {}


MODELS = {name: model for name, model, _ in models()}


def readout_of(model):
    learner = learner_of(model)
    return getattr(learner, "stream", learner).readout


def indefinite(P):
    P[..., 0, 0] = -np.abs(P[..., 0, 0]) - 1e-3


def not_a_number(P):
    P[..., 1, 2] = np.nan


def infinite(P):
    P[..., 2, 2] = np.inf


def fed(model, frame, panel):
    frame = long(frame).sort_values("time", kind="stable") if panel else frame
    return model.partial_fit(frame)


def errors_after(model, frame, panel, n_last=60):
    """Feed rows by eights, the last one by one; return their errors, all forecasts being finite."""
    errors, first = [], max(0, len(frame) - n_last)
    for row, end in pairwise([*range(0, first, 8), *range(first, len(frame) + 1)]):
        ahead = model.forecast()
        ahead = ahead["value"].to_numpy().reshape(2, -1).T if panel else ahead.to_numpy()
        assert np.isfinite(ahead).all()
        errors.append(ahead[0] - frame.iloc[row].to_numpy())
        fed(model, frame[row:end], panel)
    return np.array(errors)[-n_last:]


@cache
def fitted_once(kind):
    frame = rows()[:N_FIT]
    return MODELS[kind].fit(long(frame) if kind == "panel" else frame)


@cache
def errors_left_alone(kind):
    return errors_after(copy.deepcopy(fitted_once(kind)), rows()[N_FIT:], kind == "panel")


@pytest.mark.parametrize(
    ("kind", "poison"),
    [("one", infinite), *product(MODELS, (indefinite, not_a_number))],
)
def test_a_poisoned_covariance_starts_anew(kind, poison):
    panel, frame = kind == "panel", rows()
    model = copy.deepcopy(fitted_once(kind))
    readout = readout_of(model)
    if panel:
        readout.gram = readout.gram.copy()
        poison(readout.gram)
    else:
        readout.covariance = readout.covariance.copy()
        poison(readout.covariance)
    with pytest.warns(NumericalWarning, match="a covariance .* starts anew"):
        found = errors_after(model, frame[N_FIT:], panel)
    expected = errors_left_alone(kind)
    assert np.square(found).mean() < 1.5 * np.square(expected).mean()


@pytest.mark.parametrize("value", [np.nan, np.inf])
@pytest.mark.parametrize("kind", MODELS)
def test_poisoned_weights_start_anew(kind, value):
    panel, frame = kind == "panel", rows()
    model = copy.deepcopy(fitted_once(kind))
    readout = readout_of(model)
    readout.weights = readout.weights.copy()
    readout.weights[0, 1, 2] = value
    with pytest.warns(NumericalWarning, match="starts anew"):
        fed(model, frame[N_FIT : N_FIT + 1], panel)
    found = errors_after(model, frame[N_FIT + 1 :], panel)
    expected = errors_left_alone(kind)
    assert np.square(found).mean() < 1.5 * np.square(expected).mean()


@pytest.mark.parametrize("poison", [indefinite, not_a_number])
@pytest.mark.parametrize("split", [[1] * 180, [70, 1, 109], [179, 1]])
def test_restarts_do_not_depend_on_the_split(split, poison):
    rng = np.random.default_rng(1)
    x, y = rng.normal(size=(180, 2, 4)), rng.normal(size=(180, 2, 1))
    found = []
    for sizes in (split, [180]):
        readout = DelayedRLS(2, 4, [1, 2, 3], 0.99, ridge=[1.0, 2.0])
        poison(readout.covariance[1])
        at = 0
        with warnings.catch_warnings(record=True) as told:
            warnings.simplefilter("always")
            for size in sizes:
                part = slice(at, at + size)
                readout = readout.learn(x[part], np.zeros((size, 2)), y[part])
                at += size
        assert {w.category for w in told} == {NumericalWarning}
        found.append(readout)
    np.testing.assert_array_equal(found[0].weights, found[1].weights)
    np.testing.assert_array_equal(found[0].covariance, found[1].covariance)


def test_an_indefinite_direction_that_no_row_shows_is_found_on_schedule():
    """Its stream starts anew, the other is not touched."""
    x = np.random.default_rng(0).normal(size=(RENEWAL, 2, 3))
    x[:, 0, 0] = 0.0
    healthy = DelayedRLS(2, 3, [0], 0.99)
    readout = copy.deepcopy(healthy)
    readout.covariance[0, 0, 0] = -1.0
    base, labels = np.zeros((RENEWAL, 2)), np.ones((RENEWAL, 2, 1))
    readout = readout.learn(x[:-1], base[1:], labels[1:])
    with pytest.warns(NumericalWarning):
        readout = readout.learn(x[-1:], base[:1], labels[:1])
    healthy = healthy.learn(x, base, labels)
    np.testing.assert_array_equal(readout.covariance[0], np.eye(3))
    np.testing.assert_array_equal(readout.covariance[1], healthy.covariance[1])
    np.testing.assert_allclose(readout.weights, healthy.weights)


@pytest.mark.parametrize("value", [np.inf, -np.inf, np.nan])
def test_a_row_of_features_that_are_not_finite_ends_and_heals(value):
    ones, zeros = np.ones((10, 1, 2)), np.zeros((10, 1))
    readout = DelayedRLS(1, 2, [1], 0.99).learn(ones, zeros, ones[..., :1])
    poisoned = ones.copy()
    poisoned[0, 0, 0] = value
    with pytest.warns(NumericalWarning):
        readout = readout.learn(poisoned, zeros, ones[..., :1])
    for _ in range(40):
        readout = readout.learn(ones, zeros, ones[..., :1])
    np.testing.assert_allclose(readout.output(ones), 1.0, atol=0.01)
    assert np.isfinite(readout.covariance).all()


@pytest.mark.filterwarnings("ignore::tsrnn.NumericalWarning")  # some of them start P anew
def test_a_surprise_that_rounding_makes_negative_ends():
    rng = np.random.default_rng(0)
    for _ in range(40):
        u, phi = rng.normal(size=(2, 8))
        phi -= u * (u @ phi) / (u @ u)
        readout = DelayedRLS(1, 8, [1], 0.99)
        readout.covariance = 1e6 * np.outer(u, u)[None]
        row = np.tile(phi, (3, 1, 1))
        readout = readout.learn(row, np.zeros((3, 1)), np.ones((3, 1, 1)))
        assert np.isfinite(readout.output(row)).all()


def test_a_singular_gram_of_one_target_starts_anew():
    readout, features = PooledRLS(2, 3, 1, forgetting=0.5), np.zeros((2, 4, 3))
    readout.gram[0] = -np.eye(3)  # and so 0 once half of it is forgotten, half a penalty put back
    with pytest.warns(NumericalWarning):
        readout = readout.learn(1, readout.sums(1, features), 1)
    np.testing.assert_array_equal(readout.gram, np.stack([np.eye(3)] * 2))
    np.testing.assert_array_equal(readout.gains[1][0], np.stack([np.eye(3)] * 2))


def test_a_step_by_a_poisoned_gain_is_skipped():
    frame = rows()
    model = copy.deepcopy(fitted_once("panel"))
    readout = readout_of(model)
    P, *rest = readout.gains[max(readout.gains)]
    readout.gains[max(readout.gains)] = np.full_like(P, np.nan), *rest
    before = readout.weights
    with pytest.warns(NumericalWarning, match="a learning step"):
        fed(model, frame[N_FIT : N_FIT + 1], panel=True)
    np.testing.assert_array_equal(readout_of(model).weights[:, 0], before[:, 0])
    assert not np.array_equal(readout_of(model).weights[:, 1], before[:, 1])


@pytest.mark.parametrize("unit", [1e-12, 1e12])
@pytest.mark.parametrize("kind", MODELS)
def test_scales_and_constants_need_no_restart(kind, unit):
    panel = kind == "panel"
    for frame in (rows() * unit, rows() * 0 + unit):
        model = clone(MODELS[kind]).fit(long(frame[:N_FIT]) if panel else frame[:N_FIT])
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            errors_after(model, frame[N_FIT : N_FIT + 20], panel)
