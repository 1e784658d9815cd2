"""Lines of a file, of a pipe or of a file that grows, in blocks, without holding them all."""

import bz2
import gzip
import lzma
import os
import sys
import time
from pathlib import Path

BLOCK = 1 << 16  # bytes read at once, and so about the most that waits
MAX_LINE = 1 << 20  # bytes
POLL = 0.2  # seconds between two looks at a file that may have grown
OPENERS = {".gz": gzip.open, ".bz2": bz2.open, ".xz": lzma.open}


def line_blocks(name, follow=False):
    """Yield blocks of lines: the number of the first one, from 1, and a list of bytes.

    Parameters
    ----------
    name : str
        Of a file, compressed or not; "-" is standard input.
    follow : bool
        Go on waiting for more at the end of the file, for ever. A file that is replaced or cut is
        read anew.

    Raises
    ------
    ValueError
        A line is longer than a megabyte, or a compressed file is damaged.
    OSError
        The file cannot be read.
    """
    lines = Lines()
    for data in _following(name) if follow else _reading(name):
        yield from lines.take(data)
    yield from lines.end()


class Lines:
    """Cuts bytes into lines as they come; what has no end yet waits for it."""

    def __init__(self):
        self._number, self._rest = 1, b""

    def take(self, data):
        """Yield the block of lines that these bytes end, if they end one.

        Raises
        ------
        ValueError
            A line is longer than a megabyte.
        """
        *lines, self._rest = (self._rest + data).split(b"\n")
        if len(self._rest) > MAX_LINE:
            raise ValueError(
                f"line {self._number + len(lines)} has more than {MAX_LINE} bytes, expected a row; "
                "see that the input is CSV or JSON lines"
            )
        if lines:
            first, self._number = self._number, self._number + len(lines)
            yield first, lines

    def end(self):
        """Yield the last line, if no end of line came behind it."""
        if self._rest:
            yield self._number, [self._rest]


class GrowingFile:
    """A file that may grow, be cut, or be replaced, and is then read anew.

    Parameters
    ----------
    name : str

    Raises
    ------
    OSError
        It cannot be read.
    """

    def __init__(self, name):
        self._name = name
        self._file = open(name, "rb", buffering=0)  # noqa: SIM115 - until `close`

    def read(self):
        """Return what is new, a block at most, without waiting: nothing where nothing is."""
        data = self._file.read(BLOCK)
        if data or not _is_another(self._name, self._file):
            return data
        try:
            other = open(self._name, "rb", buffering=0)  # noqa: SIM115 - until `close`
        except FileNotFoundError:  # it is being replaced once more
            return b""
        self.close()
        self._file = other
        return b"\n"  # what came last in the old file is a line, whole or not

    def close(self):
        """Close the file."""
        self._file.close()


def _reading(name):
    if name == "-":
        descriptor = sys.stdin.fileno()
        while data := os.read(descriptor, BLOCK):  # what is there, without waiting for a full block
            yield data
        return
    try:
        with OPENERS.get(Path(name).suffix, open)(name, "rb") as file:
            while data := file.read(BLOCK):
                yield data
    except (EOFError, lzma.LZMAError) as error:
        raise ValueError(f"cannot read {name}: {error}") from error


def _following(name):
    file = GrowingFile(name)
    try:
        while True:
            if data := file.read():
                yield data
            else:
                time.sleep(POLL)
    finally:
        file.close()


def _is_another(name, file):
    """Whether the file of that name is no longer the one that is open, or has been cut."""
    try:
        found = os.stat(name)
    except FileNotFoundError:  # it is just being replaced
        return False
    opened = os.fstat(file.fileno())
    same = (found.st_ino, found.st_dev) == (opened.st_ino, opened.st_dev)
    return not same or found.st_size < file.tell()
