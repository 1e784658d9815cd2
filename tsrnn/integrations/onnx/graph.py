"""Arrays of an ONNX graph that are written down as NumPy would compute them.

Operators of Python and the functions here take `Tensor` objects and arrays alike. What is made of
arrays alone is computed at once and becomes a constant of the graph.
"""

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

OPSET = 18
IR_VERSION = 9  # read by every ONNX Runtime that knows the operators
TYPES = {
    np.dtype(np.float64): TensorProto.DOUBLE,
    np.dtype(np.float32): TensorProto.FLOAT,
    np.dtype(np.int64): TensorProto.INT64,
    np.dtype(bool): TensorProto.BOOL,
}


class Tensor:
    """An array of the graph: its name, shape and dtype."""

    __array_ufunc__ = None  # arrays leave operators to us

    def __init__(self, graph, name, shape, dtype):
        self.graph, self.name, self.shape, self.dtype = graph, name, tuple(shape), np.dtype(dtype)

    def __add__(self, other):
        return _elementwise("Add", np.add, self, other)

    def __sub__(self, other):
        return _elementwise("Sub", np.subtract, self, other)

    def __mul__(self, other):
        return _elementwise("Mul", np.multiply, self, other)

    def __truediv__(self, other):
        return _elementwise("Div", np.divide, self, other)

    def __radd__(self, other):
        return _elementwise("Add", np.add, other, self)

    def __rsub__(self, other):
        return _elementwise("Sub", np.subtract, other, self)

    def __rmul__(self, other):
        return _elementwise("Mul", np.multiply, other, self)

    def __rtruediv__(self, other):
        return _elementwise("Div", np.divide, other, self)

    def __gt__(self, other):
        return _elementwise("Greater", np.greater, self, other, bool)

    def __lt__(self, other):
        return _elementwise("Less", np.less, self, other, bool)

    def __ge__(self, other):
        return _elementwise("GreaterOrEqual", np.greater_equal, self, other, bool)

    def __le__(self, other):
        return _elementwise("LessOrEqual", np.less_equal, self, other, bool)

    def __and__(self, other):
        return _elementwise("And", np.logical_and, self, other)

    def __or__(self, other):
        return _elementwise("Or", np.logical_or, self, other)

    def __rand__(self, other):
        return _elementwise("And", np.logical_and, other, self)

    def __ror__(self, other):
        return _elementwise("Or", np.logical_or, other, self)

    def __invert__(self):
        return _unary("Not", np.logical_not, self)


class Graph:
    """Nodes, constants, inputs and carried state of a graph to be."""

    def __init__(self):
        self.inputs, self.states, self.carried, self.outputs = {}, {}, {}, {}
        self.kept = set()  # states that stay though no output needs them
        self._nodes, self._constants, self._n_names = [], {}, 0

    def input(self, name, shape, dtype=np.float64):
        """Return an input of each run."""
        self.inputs[name] = Tensor(self, name, shape, dtype)
        return self.inputs[name]

    def state(self, name, start):
        """Return an array that runs hand on, which begins as `start`; see `carry`."""
        self.states[name] = start = np.ascontiguousarray(start)
        return self.input(name, start.shape, start.dtype)

    def carry(self, name, tensor):
        """Say what becomes of a state."""
        self.carried[name] = tensor

    def output(self, name, tensor):
        """Name what a run returns beside the states."""
        self.outputs[name] = tensor

    def node(self, kind, operands, shape, dtype, **attributes):
        """Return the output of a new node."""
        self._n_names += 1
        name = f"{kind.lower()}_{self._n_names}"
        names = [self._name_of(operand) for operand in operands]
        self._nodes.append(helper.make_node(kind, names, [name], **attributes))
        return Tensor(self, name, shape, dtype)

    def finished(self, name):
        """Return the model, and the states it needs with what each is at the start.

        What leads to no output is left out, and so are inputs and states that lead to none.
        """
        ends = {key: self.node("Identity", [tensor], tensor.shape, tensor.dtype)
                for key, tensor in (self.outputs | self.carried).items()}  # fmt: skip
        makers = {node.output[0]: node for node in self._nodes}
        needed, open_ = set(), [*(ends[key].name for key in self.outputs), *self.kept]
        while open_:
            found = open_.pop()
            if found in needed:
                continue
            needed.add(found)
            if found in makers:
                open_ += makers[found].input
            if found in self.carried:
                open_.append(ends[found].name)
        new_names = {ends[key].name: key for key in self.outputs}
        new_names |= {ends[key].name: next_name(key) for key in self.carried}
        for node in makers.values():
            node.output[0] = new_names.get(node.output[0], node.output[0])
        states = {key: start for key, start in self.states.items() if key in needed}
        graph = helper.make_graph(
            [node for old, node in makers.items() if old in needed],
            name,
            [_described(key, tensor) for key, tensor in self.inputs.items() if key in needed],
            [
                *(_described(key, tensor) for key, tensor in self.outputs.items()),
                *(_described(next_name(key), self.inputs[key]) for key in states),
            ],
            [constant for constant in self._constants.values() if constant.name in needed],
        )
        opsets = [helper.make_opsetid("", OPSET)]
        model = helper.make_model(
            graph, opset_imports=opsets, ir_version=IR_VERSION, producer_name="tsrnn"
        )
        onnx.checker.check_model(model)
        return model, states

    def _name_of(self, operand):
        if isinstance(operand, Tensor):
            return operand.name
        array = np.array(operand, order="C")
        key = array.dtype.str, array.shape, array.tobytes()
        if key not in self._constants:
            constant = numpy_helper.from_array(array, f"constant_{len(self._constants)}")
            self._constants[key] = constant
        return self._constants[key].name


def next_name(state):
    """Return the name of the output that holds a state after the row."""
    return f"next_{state}"


def where(condition, one, other):
    """Choose element by element."""
    if not isinstance(condition, Tensor):
        condition = np.asarray(condition)
        if condition.all():
            return one
        if not condition.any():
            return other
    one, other = _alike(one, other)
    shape = np.broadcast_shapes(*(operand.shape for operand in (condition, one, other)))
    return _graph_of(condition, one, other).node("Where", [condition, one, other], shape, one.dtype)


def maximum(one, other):
    """Return the larger one."""
    return _elementwise("Max", np.maximum, one, other)


def minimum(one, other):
    """Return the smaller one."""
    return _elementwise("Min", np.minimum, one, other)


def clip(values, low, high):
    """Bound values on both sides."""
    return minimum(maximum(values, low), high)


def absolute(values):
    """Return absolute values."""
    return _unary("Abs", np.abs, values)


def exp(values):
    """Return e to the power of values."""
    return _unary("Exp", np.exp, values)


def log(values):
    """Return natural logarithms."""
    return _unary("Log", np.log, values)


def sqrt(values):
    """Return square roots."""
    return _unary("Sqrt", np.sqrt, values)


def floor(values):
    """Round down."""
    return _unary("Floor", np.floor, values)


def tanh(values):
    """Return hyperbolic tangents."""
    return _unary("Tanh", np.tanh, values)


def sigmoid(values):
    """Return logistic sigmoids."""
    return values.graph.node("Sigmoid", [values], values.shape, values.dtype)


def isnan(values):
    """Tell where values are missing."""
    return _unary("IsNaN", np.isnan, values, bool)


def cast(values, dtype):
    """Return values in another dtype."""
    if values.dtype == dtype:
        return values
    to = TYPES[np.dtype(dtype)]
    return values.graph.node("Cast", [values], values.shape, dtype, to=to)


def reshape(values, *shape):
    """Give values another shape, without a wildcard."""
    if values.shape == shape:
        return values
    operands = [values, np.array(shape, np.int64)]
    return values.graph.node("Reshape", operands, shape, values.dtype)


def expand(values, *shape):
    """Repeat values along axes of length 1."""
    if values.shape == shape:
        return values
    if not isinstance(values, Tensor):
        return np.ascontiguousarray(np.broadcast_to(values, shape))
    operands = [values, np.array(shape, np.int64)]
    return values.graph.node("Expand", operands, shape, values.dtype)


def transpose(values, *axes):
    """Put axes in another order."""
    shape = tuple(values.shape[axis] for axis in axes)
    kept = [axis for axis in axes if values.shape[axis] > 1]
    if kept == sorted(kept):  # no number moves
        return reshape(values, *shape)
    return values.graph.node("Transpose", [values], shape, values.dtype, perm=list(axes))


def take(values, places, axis=0):
    """Look values up along an axis; `places` may have any shape, and are not negative."""
    places = np.asarray(places, np.int64)
    if not isinstance(values, Tensor):
        return values.take(places, axis)
    if np.array_equal(places, np.arange(values.shape[axis])):
        return values
    shape = (*values.shape[:axis], *places.shape, *values.shape[axis + 1 :])
    return values.graph.node("Gather", [values, places], shape, values.dtype, axis=axis)


def rows(values, start, stop=None, axis=0):
    """Return values from `start` to `stop` along an axis; to its end by default."""
    stop = values.shape[axis] if stop is None else stop
    if not isinstance(values, Tensor):
        return values.take(np.arange(start, stop), axis)
    shape = (*values.shape[:axis], stop - start, *values.shape[axis + 1 :])
    if shape == values.shape:
        return values
    operands = [values, *(np.array([n], np.int64) for n in (start, stop, axis))]
    return values.graph.node("Slice", operands, shape, values.dtype)


def descending(graph, n):
    """Return the numbers n, ..., 1, which take no place in the file."""
    return graph.node("Range", [float(n), 0.0, -1.0], (n,), np.float64)


def concatenate(parts, axis=0):
    """Put arrays one behind the other; those without elements are left out."""
    parts = [part for part in parts if part.shape[axis]]
    if len(parts) == 1:
        return parts[0]
    first = parts[0].shape
    shape = (*first[:axis], sum(part.shape[axis] for part in parts), *first[axis + 1 :])
    dtype = next(part.dtype for part in parts if isinstance(part, Tensor))
    return _graph_of(*parts).node("Concat", parts, shape, dtype, axis=axis)


def total(values, axis, *, keep=False):
    """Sum over an axis."""
    return _reduced("ReduceSum", values, axis, keep)


def least(values, axis, *, keep=False):
    """Return the smallest along an axis."""
    return _reduced("ReduceMin", values, axis, keep)


def product(one, other):
    """Multiply matrices, the last two axes."""
    lead = np.broadcast_shapes(one.shape[:-2], other.shape[:-2])
    shape = *lead, one.shape[-2], other.shape[-1]
    tensor = one if isinstance(one, Tensor) else other
    return tensor.graph.node("MatMul", [one, other], shape, tensor.dtype)


def _graph_of(*operands):
    return next(operand.graph for operand in operands if isinstance(operand, Tensor))


def _alike(*operands):
    """Return numbers among operands as arrays of the dtype of the tensors among them."""
    dtype = next((o.dtype for o in operands if isinstance(o, Tensor)), np.dtype(np.float64))
    return [o if isinstance(o, Tensor) else np.asarray(o, dtype) for o in operands]


def _elementwise(kind, of_arrays, one, other, dtype=None):
    if not isinstance(one, Tensor) and not isinstance(other, Tensor):
        return of_arrays(one, other)
    one, other = _alike(one, other)
    shape = np.broadcast_shapes(one.shape, other.shape)
    return _graph_of(one, other).node(kind, [one, other], shape, dtype or one.dtype)


def _unary(kind, of_arrays, values, dtype=None):
    if not isinstance(values, Tensor):
        return of_arrays(values)
    return values.graph.node(kind, [values], values.shape, dtype or values.dtype)


def _reduced(kind, values, axis, keep):
    after = (1,) * keep
    shape = *values.shape[:axis], *after, *values.shape[axis + 1 :]
    operands = [values, np.array([axis], np.int64)]
    return values.graph.node(kind, operands, shape, values.dtype, keepdims=int(keep))


def _described(name, tensor):
    return helper.make_tensor_value_info(name, TYPES[tensor.dtype], tensor.shape)
