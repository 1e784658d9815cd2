"""Rows that are appended to in place, while every value that looks at them stays what it was."""

import numpy as np

from tsrnn.online.storage.values import changed, twin


class AppendsRows:
    """What remembers rows in arrays, those named `appended`, of L rows each.

    `opened` returns the value with n rows more in each array, to be written; `close` then drops the
    n oldest ones. Buffers are of twice the length, so that rows are copied once in a while, not
    each time. Where two values go on from one (a prediction beside the stream itself), the second
    gets buffers of its own. The buffers are no part of what is saved.
    """

    appended: tuple[str, ...] = ()
    _scratch = None

    def __getstate__(self):
        return {key: value for key, value in vars(self).items() if key != "_scratch"}

    @property
    def rows(self):
        """The first of the arrays that remember rows."""
        return getattr(self, self.appended[0])

    def with_rows(self, rows, **fields):
        """Return a twin with other rows in that array, and other fields; buffers are its own."""
        return changed(self, **{self.appended[0]: rows}, _scratch=None, **fields)

    def opened(self, n):
        """Return a twin of the value whose arrays have n more rows."""
        return self._going_on(n) or self._copied(n)

    def close(self, n):
        """Drop the n oldest rows, of a value that is `opened`; others may go on from it."""
        held = vars(self)
        buffers, stop, free = held["_scratch"]
        for name in buffers:
            array = held[name]
            held[name] = array[n:] if 2 * n <= len(array) else array[n:].copy()
        free[stop] = True

    def _going_on(self, n):
        """Return the twin with n rows of the same buffers, None if they cannot be had."""
        if self._scratch is None:
            return None
        # Buffers by name, where the rows end, and the ends from which nobody has gone on yet.
        buffers, stop, free = self._scratch
        if not free.pop(stop, False):  # of two threads, one gets it
            return None
        value, end = twin(self), stop + n
        held = vars(value)
        for name, buffer in buffers.items():
            array = held[name]
            if array.base is not buffer or end > len(buffer):  # it was replaced, or is full
                return None
            held[name] = buffer[stop - len(array) : end]
        held["_scratch"] = buffers, end, free
        return value

    def _copied(self, n):
        """Return the twin with buffers of its own."""
        value, buffers = twin(self), {}
        for name in self.appended:
            array = getattr(self, name)
            length = len(array)
            capacity = 2 * length + n if n <= length else length + n
            buffer = np.empty((capacity, *array.shape[1:]), array.dtype)
            buffer[:length] = array
            buffers[name] = buffer
            setattr(value, name, buffer[: length + n])
        value._scratch = buffers, length + n, {}
        return value
