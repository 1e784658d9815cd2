"""Settings and streams drawn by hypothesis; strategies are named by their axes."""

import itertools
import os

import numpy as np
import pandas as pd
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st

from helpers import hourly
from tsrnn import RNNForecaster, RNNRegressor
from tsrnn.baselines import LinearForecaster, NaiveForecaster, SeasonalNaiveForecaster

N_FIT, N_NEW = 90, 75  # steps; windows of 16 or 17 rows end four times in the new ones


def examples(n):
    """Set the number of examples, the same ones in every run; TSRNN_EXAMPLES multiplies it."""
    slow = [HealthCheck.too_slow, HealthCheck.data_too_large]
    n *= int(os.environ.get("TSRNN_EXAMPLES", "1"))
    return settings(max_examples=n, deadline=None, derandomize=True, suppress_health_check=slow)


cells = st.sampled_from(["rnn", "lstm", "gru"])


dtypes = st.sampled_from([np.float32, np.float64])


n_layers = st.integers(1, 2)


hidden_sizes = st.integers(4, 6)


window_sizes = st.sampled_from([16, 17])


horizons = st.integers(1, 4)


lags = st.one_of(st.none(), st.integers(0, 6))


seasons = st.sampled_from([None, "auto", 5, (3, 7)])


forgettings = st.sampled_from([0.95, 0.9995, 1.0])


gap_policies = st.sampled_from(["fill", "reset"])


def networks():
    """Parameters that the recurrent estimators share."""
    return st.fixed_dictionaries(
        {
            "cell": cells,
            "dtype": dtypes,
            "n_layers": n_layers,
            "hidden_size": hidden_sizes,
            "window_size": window_sizes,
            "forgetting": forgettings,
            "max_iter": st.just(3),
            "random_state": st.just(0),
        }
    )


@st.composite
def recurrent_forecasters(draw):
    return RNNForecaster(
        draw(horizons), lags=draw(lags), season=draw(seasons), gap=draw(gap_policies),
        **draw(networks()),
    )  # fmt: skip


@st.composite
def baselines(draw):
    shared = {"horizon": draw(horizons), "gap": draw(gap_policies)}
    kind = draw(st.sampled_from(["linear", "seasonal", "naive"]))
    if kind == "linear":
        return LinearForecaster(lags=draw(lags), forgetting=draw(forgettings), **shared)
    if kind == "seasonal":
        return SeasonalNaiveForecaster(season=draw(st.sampled_from(["auto", 5])), **shared)
    return NaiveForecaster(**shared)


@st.composite
def regressors(draw):
    return RNNRegressor(lags=draw(st.integers(0, 3)), **draw(networks()))


n_targets = st.integers(1, 3)


n_inputs = st.integers(0, 2)


missing_values = st.sampled_from([0.0, 0.1, 0.5])  # share of the targets


missing_inputs = st.sampled_from([0.0, 0.1, 0.5, 1.0])  # share of each input


input_kinds = st.sampled_from(["number", "category", "bool"])


known_ahead = st.booleans()  # whether an input is, for those that can use it


missing_stamps = st.sampled_from([0.0, 0.05, 0.5])  # share of the rows


spikes = st.sampled_from([0.0, 0.02])  # share of the targets that are 10,000 too high


frequencies = st.sampled_from(["h", "15min", "D", "MS"])


zones = st.sampled_from([None, "Europe/Berlin"])


seeds = st.integers(0, 2**16)


class Case:
    """A fitted model, and rows as the arguments of its methods: (frame,) or (X, y)."""

    def __init__(self, model, rows, n_fit):
        self.rows, self.n_fit, self.n_rows = rows, n_fit, len(rows[0])
        self.model = model.fit(*self.between(0, n_fit))

    def __repr__(self):
        columns = [list(part.columns) if part.ndim == 2 else part.name for part in self.rows]
        return f"Case({self.model}, {columns}, {self.n_fit} + {self.n_rows - self.n_fit} rows)"

    def between(self, start, stop=None):
        return tuple(part[start:stop] for part in self.rows)

    def walk(self, model, cuts, methods=("partial_fit",)):
        """Show a model the new rows, each method its share of them, in the parts between cuts."""
        n_new = self.n_rows - self.n_fit
        borders = [n_new * i // len(methods) for i in range(len(methods) + 1)]
        edges = sorted({*borders, *(cut for cut in cuts if cut < n_new)})
        for start, stop in itertools.pairwise(edges):
            method = methods[np.searchsorted(borders, start, side="right") - 1]
            getattr(model, method)(*self.between(self.n_fit + start, self.n_fit + stop))
        return model


def as_kind(column, kind):
    """Turn numbers into categories, some of them rare, or bools; any of them may be missing."""
    if kind == "category":
        skies = pd.cut(column, [-np.inf, 6, 10, 13, np.inf], labels=["snow", "rain", "fog", "sun"])
        return skies.astype(object).where(column.notna(), None)
    if kind == "bool":
        return (column > 10).astype(object).where(column.notna(), None).infer_objects()
    return column


@st.composite
def cases(draw, models, *, y_apart=None, ahead=False):
    """A model and its stream; a regressor's y, its first column, is complete.

    With `ahead` there is an input that is known ahead.
    """
    model = draw(models)
    regression = isinstance(model, RNNRegressor)
    rng, freq = np.random.default_rng(seed := draw(seeds)), draw(frequencies)
    targets = [f"s{i}" for i in range(draw(n_targets))]
    inputs = [f"x{i}" for i in range(max(draw(n_inputs), regression or ahead))]
    frame = hourly(N_FIT + N_NEW, len(targets + inputs), seed).set_axis(targets + inputs, axis=1)
    start = pd.Timestamp("2024-03-28")  # three days before the clocks of Europe change
    frame.index = pd.date_range(start, periods=len(frame), freq=freq, tz=draw(zones))
    shape = len(frame), len(targets)
    if not regression:
        frame[targets] += 1e4 * (rng.random(shape) < draw(spikes))
        frame[targets] = frame[targets].mask(rng.random(shape) < draw(missing_values))
        model.set_params(freq=freq)
    for name in inputs:
        frame[name] = frame[name].mask(rng.random(len(frame)) < draw(missing_inputs))
        frame[name] = as_kind(frame[name], draw(input_kinds))
    if inputs and isinstance(model, RNNForecaster):
        known = [name for name in inputs if draw(known_ahead) or (ahead and name == "x0")]
        model.set_params(future_cols=known or None)
    kept = rng.random(len(frame)) >= draw(missing_stamps)
    kept[[0, N_FIT]] = True
    frame, n_fit = frame[kept], int(kept[:N_FIT].sum())
    if regression or (inputs and (draw(st.booleans()) if y_apart is None else y_apart)):
        y = frame[targets] if len(targets) > 1 else frame["s0"]
        return Case(model, (frame[inputs], y), n_fit)
    if inputs:
        model.set_params(target=targets)
    return Case(model, (frame,), n_fit)


cuts = st.one_of(
    st.sets(st.integers(1, N_NEW - 1), max_size=3),
    st.sets(st.integers(1, N_NEW - 1), max_size=30),
    st.just(set(range(N_NEW))),  # row by row
)


methods = st.sampled_from(
    [("partial_fit",), ("update",), ("partial_fit", "update", "partial_fit"), ("update",) * 3]
)
