"""Whether intervals are as wide as they should be, where the truth is known: walks and noise.

Of a random walk the width of an interval m steps ahead is that of one step times the root of m, of
white noise it is the same for all steps. Each stream, of normal errors or of Student's t with five
degrees of freedom, is fitted on 1,000 rows and learnt for 5,000 more; every 20 rows there is a
forecast with intervals of 90 %. Widths, in the mean of the second half of those, are relative to
the true ones, those of somebody who knows the process; so is the Winkler score.

Run: ``python benchmarks/widths.py`` (five minutes)
"""

import numpy as np
import pandas as pd
from memory import print_table
from report import save

from tsrnn import RNNForecaster
from tsrnn.metrics import winkler

N_FIT, N_ROWS, EVERY, COVERAGE = 1000, 6000, 20, 0.9
HORIZONS, SEEDS = (6, 24, 48), range(8)
NOISE = {
    "normal": lambda rng, n: rng.normal(size=n),
    "t, 5 degrees": lambda rng, n: rng.standard_t(5, size=n),
}


def true_half_widths(kind, noise, horizon):
    """Return half the widths of those who know the process, by step, from a million draws."""
    draws = NOISE[noise](np.random.default_rng(99), 1_000_000)
    if kind == "white noise":
        return np.full(horizon, np.quantile(np.abs(draws), COVERAGE))
    walk = np.append(0.0, draws.cumsum())
    steps = range(1, horizon + 1)
    return np.array([np.quantile(np.abs(walk[m:] - walk[:-m]), COVERAGE) for m in steps])


def measure(kind, noise, horizon, seed, true):
    """Return widths by step relative to the true ones, coverage and relative Winkler score."""
    values = NOISE[noise](np.random.default_rng(seed), N_ROWS + horizon)
    values = values.cumsum() if kind == "random walk" else values
    index = pd.date_range("2024", periods=len(values), freq="h")
    rows = pd.DataFrame({"value": values}, index=index)
    model = RNNForecaster(horizon, coverage=COVERAGE, random_state=0).fit(rows[:N_FIT])
    lower, upper, actual, center = [], [], [], []
    for start in range(N_FIT, N_ROWS, EVERY):
        model.partial_fit(rows[start : start + EVERY])
        _, *ends = model.forecast().to_numpy().T
        lower.append(ends[0])
        upper.append(ends[1])
        cutoff = start + EVERY
        actual.append(values[cutoff : cutoff + horizon])
        center.append(values[cutoff - 1] if kind == "random walk" else 0.0)
    second = slice(len(lower) // 2, None)
    lower, upper, actual = (np.array(a)[second] for a in (lower, upper, actual))
    center = np.array(center)[second, None]
    best = winkler(actual.ravel(), (center - true).ravel(), (center + true).ravel(), COVERAGE)
    return {
        "kind": kind, "noise": noise, "horizon": horizon, "seed": seed,
        "widths": ((upper - lower).mean(axis=0) / (2.0 * true)).tolist(),
        "coverage": float(((lower <= actual) & (actual <= upper)).mean()),
        "winkler": float(winkler(actual.ravel(), lower.ravel(), upper.ravel(), COVERAGE) / best),
    }  # fmt: skip


def main():
    results = []
    for kind in ("random walk", "white noise"):
        for noise in NOISE:
            for horizon in HORIZONS:
                true = true_half_widths(kind, noise, horizon)
                results += [measure(kind, noise, horizon, seed, true) for seed in SEEDS]
    save("widths", results)
    lines = []
    for key, part in pd.DataFrame(results).groupby(["kind", "noise", "horizon"], sort=False):
        widths = np.array(part["widths"].tolist())
        first, last = np.median(widths[:, 0]), np.median(widths[:, -1])
        beyond = (np.abs(widths - 1.0) > 0.15).mean()
        span = f"{widths.min():.2f} to {widths.max():.2f}"
        scores = f"{part['coverage'].mean():.3f}", f"{part['winkler'].mean():.3f}"
        lines.append([*key, f"{first:.2f}", f"{last:.2f}", span, f"{beyond:.1%}", *scores])
    titles = ["process", "noise", "horizon", "first step", "last", "all", "beyond 15 %", "coverage"]
    print_table([*titles, "Winkler to the true one"], lines)


if __name__ == "__main__":
    main()
