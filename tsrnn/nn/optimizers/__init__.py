"""Gradient descent, in place, on lists of arrays."""

from tsrnn.nn.optimizers.adam import Adam
from tsrnn.nn.optimizers.base import Optimizer
from tsrnn.nn.optimizers.clipping import clip_by_global_norm
from tsrnn.nn.optimizers.sgd import SGD

__all__ = ["SGD", "Adam", "Optimizer", "clip_by_global_norm"]
