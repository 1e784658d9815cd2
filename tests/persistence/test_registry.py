"""What may be saved is named class by class, and is just what models hold."""

import re
import subprocess
import sys
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import pandas as pd
import pytest
from helpers import hourly, melted
from sklearn.linear_model import LinearRegression
from sklearn.preprocessing import StandardScaler

from tsrnn import RNNForecaster, RNNRegressor, StreamingPipeline
from tsrnn.baselines import LinearForecaster, NaiveForecaster, SeasonalNaiveForecaster
from tsrnn.frames.holidays import HolidayCalendar
from tsrnn.persistence import registry, saved
from tsrnn.persistence.decode import Decoder
from tsrnn.persistence.encode import Encoder

SMALL = {"hidden_size": 3, "window_size": 16, "max_iter": 2, "random_state": 0}
PANEL = {"id_col": "id", "time_col": "time", "target": "value"}
ROWS = hourly(96, 2, tz="Europe/Rome")
SERIES = melted(hourly(96, 3)).sort_values("time", kind="stable").assign(
    price=lambda frame: np.arange(len(frame)) % 5, kind=lambda frame: "k" + frame["id"]
)  # fmt: skip


def streams():
    """Models of one stream, with the history and the rows to come."""
    forecasters = [RNNForecaster(3, cell=cell, **SMALL) for cell in ("rnn", "lstm", "gru")]
    forecasters += [RNNForecaster(3, loss=loss, **SMALL) for loss in ("absolute", "huber")]
    forecasters += [
        RNNForecaster(3, n_layers=2, gap="reset", late="drop", coverage=0.9, **SMALL),
        RNNForecaster(3, target="s0", **SMALL),
        RNNForecaster(3, target="s0", future_cols="s1", **SMALL),
        LinearForecaster(3),
        SeasonalNaiveForecaster(3),
        NaiveForecaster(3),
    ]
    for model in forecasters:
        yield model, ROWS
    kinds = ROWS.assign(kind=np.where(np.arange(len(ROWS)) % 3 == 0, "a", "b"))
    yield RNNForecaster(3, target=["s0", "s1"], **SMALL), kinds
    yield RNNForecaster(3, **SMALL), ROWS.reset_index(drop=True)
    yield RNNForecaster(3, target="s0", **SMALL), hourly(460)  # two weeks: its phase is followed
    months = pd.date_range("2001", periods=len(ROWS), freq="MS")
    yield RNNForecaster(3, **SMALL), ROWS.set_axis(months)


def panels():
    """Models of a panel, with the history and the rows to come."""
    long = SERIES[["id", "time", "value"]]
    yield RNNForecaster(3, n_layers=2, **PANEL, **SMALL), long
    yield (
        RNNForecaster(3, **(SMALL | {"window_size": 8}), coverage=0.9),
        long.set_index(["id", "time"]),
    )
    yield RNNForecaster(3, future_cols="price", static_cols="kind", **PANEL, **SMALL), SERIES
    yield LinearForecaster(3, **PANEL), long
    yield SeasonalNaiveForecaster(3, **PANEL), long
    yield NaiveForecaster(3, **PANEL), long


def fitted():
    """Yield models of all kinds in all kinds of states."""
    for model, rows in [*streams(), *panels()]:
        yield model
        n = len(rows) * 3 // 4
        model.fit(rows[: n - n % 3])
        yield model
        model.partial_fit(rows[n - n % 3 :])
        yield model
        if "future_cols" not in model.get_params() or model.future_cols is None:
            model.reset_state()
            yield model
    yield HolidayCalendar("PT")
    X, y = ROWS[["s0"]], ROWS["s1"]
    yield RNNRegressor(**SMALL).partial_fit(X[:2], y[:2])  # held back
    yield RNNRegressor(**SMALL).fit(X[:72], y[:72]).partial_fit(X[72:], y[72:])
    steps = [("scale", StandardScaler()), ("forecast", LinearForecaster(3))]
    yield StreamingPipeline(steps).fit(ROWS)
    stuck = pd.concat([ROWS[:72], ROWS[71:72].set_axis(ROWS.index[72:73])])
    yield RNNForecaster(3, **SMALL).fit(stuck[:72]).partial_fit(stuck[72:])
    jumped = ROWS + 30.0 * (np.arange(len(ROWS)) > 80)[:, None]
    yield RNNForecaster(3, **SMALL).fit(ROWS[:72]).partial_fit(jumped[72:])


def held(node):
    """Yield the names of classes in a node of the encoder."""
    if isinstance(node, dict):
        yield from (node[tag] for tag in ("object", "named") if isinstance(node.get(tag), str))
        node = node.values()
    elif not isinstance(node, list):
        return
    for item in node:
        yield from held(item)


def test_models_hold_what_is_registered_and_nothing_else():
    """`Encoder` raises where a model holds anything that is not registered."""
    found = {name for model in fitted() for name in held(Encoder().node(model))}
    found = {name for name in found if _is_ours(registry.class_of(name))}
    ours = {name for name in registry.names() if _is_ours(registry.class_of(name))}
    assert found == ours


def _is_ours(cls):
    return cls.__module__.startswith("tsrnn.")


@pytest.fixture
def scratch(monkeypatch):
    """Leave what a test registers out of the registry afterwards."""
    for name in ("_classes", "_names"):
        monkeypatch.setattr(registry, name, dict(getattr(registry, name)))


@pytest.mark.usefixtures("scratch")
def test_classes_of_all_kinds_can_be_registered():
    @saved("test-plain")
    class Plain:
        def __init__(self):
            self.x = [1]

    @saved("test-dataclass")
    @dataclass(frozen=True)
    class Frozen:
        x: float

    @saved("test-tuple")
    class Pair(NamedTuple):
        x: int
        y: int

    encoder = Encoder()
    node = encoder.node([Plain(), Frozen(2.0), Pair(3, 4)])
    plain, frozen, pair = Decoder(encoder.arrays).value(node)
    assert (type(plain), plain.x) == (Plain, [1])
    assert frozen == Frozen(2.0)
    assert (type(pair), pair) == (Pair, (3, 4))


@pytest.mark.usefixtures("scratch")
def test_two_classes_of_one_name_are_refused():
    class Other:
        pass

    with pytest.raises(ValueError, match=r"'rnn-forecaster'.*RNNForecaster and .*Other.*another"):
        saved("rnn-forecaster")(Other)
    assert registry.class_of("rnn-forecaster") is RNNForecaster
    assert registry.name_of(Other) is None


def test_names_are_not_those_of_modules_or_classes():
    for name in registry.names():
        assert re.fullmatch(r"[a-z]+(-[a-z]+)*", name)


def test_transformers_of_scikit_learn_have_names_too():
    """And are imported when a file names them, out of a fixed list."""
    for name in registry._OF_SKLEARN:
        assert registry.name_of(registry.class_of(name)) == name
        assert re.fullmatch(r"sklearn(-[a-z]+)+", name)
    assert registry.name_of(LinearRegression) is None
    assert registry.class_of("sklearn-linear-regression") is None


class Derived(RNNForecaster):
    """A user's own class: `load` would not know it."""


def test_a_subclass_is_not_registered_with_its_base(tmp_path):
    with pytest.raises(TypeError, match=r"Derived at estimator: found a class that no file may"):
        Derived(3).save(tmp_path / "m")
    assert not any(tmp_path.iterdir())


def test_importing_tsrnn_is_enough_to_load_whatever_may_be_saved():
    code = "import tsrnn.persistence.registry as r; print(*r.names())"
    listed = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    )
    ours = {name for name in registry.names() if _is_ours(registry.class_of(name))}
    assert set(listed.stdout.split()) == ours
