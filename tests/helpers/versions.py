"""A small model of every kind, to be kept as a file of each released version.

Later versions load these files and go on with the same rows: what is here of a kind may not change
once files of it have been released; other kinds may be added.
"""

import json
from functools import partial
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pandas as pd
from sklearn.preprocessing import StandardScaler

import tsrnn
from tsrnn import RNNForecaster, RNNRegressor, StreamingPipeline
from tsrnn.baselines import LinearForecaster, NaiveForecaster, SeasonalNaiveForecaster

N_HISTORY, N_ROWS, N_AHEAD = 60, 84, 3  # rows of the fit, of all, and of the last forecast
SMALL = {"hidden_size": 3, "window_size": 8, "max_iter": 2, "lags": 3, "season": 6}
FORECASTER = partial(RNNForecaster, N_AHEAD, random_state=0, **SMALL)


class Kind(NamedTuple):
    """An unfitted model, and its rows."""

    model: object
    rows: pd.DataFrame
    y: pd.Series | None = None
    known_ahead: bool = False  # whether some of the columns are

    def part(self, start, stop):
        """Return the rows of some time stamps as arguments of a method, and those after them."""
        times = pd.Index(self.rows.get("time", self.rows.index))
        stamps = times.unique()
        own = times.isin(stamps[start:stop])
        args = (self.rows[own],) if self.y is None else (self.rows[own], self.y[own])
        return args, self.rows[times.isin(stamps[stop : stop + N_AHEAD])]


def rows(n_columns=1, **index):
    """Return rows that are made by arithmetic alone: the same with every version of NumPy."""
    t, column = np.arange(N_ROWS)[:, None], np.arange(n_columns)
    noise = ((t * 7919 + column * 104729) % 1009) / 1009.0
    seasonal = (t + column) % 6 * 0.5
    values = 10.0 + seasonal + noise + t * (column + 1) / 100.0
    index = {"start": "2024-01-01", "freq": "h", "name": "time", **index}
    times = pd.date_range(periods=N_ROWS, **index)
    return pd.DataFrame(values, times, [f"s{i}" for i in range(n_columns)])


def long(**index):
    """Return three series as a long frame, one of which starts late."""
    frame = rows(3, **index).melt(ignore_index=False, var_name="id", value_name="y").reset_index()
    return frame[(frame["id"] != "s2") | (frame["time"] >= frame["time"].iloc[24])]


def kinds():
    """Return the kinds by their names, which are those of their files."""
    one, two, three = rows(), rows(2), rows(3)
    holes = three.mask((three * 997).round() % 11 == 0)
    holes["kind"] = np.where(np.arange(N_ROWS) % 5 < 2, "a", "b")
    by_id = {"id_col": "id", "time_col": "time"}
    panel_ahead = long().assign(price=lambda frame: frame["y"].round() % 3)
    panel_ahead["size"] = panel_ahead["id"].map({"s0": 1.0, "s1": 2.0, "s2": 5.0})
    two_targets = long().assign(z=lambda frame: 20.0 - frame["y"])
    march = {"start": "2024-03-29", "tz": "Europe/Rome"}  # clocks change on the third day
    return {
        "forecaster_rnn": Kind(FORECASTER(cell="rnn"), one),
        "forecaster_lstm": Kind(FORECASTER(cell="lstm"), one),
        "forecaster_gru": Kind(FORECASTER(cell="gru"), one),
        "two_layers_of_float64": Kind(FORECASTER(n_layers=2, dtype=np.float64, loss="huber"), one),
        "inputs": Kind(FORECASTER(target=["s0", "s1"]), holes),
        "known_ahead": Kind(FORECASTER(target="s0", future_cols="s1"), two, known_ahead=True),
        "log_and_bounds": Kind(FORECASTER(target_transform="log", lower=0, upper=99.0), one),
        "civil_time": Kind(FORECASTER(season=24, coverage=[0.5, 0.9]), rows(**march)),
        "holidays": Kind(FORECASTER(holidays="DE"), rows(start="2023-12-30")),
        "business_days": Kind(FORECASTER(season=5), rows(freq="B")),
        "months": Kind(FORECASTER(), rows(freq="MS")),
        "row_numbers": Kind(FORECASTER(), one.set_axis(pd.RangeIndex(0, 2 * N_ROWS, 2))),
        "panel": Kind(FORECASTER(**by_id), long()),
        "panel_of_two_targets": Kind(FORECASTER(**by_id), two_targets),
        "panel_in_civil_time": Kind(FORECASTER(season=24, **by_id), long(**march)),
        "panel_known_ahead": Kind(
            FORECASTER(target="y", future_cols="price", static_cols="size", **by_id),
            panel_ahead,
            known_ahead=True,
        ),
        "pipeline": Kind(
            StreamingPipeline([("scale", StandardScaler()), ("forecast", FORECASTER())]), one
        ),
        **{
            f"regressor_{cell}": Kind(
                RNNRegressor(cell=cell, hidden_size=3, window_size=8, max_iter=2, random_state=0),
                two[["s0"]],
                two["s1"],
            )
            for cell in ("rnn", "lstm", "gru")
        },
        "regressor_of_two": Kind(
            RNNRegressor(hidden_size=3, window_size=8, max_iter=2, random_state=0),
            three[["s0"]],
            three[["s1", "s2"]],
        ),
        "linear": Kind(LinearForecaster(N_AHEAD, lags=3), one),
        "linear_panel": Kind(LinearForecaster(N_AHEAD, lags=3, **by_id), long()),
        "seasonal_naive_panel": Kind(SeasonalNaiveForecaster(N_AHEAD, season=6, **by_id), long()),
        "seasonal_naive_in_civil_time": Kind(
            SeasonalNaiveForecaster(N_AHEAD, season=24), rows(**march)
        ),
        "naive": Kind(NaiveForecaster(N_AHEAD), one),
        "seasonal_naive": Kind(SeasonalNaiveForecaster(N_AHEAD, season=6), one),
    }


def result(kind, model, stop):
    """Return what a model says after so many time stamps, as lists of numbers."""
    _, ahead = kind.part(0, stop)
    if isinstance(model, RNNRegressor):
        return model.predict(ahead).tolist()
    frame = model.forecast(X_future=ahead) if kind.known_ahead else model.forecast()
    return frame.select_dtypes("number").to_numpy().tolist()


def learnt(kind, model):
    """Return a model after the rows of a kind that follow its history, some learnt, some not."""
    model.partial_fit(*kind.part(N_HISTORY, N_HISTORY + 14)[0])
    return model.update(*kind.part(N_HISTORY + 14, N_ROWS - N_AHEAD)[0])


def write(folder):
    """Write a file of each kind, and beside them what each forecasts at once and later on."""
    folder = Path(folder)
    folder.mkdir(parents=True)
    known = {}
    for name, kind in kinds().items():
        kind.model.fit(*kind.part(0, N_HISTORY)[0]).save(folder / f"{name}.tsrnn")
        model = tsrnn.load(folder / f"{name}.tsrnn")
        now = result(kind, model, N_HISTORY)
        later = result(kind, learnt(kind, model), N_ROWS - N_AHEAD)
        known[name] = {"now": now, "later": later}
    text = json.dumps(known, separators=(",", ":"))
    (folder / "forecasts.json").write_text(text + "\n")
