"""The README's Python blocks run by themselves: on a shorter history, and as they stand."""

import re
from pathlib import Path

import pytest

README = (Path(__file__).parents[1] / "README.md").read_text()
BLOCKS = re.findall(r"```python\n(.*?)```", README, flags=re.DOTALL)


def test_there_are_blocks_to_run():
    assert len(BLOCKS) >= 3


def shorter(number):
    return str(int(number[0]) - (3300 if number[0] > "2" else 700))


@pytest.mark.parametrize("block", BLOCKS, ids=lambda block: block.strip().splitlines()[0][:40])
@pytest.mark.parametrize("short", [True, pytest.param(False, marks=pytest.mark.slow)])
def test_a_block_runs_by_itself(block, short, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    if short:  # 4000 rows for the fit are 700, 1000 stamps 300
        block = re.sub(r"\b(4\d{3}|1[01]00)\b", shorter, block)
    exec(compile(block, "README.md", "exec"), {"__name__": "readme"})
