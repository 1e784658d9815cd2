"""Products in blocks of rows that BLAS multiplies as they are.

Before a large product BLAS copies both operands to an order of its own. In a scan that takes long:
the weights are the larger operand, and are copied at every step. OpenBLAS leaves it out where a
product is small enough.
"""

#: Multiplications up to which OpenBLAS copies nothing, on processors with AVX-512.
UNPACKED = 1_000_000
#: Rows of the smallest block that is worth a call.
SMALLEST = 16


def is_small(n_rows: int, n_columns: int, n_streams: int) -> bool:
    """Tell whether a product with weights (n_rows, n_columns) is one that nothing is copied for."""
    return n_rows * n_columns * n_streams <= UNPACKED


def block_rows(n_rows: int, n_columns: int, n_streams: int) -> int:
    """Return how many rows of weights to multiply at once; all of them where blocks do not pay.

    Examples
    --------
    >>> block_rows(128, 37, 32), block_rows(512, 137, 64), block_rows(128, 43, 10_000)
    (128, 112, 128)
    """
    if is_small(n_rows, n_columns, n_streams):
        return n_rows
    block = UNPACKED // (n_columns * n_streams) // 8 * 8
    return block if block >= SMALLEST else n_rows


def blocks(n_rows: int, block: int) -> list[slice]:
    """Cut rows into blocks.

    Examples
    --------
    >>> blocks(5, 2)
    [slice(0, 2, None), slice(2, 4, None), slice(4, 5, None)]
    """
    return [slice(row, min(row + block, n_rows)) for row in range(0, n_rows, block)]
