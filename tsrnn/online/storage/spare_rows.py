"""Rows that are appended to in place, while every value that looks at them stays what it was."""

import numpy as np

from tsrnn.online.storage.values import twin


class SpareRows:
    """Buffers behind the arrays of a value, with rows to spare.

    A value looks at the newest rows that it knows, and a new one is written behind them. Only one
    can go on from there: `free` holds the end of the rows until somebody takes it.
    """

    def __init__(self, buffers, stop):
        self.buffers, self.stop, self.free = buffers, stop, {}


class AppendsRows:
    """What remembers rows in arrays, those named `appended`, of L rows each.

    `opened` returns the value with n rows more in each array, to be written; `close` then drops the
    n oldest ones. Buffers are of twice the length, so that rows are copied once in a while, not
    each time. Where two values go on from one (a prediction beside the stream itself), the second
    gets buffers of its own. They are no part of what is saved.
    """

    appended = ()
    _scratch = None

    def __getstate__(self):
        return {key: value for key, value in vars(self).items() if key != "_scratch"}

    def opened(self, n):
        """Return a twin of the value whose arrays have n more rows."""
        value, arrays = twin(self), [getattr(self, name) for name in self.appended]
        spare, length = self._scratch, len(arrays[0])
        if not (spare and _goes_on(spare, arrays, n)):
            capacity = 2 * length + n if n <= length else length + n
            buffers = [np.empty((capacity, *array.shape[1:]), array.dtype) for array in arrays]
            for buffer, array in zip(buffers, arrays, strict=True):
                buffer[:length] = array
            spare = SpareRows(buffers, length)
        value._scratch = SpareRows(spare.buffers, spare.stop + n)
        value._scratch.free = spare.free
        rows = slice(spare.stop - length, spare.stop + n)
        for name, buffer in zip(self.appended, spare.buffers, strict=True):
            setattr(value, name, buffer[rows])
        return value

    def close(self, n):
        """Drop the n oldest rows, of a value that is `opened`; others may go on from it."""
        for name in self.appended:
            array = getattr(self, name)[n:]
            setattr(self, name, array if n <= len(array) else array.copy())
        self._scratch.free[self._scratch.stop] = True


def _goes_on(spare, arrays, n):
    """Return whether rows can be written behind these arrays, and take the place if so."""
    behind = all(array.base is buffer for array, buffer in zip(arrays, spare.buffers, strict=True))
    enough = spare.stop + n <= len(spare.buffers[0])
    return behind and enough and spare.free.pop(spare.stop, False)
