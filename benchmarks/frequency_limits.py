"""What streams of other frequencies must hold beside the table of `frequencies.py`.

Fitted on 20, 40 or 60 rows and streamed, after two seasons, beside seasonal naive; 120 and 180 days
ahead, beside the year before; coverage after a constant stretch, of the non-zero rows of series
that are mostly zero, and at step 720.

Run: ``python benchmarks/frequency_limits.py`` (deciding half), ``--half reporting`` or
``--half all``; ``--parts far`` for one of them, ``--streams sterling`` for a few. A whole run, 20
minutes on one core, writes the raw results.
"""

import argparse
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
from frequency_streams import DECIDING, FREQUENCIES, HALVES, streams
from report import save

from tsrnn import RNNForecaster, datasets

STARTS = 20, 40, 60  # rows fitted on
HOURLY = 24  # rows of a season and of the long horizon
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
        "air quality": datasets.load_air_quality()["pm25"].pipe(
            lambda y: y[y.first_valid_index() :]
        ),
        "pedestrians": next(iter(datasets.load_pedestrians().items()))[1],
    }


def starts(chosen):
    """Yield ratios of the squared error to that of seasonal naive, by stream, rows and horizon."""
    runs = [
        (s.name, s.load(), FREQUENCIES[s.frequency].seasons[0], FREQUENCIES[s.frequency].horizon)
        for s in chosen
        if s.kind in ("monthly", "weekly")
    ]
    runs += [(name, series.iloc[:MOST_ROWS], HOURLY, HOURLY) for name, series in hourly().items()]
    for name, series, season, long in runs:
        for n_fit in STARTS:
            rows = series[n_fit : n_fit + MOST_ROWS]
            values = series.to_numpy()[: n_fit + len(rows)]
            come = actuals(values[n_fit:], long)
            origin = np.arange(n_fit, len(values))[:, None]
            repeated = values[np.minimum(origin + np.arange(long), len(values) - 1) - season]
            late = origin >= 2 * season
            for horizon in (1, long):
                found = step_by_step(ours(horizon), series[:n_fit], rows, horizon)[0][0]
                error, simple = (
                    (f[:, :horizon] - come[:, :horizon]) ** 2 for f in (found, repeated)
                )
                both = np.isfinite(error) & np.isfinite(simple) & late
                if both.sum() >= 20:
                    yield (
                        f"{name}, {n_fit} rows, {horizon}",
                        error[both].mean() / simple[both].mean(),
                    )


def far_ahead(chosen):
    """Yield ratios of the absolute error 120 and 180 days ahead to that of the year before."""
    for stream in chosen:
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
            yield (
                f"{stream.name}, {step}",
                np.abs(error[both]).mean() / np.abs(repeated[both]).mean(),
            )


def covered(history, rows, horizon=1):
    """Return whether intervals held what came, (n, horizon), NaN where it is unknown."""
    arrays, *_ = step_by_step(ours(horizon), history, rows, horizon, COVERAGE)
    come = actuals(rows.to_numpy(), horizon)
    inside = (arrays[1] <= come) & (come <= arrays[2])
    return np.where(np.isfinite(come), inside, np.nan)


def after_stretches(chosen):
    """Yield the coverage of the first active rows after a stretch of equal ones, by stream."""
    for stream in chosen:
        series = stream.load()
        n_fit = n_history(len(series))
        if stream.kind not in ("daily", "half-hourly") or len(series) < n_fit + 250:
            continue
        series = series[: n_fit + 250].copy()
        first = n_fit + 50
        series.iloc[first : first + STRETCH] = series.iloc[first - 1]
        inside = covered(series[:n_fit], series[n_fit:])[:, 0]
        after = first - n_fit + STRETCH
        yield stream.name, np.nanmean(inside[after : after + ACTIVE])


def non_zero_rows(chosen):
    """Yield the coverage of the non-zero rows of series a third of which is zero."""
    for stream in chosen:
        series = stream.load()
        if (series == 0).mean() < 1 / 3:
            continue
        n_fit = n_history(len(series))
        rows = series[n_fit : n_fit + MOST_ROWS]
        inside = covered(series[:n_fit], rows)[:, 0]
        yield stream.name, np.nanmean(inside[rows.to_numpy() > 0])


def furthest(_):
    """Yield the coverage at step 720 of hourly streams."""
    for name, series in hourly().items():
        history = series[:HOURLY_HISTORY]
        rows = series[HOURLY_HISTORY : HOURLY_HISTORY + FURTHEST + MOST_ROWS]
        yield name, np.nanmean(covered(history, rows, FURTHEST)[:, -1])


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
    parser.add_argument("--half", choices=[*HALVES, "all"], default=DECIDING)
    parser.add_argument("--parts", nargs="*", choices=PARTS, default=list(PARTS))
    parser.add_argument("--streams", nargs="*", help="only streams whose names hold one of these")
    args = parser.parse_args()
    warnings.simplefilter("ignore")
    chosen = streams(None if args.half == "all" else args.half)
    if args.streams:
        chosen = [s for s in chosen if any(part in s.name for part in args.streams)]
    made, measured = [], {}
    for part in args.parts:
        print(f"\n{part}, {OURS}")
        found = measured[part] = {}
        for name, value in PARTS[part](chosen):
            found[name] = float(value)
            print(f"  {name}: {value:.3f}", flush=True)
        made += claims(part, found) if found else []
    print_claims(made)
    if set(args.parts) == set(PARTS) and not args.streams:
        save(f"frequency_limits_{args.half}", measured)


if __name__ == "__main__":
    main()
