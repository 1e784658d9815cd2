"""The cells compiled by numba: the extra ``fast``. Imported by `tsrnn.nn.kernels` alone."""

from tsrnn.nn.compiled.gru import CompiledGRU
from tsrnn.nn.compiled.lstm import CompiledLSTM
from tsrnn.nn.compiled.rnn import CompiledRNN

CELLS = {cell.name: cell for cell in (CompiledRNN(), CompiledLSTM(), CompiledGRU())}
