"""Rows that are appended to in place, while every value that looks at them stays what it was."""

import numpy as np

from tsrnn.online.storage.values import twin


class AppendsRows:
    """What remembers rows in arrays, those named `appended`, of L rows each.

    `opened` returns the value with n rows more in each array, to be written; `close` then drops the
    n oldest ones. Buffers are of twice the length, so that rows are copied once in a while, not
    each time. Where two values go on from one (a prediction beside the stream itself), the second
    gets buffers of its own. The buffers are no part of what is saved.
    """

    appended = ()
    _scratch = None

    def __getstate__(self):
        return {key: value for key, value in vars(self).items() if key != "_scratch"}

    def opened(self, n):
        """Return a twin of the value whose arrays have n more rows."""
        value, names = twin(self), self.appended
        held, spare = vars(value), self._scratch
        length = len(held[names[0]])
        if spare is None or not _goes_on(spare, names, held, n):
            arrays = [held[name] for name in names]
            capacity = 2 * length + n if n <= length else length + n
            buffers = [np.empty((capacity, *array.shape[1:]), array.dtype) for array in arrays]
            for buffer, array in zip(buffers, arrays, strict=True):
                buffer[:length] = array
            spare = buffers, length, {}
        buffers, stop, free = spare
        held["_scratch"] = buffers, stop + n, free
        for name, buffer in zip(names, buffers, strict=True):
            held[name] = buffer[stop - length : stop + n]
        return value

    def close(self, n):
        """Drop the n oldest rows, of a value that is `opened`; others may go on from it."""
        held = vars(self)
        for name in self.appended:
            array = held[name][n:]
            held[name] = array if n <= len(array) else array.copy()
        _, stop, free = held["_scratch"]
        free[stop] = True


def _goes_on(spare, names, held, n):
    """Return whether rows can be written behind these arrays, and take the place if so.

    `spare` are the buffers, where their rows end, and the ends from which nobody has gone on yet.
    """
    buffers, stop, free = spare
    if stop + n > len(buffers[0]):
        return False
    for name, buffer in zip(names, buffers, strict=True):
        if held[name].base is not buffer:  # it was replaced
            return False
    return free.pop(stop, False)  # of two threads, one gets it
