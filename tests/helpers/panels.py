"""Long frames of many series, and small forecasters of them."""

import pickle

import numpy as np
import pandas as pd
from hypothesis import strategies as st

from helpers import content
from tsrnn import RNNForecaster

QUICK = {"hidden_size": 4, "max_iter": 3, "window_size": 16, "random_state": 0}


N_FIT, N_NEW, HORIZON = 60, 36, 3


START = pd.Timestamp("2024-03-28 20:00")


def long_frame(n_series, n_rows, seed=0, missing=0.0, gone=0.0, freq="h"):
    """Series of different levels, in the order of time; some values and some rows missing."""
    rng = np.random.default_rng(seed)
    t = np.arange(n_rows)[:, None]
    level = 10.0 ** rng.uniform(0, 3, n_series)
    values = level * (3 + np.sin(2 * np.pi * t / 24 + rng.uniform(0, 6, n_series)))
    values += 0.2 * level * rng.normal(size=values.shape)
    values[rng.random(values.shape) < missing] = np.nan
    times = pd.date_range(START, periods=n_rows, freq=freq)
    frame = pd.DataFrame(
        {
            "id": np.tile([f"s{i}" for i in range(n_series)], n_rows),
            "time": times.repeat(n_series),
            "y": values.ravel(),
            "x": rng.normal(size=values.size),
        }
    )
    return frame[(rng.random(len(frame)) >= gone) | (frame["time"] == times[0])]


def panel(horizon=HORIZON, **params):
    return RNNForecaster(
        horizon, **{**QUICK, "id_col": "id", "time_col": "time", "target": "y", **params}
    )


def failing(method, call):
    calls = []

    def wrapped(*args, **kwargs):
        calls.append(1)
        if len(calls) == call:
            raise FloatingPointError
        return method(*args, **kwargs)

    return wrapped


def divided(frame, n_fit=N_FIT):
    """History and stream; in the history every series has a row."""
    cut = START + n_fit * (frame["time"].drop_duplicates().diff().min())
    return frame[frame["time"] < cut], frame[frame["time"] >= cut]


def by_stamps(frame, cuts):
    """Cut the rows between time stamps."""
    times = np.sort(frame["time"].unique())
    number = np.searchsorted(times, frame["time"])
    for part in np.split(np.arange(len(times)), sorted(c for c in cuts if 0 < c < len(times))):
        yield frame[np.isin(number, part)]


def walked(model, parts, how, rng=None):
    for part in parts:
        if rng is not None:  # any order between series
            part = part.sample(frac=1, random_state=rng).sort_values("time", kind="stable")
        getattr(model, how)(part)
    return model


forgettings = st.sampled_from([0.95, 0.9995, 1.0])


cuts = st.one_of(st.sets(st.integers(1, N_NEW), max_size=4), st.just(set(range(N_NEW))))


hows = st.sampled_from(["partial_fit", "update"])


def content_of(model):
    """What is saved: rows in the rings beyond the newest do not count."""
    return content(pickle.loads(pickle.dumps(vars(model))))
