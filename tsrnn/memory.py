"""Memory that is free, given back to the system."""

import ctypes

#: Rows of a call from which what it took is worth giving back.
LARGE = 1_000_000


def release_free_memory() -> None:
    """Let the allocator give back the pages that hold nothing any more, where it is glibc's.

    glibc keeps what is freed between arrays that stay: after the history of a large panel, as much
    as the panel itself. It costs some milliseconds.
    """
    try:
        trim = ctypes.CDLL(None).malloc_trim
    except (AttributeError, OSError, TypeError):  # another C library, or another system
        return
    trim(0)
