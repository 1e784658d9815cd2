"""Compiled loops against NumPy's code, which is the reference, on rows of every kind."""

import numpy as np
import pytest
from conftest import needs_numba

from tsrnn.learning import DelayedRLS, Intervals, Mixing
from tsrnn.nn import set_kernels

pytestmark = needs_numba
S, K, E, N_ROWS = 2, 7, 4, 400


@pytest.fixture
def on_both():
    """Run something on NumPy's kernels and on numba's."""

    def run(work):
        results = []
        for name in ("numpy", "numba"):
            set_kernels(name)
            results.append(work())
        return results

    yield run
    set_kernels(None)


def labels_with_gaps(rng, n_outputs=1):
    labels = rng.normal(size=(N_ROWS, S, n_outputs))
    labels[rng.random(labels.shape) < 0.1] = np.nan
    labels[150:170] = np.nan
    labels[200] = 1e3
    return labels


def assert_alike(one, other, path=""):
    """Compare all that two values hold: to 1e-12 of the largest number of an array."""
    if isinstance(one, np.ndarray):
        size = np.abs(one[np.isfinite(one)]).max(initial=0.0)
        np.testing.assert_allclose(other, one, rtol=0, atol=1e-12 * size, err_msg=path)
    elif isinstance(one, tuple):
        assert len(one) == len(other), path
        for k, pair in enumerate(zip(one, other, strict=True)):
            assert_alike(*pair, f"{path}[{k}]")
    elif hasattr(one, "__dict__"):
        for name, value in vars(one).items():
            assert_alike(value, getattr(other, name), f"{path}.{name}")
    elif isinstance(one, float):
        assert other == pytest.approx(one, rel=1e-12), path
    else:
        assert other == one, path


@pytest.mark.parametrize("ridge", [None, [0.5, 2.0]])
@pytest.mark.parametrize("delays", [[1, 2, 5], [0, 0]])
def test_least_squares(on_both, delays, ridge):
    rng = np.random.default_rng(0)
    features, base = rng.normal(size=(N_ROWS, S, K)), rng.normal(size=(N_ROWS, S))
    features[300] *= 1e8  # beyond what P can take in: it starts anew
    labels = labels_with_gaps(rng, len(delays))
    blank = DelayedRLS(S, K, delays, 0.99, ridge)
    assert_alike(*on_both(lambda: blank.follow(features, base, labels)))


@pytest.mark.parametrize("seasons", [(), (5, 12)])
def test_intervals_and_drift(on_both, seasons):
    rng = np.random.default_rng(1)
    labels = labels_with_gaps(rng)
    labels[300:] *= 5.0  # a drift worth noting
    forecasts = 0.1 * rng.normal(size=(N_ROWS, S, 3))
    reference, compiled = on_both(
        lambda: Intervals([1, 2, 4], S, seasons).follow(forecasts, labels)
    )
    assert reference.drift.changes
    assert_alike(reference, compiled)


def test_mixtures(on_both):
    rng = np.random.default_rng(2)
    labels, delays = labels_with_gaps(rng), np.array([1, 2, 4])
    noise = rng.normal(size=(N_ROWS, 3, E, S)) * np.array([0.2, 0.5, 1.0, 3.0])[:, None]
    forecasts = np.nan_to_num(labels[:, None].swapaxes(2, 3)) + noise

    def work():
        mixing = Mixing.of(3, E, S)
        said = np.full((4 + N_ROWS, *mixing.loss.shape), np.nan)
        return (*mixing.follow(forecasts, said, labels, delays), said)

    assert_alike(*on_both(work))
