"""A recurrent network that turns a stream into features, and goes on learning slowly."""

import copy

import numpy as np
from sklearn.linear_model import Ridge

from ..nn import Adam, Network, clip_by_global_norm
from .targets import origin_targets
from .training import MAX_GRADIENT_NORM, bptt_step, train

ONLINE_RATE = 0.03  # learning rate on the stream, as a share of the one on the history
RIDGE = 1e-3  # penalty of the linear part, per row it is fitted on
RIDGE_ROWS = 20_000  # newest rows of the history that the linear part is fitted on
BLOCK = 4096  # rows of the history whose skip features are in memory at once


class RecurrentEncoder:
    """Hidden state of a recurrent network as features for a readout.

    On the history the network learns what a ridge regression on the skip features leaves
    unexplained. On the stream it takes one step of truncated BPTT every `period` rows, through
    the readout as it then stands.

    An encoder is a value: `encode`, `learn` and `restarted` return a new one.

    Attributes
    ----------
    network : tsrnn.nn.Network
    state : tuple of tsrnn.nn.State
        Carried state of each layer, feature-major.
    scale : ndarray of shape (M,)
        Spread of what the linear part leaves unexplained, by output.
    loss_curve : list of float
        Training loss of each step on the history.
    """

    def __init__(self, network, scale, settings, n_streams, loss_curve):
        self.network = network
        self.scale = scale
        self.settings = settings
        self.n_streams = n_streams
        self.loss_curve = loss_curve
        self.optimizer = Adam()
        self.state = network.zero_state(n_streams)

    @classmethod
    def fit(cls, design, record, settings, rng, **network_settings):
        """Train a network on a history.

        Parameters
        ----------
        design : object
            Turns the record into arrays; see `Learner`.
        record : object
            The history, after ``design.reach`` rows of padding.
        settings : TrainingSettings
        rng : numpy.random.Generator
        **network_settings
            ``cell, hidden_size, n_layers, dtype`` of the network.
        """
        dtype = network_settings["dtype"]
        inputs = design.inputs(record, design.reach, len(record)).astype(dtype)
        residual = _unexplained(design, record)
        known = np.isfinite(residual)
        squares = np.square(residual, out=np.zeros_like(residual), where=known)
        scale = np.sqrt(squares.sum(axis=(0, 1)) / np.maximum(known.sum(axis=(0, 1)), 1))
        scale[scale == 0.0] = 1.0
        residual /= scale
        network = Network(inputs.shape[2], random_state=rng, **network_settings)
        loss_curve = train(network, inputs, residual.astype(dtype), settings, rng)
        return cls(network, scale, settings, inputs.shape[1], loss_curve)

    @property
    def period(self):
        """Rows between two learning steps."""
        return self.settings.window_size

    @property
    def window(self):
        """Rows of a learning window, warm-up included."""
        return self.settings.warmup + self.settings.window_size

    def restarted(self):
        """Return the encoder at the zero state."""
        encoder = copy.copy(self)
        encoder.state = self.network.zero_state(self.n_streams)
        return encoder

    def encode(self, inputs):
        """Advance the state over inputs (n, S, D); return features (n, S, H) and the encoder."""
        encoder = copy.copy(self)
        x = np.ascontiguousarray(inputs.transpose(0, 2, 1), dtype=self.network.dtype)
        hidden, encoder.state = self.network.forward(x, self.state, tape=False)
        return hidden.transpose(0, 2, 1).astype(np.float64), encoder

    def learn(self, inputs, skip, targets, weights):
        """Take one step of truncated BPTT on a window of origins whose labels are in.

        Parameters
        ----------
        inputs : ndarray of shape (window, S, D)
        skip : ndarray of shape (window, S, K)
        targets : ndarray of shape (window, S, M)
        weights : ndarray of shape (S, M, H + K)
            Of the readout: those of the hidden state first.
        """
        encoder = copy.copy(self)
        encoder.network = network = self.network.copy()
        encoder.optimizer = self.optimizer.copy()
        head, linear = np.split(weights, [network.hidden_size], axis=2)
        residual = (targets - np.matmul(linear, skip[..., None])[..., 0]) / self.scale
        warmup = self.settings.warmup
        bptt_step(
            network,
            (head / self.scale[:, None]).astype(network.dtype),
            np.ascontiguousarray(inputs.transpose(0, 2, 1), dtype=network.dtype),
            residual[warmup:].transpose(1, 2, 0).astype(network.dtype),
            warmup,
            self.settings.loss,
        )
        clip_by_global_norm(network.weight_grads, MAX_GRADIENT_NORM)
        rate = ONLINE_RATE * self.settings.learning_rate
        encoder.optimizer.step(network.weights, network.weight_grads, rate)
        return encoder


def _unexplained(design, record):
    """Return the targets (n, S, M) less what ridge regression on the skip features explains."""
    first, end = design.reach, len(record)
    base, labels = design.base(record, first), design.labels(record, first)
    residual = origin_targets(base, labels, design.delays)
    recent = max(first, end - RIDGE_ROWS)
    skip, targets = design.skip(record, recent, end), residual[recent - first :]
    ridges = [_ridge(skip[:, stream], targets[:, stream]) for stream in range(skip.shape[1])]
    for start in range(first, end, BLOCK):
        stop = min(start + BLOCK, end)
        skip = design.skip(record, start, stop)
        for stream, coef in enumerate(ridges):
            residual[start - first : stop - first, stream] -= skip[:, stream] @ coef.T
    return residual


def _ridge(features, targets):
    """Return ridge coefficients (M, K), where labels are missing each output's from its own."""
    known = np.isfinite(targets)
    complete = known.all(axis=1)
    if complete.mean() > 0.9:  # at least the newest rows still wait for labels
        return np.atleast_2d(_fit_ridge(features[complete], targets[complete]))
    coefficients = np.zeros((targets.shape[1], features.shape[1]))
    for output, rows in enumerate(known.T):
        if rows.any():
            coefficients[output] = _fit_ridge(features[rows], targets[rows, output])
    return coefficients


def _fit_ridge(features, targets):
    return Ridge(alpha=RIDGE * len(features), fit_intercept=False).fit(features, targets).coef_
