"""The bare layers: train an LSTM by hand, carry its state, hand its weights to PyTorch.

The task is to tell, at each step, the sum of the last three inputs: it takes a memory.

    python examples/numpy_layers.py
"""

import argparse

import numpy as np

from tsrnn.nn import LSTM, Adam, Dense, Squared

N, T, D, H = 32, 20, 1, 24  # streams side by side, time steps, inputs, hidden units

parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
parser.add_argument("--steps", type=int, default=600, help="training steps")
args = parser.parse_args()


def draw(rng, n, n_steps):
    """Return inputs (n, n_steps, D) and the sums of the last three (n, n_steps, 1)."""
    x = rng.normal(size=(n, n_steps + 2, D)).astype(np.float32)
    return x[:, 2:], x[:, 2:] + x[:, 1:-1] + x[:, :-2]


rng = np.random.default_rng(0)
lstm = LSTM(D, H, random_state=0)
readout = Dense(H, 1, random_state=1)
loss, adam = Squared(), Adam(0.01)

# The first two sums reach before the window, where the network cannot look: they do not count.
mask = np.ones((N, T, 1), dtype=bool)
mask[:, :2] = False

for step in range(1, args.steps + 1):
    x, target = draw(rng, N, T)
    _, h_stack = lstm.forward(x)  # (N, T, H)
    value, d_prediction = loss(readout.forward(h_stack), target, mask)
    lstm.backward(readout.backward(d_prediction))  # fills the gradients of both
    adam.step([*lstm.weights, *readout.weights], [*lstm.weight_grads, *readout.weight_grads])
    if step == 1 or step % (args.steps // 6) == 0:
        print(f"step {step:4}   loss {value:.4f}")

# Windows of one long stream, one after another: with stateful=True each starts where the last one
# ended, so the outputs are those of the whole stream in one go.
x, target = draw(rng, 1, 60)
_, whole = lstm.forward(x, tape=False)
lstm.stateful = True
parts = [lstm.forward(x[:, start : start + 20], tape=False)[1] for start in range(0, 60, 20)]
carried = np.concatenate(parts, axis=1)
print(f"\nthree windows against one: largest difference {np.abs(carried - whole).max():.1e}")
error = readout.forward(carried, tape=False) - target
print(f"mean squared error on the new stream: {np.mean(error[:, 2:] ** 2):.4f}")

# The weights as PyTorch names and lays them out. With torch at hand:
#   torch.nn.LSTM(D, H, batch_first=True).load_state_dict(
#       {name: torch.from_numpy(array) for name, array in lstm.state_dict().items()})
print("\nweights for torch.nn.LSTM:")
for name, array in lstm.state_dict().items():
    print(f"  {name:13} {array.shape}")
