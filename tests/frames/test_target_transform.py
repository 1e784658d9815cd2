"""Targets on another scale, and back."""

import numpy as np
import pandas as pd
import pytest

from tsrnn import RNNForecaster
from tsrnn.frames.target_transform import TRANSFORMS, restored, transformed
from tsrnn.warnings_ import NumericalWarning

SMALL = {"hidden_size": 4, "max_iter": 3, "random_state": 0}


@pytest.fixture(scope="module")
def sales():
    values = np.exp(np.random.default_rng(0).normal(size=80))
    return pd.DataFrame({"sold": values}, pd.date_range("2024", periods=80, name="day"))


@pytest.mark.parametrize("name", [None, *TRANSFORMS])
def test_the_way_back_is_exact(name):
    values = np.array([0.1, 1.0, 50.0, np.nan])
    np.testing.assert_allclose(restored(name, transformed(name, values)), values, rtol=1e-12)


@pytest.mark.parametrize("name", list(TRANSFORMS))
def test_forecasts_and_interval_ends_are_those_of_the_transformed_stream(sales, name):
    learnt = TRANSFORMS[name][0](sales)
    own = RNNForecaster(3, lower=None, season=None, target_transform=name, **SMALL)
    other = RNNForecaster(3, lower=None, season=None, **SMALL)
    found = own.fit(sales[:70]).partial_fit(sales[70:]).forecast(coverage=0.8)
    expected = other.fit(learnt[:70]).partial_fit(learnt[70:]).forecast(coverage=0.8)
    np.testing.assert_allclose(found, restored(name, expected.to_numpy()), rtol=1e-12)


def test_what_does_not_fit_is_an_error_at_fit_that_names_a_remedy(sales):
    zero = sales.copy()
    zero.iloc[5] = 0.0
    with pytest.raises(ValueError, match=r"found 1 target value.*such as 0\.0.*log1p"):
        RNNForecaster(target_transform="log", **SMALL).fit(zero)
    with pytest.raises(ValueError, match="target_transform='cube'"):
        RNNForecaster(target_transform="cube", **SMALL).fit(sales)


def test_what_does_not_fit_later_counts_as_missing_with_a_warning(sales):
    model = RNNForecaster(2, target_transform="log", **SMALL).fit(sales[:70])
    missing, zero = sales[70:71] * np.nan, sales[70:71] * 0.0
    expected = RNNForecaster(2, target_transform="log", **SMALL).fit(sales[:70])
    expected.partial_fit(missing)
    with pytest.warns(NumericalWarning, match="1 target value"):
        model.partial_fit(zero)
    pd.testing.assert_frame_equal(model.forecast(), expected.forecast())


def test_predict_is_what_forecast_would_say(sales):
    model = RNNForecaster(2, target_transform="sqrt", **SMALL).fit(sales[:70])
    rows = model.predict(sales[70:])
    for row in range(10):
        model.update(sales[70 + row : 71 + row])
        np.testing.assert_array_equal(model.forecast()["sold"], rows[row])
