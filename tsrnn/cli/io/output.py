"""Where forecasts go: a pipe, or a file that a restart cuts back to what a checkpoint has seen."""

import os
import select
import stat
import sys
import zlib

TAIL = 4096  # bytes before the end by which a file is known again
PART = getattr(select, "PIPE_BUF", 512)  # bytes that a pipe with room takes without waiting
POLL = 0.2  # seconds between two looks at whether to go on waiting for a reader


class NobodyReadsError(Exception):
    """The output was not taken, and the stream is to end."""


class Output:
    """Lines to standard output, or to a file.

    Parameters
    ----------
    path : str or None
        None: standard output.
    mark : dict, optional
        What `mark` returned when the checkpoint was written from which the stream goes on.

    Attributes
    ----------
    patient : bool
        Whether to wait for a reader for ever.

    Raises
    ------
    ValueError
        The file is not the one of the checkpoint; it is left as it is.
    OSError
        It cannot be opened.
    """

    def __init__(self, path=None, mark=None):
        self.path, self.patient = path, True
        if path is None:
            self._descriptor = sys.stdout.fileno()
        else:
            self._descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o666)
        self.is_file = path is not None and stat.S_ISREG(os.fstat(self._descriptor).st_mode)
        if self.is_file:
            if mark is not None:
                self._cut_back(mark)
            os.lseek(self._descriptor, 0, os.SEEK_END)

    def _cut_back(self, mark):
        size = os.fstat(self._descriptor).st_size
        if size < mark["bytes"] or self._tail(mark["bytes"]) != mark["crc32"]:
            raise ValueError(
                f"found {self.path} without the forecasts up to the checkpoint ({mark['bytes']} "
                "bytes), expected the file of the runs before; pass that one, or start anew "
                "without the checkpoint"
            )
        os.ftruncate(self._descriptor, mark["bytes"])

    def _tail(self, end):
        start = max(0, end - TAIL)
        os.lseek(self._descriptor, start, os.SEEK_SET)
        crc, left = 0, end - start
        while left and (data := os.read(self._descriptor, left)):
            crc, left = zlib.crc32(data, crc), left - len(data)
        return crc

    @property
    def is_empty(self):
        """Whether nothing has been written to it before, as far as can be told."""
        return not self.is_file or not os.fstat(self._descriptor).st_size

    def write(self, line):
        """Hand a line to the system at once. A reader that is slow is waited for.

        Raises
        ------
        NobodyReadsError
            There is no room for it, and `patient` is False.
        OSError
            It cannot be written.
        """
        data = memoryview(line.encode() + b"\n")
        waits = (
            not self.is_file and os.name != "nt"
        )  # Windows cannot ask a pipe whether it has room
        try:
            while data:
                if waits:
                    self._wait_for_room()
                data = data[os.write(self._descriptor, data[:PART] if waits else data) :]
        except BrokenPipeError:
            raise
        except OSError as error:
            raise OSError(error.errno, error.strerror, self.path or "standard output") from error

    def _wait_for_room(self):
        while not select.select([], [self._descriptor], [], POLL)[1]:
            if not self.patient:
                raise NobodyReadsError

    def mark(self):
        """Bring a file safely to the disk; return how to find this place again, None for a pipe."""
        if not self.is_file:
            return None
        os.fsync(self._descriptor)
        end = os.lseek(self._descriptor, 0, os.SEEK_CUR)
        mark = {"bytes": end, "crc32": self._tail(end)}
        os.lseek(self._descriptor, end, os.SEEK_SET)
        return mark
