"""How kernels are compiled, and the products and sums that they share."""

from __future__ import annotations

import functools

import numpy as np
from numba import njit, types
from numba.core import cgutils, errors, imputils
from numba.core.typing import npydecl
from numba.extending import intrinsic, overload
from numba.np import arrayobj

from tsrnn.kernels.numba_.cache import KernelCache

#: Products and sums may be fused, and the sign of zero ignored; nothing else is taken lightly.
FASTMATH = {"contract", "nsz"}
#: No ways in that nobody takes, and no counting of references to arrays.
OPTIONS = {
    "error_model": "numpy",
    "no_cpython_wrapper": True,
    "no_cfunc_wrapper": True,
    "_nrt": False,
}


_codes = {}  # of `code_for`


def compiled(function, fastmath=FASTMATH, allocates=False):
    """Compile on first use, for each dtype once, and keep the result on disk.

    What allocates or returns arrays has to say so. Without, numba counts no references to arrays:
    the code that does so, at each assignment of one, would be half of all that is compiled.
    """
    options = OPTIONS | {"no_cpython_wrapper": False, "nogil": True, "_nrt": allocates}
    dispatcher = njit(fastmath=fastmath, **options)(function)
    dispatcher._cache = KernelCache(function)
    return dispatcher


def code_for(dispatcher, *args):
    """Return what a compiled function has called for arguments of these types.

    numba finds that out at each call, which takes as long as a thousand multiplications where
    arrays are many. Called with arguments of other types or layouts, it would read other numbers.
    """
    key = dispatcher, _kinds(args)
    if key not in _codes:
        signature = tuple(map(dispatcher.typeof_pyval, args))
        _codes[key] = dispatcher.overloads[signature].entry_point
    return _codes[key]


def _kinds(argument):
    """Return what tells arguments of other types and layouts apart."""
    if isinstance(argument, tuple):
        return tuple(map(_kinds, argument))
    if isinstance(argument, np.ndarray):
        return argument.dtype.char, argument.ndim, argument.flags.num
    return type(argument)


def inner(function, fastmath=FASTMATH, allocates=False, **more):
    """Compile for other compiled functions alone.

    Without the way in from Python, which takes longer to compile than a small function itself, and
    without a file of its own: it is a part of those of its callers.
    """
    return njit(fastmath=fastmath, **(OPTIONS | {"_nrt": allocates} | more))(function)


def inlined(function, fastmath=FASTMATH):
    """Write into its callers, of which there is one: a function more takes longer to compile."""
    return inner(function, fastmath, inline="always")


@intrinsic
def view_of(typing_context, numbers, at, shape):
    """View numbers (n,), contiguous, from a place on as an array of that shape.

    What ``numbers[at : at + size].reshape(shape)`` is, which takes ten times as long to compile.
    """
    array = _contiguous(numbers, len(shape))

    def make(context, builder, signature, args):
        lengths = cgutils.unpack_tuple(builder, args[2])
        return _view(context, builder, signature.args[0], args[0], args[1], array, lengths)

    return array(numbers, types.int64, shape), make


@intrinsic
def views_of(typing_context, numbers, at, shapes):
    """View numbers (n,), contiguous, from a place on as arrays of those shapes, side by side."""
    arrays = types.BaseTuple.from_types([_contiguous(numbers, len(shape)) for shape in shapes])

    def make(context, builder, signature, args):
        at, views = args[1], []
        for array, shape in zip(arrays, cgutils.unpack_tuple(builder, args[2]), strict=True):
            lengths = cgutils.unpack_tuple(builder, shape)
            views.append(_view(context, builder, numbers, args[0], at, array, lengths))
            at = builder.add(at, functools.reduce(builder.mul, lengths))
        return context.make_tuple(builder, arrays, views)

    return arrays(numbers, types.int64, shapes), make


@intrinsic
def on_stack(typing_context, size, dtype):
    """Return an array (size,) that lasts as long as the call, for a few numbers to be kept in.

    Without counting references nothing can be allocated. Not within a loop: each is another one.
    """
    array = types.Array(npydecl.parse_dtype(dtype), 1, "C")

    def make(context, builder, signature, args):
        kind = context.get_data_type(array.dtype)
        itemsize = context.get_constant(types.intp, context.get_abi_sizeof(kind))
        view = arrayobj.make_array(array)(context, builder)
        data = builder.alloca(kind, size=args[0])
        data.align = 64
        arrayobj.populate_array(view, data, [args[0]], [itemsize], itemsize, None)
        return view._getvalue()

    return array(types.intp, dtype), make


@intrinsic
def rows_of(typing_context, a, start, stop):
    """View rows of contiguous `a`, ``a[start:stop]`` of places that are there, by less code."""
    array = _contiguous(a, a.ndim)

    def make(context, builder, signature, args):
        of = arrayobj.make_array(a)(context, builder, args[0])
        at, lengths = args[1], [builder.sub(args[2], args[1])]
        for length in cgutils.unpack_tuple(builder, of.shape)[1:]:
            lengths.append(length)
            at = builder.mul(at, length)
        return _view(context, builder, a, args[0], at, array, lengths)

    return array(a, types.int64, types.int64), make


@intrinsic
def flat(typing_context, a):
    """View contiguous `a` as a vector."""
    array = _contiguous(a, 1)

    def make(context, builder, signature, args):
        of = arrayobj.make_array(a)(context, builder, args[0])
        start, size = context.get_constant(types.intp, 0), of.nitems
        return _view(context, builder, a, args[0], start, array, [size])

    return array(a), make


@intrinsic
def in_rows(typing_context, a, size):
    """View contiguous `a` as rows of that size."""
    array = _contiguous(a, 2)

    def make(context, builder, signature, args):
        of = arrayobj.make_array(a)(context, builder, args[0])
        start, n = context.get_constant(types.intp, 0), builder.sdiv(of.nitems, args[1])
        return _view(context, builder, a, args[0], start, array, [n, args[1]])

    return array(a, types.int64), make


def _contiguous(a, n_dimensions):
    """Return the type of a view of `a`, which must be contiguous, with so many dimensions."""
    if a.layout != "C":
        raise errors.TypingError(
            f"found an array of layout {a.layout!r}, expected a contiguous one"
        )
    return types.Array(a.dtype, n_dimensions, "C")


def _view(context, builder, kind, value, at, array, lengths):
    """Emit a view, of another shape, of a contiguous array from the number `at` on."""
    of, view = arrayobj.make_array(kind)(context, builder, value), arrayobj.make_array(array)
    view, strides, stride = view(context, builder), [], of.itemsize
    for length in reversed(lengths):
        strides.insert(0, stride)
        stride = builder.mul(stride, length)
    data, rest = builder.gep(of.data, [at]), (of.itemsize, of.meminfo)
    arrayobj.populate_array(view, data, lengths, strides, *rest, parent=of.parent)
    return imputils.impl_ret_borrowed(context, builder, array, view._getvalue())


def _product(W, z, out):
    for row in range(out.size):
        weights, total = W[row], W.dtype.type(0)
        for k in range(z.size):
            total += weights[k] * z[k]
        out[row] = total


#: ``out = W[: len(out)] @ z`` for one stream; the order of summation is the compiler's.
product = inner(_product, FASTMATH | {"reassoc"})


#: Rows whose sums stay in registers while columns go by: four of the longest ones, in float32.
ROWS = 64


@inner
def product_by_columns(W, z, out):
    """``out = W @ z`` for one stream, `W` in Fortran's order; summed in the order of z, always."""
    W_T, sums, zero = W.T, on_stack(ROWS, W.dtype), W.dtype.type(0)
    in_registers = out.size - out.size % ROWS
    for row in range(0, in_registers, ROWS):
        for k in range(ROWS):
            sums[k] = zero
        for j in range(z.size):
            w, z_j = W_T[j, row : row + ROWS], z[j]
            for k in range(ROWS):
                sums[k] += w[k] * z_j
        some = out[row : row + ROWS]
        for k in range(ROWS):
            some[k] = sums[k]
    rest = out[in_registers:]
    rest[:] = 0
    add_product(W_T[:, in_registers:], z, rest)


@inner
def add_product(W_T, z, out):
    """``out += W_T.T @ z``, row by row; four at a time, to spare `out` the way to memory."""
    n, size = z.size, out.size
    in_fours = n - n % 4
    for j in range(0, in_fours, 4):
        w_0, w_1, w_2, w_3 = W_T[j], W_T[j + 1], W_T[j + 2], W_T[j + 3]
        z_0, z_1, z_2, z_3 = z[j], z[j + 1], z[j + 2], z[j + 3]
        for k in range(size):
            out[k] = (((out[k] + w_0[k] * z_0) + w_1[k] * z_1) + w_2[k] * z_2) + w_3[k] * z_3
    for j in range(in_fours, n):
        w, z_j = W_T[j], z[j]
        for k in range(size):
            out[k] += w[k] * z_j


@inner
def copy_to(out, a):
    """Copy vector a to out: written out, it spares a small step what a slice's assignment costs."""
    for k in range(a.size):
        out[k] = a[k]


@inner
def add_in_place(a, b):
    """Add b to a, vectors."""
    for k in range(a.size):
        a[k] += b[k]


@inner
def _side_by_side(columns):
    """Return whether columns are neighbours, in their order."""
    n = 0
    for s in range(len(columns)):
        n += columns[s] - columns[0] == s
    return n == len(columns)


@inner
def take(values, columns, out):
    """Write the values of columns; those of a whole block, side by side, are copied at once."""
    if _side_by_side(columns):
        some = values[columns[0] : columns[0] + len(columns)]
        for s in range(len(columns)):
            out[s] = some[s]
    else:
        for s in range(len(columns)):
            out[s] = values[columns[s]]


@inner
def put(out, columns, values):
    """Write values to columns, likewise."""
    if _side_by_side(columns):
        some = out[columns[0] : columns[0] + len(columns)]
        for s in range(len(columns)):
            some[s] = values[s]
    else:
        for s in range(len(columns)):
            out[columns[s]] = values[s]


@inner
def halve(a):
    """Multiply by ½, which is exact: as if the weights behind `a` had been halved."""
    half = a.dtype.type(0.5)
    for k in range(a.size):
        a[k] *= half


@inner
def all_finite(x):
    """Return whether no number in `x` (T, D) is infinite or NaN."""
    zero = total = x.dtype.type(0)
    for t in range(x.shape[0]):
        for k in range(x.shape[1]):
            total += zero * x[t, k]
    return total == 0


def packed_product(packed, z, a, n_halved, block):
    """Write ``packed @ z`` to a, (1) of a scan; for use in compiled code.

    Of many streams, whose z and a are matrices, the packed weights come with the rows of sigmoids
    halved, and in C's order where they are multiplied in blocks of rows; of one, with vectors, it
    is quicker to halve the first `n_halved` sums.
    """
    raise NotImplementedError


@overload(packed_product, jit_options=OPTIONS)
def _packed_product(packed, z, a, n_halved, block):
    if z.ndim == 1:

        def of_one_stream(packed, z, a, n_halved, block):
            product_by_columns(packed, z, a)
            halve(a[:n_halved])

        return of_one_stream

    if packed.layout == "F":
        return lambda packed, z, a, n_halved, block: _whole(packed, z, a)

    return lambda packed, z, a, n_halved, block: _by_blocks(packed, z, a, block)


def transposed_product(packed_T, d_a, d_z, block):
    """Write ``packed_T @ d_a`` to d_z, (1') of a scan; as above."""
    raise NotImplementedError


@overload(transposed_product, jit_options=OPTIONS)
def _transposed_product(packed_T, d_a, d_z, block):
    if d_a.ndim == 1:
        return lambda packed_T, d_a, d_z, block: product(packed_T, d_a, d_z)
    return lambda packed_T, d_a, d_z, block: _by_blocks(packed_T, d_a, d_z, block)


def _whole(W, z, out):
    np.dot(W, z, out)


def _by_blocks(W, z, out, block):
    for row in range(0, len(W), block):
        np.dot(W[row : row + block], z, out[row : row + block])


# What numba makes of a product returns an array.
_whole, _by_blocks = inner(_whole, allocates=True), inner(_by_blocks, allocates=True)
