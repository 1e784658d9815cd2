"""A few of the faults of ``benchmarks/faults.py``, which raises one at every line of every call."""

from pathlib import Path

import pytest
from helpers import run_benchmark

SCRIPT = Path(__file__).parents[1] / "benchmarks" / "faults.py"


@pytest.mark.slow
def test_a_fault_at_any_line_changes_nothing(monkeypatch, capsys):
    out = run_benchmark(SCRIPT, ["--every", "997", "--jobs", "2"], monkeypatch, capsys)
    assert ", 0 failures" in out
