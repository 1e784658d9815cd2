"""A picture of what a forecast is made of."""

import numpy as np
import pandas as pd
import pytest

from tsrnn.plotting import plot_explanation

pytest.importorskip("matplotlib")
figures = pytest.importorskip("matplotlib.figure")


def explanation(ids=None, targets=("load",), n_parts=9):
    """Return made-up parts of 3 steps."""
    levels, names = [list(targets), [1, 2, 3]], ["target", "step"]
    if ids:
        levels, names = [list(ids), *levels], ["id", *names]
    index = pd.MultiIndex.from_product(levels, names=names)
    values = np.random.default_rng(0).normal(size=(len(index), n_parts))
    frame = pd.DataFrame(values, index, [f"part{k}" for k in range(n_parts)])
    frame.insert(0, "level", 100.0)
    return frame.assign(bounds=0.0)


def test_parts_are_stacked_from_the_level_and_the_line_is_the_forecast():
    parts = explanation()
    axes = plot_explanation(parts, ax=figures.Figure().subplots())
    (line,) = [line for line in axes.get_lines() if line.get_label() == "forecast"]
    np.testing.assert_allclose(line.get_ydata(), parts.sum(axis=1))
    labels = [text.get_text() for text in axes.get_legend().get_texts()]
    assert "all others" in labels
    assert "bounds" not in labels  # nothing is cut off
    low, high = axes.get_ylim()
    drawn = sum(patch.get_height() for patch in axes.patches)
    assert drawn == pytest.approx((parts.drop(columns="level").to_numpy()).sum())
    assert low < 100.0 < high


def test_one_series_and_target_are_picked():
    parts = explanation(ids="ab", targets=("load", "heat"))
    axes = plot_explanation(parts, id="b", target="heat", ax=figures.Figure().subplots())
    (line,) = [line for line in axes.get_lines() if line.get_label() == "forecast"]
    wanted = parts.xs("b", level="id").xs("heat", level="target")
    np.testing.assert_allclose(line.get_ydata(), wanted.sum(axis=1))
    for wrong in ({"target": "load"}, {"id": "a"}, {"id": "c", "target": "load"}):
        with pytest.raises(ValueError, match="found"):
            plot_explanation(parts, **wrong, ax=figures.Figure().subplots())
    with pytest.raises(ValueError, match="leave id out"):
        plot_explanation(explanation(), id="a", ax=figures.Figure().subplots())
