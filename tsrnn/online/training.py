"""Truncated backpropagation through time over windows of a history."""

import math
from dataclasses import dataclass

import numpy as np

from tsrnn.nn import Adam, clip_by_global_norm
from tsrnn.persistence.registry import saved

MAX_GRADIENT_NORM = 1.0
EVALUATE_EVERY = 20  # steps between two looks at the validation rows
PATIENCE = 6  # looks without improvement before training stops
VALIDATION_FRACTION = 0.15
MIN_VALIDATION = 10  # fewer rows than that say nothing: a short history is trained on whole
ROWS_PER_STEP = 10  # a history of n rows gets at most n / 10 steps


@saved("training-settings")
@dataclass(frozen=True)
class TrainingSettings:
    """How a network is trained.

    Attributes
    ----------
    window_size : int
        Steps of a truncated-BPTT window that count in the loss.
    warmup : int
        Steps before them, from the zero state, that only fill the state.
    batch_size : int
        Windows of a step.
    max_iter : int
        Most Adam steps; short histories get fewer, one for every 10 rows.
    learning_rate : float
        Peak rate; it rises over the first tenth of the steps and falls along a cosine.
    early_stopping : bool
        Hold the newest 15 % of the history out, if those are 10 rows or more, and keep the
        weights that were best on them.
    loss : callable
        ``loss(prediction, target, mask) -> (value, d_prediction)``.
    verbose : bool
        Print a line every 20 steps.
    """

    window_size: int
    warmup: int
    batch_size: int
    max_iter: int
    learning_rate: float
    early_stopping: bool
    loss: object
    verbose: bool = False


def held_out(n_rows):
    """Return how many of the newest rows of a history are held out of training.

    Of a short one none: they would say nothing.

    Examples
    --------
    >>> held_out(60), held_out(70)
    (0, 10)
    """
    n_held_out = int(VALIDATION_FRACTION * n_rows)
    return n_held_out if n_held_out >= MIN_VALIDATION else 0


def bptt_step(network, head, inputs, targets, warmup, loss):
    """Forward and backward through one batch of windows.

    Fills ``network.weight_grads``.

    Parameters
    ----------
    network : tsrnn.nn.Network
    head : ndarray of shape (M, H) or (N, M, H)
        Linear head on the hidden state, one for all windows or one for each.
    inputs : ndarray of shape (T, D, N)
    targets : ndarray of shape (N, M, T - warmup)
        NaN where a label is missing.
    warmup : int
        Leading steps that do not count.
    loss : callable

    Returns
    -------
    value : float
        Mean loss over the known targets.
    d_head : ndarray of shape (M, H)
        Gradient of a shared head.
    """
    hidden, _ = network.forward(inputs)
    used = hidden[warmup:].transpose(2, 1, 0)  # (N, H, T - warmup)
    prediction = np.matmul(head, used)
    value, d_prediction = loss(prediction, targets, np.isfinite(targets))
    d_hidden = np.zeros_like(hidden)
    d_hidden[warmup:] = np.matmul(np.swapaxes(head, -1, -2), d_prediction).transpose(2, 1, 0)
    d_head = np.matmul(d_prediction, used.transpose(0, 2, 1)).sum(axis=0)
    network.backward(d_hidden)
    return value, d_head


@np.errstate(over="ignore", invalid="ignore")  # an error below says that training diverges
def train(network, inputs, targets, settings, rng):
    """Train a network, in place, so that a linear head on its hidden state meets the targets.

    Parameters
    ----------
    network : tsrnn.nn.Network
    inputs : ndarray of shape (n, S, D)
    targets : ndarray of shape (n, S, M)
        Of about unit scale; NaN where missing.
    settings : TrainingSettings
    rng : numpy.random.Generator

    Returns
    -------
    loss_curve : list of float
        Training loss of each step.

    Raises
    ------
    ValueError
        A gradient is not finite.
    """
    n_rows, n_streams, n_outputs = targets.shape
    n_held_out = held_out(n_rows)
    validate = settings.early_stopping and n_held_out > 0
    validate = validate and np.isfinite(targets[n_rows - n_held_out :]).any()
    n_train = n_rows - n_held_out * validate
    warmup = min(settings.warmup, n_train // 4)
    length = min(warmup + settings.window_size, n_train)
    n_steps = max(1, min(settings.max_iter, n_rows // ROWS_PER_STEP))

    head = np.zeros((n_outputs, network.hidden_size), dtype=inputs.dtype)
    weights = [*network.weights, head]
    optimizer = Adam()
    best = _Best(weights)
    loss_curve = []
    for step in range(n_steps):
        starts = rng.integers(0, n_train - length + 1, settings.batch_size)
        streams = rng.integers(0, n_streams, settings.batch_size)
        rows = starts + np.arange(length)[:, None]
        x = np.ascontiguousarray(inputs[rows, streams].transpose(0, 2, 1))
        y = targets[rows[warmup:], streams].transpose(1, 2, 0)
        value, d_head = bptt_step(network, head, x, y, warmup, settings.loss)
        grads = [*network.weight_grads, d_head]
        if not np.isfinite(clip_by_global_norm(grads, MAX_GRADIENT_NORM)):
            raise ValueError(
                f"found a gradient that is not finite at training step {step + 1}, expected "
                f"training to converge with learning_rate={settings.learning_rate}; lower it"
            )
        optimizer.step(weights, grads, settings.learning_rate * _schedule(step, n_steps))
        loss_curve.append(float(value))
        if validate and ((step + 1) % EVALUATE_EVERY == 0 or step + 1 == n_steps):
            first = max(0, n_train - warmup)
            score = _evaluate(network, head, inputs, targets, first, n_train, settings.loss)
            best.offer(score, weights)
            if settings.verbose:
                print(f"step {step + 1}/{n_steps}: loss {value:.4f}, validation {score:.4f}")
            if best.age > PATIENCE:
                break
        elif settings.verbose and (step + 1) % EVALUATE_EVERY == 0:
            print(f"step {step + 1}/{n_steps}: loss {value:.4f}")
    if validate:
        best.restore(weights)
    return loss_curve


def _schedule(step, n_steps):
    """Share of the peak learning rate: a linear rise, then a cosine fall to a twentieth."""
    rise = max(1, n_steps // 10)
    if step < rise:
        return (step + 1) / rise
    return 0.05 + 0.95 * 0.5 * (1 + math.cos(math.pi * (step - rise) / max(1, n_steps - rise)))


def _evaluate(network, head, inputs, targets, first, start, loss):
    """Loss on the rows from ``start`` on, the state warmed up from ``first``."""
    hidden, _ = network.forward(inputs[first:].transpose(0, 2, 1), tape=False)
    prediction = np.matmul(head, hidden[start - first :].transpose(2, 1, 0))
    known = targets[start:].transpose(1, 2, 0)
    return loss(prediction, known, np.isfinite(known))[0]


class _Best:
    """The weights that did best on the validation rows."""

    def __init__(self, weights):
        self.score = math.inf
        self.weights = [w.copy() for w in weights]
        self.age = 0

    def offer(self, score, weights):
        self.age += 1
        if score < self.score:
            self.score, self.age = score, 0
            for kept, w in zip(self.weights, weights, strict=True):
                kept[...] = w

    def restore(self, weights):
        for kept, w in zip(self.weights, weights, strict=True):
            w[...] = kept
