"""Keep small files of this version, of every kind of model; tests of later versions load them.

    python tests/files/make.py

It is run once for a release, with NumPy's kernels, and what it has written is never changed.
"""

import os
import sys
from pathlib import Path

os.environ["TSRNN_KERNELS"] = "numpy"
FOLDER = Path(__file__).resolve().parent
sys.path[:0] = [str(FOLDER.parents[1]), str(FOLDER.parent)]

from helpers import versions  # noqa: E402 - found there

import tsrnn  # noqa: E402

target = FOLDER / tsrnn.__version__
versions.write(target)
files = sorted(target.iterdir())
print(f"{target}: {len(files)} files, {sum(path.stat().st_size for path in files):,} bytes")
