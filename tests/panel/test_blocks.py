"""Panels: series are worked on block by block, in two threads where there are many."""

import numpy as np
import pytest
from helpers import needs_numba
from helpers.panels import N_FIT, divided, long_frame, panel

from tsrnn import threads
from tsrnn.kernels import set_kernels
from tsrnn.online.experts import panel_experts, panel_smoothing
from tsrnn.online.storage import tracks


@pytest.mark.parametrize("kernels", ["numpy", pytest.param("numba", marks=needs_numba)])
@pytest.mark.parametrize("future", [None, "x"])
def test_how_series_are_cut_into_blocks_changes_nothing(monkeypatch, kernels, future):
    """Of seven series, blocks of two: several of them, a short one at the end, both threads."""
    frame = long_frame(7, N_FIT + 30, missing=0.05, gone=0.02)
    history, new = divided(frame)
    set_kernels(kernels)
    try:
        forecasts = []
        for size in (256, 2):
            for module in (threads, tracks, panel_experts, panel_smoothing):
                monkeypatch.setattr(module, "BLOCK", size)
            monkeypatch.setattr(threads, "MANY_BLOCKS", 8 if size == 256 else 2)
            model = panel(future_cols=future, dtype=np.float64, coverage=0.9).fit(history)
            model.partial_fit(new[: len(new) // 2]).update(new[len(new) // 2 :])
            ahead = model.future_index().to_frame(index=False).assign(x=0.5) if future else None
            forecasts.append(model.forecast(X_future=ahead).set_index(["id", "time"]))
    finally:
        set_kernels(None)
    np.testing.assert_allclose(forecasts[1], forecasts[0], rtol=1e-9)
