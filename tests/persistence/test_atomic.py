"""Disks that are full and folders that cannot be written: what was there before stays."""

import errno
import os
import resource
import subprocess
import sys

import pytest
from helpers import hourly

from tsrnn import load
from tsrnn.baselines import LinearForecaster, NaiveForecaster
from tsrnn.persistence import atomic


@pytest.fixture
def saved(tmp_path):
    path = tmp_path / "kept.tsrnn"
    NaiveForecaster().fit(hourly(50)).save(path)
    return path


def intact(path, before):
    load(path)
    return path.read_bytes() == before and list(path.parent.iterdir()) == [path]


def fail(code, after=0):
    def failing(*args, **kwargs):
        raise OSError(code, os.strerror(code))

    return failing


@pytest.mark.parametrize(
    ("function", "code"),
    [
        ("open", errno.EROFS),
        ("open", errno.EACCES),
        ("fsync", errno.ENOSPC),
        ("fsync", errno.EIO),
        ("replace", errno.EACCES),
    ],
)
def test_a_save_that_fails_leaves_the_old_file(function, code, saved, monkeypatch):
    before = saved.read_bytes()
    with monkeypatch.context() as patch:
        patch.setattr(atomic.os, function, fail(code))
        with pytest.raises(OSError, match=r"kept\.tsrnn") as error:
            LinearForecaster().fit(hourly(90)).save(saved)
    assert error.value.errno == code
    assert error.value.filename == str(saved)
    assert intact(saved, before)


def test_a_disk_that_fills_up_while_writing(saved):
    """A limit on the size of files is the kernel's own way to let a write come to nothing."""
    code = """
import resource, signal, sys
from tsrnn import load
from tsrnn.baselines import LinearForecaster
import numpy as np
model = LinearForecaster().fit(np.arange(200.0))
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (10_000, 10_000))
try:
    model.save(sys.argv[1])
except OSError as error:
    print(error)
"""
    before = saved.read_bytes()
    assert resource.RLIMIT_FSIZE is not None
    done = subprocess.run(
        [sys.executable, "-c", code, saved], capture_output=True, text=True, check=True
    )
    assert f"File too large: '{saved}'" in done.stdout
    assert intact(saved, before)


@pytest.mark.skipif(os.geteuid() == 0, reason="nothing is read-only for root")
def test_a_read_only_folder(saved):
    before = saved.read_bytes()
    saved.parent.chmod(0o500)
    try:
        with pytest.raises(PermissionError, match=r"kept\.tsrnn"):
            NaiveForecaster().save(saved)
    finally:
        saved.parent.chmod(0o700)
    assert intact(saved, before)


def test_a_folder_that_is_not_there(tmp_path):
    with pytest.raises(FileNotFoundError, match="absent/m"):
        NaiveForecaster().save(tmp_path / "absent" / "m")


def test_only_regular_files_are_replaced(tmp_path):
    for path in (tmp_path, "/dev/null"):
        with pytest.raises(OSError, match="no regular file"):
            NaiveForecaster().save(path)


def test_a_link_is_followed_and_permissions_are_usual(tmp_path):
    (tmp_path / "folder").mkdir()
    link = tmp_path / "link"
    link.symlink_to(tmp_path / "folder" / "m")
    old = os.umask(0o027)
    try:
        NaiveForecaster().save(link)
    finally:
        os.umask(old)
    assert link.is_symlink()
    assert (tmp_path / "folder" / "m").stat().st_mode & 0o777 == 0o640
    assert list((tmp_path / "folder").iterdir()) == [tmp_path / "folder" / "m"]


def test_a_stop_while_writing_cleans_up(saved):
    before = saved.read_bytes()
    with pytest.raises(KeyboardInterrupt), atomic.replacing(saved) as file:
        file.write(b"half")
        raise KeyboardInterrupt
    assert intact(saved, before)


def test_leftovers_of_killed_processes_are_found(saved):
    left = saved.with_name(f".{saved.name}.0123456789ab.tmp")
    left.touch()
    saved.with_name(".other.0123456789ab.tmp").touch()
    assert atomic.leftovers(saved) == [left]
