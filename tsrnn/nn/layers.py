"""The public recurrent layers, one for each cell."""

from __future__ import annotations

from tsrnn.nn.cells import CELLS
from tsrnn.nn.recurrent import RecurrentLayer


class RNN(RecurrentLayer):
    """Elman's recurrent layer: ``h_t = tanh(Wx x_t + Wh h_{t-1} + bias)``.

    `params`: Wx (D, H), Wh (H, H), bias (H,).

    Parameters
    ----------
    input_size, hidden_size : int
        D and H.
    stateful, clip, dtype, random_state, initializer
        As for every `RecurrentLayer`, which documents them with all methods and errors.

    References
    ----------
    Elman, J. L. (1990). Finding structure in time. Cognitive Science 14.

    Examples
    --------
    Windows of one series, one after the other; the state carries over:

    >>> import numpy as np
    >>> from tsrnn.nn import RNN
    >>> layer = RNN(1, 8, stateful=True, random_state=0)
    >>> wave = np.sin(np.arange(20.0)).reshape(1, 20, 1)
    >>> h_last, h_stack = layer.forward(wave[:, :15])
    >>> h_last, h_stack = layer.forward(wave[:, 15:])
    >>> h_last.shape, h_stack.shape
    ((1, 8), (1, 5, 8))
    >>> bool(np.array_equal(layer.state.h, h_last))
    True
    """

    _cell = CELLS["rnn"]


class LSTM(RecurrentLayer):
    """Long short-term memory with a forget gate.

    ::

        a = Wx x_t + Wh h_{t-1} + bias        its blocks: i, f, o, g (`gate_order`)
        c_t = sigmoid(f) * c_{t-1} + sigmoid(i) * tanh(g)
        h_t = sigmoid(o) * tanh(c_t)

    `params`: Wx (D, 4H), Wh (H, 4H), bias (4H,). The forget-gate bias starts at 1.

    Parameters
    ----------
    input_size, hidden_size : int
        D and H.
    stateful, clip, dtype, random_state, initializer
        As for every `RecurrentLayer`, which documents them with all methods and errors.

    References
    ----------
    Gers, F. A., Schmidhuber, J. & Cummins, F. (2000). Learning to forget: continual prediction
    with LSTM. Neural Computation 12.

    Examples
    --------
    >>> import numpy as np
    >>> from tsrnn.nn import LSTM
    >>> layer = LSTM(3, 8, random_state=0)
    >>> h_last, h_stack = layer.forward(np.ones((2, 5, 3)))
    >>> d_x = layer.backward(np.ones_like(h_stack))
    >>> d_x.shape, layer.grads["Wx"].shape, layer.d_c_0.shape
    ((2, 5, 3), (3, 32), (2, 8))
    """

    _cell = CELLS["lstm"]


class GRU(RecurrentLayer):
    """Gated recurrent unit, reset after the product, as in PyTorch.

    ::

        r, z = sigmoid(Wx x_t + Wh h_{t-1} + bias)      first two blocks of `gate_order`
        n    = tanh(Wx x_t + bias + r * (Wh h_{t-1} + bias_hn))           its last block
        h_t  = (1 - z) * n + z * h_{t-1}

    `params`: Wx (D, 3H), Wh (H, 3H), bias (3H,), bias_hn (H,).

    Parameters
    ----------
    input_size, hidden_size : int
        D and H.
    stateful, clip, dtype, random_state, initializer
        As for every `RecurrentLayer`, which documents them with all methods and errors.

    References
    ----------
    Cho, K. et al. (2014). Learning phrase representations using RNN encoder-decoder for
    statistical machine translation. EMNLP.

    Examples
    --------
    >>> import numpy as np
    >>> from tsrnn.nn import GRU
    >>> layer = GRU(3, 8, random_state=0)
    >>> h_last, h_stack = layer.forward(np.ones((2, 5, 3)), tape=False)
    >>> bool(np.array_equal(h_stack[:, -1], h_last))
    True
    >>> layer.load_state_dict(GRU(3, 8, random_state=1).state_dict())
    """

    _cell = CELLS["gru"]
