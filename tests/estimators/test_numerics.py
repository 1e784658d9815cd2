"""Numbers at the edge: forecasts stay finite, and a step that overflows is skipped and told."""

import warnings

import numpy as np
import pandas as pd
import pytest
from helpers import content
from helpers.internals import learner_of

from tsrnn import NumericalWarning, RNNForecaster, RNNRegressor
from tsrnn.baselines import LinearForecaster, NaiveForecaster, SeasonalNaiveForecaster

N_FIT, N_NEW = 120, 90


def daily(seed=0):
    rng = np.random.default_rng(seed)
    hours = np.arange(N_FIT + N_NEW)
    return 50 + 10 * np.sin(2 * np.pi * hours / 24) + rng.normal(size=len(hours))


def series(values):
    return pd.Series(values, pd.date_range("2020", periods=len(values), freq="h"))


def models():
    small = {"max_iter": 4, "hidden_size": 5, "random_state": 0, "window_size": 16}
    yield RNNForecaster(4, **small)
    yield RNNForecaster(4, dtype=np.float64, cell="gru", learning_rate=1e6, **small)
    yield from (LinearForecaster(4), NaiveForecaster(4), SeasonalNaiveForecaster(4))


def two_scales(before, after):
    y = daily()
    return np.concatenate([y[:N_FIT] * before, y[N_FIT:] * after])


HOSTILE = {
    "constant": np.full(N_FIT + N_NEW, 3.0),
    "zero": np.zeros(N_FIT + N_NEW),
    "constant for the fit": np.concatenate([np.full(N_FIT, 1e12), daily()[N_FIT:]]),
    "a large constant but for rounding": 1e12 + 1e-4 * daily(),
    "tiny": daily() * 1e-12,
    "huge": daily() * 1e12,
    "denormal": daily() * 1e-320,
    "from tiny to huge": two_scales(1e-12, 1e12),
    "from huge to tiny": two_scales(1e12, 1e-12),
    "from the smallest scale to the largest": two_scales(1e-49, 1e48),
    "from less than the smallest scale to the largest": two_scales(1e-60, 1e48),
    "largest, either sign": np.where(np.arange(N_FIT + N_NEW) % 2, 9.9e49, -9.9e49),
}


@pytest.mark.parametrize("kind", HOSTILE)
@pytest.mark.parametrize(
    "model",
    [
        pytest.param(model, marks=[pytest.mark.slow] if number == 1 else [])
        for number, model in enumerate(models())
    ],
    ids=lambda model: type(model).__name__,
)
def test_forecasts_stay_finite(kind, model):
    y = series(HOSTILE[kind])
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", NumericalWarning)
        model.fit(y[:N_FIT])
        for row in range(N_FIT, len(y), 30):
            assert np.isfinite(model.forecast().to_numpy()).all()
            model.partial_fit(y[row : row + 30])
    assert np.isfinite(model.predict(y[N_FIT - 30 :])).all()


@pytest.mark.parametrize("scale", [2.0**-40, 2.0**40])  # about 1e-12 and 1e12, without rounding
def test_a_unit_does_not_matter(scale):
    one, other = (
        RNNForecaster(4, max_iter=10, random_state=0).fit(series(daily()[:N_FIT] * unit))
        for unit in (1.0, scale)
    )
    np.testing.assert_allclose(other.forecast() / scale, one.forecast(), rtol=1e-5)


def test_a_step_that_overflows_is_skipped_and_told():
    late = np.tile(daily()[N_FIT:], 6) * 1e12  # believed after some 300 rows
    y = series(np.concatenate([daily()[:N_FIT] * 1e-12, late]))
    model = RNNForecaster(4, max_iter=10, window_size=16, random_state=0).fit(y[:N_FIT])
    before = content(learner_of(model).encoder.network.weights)
    with pytest.warns(NumericalWarning, match="learning step is skipped"):
        model.partial_fit(y[N_FIT:])
    after = learner_of(model).encoder
    assert all(np.isfinite(weight).all() for weight in after.network.weights)
    assert all(np.isfinite(s).all() for slots in after.optimizer.slots.values() for s in slots)
    assert np.isfinite(model.forecast().to_numpy()).all()
    assert content(before) != content(after.network.weights)  # steps before the change were taken


@pytest.mark.parametrize("value", [1.01e50, -1e300])
def test_values_too_large_to_calculate_with_are_an_error(value):
    y = series(daily())
    model = LinearForecaster().fit(y[:N_FIT])
    before = content(model)
    with pytest.raises(ValueError, match=r"found .*e\+.*, expected numbers between ±1e\+50"):
        model.partial_fit(y[N_FIT:].replace(y.iloc[-1], value))
    assert content(model) == before
    with pytest.raises(ValueError, match="another unit"):
        RNNRegressor(max_iter=1).fit(np.full((50, 1), value), y[:50])


@pytest.mark.parametrize("value", [9.9e49, -9.9e49])
@pytest.mark.parametrize("model", list(models())[1:], ids=lambda model: type(model).__name__)
def test_a_score_on_large_values_is_a_finite_number(value, model):
    y = series(daily())
    model.fit(y[:N_FIT])
    y.iloc[-20:] = value
    assert np.isfinite(model.score(y[N_FIT:]))


@pytest.mark.parametrize("value", [1e300, -1.01e50])
def test_a_score_on_values_too_large_is_an_error(value):
    y = series(daily()).rename("y")
    X = y.shift(1).bfill().to_frame("x")
    model = RNNRegressor(max_iter=1, hidden_size=3).fit(X[:N_FIT], y[:N_FIT])
    assert np.isfinite(model.score(X[N_FIT:], y[N_FIT:]))
    y.iloc[-1] = value
    with pytest.raises(ValueError, match=r"expected numbers between ±1e\+50"):
        model.score(X[N_FIT:], y[N_FIT:])
    for forecaster in list(models())[1:]:
        with pytest.raises(ValueError, match=r"expected numbers between ±1e\+50"):
            forecaster.fit(y[:N_FIT]).score(y[N_FIT:])


@pytest.mark.parametrize("method", ["fit", "partial_fit", "update", "predict", "score"])
def test_complex_columns_are_refused_without_showing_them(method):
    """A column of float16 beside them cannot be shown without an overflow in pandas."""
    rows = pd.DataFrame({"a": daily(), "b": daily(1)}, series(daily()).index)
    model = SeasonalNaiveForecaster(2).fit(rows[:N_FIT])
    rows = rows[N_FIT:].astype({"a": complex, "b": np.float16})
    with pytest.raises(ValueError, match=r"no numbers \({'a': 'complex128'}\)"):
        getattr(model, method)(rows)
