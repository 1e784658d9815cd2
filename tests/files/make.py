"""Keep small files of this version, of every kind of model; tests of later versions load them.

    python tests/files/make.py

It is run once for a release, with NumPy's kernels, and what it has written is never changed.
"""

import os
import sys
from pathlib import Path

FOLDER = Path(__file__).resolve().parent


def main():
    """Write the files, and say how large they are."""
    os.environ["TSRNN_KERNELS"] = "numpy"
    sys.path[:0] = [str(FOLDER.parents[1]), str(FOLDER.parent)]
    from helpers import versions

    import tsrnn

    target = FOLDER / tsrnn.__version__
    versions.write(target)
    files = sorted(target.iterdir())
    print(f"{target}: {len(files)} files, {sum(path.stat().st_size for path in files):,} bytes")


if __name__ == "__main__":
    main()
