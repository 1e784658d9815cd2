"""The pointwise maths of each cell, forward beside backward; see `tsrnn.nn.cells.base`."""

from types import MappingProxyType

from tsrnn.nn.cells.base import Cell
from tsrnn.nn.cells.gru import GRUCell
from tsrnn.nn.cells.lstm import LSTMCell
from tsrnn.nn.cells.rnn import RNNCell

#: Every cell by name. Cells hold no data, so one instance of each serves all layers.
CELLS = MappingProxyType({cell.name: cell for cell in (RNNCell(), LSTMCell(), GRUCell())})

__all__ = ["CELLS", "Cell", "GRUCell", "LSTMCell", "RNNCell"]
