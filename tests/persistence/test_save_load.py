"""load(save(m)) is m: the same content, and it goes on bit for bit; equal models, equal files."""

import io
import pickle
import subprocess
import sys
import zipfile
from collections import deque

import joblib
import numpy as np
import pandas as pd
import pytest
from helpers import content, hourly, melted

import tsrnn
from tsrnn import RNNForecaster, RNNRegressor, load, persistence
from tsrnn.baselines import LinearForecaster, NaiveForecaster, SeasonalNaiveForecaster
from tsrnn.persistence.decode import Decoder
from tsrnn.persistence.encode import Encoder

SMALL = {"hidden_size": 5, "window_size": 16, "max_iter": 3, "random_state": 0}
FORECASTERS = [
    *(RNNForecaster(3, cell=cell, **SMALL) for cell in ("rnn", "lstm", "gru")),
    RNNForecaster(3, n_layers=2, dtype=np.float64, loss="huber", gap="reset", **SMALL),
    LinearForecaster(3),
    SeasonalNaiveForecaster(3),
    NaiveForecaster(3),
]


def name(model):
    return f"{type(model).__name__} {getattr(model, 'cell', '')}"


def bytes_of(model, path):
    model.save(path)
    return path.read_bytes()


@pytest.mark.parametrize(
    ("model", "tz"),
    [*((model, None) for model in FORECASTERS), (FORECASTERS[1], "Europe/Rome")],
    ids=lambda value: name(value) if hasattr(value, "fit") else str(value),
)
def test_a_forecaster_goes_on_bit_for_bit(model, tz, tmp_path):
    rows = hourly(200, 2, tz=tz)
    rows.iloc[120:125, 0] = np.nan
    model.fit(rows[:100]).partial_fit(rows[100:143])
    before = bytes_of(model, tmp_path / "m")
    loaded = load(tmp_path / "m")
    assert content(loaded) == content(model)
    for start, stop in [(143, 144), (144, 170), (170, 200)]:
        pd.testing.assert_frame_equal(model.forecast(), loaded.forecast(), check_exact=True)
        assert model.forecast().index.equals(loaded.forecast().index)
        for each in (model, loaded):
            each.partial_fit(rows[start:stop])
        assert content(loaded) == content(model)
    assert bytes_of(loaded, tmp_path / "l") == bytes_of(model, tmp_path / "m") != before


@pytest.mark.parametrize("cell", ["rnn", "lstm", "gru"])
def test_a_regressor_goes_on_bit_for_bit(cell, tmp_path):
    rows = hourly(200, 3)
    X, y = rows[["s0", "s1"]], rows[["s2"]]
    model = RNNRegressor(cell, **SMALL).fit(X[:90], y[:90])
    model.save(tmp_path / "m")
    loaded = load(tmp_path / "m")
    for each in (model, loaded):
        each.partial_fit(X[90:170], y[90:170])
    assert content(loaded) == content(model)
    assert np.array_equal(loaded.predict(X[170:]), model.predict(X[170:]))


def test_random_draws_go_on(tmp_path):
    rows = hourly(120)
    model = RNNForecaster(2, **SMALL | {"random_state": np.random.RandomState(3)}).fit(rows)
    model.save(tmp_path / "m")
    loaded = load(tmp_path / "m")
    for each in (model, loaded):
        each.fit(rows)
    assert bytes_of(loaded, tmp_path / "l") == bytes_of(model, tmp_path / "m")


def test_parameters_come_back_as_they_were(tmp_path):
    model = RNNForecaster(dtype=np.float64, season=(3, 5), lower=0, target=["a", ("b", 1)])
    model.save(tmp_path / "m")
    assert load(tmp_path / "m").get_params() == model.get_params()


def test_saving_is_the_same_in_other_processes(tmp_path):
    """Of which each has loaded the same libraries: this one may have more, and says so."""
    code = """
import sys
from tsrnn import load
load(sys.argv[1]).save(sys.argv[2])
"""
    model = RNNForecaster(2, **SMALL).fit(hourly(90, tz="Europe/Rome"))
    model.save(tmp_path / "a")
    for old, new in ("ab", "bc"):
        command = [sys.executable, "-c", code, tmp_path / old, tmp_path / new]
        subprocess.run(command, check=True)
    assert (tmp_path / "b").read_bytes() == (tmp_path / "c").read_bytes()
    assert bytes_of(load(tmp_path / "b"), tmp_path / "d") == (tmp_path / "a").read_bytes()


def test_a_forecast_leaves_the_file_as_it_was(tmp_path):
    rows = hourly(120)
    model = RNNForecaster(2, **SMALL).fit(rows[:100])
    before = bytes_of(model, tmp_path / "m")
    model.forecast()
    model.predict(rows[100:])
    model.predict(rows)
    model.score(rows)
    assert bytes_of(model, tmp_path / "m") == before


def test_joblib_gives_the_same_model(tmp_path):
    model = RNNForecaster(2, **SMALL).fit(hourly(90))
    joblib.dump(model, tmp_path / "m.joblib")
    twin = joblib.load(tmp_path / "m.joblib")
    twin.save(tmp_path / "m")
    assert content(twin) == content(model) == content(load(tmp_path / "m"))


@pytest.mark.parametrize(
    ("kind", "mode"),
    [("stream", "r"), ("stream", "c"), ("two targets", "r"), ("baseline", "r"), ("panel", "r")],
)
def test_a_model_that_joblib_maps_into_memory_goes_on_as_another(kind, mode, tmp_path):
    rows, model = hourly(230, 1 if kind == "stream" else 2), RNNForecaster(3, **SMALL)
    parts = [rows[:200], rows[200:201], rows[201:]]
    if kind == "baseline":
        model = LinearForecaster(3)
    if kind == "panel":
        model.set_params(id_col="id", time_col="time")
        parts = [melted(part) for part in parts]
    model.fit(parts[0])
    joblib.dump(model, tmp_path / "m.joblib")
    before = (tmp_path / "m.joblib").read_bytes()
    mapped = joblib.load(tmp_path / "m.joblib", mmap_mode=mode)
    for each, path in ((joblib.load(tmp_path / "m.joblib"), "read"), (mapped, "mapped")):
        each.partial_fit(parts[1]).update(parts[2]).save(tmp_path / path)
    assert (tmp_path / "mapped").read_bytes() == (tmp_path / "read").read_bytes()
    assert (tmp_path / "m.joblib").read_bytes() == before


def test_pickle_gives_the_same_file(tmp_path):
    """It keeps what is shared within the model, which joblib does not."""
    model = RNNForecaster(2, **SMALL).fit(hourly(90))
    twin = pickle.loads(pickle.dumps(model))
    assert bytes_of(twin, tmp_path / "a") == bytes_of(model, tmp_path / "b")


def test_the_file_is_a_zip_of_json_and_plain_arrays(tmp_path):
    LinearForecaster().fit(hourly(90)).save(tmp_path / "m")
    with zipfile.ZipFile(tmp_path / "m") as archive:
        assert archive.testzip() is None
        for member in archive.namelist():
            if member != "model.json":
                np.load(io.BytesIO(archive.read(member)), allow_pickle=False)
    versions = persistence.read(tmp_path / "m").environment["versions"]
    assert versions["numpy"] == np.__version__
    assert versions["tsrnn"] == tsrnn.__version__


def test_notes_are_kept_beside_the_model(tmp_path):
    persistence.save(NaiveForecaster(), tmp_path / "m", notes={"offset": 3})
    assert persistence.read(tmp_path / "m").notes == {"offset": 3}


def again(value):
    encoder = Encoder()
    node = encoder.node(value)
    return Decoder([array.copy("K") for array in encoder.arrays]).value(node)


VALUES = [
    [None, True, 3, 2**80, -0.0, 1e-320, 0.1, "é\ud800", b"\x00\xff", 1 + 2j],
    (1, [2, {3: "x", None: (), (1, "b"): 2.5}]),
    deque([1, 2], maxlen=4),
    [slice(1, None, 2), range(3, 9, 2)],
    [np.float32(0.1), np.int8(-3), np.bool_(True), np.str_("é"), np.datetime64("2024-01-01T05")],
    [np.dtype("<f4"), np.float32, float, int],
    [pd.Timestamp("2024-03-31 05:00", tz="Europe/Rome"), pd.Timedelta("5min"), pd.NaT],
    [pd.offsets.Hour(3), pd.offsets.MonthEnd(), pd.offsets.Week(weekday=2), pd.offsets.Day(2)],
    [pd.Timestamp("2024", tz="UTC").tz, pd.Timestamp("2024-01-01T00:00+05:30").tz],
]


@pytest.mark.parametrize("value", VALUES, ids=str)
def test_values_come_back(value):
    found = again(value)
    assert found == value or str(found) == str(value)
    assert repr(found) == repr(value)


def test_sets_come_back():
    value = {frozenset({1, 2}), "a"}
    found = again(value)
    assert found == value  # in what order a set is printed hangs on hashes and insertions
    assert sorted(map(str, map(type, found))) == sorted(map(str, map(type, value)))


def test_numbers_that_are_none_come_back():
    found = again([np.nan, np.inf, -np.inf])
    assert np.isnan(found[0])
    assert found[1:] == [np.inf, -np.inf]


@pytest.mark.parametrize(
    "index",
    [
        pd.RangeIndex(2, 9, 3, name="n"),
        pd.Index(["a", "b"], name=("x", 1)),
        pd.Index([1.5, 2.5]),
        pd.Index(["a", 1], dtype=object),
        pd.date_range("2024-03-30", periods=40, freq="h", tz="Europe/Rome", name="time"),
        pd.MultiIndex.from_product([["a", "b"], pd.date_range("2024", periods=2)]),
    ],
    ids=lambda index: type(index).__name__ + str(index.dtype),
)
def test_indexes_come_back(index):
    found = again(index)
    pd.testing.assert_index_equal(found, index, exact=True)
    assert getattr(found, "freq", None) == getattr(index, "freq", None)


def test_memory_order_sharing_and_flags_of_arrays_are_kept():
    cube = np.arange(24.0).reshape(2, 3, 4)
    frozen = np.arange(3)
    frozen.flags.writeable = False
    arrays = [cube, cube.T, cube.transpose(1, 0, 2), cube[:, :, 1], np.zeros((0, 3)), frozen]
    arrays += [np.array(5.0), np.array(["a", "bcd"]), np.array([1, "x", None], dtype=object)]
    found = again([*arrays, cube])
    for old, new in zip(arrays, found, strict=False):
        assert np.array_equal(old, new)
        assert (old.dtype, old.shape) == (new.dtype, new.shape)
        if old.size and old.flags.forc:
            assert old.strides == new.strides
        assert new.flags.writeable == old.flags.writeable
    assert found[2].transpose(1, 0, 2).flags.c_contiguous
    assert found[-1] is found[0]


def test_what_is_shared_stays_shared_and_cycles_close():
    inner = [1]
    holder = {"a": inner, "b": inner}
    holder["self"] = holder
    found = again(holder)
    assert found["a"] is found["b"]
    assert found["self"] is found


def test_an_index_of_objects_does_not_put_what_is_shared_out_of_step():
    shared = [1]
    found = again([pd.Index(["a", 2], dtype=object), np.array([None]), shared, shared])
    assert found[2] == [1]
    assert found[3] is found[2]


@pytest.mark.parametrize(
    "bits", [np.random.PCG64, np.random.MT19937, np.random.Philox, np.random.SFC64]
)
def test_random_generators_go_on(bits):
    rng = np.random.Generator(bits(1))
    rng.random(7, dtype=np.float32)
    twins = again([rng, rng])
    assert twins[0] is twins[1]
    assert np.array_equal(rng.normal(size=9), twins[0].normal(size=9))


class Foreign:
    pass


@pytest.mark.parametrize(
    "value", [Foreign(), len, np, np.zeros(2, [("a", "f4")]), pd.Series([1.0]), Foreign, lambda: 0]
)
def test_what_a_file_cannot_hold_is_named_with_its_place(value, tmp_path):
    path = tmp_path / "m"
    path.write_bytes(b"kept")
    with pytest.raises(TypeError, match=r"estimator\.random_state\['x'\]\[0\]"):
        RNNForecaster(random_state={"x": [value]}).save(path)
    assert path.read_bytes() == b"kept"
    assert list(tmp_path.iterdir()) == [path]
