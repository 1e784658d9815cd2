"""Files that are damaged, forged or newer: a CheckpointError that names the file and says which."""

import hashlib
import io
import json
import os
import subprocess
import sys
import zipfile
from pathlib import Path

import numpy as np
import pytest
from helpers import hourly
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import FunctionTransformer, StandardScaler

from tsrnn import CheckpointError, StreamingPipeline, load
from tsrnn.baselines import LinearForecaster
from tsrnn.persistence import archive

SCRIPT = Path(__file__).parents[2] / "benchmarks" / "hostile_files.py"


@pytest.fixture
def path(tmp_path):
    path = tmp_path / "m.tsrnn"
    LinearForecaster(lags=3).fit(hourly(60)).save(path)
    return path


def refused(path, message):
    with pytest.raises(CheckpointError, match=message) as error:
        load(path)
    assert str(path) in str(error.value)


def members_of(path):
    with zipfile.ZipFile(path) as old:
        return {name: old.read(name) for name in old.namelist()}


def write(path, members, compression=zipfile.ZIP_STORED, digest=None):
    """Write a zip with the right checksum of its document, or with `digest`."""
    members = [*members.items()] if isinstance(members, dict) else members
    with zipfile.ZipFile(path, "w", compression) as new:
        for name, content in members:
            new.writestr(name, content)
        digest = digest or hashlib.sha256(dict(members)["model.json"]).hexdigest().encode()
        new.comment = archive.COMMENT + digest


def rewritten(path, change):
    """Change the document, with the right checksum of it, and keep the arrays."""
    members = members_of(path)
    document = json.loads(members["model.json"])
    members["model.json"] = json.dumps(change(document) or document).encode()
    write(path, members)


def test_a_document_that_was_changed(path):
    digest, members = path.read_bytes()[-64:], members_of(path)
    text = members["model.json"].replace(b'"horizon": 1', b'"horizon": 2')
    write(path, members | {"model.json": text}, digest=digest)
    refused(path, r"the checksum of model\.json differs")


def test_compressed_members(path):
    write(path, members_of(path), zipfile.ZIP_DEFLATED)
    refused(path, "a member is compressed or encrypted")


@pytest.mark.filterwarnings("ignore:Duplicate name")
@pytest.mark.parametrize("name", ["model.json", "arrays/0.npy"])
def test_members_that_come_twice(name, path):
    members = members_of(path)
    write(path, [*members.items(), (name, members[name])])
    refused(path, "a member comes twice")


@pytest.mark.parametrize("name", ["../evil", "/tmp/evil", "arrays/99.npy", "other"])
def test_other_members(name, path):
    write(path, members_of(path) | {name: b"x"})
    refused(path, "members are missing, or there are others")


def test_mutated_files_load_as_equals_or_are_refused(tmp_path):
    """Each of 16 mutations of each of 2 models twice in each of 3 ways."""
    ways = ["files", "bytes", "streams"]
    command = [sys.executable, SCRIPT, "--as", *ways, "--count", "192", "--seed", "1"]
    done = subprocess.run(command, capture_output=True, text=True, cwd=tmp_path)
    assert done.returncode == 0, done.stdout + done.stderr
    assert ", 0 failures" in done.stdout


@pytest.mark.parametrize("content", [b"", b"x", b"PK\x05\x06" + bytes(18), b"time,load\n" * 99])
def test_other_files(content, path):
    path.write_bytes(content)
    refused(path, "it is no checkpoint of tsrnn")


def test_a_truncated_file(path):
    path.write_bytes(path.read_bytes()[:-1])
    refused(path, "it is truncated, or no checkpoint")


def test_another_zip(path):
    with zipfile.ZipFile(path, "w") as other:
        other.writestr("a.txt", "a")
    refused(path, "it is truncated, or no checkpoint")


def test_a_damaged_array(path):
    data = bytearray(path.read_bytes())
    data[data.index(b"NUMPY") + 200] ^= 1
    path.write_bytes(data)
    refused(path, "it is damaged: Bad CRC-32|it is damaged: the checksum of arrays/0.npy differs")


def test_a_newer_schema_says_what_to_do(path):
    rewritten(path, lambda document: document.update(schema=2))
    refused(path, "its schema is 2, newer than 1.*update tsrnn")


def test_a_field_that_another_version_did_not_have(path):
    text = members_of(path)["model.json"]
    written = text.replace(b'"counts"', b'"numbers"')
    assert written != text
    write(path, members_of(path) | {"model.json": written})
    refused(path, r"time-axis lacks \['counts'\]: another version saved it")


def test_a_document_that_is_no_object(path):
    rewritten(path, lambda document: [document])
    refused(path, "it is damaged")


@pytest.mark.parametrize("model", [{"object": "adam", "state": {}}, 3, {"dict": []}, {"tuple": []}])
def test_what_is_no_estimator(model, path):
    rewritten(path, lambda document: document.update(model=model))
    refused(path, "it holds no estimator")


@pytest.mark.parametrize(
    "name", ["os.system", "builtins.eval", "sklearn.Pipeline", "cli.main", "persistence.Decoder"]
)
def test_no_other_class_is_made(name, path):
    rewritten(path, lambda document: document.update(model={"object": name, "state": {}}))
    refused(path, "is no class of tsrnn")


def test_sizes_are_compared_before_anything_is_allocated(path):
    """An array of a terabyte, in a header of a few bytes."""
    header = io.BytesIO()
    described = {"descr": "<f8", "fortran_order": False, "shape": (10**12 // 8,)}
    np.lib.format.write_array_header_1_0(header, described)
    with zipfile.ZipFile(path) as old:
        document = json.loads(old.read("model.json"))
    document["arrays"][0] = {
        "bytes": len(header.getvalue()),
        "sha256": hashlib.sha256(header.getvalue()).hexdigest(),
    }
    text = json.dumps(document | {"arrays": document["arrays"][:1]}).encode()
    with zipfile.ZipFile(path, "w") as new:
        new.writestr("arrays/0.npy", header.getvalue())
        new.writestr("model.json", text)
        new.comment = archive.COMMENT + hashlib.sha256(text).hexdigest().encode()
    refused(path, "has 0 bytes of values, its header says 1000000000000")


def test_what_is_no_regular_file(tmp_path):
    os.mkfifo(tmp_path / "pipe")
    refused(tmp_path / "pipe", "no regular file")
    with pytest.raises(IsADirectoryError):
        load(tmp_path)
    with pytest.raises(FileNotFoundError):
        load(tmp_path / "absent")


def test_a_forged_cache_of_scikit_learns_pipeline_is_refused(path):
    """From a directory of its own, a file could have pickles read at the next fit."""
    steps = [("inner", Pipeline([("scale", StandardScaler())])), ("forecast", LinearForecaster())]
    StreamingPipeline(steps).fit(hourly(60)).save(path)
    load(path)
    members = members_of(path)
    text = members["model.json"].decode().replace('["memory", null]', '["memory", "/tmp"]')
    if text == members["model.json"].decode():
        text = text.replace('"memory": null', '"memory": "/tmp"')
    assert text != members["model.json"].decode()
    write(path, members | {"model.json": text.encode()})
    refused(path, "names a cache")


def test_a_forged_function_is_refused(path):
    steps = [("log", FunctionTransformer(np.log, np.exp)), ("forecast", LinearForecaster())]
    StreamingPipeline(steps).fit(hourly(60)).save(path)
    load(path)
    members = members_of(path)
    for name in (b"load", b"fromfile", b"__loader__", b"linalg.norm"):
        text = members["model.json"].replace(b'{"ufunc": "log"}', b'{"ufunc": "' + name + b'"}')
        assert text != members["model.json"]
        write(path, members | {"model.json": text})
        refused(path, "a function is unknown")
