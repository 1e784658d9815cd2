"""A few of the hostile frames of ``benchmarks/fuzz_frames.py``, which runs 5,000 of them."""

import subprocess
import sys
from pathlib import Path

SCRIPT = Path(__file__).parents[1] / "benchmarks" / "fuzz_frames.py"


def test_hostile_frames_raise_what_is_documented_and_change_nothing(tmp_path):
    command = [sys.executable, SCRIPT, "--count", "300", "--seed", "1"]
    done = subprocess.run(command, capture_output=True, text=True, cwd=tmp_path)
    assert done.returncode == 0, done.stdout + done.stderr
    assert ", 0 failures" in done.stdout
