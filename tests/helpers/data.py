"""Small streams."""

import numpy as np
import pandas as pd


def hourly(n_rows, n_columns=1, seed=0, tz=None):
    """Hourly rows with a day's pattern, a random walk and noise."""
    rng = np.random.default_rng(seed)
    index = pd.date_range("2024-01-01", periods=n_rows, freq="h", tz=tz, name="time")
    phase = 2 * np.pi * np.arange(n_rows)[:, None] / 24
    values = 10 + 3 * np.sin(phase + np.arange(n_columns)) + rng.normal(size=(n_rows, n_columns))
    values += 0.1 * rng.normal(size=(n_rows, n_columns)).cumsum(axis=0)
    return pd.DataFrame(values, index, [f"s{i}" for i in range(n_columns)])


def melted(rows):
    """Turn columns into the series of a panel, in long form."""
    return rows.melt(ignore_index=False, var_name="id").reset_index()
