"""What a panel's autoregression of adjusted series has learnt, and what it looks at."""

import numpy as np
import pytest

from tsrnn.features.panel_window import PanelWindow
from tsrnn.online.experts.adjusted import before_step
from tsrnn.online.panel_adjusted import PanelAdjusted

LAGS, FUTURE, OTHERS, M, B, N = 2, [1], 1, 3, 4, 40
ALL = slice(None)


def blank(forgetting=1.0):
    return PanelAdjusted(1, M, LAGS, OTHERS, FUTURE, forgetting, penalty=0.5)


@pytest.mark.parametrize("missing", [False, True])
def test_it_is_ridge_regression_of_each_step_and_of_the_effects(missing):
    """From scratch, on all origins; labels that failed to come are taken out, exactly for one."""
    rng = np.random.default_rng(0)
    adjusted, kept, inputs = blank(), rng.normal(size=(N, 1, B, 8)), rng.normal(size=(N, B, 1))
    levels, labels = rng.normal(size=(2, N, 1, B))
    if missing:
        labels[10:14, :, 1] = labels[25] = np.nan
    targets = {step: [] for step in range(M + 1)}
    for t in range(N):
        rows = np.arange(t - M, t)  # the first of them are none
        origins, opened = [(slice(0, M), kept[rows])], (rows >= 0)[:, None, None]
        known = opened & np.isfinite(labels[t])
        failed = opened & ~known
        if failed.any():
            newest = [kept[t - 1, 0][failed[-1, 0]]], [np.zeros(failed[-1].sum())]
            failed = [kept[rows][:, 0][failed[:, 0]]], [np.zeros(failed.sum())], newest
        else:
            failed = None
        if t == 0:
            adjusted = adjusted.learn(t, adjusted.sums(t, kept[t], np.ones((1, B))), 1)
            continue
        changes, due = labels[t] - levels[rows], adjusted.due(inputs[t])
        for step in range(1, min(t, M) + 1):
            target = changes[-step, 0] + kept[t - step, 0, :, -1] - due[0]
            targets[step] += zip(kept[t - step, 0, :, :4], target, strict=True)
        seen = np.concatenate([kept[t - 1, 0, :, :-1], inputs[t]], axis=1)
        targets[0] += zip(seen, changes[-1, 0] + kept[t - 1, 0, :, -1], strict=True)
        ones, far = np.ones((M, 1, B)), np.full((M, 1, B), 1e9)
        groups = np.broadcast_to(rows[:, None], (M, B))
        row = changes, ones, far, inputs[t], groups, known
        sums = adjusted.sums(t, kept[t], np.ones((1, B)), failed, (origins, *row))
        adjusted = adjusted.learn(t, sums, 1)
    for step, rows in targets.items():
        if step > 1 and missing:  # of several, it is nearly so
            continue
        X, y = np.array([x for x, _ in rows]), np.array([y for _, y in rows])
        X, y = X[np.isfinite(y)], y[np.isfinite(y)]
        penalty = np.full(X.shape[1], 0.5)
        if step == 0:
            penalty[-1] = 1.0
            found = adjusted.effect[0]
            expected = np.linalg.solve(X.T @ X + np.diag(penalty), X.T @ y)[-1:]
        else:
            found = adjusted.readout.weights[0, step - 1]
            expected = np.linalg.solve(X.T @ X + np.diag(penalty), X.T @ y)
        # Newer gains know of origins whose labels are still to come.
        tolerance = {"rtol": 0.05, "atol": 0.02} if step or missing else {"rtol": 1e-8}
        np.testing.assert_allclose(found, expected, **tolerance)


def test_lags_are_adjusted_by_the_inputs_that_values_came_with():
    rng = np.random.default_rng(1)
    window = PanelWindow.empty(1, 2, 30, 10, reach=5, screen=None)
    window = window.taken(ALL, 3)
    targets, inputs = rng.normal(size=(8, 1, 3)), rng.normal(size=(8, 2, 3))
    targets[6:, 0, 1] = targets[3, 0, 2] = np.nan
    window.push(100, ALL, targets, inputs, np.ones(3, bool), np.zeros((1, 3)))
    adjusted = blank()
    adjusted.effects.effects[:] = 0.7
    centers, scales, others = rng.normal(size=(1, 3)), np.full((1, 3), 2.0), np.ones((1, 3, 1))
    found = adjusted.look(window, 107, ALL, centers, scales, others)
    for series in range(3):
        value, due, values = 0.0, 0.0, []
        for row in range(8):
            if np.isfinite(targets[row, 0, series]):
                value, due = targets[row, 0, series], 0.7 * inputs[row, 1, series]
            if row == 5 and not np.isfinite(targets[5:, 0, series]).all():
                due = 0.7 * inputs[5, 1, series]
            values.append((value - centers[0, series]) / 2.0 - due)
        past = before_step(inputs[5:, 1, series][:, None])
        lags = values[-2] - values[-1], values[-3] - values[-1]
        expected = [*lags, values[-1], 1.0, *past, due]
        np.testing.assert_allclose(found[0, series], expected, rtol=1e-12)
