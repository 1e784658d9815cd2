"""What streams of other frequencies must hold beside the table of `frequencies.py`.

Fitted on 20 to 60 rows and streamed, after two seasons, beside seasonal naive; 120 and 180 days
ahead, beside the year before; coverage after a constant stretch, of the non-zero rows of series
that are mostly zero, and at step 720.

Run: ``python benchmarks/frequency_limits.py`` (deciding half), ``--half reporting``;
``--parts far`` for one of them.
"""

import argparse
import sys
import warnings

import numpy as np
from frequencies import (
    COVERAGE,
    OURS,
    actuals,
    geometric,
    n_history,
    print_claims,
    step_by_step,
)
from frequency_streams import DECIDING, HALVES, streams

from tsrnn import RNNForecaster, datasets

STARTS = {"monthly": (20, 12), "weekly": (60, 52)}  # rows fitted on, and of a season
HOURLY_START = 40, 24
MOST_ROWS = 600  # streamed
YEAR, FAR = 365, (120, 180)
STRETCH, ACTIVE = 100, 50  # rows that stand still, and those after them that are looked at
FURTHEST, HOURLY_HISTORY = 720, 2000


def ours(horizon):
    """Return the forecaster that is measured."""
    return RNNForecaster(horizon, random_state=0)


def hourly():
    """Return hourly streams: electricity, air quality and a street of pedestrians."""
    return {
        "electricity": datasets.load_electricity().iloc[:, 0],
        "air quality": datasets.load_air_quality()["pm25"],
        "pedestrians": next(iter(datasets.load_pedestrians().items()))[1],
    }


def starts(half):
    """Return ratios of the squared error one step ahead to that of seasonal naive, by stream."""
    runs = [(s.name, s.load(), *STARTS[s.kind]) for s in streams(half) if s.kind in STARTS]
    runs += [(name, series.iloc[:MOST_ROWS], *HOURLY_START) for name, series in hourly().items()]
    found = {}
    for name, series, n_fit, season in runs:
        history, rows = series[:n_fit], series[n_fit : n_fit + MOST_ROWS]
        forecast = step_by_step(ours(1), history, rows, 1)[0][0, :, 0]
        values = series.to_numpy()[: n_fit + len(rows)]
        place = np.arange(n_fit, len(values))
        late = place >= 2 * season
        error = (forecast - values[n_fit:])[late] ** 2
        repeated = (values[place - season] - values[n_fit:])[late] ** 2
        both = np.isfinite(error) & np.isfinite(repeated)
        if both.sum() >= 20:
            found[name] = error[both].mean() / repeated[both].mean()
    return found


def far_ahead(half):
    """Return ratios of the absolute error 120 and 180 days ahead to that of the year before."""
    found = {}
    for stream in streams(half):
        series = stream.load()
        if stream.kind != "daily" or len(series) < 3 * YEAR + max(FAR):
            continue
        history, rows = series[: 2 * YEAR], series[2 * YEAR :]
        forecasts = step_by_step(ours(max(FAR)), history, rows, max(FAR))[0][0]
        come, values = actuals(rows.to_numpy(), max(FAR)), series.to_numpy()
        for step in FAR:
            at = np.arange(len(rows)) + 2 * YEAR + step - 1
            repeated = values[np.minimum(at, len(values) - 1) - YEAR] - come[:, step - 1]
            error = forecasts[:, step - 1] - come[:, step - 1]
            both = np.isfinite(error) & np.isfinite(repeated)
            found[f"{stream.name}, {step}"] = (
                np.abs(error[both]).mean() / np.abs(repeated[both]).mean()
            )
    return found


def covered(history, rows, horizon=1):
    """Return whether intervals held what came, (n, horizon), NaN where it is unknown."""
    arrays, *_ = step_by_step(ours(horizon), history, rows, horizon, COVERAGE)
    come = actuals(rows.to_numpy(), horizon)
    inside = (arrays[1] <= come) & (come <= arrays[2])
    return np.where(np.isfinite(come), inside, np.nan)


def after_stretches(half):
    """Return the coverage of the first active rows after a stretch of equal ones, by stream."""
    found = {}
    for stream in streams(half):
        series = stream.load()
        n_fit = n_history(len(series))
        if stream.kind not in ("daily", "half-hourly") or len(series) < n_fit + 250:
            continue
        series = series[: n_fit + 250].copy()
        first = n_fit + 50
        series.iloc[first : first + STRETCH] = series.iloc[first - 1]
        inside = covered(series[:n_fit], series[n_fit:])[:, 0]
        after = first - n_fit + STRETCH
        found[stream.name] = float(np.nanmean(inside[after : after + ACTIVE]))
    return found


def non_zero_rows(half):
    """Return the coverage of the non-zero rows of series a third of which is zero."""
    found = {}
    for stream in streams(half):
        series = stream.load()
        if (series == 0).mean() < 1 / 3:
            continue
        n_fit = n_history(len(series))
        rows = series[n_fit : n_fit + MOST_ROWS]
        inside = covered(series[:n_fit], rows)[:, 0]
        found[stream.name] = float(np.nanmean(inside[rows.to_numpy() > 0]))
    return found


def furthest(half):
    """Return the coverage at step 720 of hourly streams."""
    found = {}
    for name, series in hourly().items():
        history = series[:HOURLY_HISTORY]
        rows = series[HOURLY_HISTORY : HOURLY_HISTORY + FURTHEST + MOST_ROWS]
        found[name] = float(np.nanmean(covered(history, rows, FURTHEST)[:, -1]))
    return found


PARTS = {
    "starts": starts,
    "far": far_ahead,
    "stretches": after_stretches,
    "zeros": non_zero_rows,
    "720": furthest,
}


def claims(part, found):
    """Return tuples (claim, value, limit, whether at least) of one part."""
    values = list(found.values())
    if part == "starts":
        return [
            ("start, worst run to seasonal naive", max(values), 1.03, False),
            ("start, geometric mean to seasonal naive", geometric(values), 0.45, False),
        ]
    if part == "far":
        return [("120 and 180 days ahead, worst to the year before", max(values), 0.9, False)]
    if part == "stretches":
        return [("coverage after a stretch, least", min(values), 0.75, True)]
    if part == "720":
        return [("coverage at step 720, pooled", float(np.mean(values)), 0.85, True)]
    return []


def main():
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--half", choices=HALVES, default=DECIDING)
    parser.add_argument("--parts", nargs="*", choices=PARTS, default=list(PARTS))
    args = parser.parse_args()
    warnings.simplefilter("ignore")
    made = []
    for part in args.parts:
        found = PARTS[part](args.half)
        print(f"\n{part}, {OURS}")
        for name, value in found.items():
            print(f"  {name}: {value:.3f}", flush=True)
        print(".", end="", flush=True, file=sys.stderr)
        made += claims(part, found) if found else []
    print_claims(made)


if __name__ == "__main__":
    main()
