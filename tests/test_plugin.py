"""The plugin of InfluxDB 3's processing engine, against a stand-in for the engine."""

import ast
import builtins
import json
import runpy
from pathlib import Path

import numpy as np
import pytest
from helpers import hourly

import tsrnn

PATH = Path(__file__).parents[1] / "examples" / "influxdb" / "tsrnn_forecast.py"
ARGS = {"table": "power", "field": "load", "horizon": "3", "history": "100"}


class Line:
    """What the engine calls LineBuilder, as far as the plugin uses it."""

    def __init__(self, table):
        self.table, self.fields, self.time = table, {}, None

    def float64_field(self, name, value):
        assert type(value) is float and np.isfinite(value)
        self.fields[name] = value
        return self

    def time_ns(self, value):
        assert type(value) is int
        self.time = value
        return self


class Cache(dict):
    def put(self, key, value):
        assert type(value) is bytes
        self[key] = value


class Engine:
    """A database of one table, and what it hands to plugins."""

    def __init__(self, plugin, args=ARGS):
        self.cache, self.rows, self.written, self.log = Cache(), [], [], []
        self.plugin, self.args = plugin, args

    def query(self, sql):
        assert sql == (
            'SELECT time, "load" FROM "power" WHERE "load" IS NOT NULL ORDER BY time DESC LIMIT 100'
        )
        return self.rows[:-101:-1]

    def write(self, line):
        self.written.append(line)

    def info(self, text):
        self.log.append(("info", text))

    def error(self, text):
        self.log.append(("error", text))

    def insert(self, frame):
        """Write rows to the table and flush them: the trigger fires."""
        rows = [{"time": time.value, "load": value} for time, value in frame["s0"].items()]
        self.rows += rows
        batches = [{"table_name": "other", "rows": [{"time": 0}]}]
        batches.append({"table_name": "power", "rows": rows})
        self.written = []
        self.plugin(self, batches, self.args)


@pytest.fixture
def plugin(monkeypatch):
    monkeypatch.setattr(builtins, "LineBuilder", Line, raising=False)
    names = runpy.run_path(str(PATH))
    monkeypatch.setattr(tsrnn, "RNNForecaster", small)
    return names["process_writes"]


def small(horizon, **params):
    return FORECASTER(horizon, hidden_size=4, max_iter=3, **params)


FORECASTER = tsrnn.RNNForecaster


def test_metadata_is_what_the_engine_reads():
    metadata = json.loads(ast.get_docstring(ast.parse(PATH.read_text())))
    assert metadata["plugin_type"] == ["onwrite"]
    arguments = metadata["onwrite_args_config"]
    assert {each["name"] for each in arguments if each["required"]} == {"table", "field"}
    assert all({"name", "example", "description", "required"} == each.keys() for each in arguments)


def test_rows_are_learnt_as_they_are_written(plugin):
    rows, engine = hourly(130), Engine(plugin)
    engine.insert(rows[:20])
    assert engine.log == [("info", "tsrnn: 20 rows of power, waiting for 50")]
    assert not engine.written and not engine.cache
    engine.insert(rows[20:110])
    model = small(3, late="drop", random_state=0).fit(rows[10:110].rename(columns={"s0": "load"}))
    for start, stop in [(110, 112), (111, 130)]:  # some rows are written twice
        engine.insert(rows[start:stop])
        model.partial_fit(rows[start:stop].rename(columns={"s0": "load"}))
        expected = model.forecast(coverage=0.9)
        assert [line.table for line in engine.written] == ["power_forecast"] * 3
        assert [line.time for line in engine.written] == [time.value for time in expected.index]
        found = [[*line.fields.values()] for line in engine.written]
        np.testing.assert_array_equal(found, expected.to_numpy())
    assert engine.log[-1] == ("info", "tsrnn: learnt to 2024-01-06 09:00:00, forecast 3 steps")


def test_what_is_wrong_is_told_and_changes_nothing(plugin):
    rows, engine = hourly(130), Engine(plugin)
    engine.insert(rows[:110])
    before = dict(engine.cache)
    engine.insert(rows[110:112].shift(freq="7min"))
    level, text = engine.log[-1]
    assert level == "error" and "frequency" in text
    assert not engine.written and engine.cache == before
    engine.cache = Cache({key: content[:500] for key, content in before.items()})
    engine.insert(rows[110:112])
    assert engine.log[-1][0] == "error" and "truncated" in engine.log[-1][1]
    engine = Engine(plugin, {"table": "power"})
    engine.insert(rows)
    assert engine.log == [
        ("error", "tsrnn: found no ['field'], expected them as trigger arguments")
    ]
