"""Input that is read by a thread of its own, so that waiting for it can be cut short."""

import queue
import threading

WAITING_BLOCKS = 2  # of lines that are read ahead: memory stays bounded when the output is slow
_WAKE, _END = object(), object()


class Inbox:
    """Blocks of lines, as they come.

    Parameters
    ----------
    blocks : iterator
        Of what `next` returns; run in a thread.
    """

    def __init__(self, blocks):
        self._queue = queue.SimpleQueue()
        self._room = threading.Semaphore(WAITING_BLOCKS)
        threading.Thread(target=self._fill, args=(blocks,), daemon=True).start()

    def _fill(self, blocks):
        try:
            for block in blocks:
                self._room.acquire()
                self._queue.put(block)
            self._queue.put(_END)
        except BaseException as error:
            self._queue.put(error)

    def wake(self):
        """Let `next` return at once; may be called by a signal handler."""
        self._queue.put(_WAKE)

    def next(self, timeout=None):
        """Wait for a block.

        Parameters
        ----------
        timeout : float, optional
            Seconds.

        Returns
        -------
        block : tuple or None
            None: the time is over, or `wake` was called.

        Raises
        ------
        StopIteration
            There are no more.
        OSError, ValueError
            What the iterator raised.
        """
        try:
            item = self._queue.get(timeout=timeout)
        except queue.Empty:
            return None
        if item is _WAKE:
            return None
        if item is _END:
            raise StopIteration
        if isinstance(item, BaseException):
            raise item
        self._room.release()
        return item
