"""A few of the hostile frames of ``benchmarks/fuzz_frames.py``, which runs 5,000 of them."""

from pathlib import Path

import pytest
from helpers import run_benchmark

SCRIPT = Path(__file__).parents[1] / "benchmarks" / "fuzz_frames.py"


@pytest.mark.slow
def test_hostile_frames_raise_what_is_documented_and_change_nothing(monkeypatch, capsys):
    pytest.importorskip("polars")
    pytest.importorskip("pyarrow")
    out = run_benchmark(SCRIPT, ["--count", "300", "--seed", "1"], monkeypatch, capsys)
    assert ", 0 failures" in out
