"""Where compiled code is kept for the next process, and what the first one says meanwhile.

numba's own cache looks at the file of a function alone, not at the constants and functions of other
files that are compiled into it, and it reads no folder that it cannot write to, such as that of a
package in a container image. This one does both: code of other sources or versions has other names.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import pickle
import sys
import tempfile
import uuid
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import numba
import numpy as np
from numba.core.caching import _Cache
from numba.core.compiler import CompileResult
from numba.core.serialize import dumps
from numba.misc.appdirs import AppDirs

KERNELS = Path(__file__).parents[1]
#: Anything but 0 silences the line on stderr.
QUIET = "TSRNN_QUIET"


def folders() -> list[Path]:
    """Return where compiled code is looked for; it is kept in the first that can be written to.

    ``NUMBA_CACHE_DIR`` where it is set; else the package's own folder, and the user's cache.
    """
    place = hashlib.sha256(os.fsencode(KERNELS)).hexdigest()[:16]
    own = f"tsrnn-{place}-{sys.implementation.cache_tag}"
    if numba.config.CACHE_DIR:
        return [Path(numba.config.CACHE_DIR, own)]
    users = AppDirs(appname="numba", appauthor=False).user_cache_dir
    return [KERNELS / "numba_" / "__pycache__", Path(users, own)]


def kept_in() -> Path | None:
    """Return the folder that compiled code is written to, or None where there is none."""
    for folder in folders():
        with contextlib.suppress(OSError):
            folder.mkdir(parents=True, exist_ok=True)
            tempfile.TemporaryFile(dir=folder).close()
            return folder
    return None


@cache
def stamp() -> str:
    """Return what tells all sources of compiled code, and the versions that compile it, apart."""
    digest = hashlib.sha256(f"{numba.__version__} {np.__version__} {sys.version}".encode())
    for path in sorted(KERNELS.rglob("*.py")):
        digest.update(path.relative_to(KERNELS).as_posix().encode() + b"\0" + path.read_bytes())
    return digest.hexdigest()[:16]


@cache
def say_once(message: str) -> None:
    """Write a line to stderr, unless ``TSRNN_QUIET`` is set."""
    if os.environ.get(QUIET, "0") in ("", "0"):
        print(f"tsrnn: {message} ({QUIET}=1 silences this.)", file=sys.stderr, flush=True)


@cache
def _say_what_goes_on() -> None:
    what = "numba compiles the kernels, which takes up to a minute"
    folder = kept_in()
    if folder:
        say_once(f"{what}, once: they are kept in {folder}. `tsrnn compile` does it ahead.")
    else:
        looked_at = ", ".join(map(str, folders()))
        say_once(
            f"{what}, in every process: they cannot be kept, as no cache folder can be written "
            f"to (found {looked_at}). Set NUMBA_CACHE_DIR to one that can."
        )


class KernelCache(_Cache):
    """Keeps what numba has compiled of one function: a file for each of its signatures.

    A file that cannot be read is one that is not there; where none can be written, compiled code
    lasts as long as the process.
    """

    def __init__(self, function: Callable[..., Any]) -> None:
        self._name = f"{function.__module__.rpartition('.')[2]}.{function.__name__}"
        self._enabled = True

    @property
    def cache_path(self) -> str:
        """The folder that is written to."""
        return str(kept_in())

    def load_overload(self, sig: Any, target_context: Any) -> Any:
        """Return what was compiled for a signature, or None; say that numba will compile then."""
        if not self._enabled:
            return None
        target_context.refresh()
        key = _key(sig, target_context.codegen())
        for folder in folders():
            with contextlib.suppress(OSError, EOFError, pickle.UnpicklingError, ValueError):
                found, payload = pickle.loads((folder / self._file(key)).read_bytes())
                if found == key:
                    return CompileResult._rebuild(target_context, *payload)
        _say_what_goes_on()
        return None

    def save_overload(self, sig: Any, data: Any) -> None:
        """Keep what was compiled for a signature, in the place of what other versions had left."""
        folder = kept_in()
        if not self._enabled or folder is None or data.lifted or data.library.has_dynamic_globals:
            return
        key = _key(sig, data.codegen)
        path = folder / self._file(key)
        new = path.with_name(f"{path.name}.{uuid.uuid4().hex[:8]}")
        try:
            new.write_bytes(dumps((key, data._reduce())))
            os.replace(new, path)  # at once: others may read it
            for old in folder.glob(f"{self._name}-*.nbc"):
                if not old.name.startswith(f"{self._name}-{stamp()}-"):
                    old.unlink(missing_ok=True)
        except OSError as error:
            say_once(f"what numba has compiled could not be kept in {folder}: {error}.")
            with contextlib.suppress(OSError):
                new.unlink(missing_ok=True)

    def enable(self) -> None:
        """Keep code."""
        self._enabled = True

    def disable(self) -> None:
        """Keep no code, and look for none."""
        self._enabled = False

    def flush(self) -> None:
        """Delete what is kept."""
        for folder in folders():
            for path in folder.glob(f"{self._name}-*.nbc"):
                path.unlink(missing_ok=True)

    def _file(self, key: str) -> str:
        return f"{self._name}-{stamp()}-{hashlib.sha256(key.encode()).hexdigest()[:16]}.nbc"


def _key(sig: Any, codegen: Any) -> str:
    """Return the signature, machine and CPU that code is for."""
    return repr((stamp(), sig, codegen.magic_tuple()))
