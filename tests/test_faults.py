"""A few of the faults of ``benchmarks/faults.py``, which raises one at every line of every call."""

import subprocess
import sys
from pathlib import Path

SCRIPT = Path(__file__).parents[1] / "benchmarks" / "faults.py"


def test_a_fault_at_any_line_changes_nothing(tmp_path):
    command = [sys.executable, SCRIPT, "--every", "193"]
    done = subprocess.run(command, capture_output=True, text=True, cwd=tmp_path)
    assert done.returncode == 0, done.stdout + done.stderr
    assert ", 0 failures" in done.stdout
