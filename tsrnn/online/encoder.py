"""A recurrent network that turns a stream into features, and goes on learning slowly."""

import warnings

import numpy as np

from tsrnn.kernels import compiled_kernels
from tsrnn.nn import Adam, Network, State, clip_by_global_norm
from tsrnn.online.readouts.targets import origin_targets
from tsrnn.online.storage.values import twin
from tsrnn.online.training import MAX_GRADIENT_NORM, bptt_step, train
from tsrnn.persistence.registry import saved
from tsrnn.warnings_ import NumericalWarning

ONLINE_RATE = 0.03  # learning rate on the stream, as a share of the one on the history
RIDGE = 1e-3  # penalty of the linear part, per row it is fitted on
LEAST_FREE = 0.2  # share of the labels that counts in any case
RIDGE_ROWS = 20_000  # newest rows of the history that the linear part is fitted on
BLOCK = 4096  # rows of the history whose skip features are in memory at once


@saved("recurrent-encoder")
class RecurrentEncoder:
    """Hidden state of a recurrent network as features for a readout.

    On the history the network learns what a ridge regression on the skip features leaves
    unexplained. On the stream it takes one step of truncated BPTT every `period` rows that are
    learnt, through the readout as it then stands.

    An encoder is a value: `encode`, `learn` and `restarted` return a new one.

    Attributes
    ----------
    network : tsrnn.nn.Network
    state : tuple of tsrnn.nn.State
        Carried state of each layer, feature-major.
    scale : ndarray of shape (M,)
        Spread of what the linear part leaves unexplained, by output it is trained on.
    places : ndarray of int, shape (M,)
        Which of the readout's outputs those are.
    noise : ndarray of shape (S,)
        Variance of it, by stream: mean over the outputs.
    loss_curve : list of float
        Training loss of each step on the history.
    """

    def __init__(self, network, scale, noise, settings, loss_curve, places):
        self.network = network
        self.places = places
        self.scale = scale
        self.noise = noise
        self.settings = settings
        self.n_streams = n_streams = len(noise)
        self.loss_curve = loss_curve
        self.optimizer = Adam()
        self.state = network.zero_state(n_streams)

    @classmethod
    def fit(cls, design, record, settings, rng, **network_settings):
        """Train a network on a history.

        Parameters
        ----------
        design : object
            Turns the record into arrays; see `StreamLearner`.
        record : object
            The history, after ``design.reach`` rows of padding.
        settings : TrainingSettings
        rng : numpy.random.Generator
        **network_settings
            ``cell, hidden_size, n_layers, dtype`` of the network.
        """
        inputs, residual, scale, noise = _training_arrays(design, record, network_settings["dtype"])
        network = Network(inputs.shape[2], random_state=rng, **network_settings)
        if design.n_flags:  # a network that never saw a value missing is not moved by the first
            network.weights[0][:, -1 - design.n_flags : -1] = 0.0
        never = np.flatnonzero((inputs == 0.0).all(axis=(0, 1)))  # nor by a season that comes later
        network.weights[0][:, never - inputs.shape[2] - 1] = 0.0
        loss_curve = train(network, inputs, residual, settings, rng)
        return cls(network, scale, noise, settings, loss_curve, design.trained_on)

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
        encoder = twin(self)
        encoder.state = self.network.zero_state(self.n_streams)
        return encoder

    def at(self, state):
        """Return the encoder at another state of its only layer."""
        encoder = twin(self)
        encoder.state = (State(*state),)
        return encoder

    def encode(self, inputs, local=None, by_stream=False):
        """Advance the state over inputs (n, S, D); return features (n, S, H) and the encoder.

        Where the inputs were normalized, by center and scale (n, S), the features get their scale.
        With `by_stream`, they have the bits of compiled code that takes rows as they come.
        """
        encoder = twin(self)
        x = np.ascontiguousarray(inputs.transpose(0, 2, 1), dtype=self.network.dtype)
        if by_stream and self.n_streams > 1 and compiled_kernels():
            hidden, encoder.state = self._encode_by_stream(x)
        else:
            hidden, encoder.state = self.network.forward(x, self.state, tape=False)
        features = hidden.transpose(0, 2, 1)
        scale = 1.0 if local is None else local[1][..., None]
        return np.multiply(features, scale, dtype=np.float64), encoder

    def _encode_by_stream(self, x):
        streams, states, hidden = [slice(s, s + 1) for s in range(self.n_streams)], [], []
        for own in streams:
            state = tuple(of_layer.part(own).copy() for of_layer in self.state)
            rows = np.ascontiguousarray(x[..., own])
            of_stream, after = self.network.forward(rows, state, tape=False)
            hidden.append(of_stream)
            states.append(after)
        joined = tuple(State.joined(list(of_layer)) for of_layer in zip(*states, strict=True))
        return np.concatenate(hidden, axis=2), joined

    @np.errstate(over="ignore", invalid="ignore")  # a warning below says that a step overflows
    def learn(self, inputs, skip, targets, weights, local=None):
        """Take one step of truncated BPTT on a window of origins whose labels are in.

        A gradient that is not finite is a `NumericalWarning`, and the encoder stays as it was.

        Parameters
        ----------
        inputs : ndarray of shape (window, S, D)
        skip : ndarray of shape (window, S, K)
        targets : ndarray of shape (window, S, outputs of the readout)
        weights : ndarray of shape (S, outputs, H + K)
            Of the readout: those of the hidden state first.
        local : tuple of ndarray, optional
            As for `encode`.
        """
        encoder = twin(self)
        encoder.network = network = self.network.copy()
        encoder.optimizer = self.optimizer.copy()
        head, linear = np.split(weights[:, self.places], [network.hidden_size], axis=2)
        residual = (
            targets[..., self.places] - np.matmul(linear, skip[..., None])[..., 0]
        ) / self.scale
        if local is not None:
            residual /= local[1][..., None]
        warmup = self.settings.warmup
        bptt_step(
            network,
            (head / self.scale[:, None]).astype(network.dtype),
            np.ascontiguousarray(inputs.transpose(0, 2, 1), dtype=network.dtype),
            residual[warmup:].transpose(1, 2, 0).astype(network.dtype),
            warmup,
            self.settings.loss,
        )
        if not np.isfinite(clip_by_global_norm(network.weight_grads, MAX_GRADIENT_NORM)):
            warnings.warn(
                "found a gradient that is not finite, expected rows on the scale of the history; "
                "the network's learning step is skipped: fit again if the scale has changed",
                NumericalWarning,
                stacklevel=2,
            )
            return self
        rate = ONLINE_RATE * self.settings.learning_rate
        encoder.optimizer.step(network.weights, network.weight_grads, rate)
        return encoder


def _training_arrays(design, record, dtype):
    """Turn a history into what the network is trained on, block by block.

    Returns
    -------
    inputs : ndarray of shape (n, S, D)
    residual : ndarray of shape (n, S, M)
        Targets less what ridge regression on the skip features explains, in units of `scale`.
    scale : ndarray of shape (M,)
        Root mean square of what is left, by output.
    noise : ndarray of shape (S,)
        Mean square of it, by stream, each label that the regression used up left out: of a short
        history little is left of what it was fitted to.
    """
    first, end = design.reach, len(record)
    ridges, used = _ridges(design, record)
    n_streams, n_outputs = design.n_streams, len(design.trained_on)
    inputs, residual = None, np.empty((end - first, n_streams, n_outputs), dtype)
    squares, counts = np.zeros((2, n_streams, n_outputs))
    for start in range(first, end, BLOCK):
        stop = min(start + BLOCK, end)
        rows = slice(start - first, stop - first)
        left = _targets(design, record, start, stop)
        left -= np.matmul(ridges, design.skip(record, start, stop)[..., None])[..., 0]
        squares += np.nansum(np.square(left), axis=0)
        counts += np.isfinite(left).sum(axis=0)
        local = design.local(record, start, stop)
        residual[rows] = left if local is None else left / local[1][..., None]
        block = design.inputs(record, start, stop, local)
        if inputs is None:
            inputs = np.empty((end - first, *block.shape[1:]), dtype)
        inputs[rows] = block
    scale = np.sqrt(squares.sum(axis=0) / np.maximum(counts.sum(axis=0), 1))
    free = np.maximum(counts - used[:, None], LEAST_FREE * counts)
    noise = (squares / np.maximum(free, 1)).mean(axis=1)
    scale[scale == 0.0] = 1.0
    residual /= scale.astype(dtype)
    return inputs, residual, scale, noise


def _targets(design, record, start, stop):
    """Return the targets (stop - start, S, M) of these origins, those that are trained on."""
    seen = record[: stop + max(design.delays)]
    base, labels = design.base(seen, start), design.labels(seen, start)
    if labels.shape[2] > 1:
        labels = labels[..., design.trained_on]
    return origin_targets(base, labels, design.delays[design.trained_on])[: stop - start]


def _ridges(design, record):
    """Fit ridge regressions on the skip features of the newest rows.

    Returns
    -------
    coefficients : ndarray of shape (S, M, K)
    used : ndarray of shape (S,)
        Effective degrees of freedom of each.
    """
    n_rows = RIDGE_ROWS // design.n_streams if design.pooled else RIDGE_ROWS
    recent, end = max(design.reach, len(record) - n_rows), len(record)
    skip, targets = design.skip(record, recent, end), _targets(design, record, recent, end)
    if design.pooled:
        one = _ridge(skip.reshape(-1, skip.shape[2]), targets.reshape(-1, targets.shape[2]))
        return np.repeat(one[None], design.n_streams, axis=0), np.zeros(design.n_streams)
    streams = range(design.n_streams)
    used = np.array([_degrees_of_freedom(skip[:, s]) for s in streams])
    return np.stack([_ridge(skip[:, s], targets[:, s]) for s in streams]), used


def _degrees_of_freedom(features):
    """Return the trace of the matrix that makes fitted values of targets."""
    gram = features.T @ features
    values = np.maximum(np.linalg.eigvalsh(gram), 0.0)
    return (values / (values + RIDGE * len(features))).sum()


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
    gram = features.T @ features
    gram.flat[:: len(gram) + 1] += RIDGE * len(features)
    return np.linalg.solve(gram, features.T @ targets).T
