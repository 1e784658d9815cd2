"""Models as bytes, and in binary files that are open: the same content as in a file by its path."""

import io

import pandas as pd
import pytest
from helpers import content, hourly

import tsrnn
from tsrnn import CheckpointError, RNNForecaster, RNNRegressor
from tsrnn.baselines import LinearForecaster

SMALL = {"hidden_size": 4, "window_size": 16, "max_iter": 3, "random_state": 0}


@pytest.fixture(scope="module")
def model():
    return RNNForecaster(3, **SMALL).fit(hourly(90, 2, tz="Europe/Rome"))


def test_bytes_are_those_of_the_file(model, tmp_path):
    model.save(tmp_path / "m")
    assert tsrnn.dumps(model) == (tmp_path / "m").read_bytes()
    assert content(tsrnn.loads(tsrnn.dumps(model))) == content(model)


def test_a_model_goes_on_from_bytes(model):
    rows = hourly(120, 2, tz="Europe/Rome")
    twin = tsrnn.loads(tsrnn.dumps(model))
    other = tsrnn.loads(memoryview(bytearray(tsrnn.dumps(model)))).partial_fit(rows[90:])
    twin.partial_fit(rows[90:])
    pd.testing.assert_frame_equal(twin.forecast(), other.forecast(), check_exact=True)


def test_a_regressor_goes_through_bytes():
    rows = hourly(90, 2)
    model = RNNRegressor(**SMALL).fit(rows[["s0"]], rows["s1"])
    assert content(tsrnn.loads(tsrnn.dumps(model))) == content(model)


def test_open_files_are_written_and_read(model, tmp_path):
    """Such as an object store's, which is often no file of the system, and cannot seek."""
    buffer = io.BytesIO()
    model.save(buffer)
    assert buffer.getvalue() == tsrnn.dumps(model)
    buffer.seek(0)
    assert content(tsrnn.load(buffer)) == content(model)
    with open(tmp_path / "m", "wb") as file:
        model.save(file)
    assert content(tsrnn.load(tmp_path / "m")) == content(model)
    with open(tmp_path / "m", "rb") as file:
        assert content(tsrnn.load(file)) == content(model)


class Pipe(io.RawIOBase):
    """A file that can neither seek nor tell."""

    def __init__(self, data=b""):
        self.data, self.parts = io.BytesIO(data), []

    def readable(self):
        return True

    def readinto(self, buffer):
        return self.data.readinto(buffer)

    def write(self, data):
        self.parts.append(bytes(data))
        return len(data)


def test_a_file_need_not_seek(model):
    pipe = Pipe()
    model.save(pipe)
    assert pipe.parts == [tsrnn.dumps(model)], "the content comes whole, in one write"
    assert content(tsrnn.load(Pipe(pipe.parts[0]))) == content(model)


def test_a_model_that_cannot_be_saved_leaves_the_file_empty():
    buffer = io.BytesIO()
    with pytest.raises(TypeError, match="random_state"):
        RNNForecaster(random_state=object()).save(buffer)
    assert buffer.getvalue() == b""


@pytest.mark.parametrize("kept", [0, 1, 3, 100, -1, -100])
def test_bytes_that_are_cut_off_are_refused(kept):
    whole = tsrnn.dumps(LinearForecaster(lags=3).fit(hourly(60)))
    cut = whole[:kept]
    expected = "truncated, or no checkpoint" if len(cut) > 3 else "no checkpoint of tsrnn"
    with pytest.raises(CheckpointError, match=rf"cannot load {len(cut)} bytes: it is .*{expected}"):
        tsrnn.loads(cut)
    with pytest.raises(CheckpointError, match="cannot load the open file: it is"):
        tsrnn.load(io.BytesIO(cut))


def test_any_byte_that_is_changed_is_noticed():
    whole = tsrnn.dumps(LinearForecaster(lags=3).fit(hourly(60)))
    for place in range(7, len(whole), len(whole) // 50):
        wrong = bytearray(whole)
        wrong[place] ^= 0x10
        try:
            model = tsrnn.loads(wrong)
        except CheckpointError:
            continue
        assert tsrnn.dumps(model) == whole  # a byte that says nothing, such as of a date


def test_what_is_no_binary_file_is_named(model, tmp_path):
    with open(tmp_path / "m", "w") as file, pytest.raises(TypeError, match=r"text.*'wb'"):
        model.save(file)
    with open(tmp_path / "m") as file, pytest.raises(TypeError, match=r"text.*'rb'"):
        tsrnn.load(file)
    with pytest.raises(TypeError, match="found str, expected bytes"):
        tsrnn.loads("m.tsrnn")
    for wrong in (3, None, b"bytes"):
        with pytest.raises(TypeError, match="expected a path or a file in binary mode"):
            tsrnn.load(wrong)
