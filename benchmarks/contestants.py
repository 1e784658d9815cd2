"""What `speed.py` times: our layers, PyTorch's, ONNX Runtime's, and the products alone.

All run the same weights on the same data in float32, each in the layout it likes best, and all
are checked to agree before anything is timed.
"""

from concurrent.futures import ThreadPoolExecutor
from functools import partial

import numpy as np
import onnxruntime
import torch
from onnx import TensorProto, helper, numpy_helper
from timing import Contestant

from tsrnn import nn
from tsrnn.nn.products import blocks, plan, unpacked

OURS = {"rnn": nn.RNN, "lstm": nn.LSTM, "gru": nn.GRU}
TORCH = {"rnn": torch.nn.RNN, "lstm": torch.nn.LSTM, "gru": torch.nn.GRU}
KERNELS = ("numpy", "numba")
helper_thread = ThreadPoolExecutor(1)


class Case:
    """One cell at one shape (N, T, D, H), its data and weights."""

    def __init__(self, cell, shape):
        self.cell, self.shape = cell, shape
        N, T, D, H = shape
        rng = np.random.default_rng(0)
        self.x = rng.standard_normal((N, T, D), dtype=np.float32)
        self.d_h = rng.standard_normal((N, T, H), dtype=np.float32)
        torch.manual_seed(0)
        self.module = TORCH[cell](D, H, batch_first=True)
        self.weights = {key: value.numpy() for key, value in self.module.state_dict().items()}
        with torch.inference_mode():
            self.expected = self.module(torch.from_numpy(self.x))[0].numpy()

    def layer(self, **options):
        """Return our layer with the weights of all contestants."""
        layer = OURS[self.cell](self.shape[2], self.shape[3], clip=None, **options)
        layer.load_state_dict(self.weights)
        return layer

    def check(self, h):
        """Hold a contestant's hidden states against PyTorch's."""
        assert np.abs(h - self.expected).max() < 1e-4, "contestants must compute the same"


def ours(case, thread_counts, *, training):
    """Yield (name, contestant) for both kernels and one and two threads."""
    for kernels in KERNELS:
        for n_threads in thread_counts:
            layer, x, d_h = case.layer(), case.x, case.d_h
            nn.set_kernels(kernels)
            case.check(layer.forward(x)[1])

            def train(layer=layer, x=x, d_h=d_h):
                layer.forward(x)
                layer.backward(d_h)

            call = train if training else partial(layer.forward, x, tape=False)
            choose = partial(nn.set_kernels, kernels)
            yield f"tsrnn {kernels}, {n_threads}", Contestant(call, n_threads, prepare=choose)


def pytorch(case, thread_counts, *, training):
    x = torch.from_numpy(case.x.copy()).requires_grad_(training)  # ours gives d_x as well
    d_h, module = torch.from_numpy(case.d_h), case.module

    def train():
        module.zero_grad(set_to_none=True)
        x.grad = None
        module(x)[0].backward(d_h)

    def infer():
        with torch.inference_mode():
            module(x)

    for n_threads in thread_counts:
        yield f"torch, {n_threads}", Contestant(train if training else infer, n_threads)


def onnx_session(case, n_threads):
    """Return a session of one ONNX LSTM with its state as input and output."""
    N, T, D, H = case.shape
    order = [0, 3, 1, 2]  # PyTorch has i f g o, ONNX i o f c

    def theirs(key):
        return case.weights[key].reshape(4, H, -1)[order].reshape(1, 4 * H, -1)

    bias = np.concatenate([theirs("bias_ih_l0"), theirs("bias_hh_l0")], axis=1)[..., 0]
    arrays = {"W": theirs("weight_ih_l0"), "R": theirs("weight_hh_l0"), "B": bias}
    real = partial(helper.make_tensor_value_info, elem_type=TensorProto.FLOAT)
    state = {"shape": [1, N, H]}
    graph = helper.make_graph(
        [
            helper.make_node(
                "LSTM", ["X", "W", "R", "B", "", "h", "c"], ["Y", "Y_h", "Y_c"], hidden_size=H
            )
        ],
        "lstm",
        [real("X", shape=[T, N, D]), real("h", **state), real("c", **state)],
        [real("Y", shape=[T, 1, N, H]), real("Y_h", **state), real("Y_c", **state)],
        [numpy_helper.from_array(np.ascontiguousarray(a), name) for name, a in arrays.items()],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=9)
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads, options.inter_op_num_threads = n_threads, 1
    return onnxruntime.InferenceSession(
        model.SerializeToString(), options, providers=["CPUExecutionProvider"]
    )


def onnx(case, thread_counts):
    x = np.ascontiguousarray(case.x.transpose(1, 0, 2))
    zero = np.zeros((1, case.shape[0], case.shape[3]), np.float32)
    for n_threads in thread_counts:
        session = onnx_session(case, n_threads)
        feed = {"X": x, "h": zero, "c": zero}
        case.check(session.run(["Y"], feed)[0][:, 0].transpose(1, 0, 2))
        call = partial(session.run, ["Y", "Y_h"], feed)
        yield f"onnxruntime, {n_threads}", Contestant(call, n_threads)


def floor(case, thread_counts, *, training):
    """Yield the matrix products alone, each by one call, and in the blocks of rows that we use.

    Two threads take half a batch each, or BLAS splits the products.
    """
    N, T, D, H = case.shape
    rows, columns = nn.CELLS[case.cell].packed_blocks * H, H + D + 1
    rng = np.random.default_rng(0)

    def products(n_streams, in_blocks=False):
        def cut(n_rows, n_columns):
            most = unpacked() if in_blocks else 0
            return blocks(n_rows, plan(n_rows, n_columns, n_streams, most)[0])

        W = rng.standard_normal((rows, columns), dtype=np.float32)
        Z = rng.standard_normal((T, columns, n_streams), dtype=np.float32)
        A = rng.standard_normal((T, rows, n_streams), dtype=np.float32)
        dZ, dW = np.empty((T, columns - 1, n_streams), np.float32), np.empty_like(W)
        all_A, all_Z = A.transpose(1, 0, 2).reshape(rows, -1), Z.transpose(1, 0, 2)
        all_Z = all_Z.reshape(columns, -1)
        W_T = np.ascontiguousarray(W[:, :-1].T)  # as our weights lie in memory
        forward = [(W[k], z, a[k]) for z, a in zip(Z, A, strict=True) for k in cut(rows, columns)]
        backward = [
            (W_T[k], a, d_z[k])
            for a, d_z in zip(A, dZ, strict=True)
            for k in cut(columns - 1, rows)
        ]

        def run():
            for product in forward:
                np.matmul(*product)
            if training:
                for product in backward:
                    np.matmul(*product)
                np.matmul(all_A, all_Z.T, dW)

        return run

    for name, in_blocks in (("products", False), ("products in blocks", True)):
        whole = products(N, in_blocks)
        yield f"{name}, 1", Contestant(whole, 1)
        if 2 in thread_counts:
            if not in_blocks or N == 1:
                yield f"{name}, 2 (BLAS)", Contestant(whole, 2)
            if N > 1:
                halves = products(N // 2, in_blocks), products(N - N // 2, in_blocks)
                both = partial(_side_by_side, *halves)
                yield f"{name}, 2 (halves)", Contestant(both, 1, alone=False)


def _side_by_side(first, second):
    other = helper_thread.submit(first)
    second()
    other.result()
