"""Products in blocks of rows that BLAS multiplies as they are.

Before a large product BLAS copies both operands to an order of its own. In a scan that takes long:
the weights are the larger operand, and are copied at every step. On some processors OpenBLAS leaves
it out where a product is small enough.
"""

from __future__ import annotations

from functools import cache

from threadpoolctl import ThreadpoolController

#: Multiplications up to which OpenBLAS copies nothing, by its name for the processor.
UNPACKED = dict.fromkeys(("SkylakeX", "Cooperlake", "SapphireRapids"), 1_000_000)
#: Rows of the smallest block that is worth a call.
SMALLEST = 16


@cache
def unpacked() -> int:
    """Return the multiplications up to which every BLAS of this process copies nothing, or 0."""
    libraries = ThreadpoolController().select(user_api="blas").info()
    limits = [UNPACKED.get(library.get("architecture"), 0) for library in libraries]
    return min(limits, default=0)


def plan(n_rows: int, n_columns: int, n_streams: int, most: int) -> tuple[int, str]:
    """Return how many rows of weights to multiply at once, and the order in memory for it.

    Parameters
    ----------
    n_rows, n_columns, n_streams : int
        Of the weights, and of what they are multiplied with.
    most : int
        Multiplications up to which nothing is copied.

    Returns
    -------
    block : int
        All rows where blocks do not pay.
    order : {"C", "F"}
        C's for blocks, and for what is copied although it could be left out; else F, in which
        weights lie anyway.

    Examples
    --------
    >>> plan(128, 37, 32, 1_000_000), plan(512, 137, 64, 1_000_000), plan(512, 137, 64, 0)
    ((128, 'F'), (112, 'C'), (512, 'F'))
    >>> plan(128, 43, 10_000, 1_000_000)
    (128, 'C')
    """
    if most == 0 or n_rows * n_columns * n_streams <= most:
        return n_rows, "F"
    block = most // (n_columns * n_streams) // 8 * 8
    return block if block >= SMALLEST else n_rows, "C"


def blocks(n_rows: int, block: int) -> list[slice]:
    """Cut rows into blocks.

    Examples
    --------
    >>> blocks(5, 2)
    [slice(0, 2, None), slice(2, 4, None), slice(4, 5, None)]
    """
    return [slice(row, min(row + block, n_rows)) for row in range(0, n_rows, block)]
