"""A year in daily rows, far ahead."""

import numpy as np
import pandas as pd
import pytest

from tsrnn import RNNForecaster


@pytest.mark.slow
def test_half_a_year_ahead_beats_the_year_before():
    rng, days = np.random.default_rng(0), np.arange(5 * 365)
    year = 10 * np.sin(2 * np.pi * days / 365.25) + 3 * np.cos(4 * np.pi * days / 365.25)
    noise = np.convolve(rng.normal(size=len(days) + 20), np.ones(21) / 6, "valid")[: len(days)]
    values = year + 2.0 * (days % 7 == 5) + noise
    rows = pd.DataFrame({"level": values}, pd.date_range("2015", periods=len(days)))
    n_fit = 3 * 365
    model = RNNForecaster(180, random_state=0).fit(rows[:n_fit])
    errors, before = [], []
    for row in range(n_fit, len(days) - 180, 7):
        issued = model.forecast()["level"].to_numpy()[[119, 179]]
        ahead = row + np.array([119, 179])
        errors.append(np.abs(issued - values[ahead]))
        before.append(np.abs(values[ahead - 365] - values[ahead]))
        model.partial_fit(rows[row : row + 7])
    assert (np.mean(errors, axis=0) < 0.9 * np.mean(before, axis=0)).all()
