"""Files that are replaced as a whole: a reader sees the old content or the new, never a part."""

import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import BinaryIO


@contextmanager
def replacing(path: str | os.PathLike[str]) -> Iterator[BinaryIO]:
    """Open a temporary file beside `path` that takes its place once the block ends well.

    The content is on disk before the rename, and so is the rename before this returns. When the
    block raises, or the process dies, the file at `path` is as it was; a process that dies may
    leave the temporary file, named as `leftovers` says.

    Parameters
    ----------
    path : str or Path
        Of a regular file, or of none yet. A symbolic link is followed.

    Yields
    ------
    file : binary file, open for writing and seeking

    Raises
    ------
    OSError
        The file cannot be written, such as for want of space; it names `path`.
    """
    target = Path(os.path.realpath(path))
    try:
        if target.exists() and not target.is_file():
            raise IsADirectoryError(f"cannot write {path}: found no regular file; pass another")
        temporary = target.with_name(f".{target.name}.{secrets.token_hex(6)}.tmp")
        try:
            # O_EXCL: what lies there already, a link even, is never written through
            flags = os.O_RDWR | os.O_CREAT | os.O_EXCL | getattr(os, "O_BINARY", 0)
            with os.fdopen(os.open(temporary, flags, 0o666), "w+b") as file:
                yield file
                file.flush()
                os.fsync(file.fileno())
            os.replace(temporary, target)
        except BaseException:
            with suppress(OSError):
                temporary.unlink(missing_ok=True)
            raise
        _sync_folder(target.parent)
    except OSError as error:
        if error.errno is None:
            raise
        raise OSError(error.errno, error.strerror, str(path)) from error


def leftovers(path: str | os.PathLike[str]) -> list[Path]:
    """Return the temporary files that processes killed while they wrote `path` have left."""
    target = Path(os.path.realpath(path))
    prefix = f".{target.name}."
    return [
        file
        for file in target.parent.iterdir()
        if file.name.startswith(prefix) and file.name.endswith(".tmp")
    ]


def _sync_folder(folder: Path) -> None:
    if os.name == "nt":  # Windows cannot open a folder, and needs no sync of it
        return
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
