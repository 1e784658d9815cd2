"""Errors and intervals with default settings, on streams from minutes to years, row by row.

Each stream of `frequency_streams.py` is fitted on its first quarter, at least 20 and at most 500
rows, and then forecast and learnt row by row, one step ahead and at a long horizon. Squared errors
are relative to the best simple forecast in hindsight: the naive one, the seasonal naive ones and
`LinearForecaster`. Rivals (`frequency_rivals.py`) are fitted again now and then, and compared where
they forecast.

What others than RNNForecaster cost and forecast is kept in a cache beside the results.

Run: ``python benchmarks/frequencies.py`` (deciding half), ``--half reporting`` or ``--half all``;
``--models RNNForecaster AutoETS`` with a rival; ``--quick`` for fewer rows.
"""

import argparse
import sys
import time
import warnings
import zlib
from pathlib import Path

import numpy as np
import pandas as pd
from bootstrap import standard_error
from frequency_rivals import RIVALS
from frequency_streams import DECIDING, FREQUENCIES, HALVES, streams
from joblib import Parallel, delayed, parallel_config
from report import RESULTS

from tsrnn import RNNForecaster
from tsrnn.baselines import LinearForecaster, NaiveForecaster, SeasonalNaiveForecaster
from tsrnn.evaluate import prequential

COVERAGE, SEED, QUICK_ROWS = 0.9, 0, 200
TO_RIVALS = {"AutoETS": 0.78, "LightGBM": 1.0}  # geometric means over all runs
OURS, LINEAR, NAIVE, SEASONAL = (
    "RNNForecaster",
    "LinearForecaster",
    "naive",
    "seasonal naive",
)
SIMPLE = (NAIVE, SEASONAL, LINEAR)
CACHE = RESULTS / "cache"


def n_history(n_rows):
    """Return the rows to fit on: a quarter, within 20 and 500."""
    return max(20, min(500, n_rows // 4))


def horizons(stream):
    """Return the two horizons of a stream, by the names that tables use."""
    return {"one step": 1, "long": FREQUENCIES[stream.frequency].horizon}


def actuals(rows, horizon):
    """Return what came: a line for each cutoff, a column for each step, NaN where unknown."""
    padded = np.concatenate([rows, np.full(horizon, np.nan)])
    return padded[np.arange(len(rows))[:, None] + np.arange(horizon)]


def row_mean(values):
    """Return the mean of each line, NaN where nothing is known."""
    known = np.isfinite(values)
    return np.where(known, values, 0.0).sum(axis=1) / np.where(
        known.any(axis=1), known.sum(1), np.nan
    )


def step_by_step(model, history, rows, horizon, coverage=None):
    """Fit, then forecast and learn row by row; return forecasts, interval ends and seconds."""
    begin = time.perf_counter()
    model.fit(history.to_frame())
    fit_seconds = time.perf_counter() - begin
    result = prequential(model, rows.to_frame(), coverage=coverage)
    table = result.forecasts
    row = np.cumsum(table["step"].to_numpy() == 1) - 1
    place = row, table["step"].to_numpy() - 1
    columns = ["forecast"]
    if coverage:
        columns += [f"lower_{coverage}", f"upper_{coverage}"]
    arrays = np.full((len(columns), len(rows), horizon), np.nan)
    for array, column in zip(arrays, columns, strict=True):
        array[place] = table[column]
    return arrays, result.seconds_per_row, fit_seconds


def simple(name, horizon, season=None):
    """Return a simple forecaster."""
    if name == SEASONAL:
        return SeasonalNaiveForecaster(horizon, season=season)
    return {NAIVE: NaiveForecaster, LINEAR: LinearForecaster}[name](horizon)


def simple_names(stream, n_fit):
    """Return the simple forecasts of a stream, with the season of each that the history holds."""
    seasons = [s for s in FREQUENCIES[stream.frequency].seasons if s <= n_fit]
    names = {NAIVE: (NAIVE, None), LINEAR: (LINEAR, None)}
    return names | {f"{SEASONAL}, {s}": (SEASONAL, s) for s in seasons}


def run_ours(history, rows, horizon):
    """Return losses by cutoff, what intervals held, negative forecasts and the cost."""
    model = RNNForecaster(horizon, random_state=SEED)
    arrays, seconds, fit_seconds = step_by_step(model, history, rows, horizon, COVERAGE)
    forecast, lower, upper = arrays
    actual = actuals(rows.to_numpy(), horizon)
    inside = np.where(np.isfinite(actual), (lower <= actual) & (actual <= upper), np.nan)
    issued = np.isfinite(forecast)
    return {
        "loss": row_mean((actual - forecast) ** 2),
        "inside": row_mean(inside),
        "width": row_mean(upper - lower),
        "seconds": seconds,
        "fit_seconds": fit_seconds,
        "below_zero": float((forecast[issued] < 0).mean()),
        "lower_below_zero": float((lower[issued] < 0).mean()),
        "nan": int((~np.isfinite(forecast) & np.isfinite(actual)).sum()),
    }


def run_simple(history, rows, horizon, name, season):
    """Return losses by cutoff and the cost."""
    arrays, seconds, _ = step_by_step(simple(name, horizon, season), history, rows, horizon)
    return {
        "loss": row_mean((actuals(rows.to_numpy(), horizon) - arrays[0]) ** 2),
        "seconds": seconds,
    }


def run_rival(history, rows, horizon, name, frequency):
    """Return losses where the rival forecasts, NaN elsewhere, and the cost of a forecast."""
    at, found, seconds = RIVALS[name](history, rows, frequency, horizon)
    loss = np.full(len(rows), np.nan)
    loss[at] = row_mean((actuals(rows.to_numpy(), horizon)[at] - found) ** 2)
    return {"loss": loss, "seconds": seconds}


def cached(path, values, refresh, compute):
    """Return what `compute` returned for the same values before, or let it."""
    check = zlib.crc32(np.ascontiguousarray(values).tobytes())
    if path.exists() and not refresh:
        with np.load(path) as stored:
            if stored["check"] == check:
                return {key: stored[key][()] for key in stored if key != "check"}
    found = compute()
    path.parent.mkdir(parents=True, exist_ok=True)
    np.savez_compressed(path, check=check, **found)
    return found


def run(stream, models, quick, refresh, cache):
    """Return a record for each horizon and model of one stream."""
    warnings.simplefilter("ignore")
    series = stream.load()
    n_fit = n_history(len(series))
    history, rows = series[:n_fit], series[n_fit:]
    if quick:
        rows = rows[:QUICK_ROWS]
    values = np.append(series[: n_fit + len(rows)].to_numpy(), n_fit)
    place = cache / "".join(c if c.isalnum() else "-" for c in stream.name)
    records = []
    for long, horizon in horizons(stream).items():
        about = {
            "stream": stream.name, "frequency": stream.frequency, "kind": stream.kind,
            "half": stream.half, "ahead": long, "horizon": horizon,
            "n_fit": n_fit, "n_rows": len(rows), "non_negative": bool(series.min() >= 0),
        }  # fmt: skip

        def keep(name, compute, again=refresh, about=about, horizon=horizon):
            path = place / f"{name.replace(' ', '-').replace(',', '')}-{horizon}.npz"
            try:
                found = cached(path, values, again, compute)
            except Exception as error:
                found = {"error": f"{type(error).__name__}: {error}"}
            records.append({**about, "model": name, **found})

        if OURS in models:
            again = True
            keep(OURS, lambda h=horizon: run_ours(history, rows, h), again)
        for name, (kind, season) in simple_names(stream, n_fit).items():
            keep(name, lambda h=horizon, k=kind, s=season: run_simple(history, rows, h, k, s))
        for name in set(models) & set(RIVALS):
            frequency = FREQUENCIES[stream.frequency]
            keep(name, lambda h=horizon, k=name, f=frequency: run_rival(history, rows, h, k, f))
    print(".", end="", flush=True, file=sys.stderr)
    return records


# Tables -------------------------------------------------------------------------------------------


def compare(records):
    """Return a frame with a line for each stream and horizon: ours beside the others."""
    frame = pd.DataFrame(records)
    lines = []
    for (_, _), part in frame.groupby(["stream", "ahead"], sort=False):
        ours = part[part["model"] == OURS].iloc[0].to_dict()
        line = {
            key: ours[key]
            for key in (
                "stream",
                "frequency",
                "kind",
                "half",
                "ahead",
                "horizon",
                "n_fit",
                "n_rows",
            )
        }
        if isinstance(ours.get("error"), str):
            lines.append({**line, "error": ours["error"]})
            continue
        horizon, loss = ours["horizon"], np.asarray(ours["loss"])
        mse = {}
        for _, other in part.iterrows():
            if other["model"] == OURS or isinstance(other.get("error"), str):
                continue
            theirs = np.asarray(other["loss"])
            both = np.isfinite(theirs) & np.isfinite(loss)
            mse[other["model"]] = float(theirs[both].mean())
            line[f"to {other['model']}"] = float(loss[both].mean() / theirs[both].mean())
        best = min((name for name in mse if name.startswith(SIMPLE)), key=mse.get)
        theirs = np.asarray(part[part["model"] == best].iloc[0]["loss"])
        line |= {
            "best": best,
            "ratio": line[f"to {best}"],
            "se": standard_error(loss - theirs, horizon) / mse[best],
            "seconds": float(ours["seconds"]),
            "nan": int(ours["nan"]),
        }
        inside = np.asarray(ours["inside"])
        known = np.isfinite(inside)
        # An interval that held everything has no spread of its own: at least that of rows apart.
        least = np.sqrt(COVERAGE * (1 - COVERAGE) / known.sum())
        line |= {
            "coverage": float(inside[known].mean()),
            "coverage_se": max(standard_error(inside, horizon), least),
            "n_known": int(known.sum()),
        }
        if ours["non_negative"]:
            line |= {key: float(ours[key]) for key in ("below_zero", "lower_below_zero")}
        lines.append(line)
    return pd.DataFrame(lines)


def geometric(values):
    """Return the geometric mean of what is known."""
    values = np.asarray(values, float)
    values = values[np.isfinite(values) & (values > 0)]
    return float(np.exp(np.log(values).mean())) if len(values) else np.nan


def summary(table, others):
    """Return a line for each kind of frequency and in all, for one horizon."""
    parts = [*table.groupby("kind", sort=False), ("all", table)]
    lines = {}
    for kind, part in parts:
        line = {"streams": len(part), "best simple": geometric(part["ratio"])}
        line |= {name: geometric(part[f"to {name}"]) for name in others if f"to {name}" in part}
        line["above 1.05"] = int((part["ratio"] > 1.05).sum())
        line["worst"] = part["ratio"].max()
        line["coverage"] = (part["coverage"] * part["n_known"]).sum() / part["n_known"].sum()
        line["µs a row"] = 1e6 * part["seconds"].median()
        lines[kind] = line
    return pd.DataFrame(lines).T


def print_markdown(cells, index=""):
    """Print a frame as a Markdown table."""
    print(f"| {index} | " + " | ".join(map(str, cells.columns)) + " |")
    print("|" + "---|" * (cells.shape[1] + 1))
    for name, row in cells.iterrows():
        print(f"| {name} | " + " | ".join(map(str, row)) + " |")


def shown(cells):
    """Return a frame's numbers as text."""
    whole = {"streams", "above 1.05", "µs a row"}
    return cells.apply(lambda c: c.map("{:.0f}".format if c.name in whole else "{:.3f}".format))


def print_tables(table, others, every_run):
    """Print ratios by kind for both horizons, runs that are worse than simple, intervals."""
    failed = table[table["error"].notna()] if "error" in table else table[:0]
    table = table.drop(failed.index)
    for ahead, part in table.groupby("ahead", sort=False):
        print(f"\nMSE relative to others (geometric means), {ahead}\n")
        print_markdown(shown(summary(part, others)))
    columns = [
        "stream",
        "kind",
        "ahead",
        "n_rows",
        "best",
        "ratio",
        "se",
        "coverage",
        "coverage_se",
    ]
    runs = table if every_run else table[table["ratio"] > 1.05]
    runs = runs.sort_values("ratio", ascending=False)[columns].set_index("stream")
    print("\nRuns\n" if every_run else "\nRuns above 1.05 of the best simple forecast\n")
    numbers = ["ratio", "se", "coverage", "coverage_se"]
    runs[numbers] = runs[numbers].map("{:.3f}".format)
    print_markdown(runs, "stream")
    for _, run in failed.iterrows():
        print(f"\nFAILED: {run['stream']}, {run['ahead']}: {run['error']}")


def claims(table, others=()):
    """Return tuples (claim, value, limit, whether at least) of what was asked for."""
    by_ahead = {ahead: geometric(part["ratio"]) for ahead, part in table.groupby("ahead")}
    excess = table["ratio"] - 1.10 - 2 * table["se"]
    far = ((table["coverage"] - COVERAGE) / table["coverage_se"]).abs()
    pooled = (table["coverage"] * table["n_known"]).sum() / table["n_known"].sum()
    found = [
        ("runs that failed or gave NaN", int((table["nan"] > 0).sum()), 0, False),
        ("runs above 1.10 by two standard errors", int((excess > 0).sum()), 0, False),
        ("worst run", table["ratio"].max(), 1.2, False),
        ("share of runs above 1.05", (table["ratio"] > 1.05).mean(), 0.10, False),
        ("geometric mean, one step", by_ahead["one step"], 0.83, False),
        ("geometric mean, long", by_ahead["long"], 0.86, False),
        ("coverage, pooled: least", pooled, 0.885, True),
        ("coverage, pooled: most", pooled, 0.915, False),
        ("coverage: worst run, standard errors", far.max(), 2.5, False),
        ("forecasts below 0, worst non-negative stream", table["below_zero"].max(), 0, False),
        (
            "lower ends below 0, worst non-negative stream",
            table["lower_below_zero"].max(),
            0,
            False,
        ),
    ]
    for name in others:
        to = table[f"to {name}"].dropna()
        found.append((f"to {name}, geometric mean", geometric(to), TO_RIVALS[name], False))
        by_kind = {kind: geometric(part) for kind, part in to.groupby(table["kind"])}
        worst = max(by_kind, key=by_kind.get)
        found.append((f"to {name}, worst kind: {worst}", by_kind[worst], 1.0, False))
    return found


def print_claims(found):
    """Print measured values beside their limits."""
    print("\n| claim | measured | limit | holds |\n|---|---|---|---|")
    for claim, value, limit, at_least in found:
        holds = value >= limit if at_least else value <= limit
        sign = "≥" if at_least else "≤"
        print(f"| {claim} | {value:.3f} | {sign} {limit} | {'yes' if holds else '**no**'} |")


def main():
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--half", choices=[*HALVES, "all"], default=DECIDING)
    parser.add_argument("--kinds", nargs="*", help="only these, such as monthly daily")
    parser.add_argument("--streams", nargs="*", help="only streams whose names hold one of these")
    parser.add_argument(
        "--models", nargs="*", default=[OURS], help=f"and rivals: {', '.join(RIVALS)}"
    )
    parser.add_argument("--jobs", type=int, default=2, help="processes (2)")
    parser.add_argument("--quick", action="store_true", help=f"{QUICK_ROWS} rows a stream at most")
    parser.add_argument("--refresh", action="store_true", help="measure the cached again")
    parser.add_argument("--every-run", action="store_true", help="print all runs, not the bad only")
    parser.add_argument("--cache", type=Path, default=CACHE)
    parser.add_argument("--out", type=Path, help="write the comparison as CSV here")
    args = parser.parse_args()
    chosen = [s for s in streams(None if args.half == "all" else args.half)]
    if args.kinds:
        chosen = [s for s in chosen if s.kind in args.kinds]
    if args.streams:
        chosen = [s for s in chosen if any(part in s.name for part in args.streams)]
    with parallel_config(backend="loky", inner_max_num_threads=1):
        lists = Parallel(n_jobs=args.jobs)(
            delayed(run)(stream, args.models, args.quick, args.refresh, args.cache)
            for stream in chosen
        )
    records = [record for records in lists for record in records]
    table = compare(records)
    if args.out:
        table.to_csv(args.out, index=False)
    rivals = [name for name in args.models if f"to {name}" in table]
    print_tables(table, rivals, args.every_run)
    if "ratio" in table:
        print_claims(claims(table.dropna(subset=["ratio"]), rivals))


if __name__ == "__main__":
    main()
