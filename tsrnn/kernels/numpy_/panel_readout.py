"""What the readout that many series share learns from labels."""

import numpy as np


def label_sums(features, weights, targets, limits, known, errors, sums):
    """Write the errors of labels, and the sums of their products with the features.

    Parameters
    ----------
    features : ndarray of shape (m, J, B, K)
        Of the origins of m outputs.
    weights : ndarray of shape (m, J, V, K)
        Of V readouts.
    targets, limits : ndarray of shape (m, J, B)
        What the label is, and the largest error that is learnt from.
    known : ndarray of bool, shape (m, J, B)
        Labels that there are.
    errors : ndarray of shape (m, J, V, B)
        Filled; zero where there is no label.
    sums : ndarray of shape (m, J, V, K)
        Filled.
    """
    found = np.matmul(weights, features.swapaxes(2, 3))
    np.subtract(targets[:, :, None], found, out=found)
    np.clip(found, -limits[:, :, None], limits[:, :, None], out=found)
    errors[...] = np.where(known[:, :, None], found, 0.0)
    np.matmul(errors, features, out=sums)
