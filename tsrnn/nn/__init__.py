"""Recurrent networks in NumPy: layers, losses and optimizers.

Public layers take batch-first arrays ``(N, T, D)``; `Network`, which the estimators use, takes
feature-major ones, ``(T, D, N)``. N streams, T steps, D inputs, H hidden units, G gates.
"""

from tsrnn.kernels.ahead import compile_kernels
from tsrnn.kernels.selection import get_kernels, set_kernels
from tsrnn.nn.cells import CELLS
from tsrnn.nn.dense import Dense
from tsrnn.nn.layers import GRU, LSTM, RNN
from tsrnn.nn.losses import Absolute, Huber, Loss, Quantile, Squared, get_loss
from tsrnn.nn.network import Network
from tsrnn.nn.optimizers.adam import Adam
from tsrnn.nn.optimizers.base import Optimizer
from tsrnn.nn.optimizers.clipping import clip_by_global_norm
from tsrnn.nn.optimizers.sgd import SGD
from tsrnn.nn.recurrent import RecurrentLayer
from tsrnn.nn.state import State

__all__ = [
    "CELLS",
    "GRU",
    "LSTM",
    "RNN",
    "SGD",
    "Absolute",
    "Adam",
    "Dense",
    "Huber",
    "Loss",
    "Network",
    "Optimizer",
    "Quantile",
    "RecurrentLayer",
    "Squared",
    "State",
    "clip_by_global_norm",
    "compile_kernels",
    "get_kernels",
    "get_loss",
    "set_kernels",
]
