"""Errors and intervals with default settings, on seven real streams, against simple baselines.

Each stream is fitted on its first 4,000 rows (a quarter of a shorter one) and then forecast and
learnt row by row for up to 6,000 more, at horizon 1 and 24. Mean squared errors are relative to
`LinearForecaster`. Intervals of 90 % are held against split conformal ones, symmetric and fixed,
around the same forecasts, from the residuals of the newest quarter of the history.

Run: ``python benchmarks/accuracy.py [--etth2 ETTh2.csv]`` (needs river; two processes).
"""

import argparse
import sys

import numpy as np
import pandas as pd
from joblib import Parallel, delayed, parallel_config
from peers import HoltWinters, Snarimax
from report import save

from tsrnn import RNNForecaster, datasets
from tsrnn.baselines import LinearForecaster, NaiveForecaster, SeasonalNaiveForecaster
from tsrnn.evaluate import prequential
from tsrnn.metrics import winkler

N_FIT, N_STREAM, WINDOW = 4000, 6000, 1000
SEEDS, HORIZONS, COVERAGE = (0, 1, 2), (1, 24), 0.9
OURS, FROZEN, REFERENCE = "RNNForecaster", "RNNForecaster, frozen", "LinearForecaster"
MODELS = {
    REFERENCE: LinearForecaster,
    "naive": NaiveForecaster,
    "seasonal naive, day": lambda horizon: SeasonalNaiveForecaster(horizon, season=24),
    "seasonal naive, week": lambda horizon: SeasonalNaiveForecaster(horizon, season=168),
    "river SNARIMAX": Snarimax,
    "river HoltWinters": HoltWinters,
}


def streams():
    """Return history and rows to come of each stream, one column each."""
    traffic = datasets.load_traffic().loc["2015-07":]
    frames = {"electricity": datasets.load_electricity(), "traffic": traffic[["traffic_volume"]]}
    for name, sensor in list(datasets.load_pedestrians().items())[:4]:
        frames[f"pedestrians, {name}"] = sensor.to_frame()
    frames["air quality"] = datasets.load_air_quality()[["pm25"]]
    halves = {}
    for name, frame in frames.items():
        n_fit = min(N_FIT, len(frame) // 4)
        halves[name] = frame[:n_fit], frame[n_fit : n_fit + N_STREAM]
    return halves


def errors_by_step(result):
    """Return errors, cutoffs by steps, NaN where there was no actual."""
    errors = result.forecasts.assign(error=lambda t: t["actual"] - t["forecast"])
    layout = {"index": "cutoff", "columns": "step", "values": "error"}
    return errors.pivot_table(**layout, dropna=False, sort=False).to_numpy()


def run(stream, history, rows, horizon, name, seed):
    """Return one model's figures on one stream."""
    ours = name in (OURS, FROZEN)
    model = RNNForecaster(horizon, random_state=seed) if ours else MODELS[name](horizon)
    model.fit(history)
    coverage = COVERAGE if name == OURS else None
    result = prequential(model, rows, learn=name != FROZEN, coverage=coverage)
    figures = {
        "stream": stream, "horizon": horizon, "model": name, "seed": seed,
        "mse_by_step": np.nanmean(errors_by_step(result) ** 2, axis=0).tolist(),
        "microseconds_per_row": 1e6 * result.seconds_per_row,
    }  # fmt: skip
    if coverage:
        figures |= interval_figures(result, fixed_widths(history, horizon, seed))
    print(".", end="", flush=True, file=sys.stderr)
    return figures


def fixed_widths(history, horizon, seed):
    """Return half-widths by step: the conformal quantile of absolute residuals held out."""
    n_fit = len(history) * 3 // 4
    model = RNNForecaster(horizon, random_state=seed).fit(history[:n_fit])
    widths = []
    for residuals in np.abs(errors_by_step(prequential(model, history[n_fit:]))).T:
        known = residuals[np.isfinite(residuals)]
        widths.append(
            np.quantile(known, min(1.0, COVERAGE * (1 + 1 / len(known))), method="higher")
        )
    return np.array(widths)


def interval_figures(result, widths):
    """Return coverage, pooled, by step and by window, and Winkler scores, ours and fixed."""
    table = result.forecasts
    actual, forecast = table["actual"], table["forecast"]
    lower, upper = table[f"lower_{COVERAGE}"], table[f"upper_{COVERAGE}"]
    inside = ((lower <= actual) & (actual <= upper)).where(actual.notna())
    by_row = inside.groupby(table["cutoff"]).agg(["sum", "count"]).rolling(WINDOW).sum().dropna()
    windows = by_row["sum"] / by_row["count"]
    steps = inside.groupby(table["step"]).mean()
    half = widths[table["step"] - 1]
    return {
        "coverage": inside.mean(),
        "coverage_by_step": steps.tolist(),
        "coverage_of_windows": [windows.min(), windows.max()],
        "winkler": winkler(actual, lower, upper, COVERAGE),
        "winkler_fixed": winkler(actual, forecast - half, forecast + half, COVERAGE),
        "coverage_fixed": ((actual - forecast).abs() <= half).where(actual.notna()).mean(),
    }


def run_etth2(path, horizon, name, seed):
    """Return the error on ETTh2: seven series, in units of the first 2,880 rows."""
    frame = pd.read_csv(path, index_col=0, parse_dates=True)[:14400]
    model = RNNForecaster(horizon, random_state=seed) if name == OURS else MODELS[name](horizon)
    result = prequential(model.fit(frame[:3600]), frame[3600:])
    table = result.forecasts
    unit = frame[:2880].std(ddof=0)
    error = (table["actual"] - table["forecast"]) / table["target"].map(unit).to_numpy()
    print(".", end="", flush=True, file=sys.stderr)
    return {
        "stream": "ETTh2", "horizon": horizon, "model": name, "seed": seed,
        "mse": float((error**2).mean()), "microseconds_per_row": 1e6 * result.seconds_per_row,
    }  # fmt: skip


def relative_errors(table):
    """Return mean over seeds of the MSE relative to the reference: streams by (horizon, model)."""
    mse = table["mse_by_step"].map(np.mean)
    keys = ["stream", "horizon"]
    reference = mse[table["model"] == REFERENCE].set_axis(
        pd.MultiIndex.from_frame(table.loc[table["model"] == REFERENCE, keys])
    )
    ratio = mse / reference.reindex(pd.MultiIndex.from_frame(table[keys])).to_numpy()
    return table.assign(ratio=ratio)


def print_errors(table):
    """Print ratios of errors by stream, their geometric mean, and the cost of a row."""
    for horizon, part in relative_errors(table).groupby("horizon"):
        mean = part.pivot_table(index="stream", columns="model", values="ratio", sort=False)
        spread = part[part["model"] == OURS].groupby("stream")["ratio"].agg(["min", "max"])
        mean.loc["geometric mean"] = np.exp(np.log(mean).mean())
        cells = mean.map("{:.3f}".format)
        for stream, row in spread.iterrows():
            cells.loc[stream, OURS] += f" ({row['min']:.3f}-{row['max']:.3f})"
        cost = part.groupby("model")["microseconds_per_row"].median()
        cells.loc["µs a row"] = cost.map("{:.0f}".format)
        models = [OURS, FROZEN, *MODELS]
        print(f"\nMSE relative to {REFERENCE}, horizon {horizon}\n")
        print_markdown(cells[[model for model in models if model in cells]])


def print_intervals(table):
    """Print coverage and Winkler score by stream and horizon."""
    ours = table[table["model"] == OURS]
    rows = {}
    for (horizon, stream), part in ours.groupby(["horizon", "stream"], sort=False):
        steps = np.mean(part["coverage_by_step"].tolist(), axis=0)
        windows = np.array(part["coverage_of_windows"].tolist())
        rows[horizon, stream] = {
            "coverage": f"{part['coverage'].mean():.3f}",
            "by step": f"{steps.min():.3f}-{steps.max():.3f}",
            "in windows": f"{windows[:, 0].min():.3f}-{windows[:, 1].max():.3f}",
            "fixed: coverage": f"{part['coverage_fixed'].mean():.3f}",
            "Winkler": (part["winkler"] / part["winkler_fixed"]).mean(),
        }
    cells = pd.DataFrame(rows).T
    for horizon in cells.index.unique(0):
        score = np.exp(np.log(cells.loc[horizon, "Winkler"].astype(float)).mean())
        cells.loc[(horizon, "geometric mean"), "Winkler"] = score
    cells["Winkler"] = cells["Winkler"].map("{:.3f}".format)
    cells = cells.fillna("").sort_index(level=0, sort_remaining=False)
    print(f"\nIntervals of {COVERAGE:.0%}; Winkler score relative to fixed split conformal\n")
    print_markdown(cells.reset_index(names=["horizon", "stream"]).set_index("stream"))


def print_markdown(cells):
    """Print a frame as a Markdown table."""
    print("| | " + " | ".join(map(str, cells.columns)) + " |")
    print("|" + "---|" * (cells.shape[1] + 1))
    for name, row in cells.iterrows():
        print(f"| {name} | " + " | ".join(map(str, row)) + " |")


def main():
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--etth2", metavar="PATH", help="ETTh2.csv, to run that stream too")
    parser.add_argument("--jobs", type=int, default=2, help="processes (2)")
    parser.add_argument("--seeds", type=int, default=len(SEEDS), help="of the recurrent model (3)")
    parser.add_argument("--models", nargs="*", default=[OURS, FROZEN, *MODELS])
    args = parser.parse_args()
    names = [*args.models, *({REFERENCE} - {*args.models})]
    cases = [(name, s) for name in names for s in range(args.seeds if "RNN" in name else 1)]
    jobs = [
        delayed(run)(stream, history, rows, horizon, name, seed)
        for name, seed in cases
        for stream, (history, rows) in streams().items()
        for horizon in HORIZONS
    ]
    if args.etth2:
        known = [(name, s) for name, s in cases if "river" not in name and name != FROZEN]
        jobs += [delayed(run_etth2)(args.etth2, h, name, s) for name, s in known for h in HORIZONS]
    with parallel_config(backend="loky", inner_max_num_threads=1):
        results = Parallel(n_jobs=args.jobs)(jobs)
    table = pd.DataFrame([r for r in results if "mse_by_step" in r])
    print_errors(table)
    if OURS in names:
        print_intervals(table)
    if args.etth2:
        etth2 = pd.DataFrame([r for r in results if "mse" in r])
        keys = {"index": "model", "columns": "horizon", "sort": False}
        print("\nETTh2, MSE in units of the first 2,880 rows\n")
        print_markdown(etth2.pivot_table(values="mse", **keys).map("{:.4f}".format))
    if set(names) == {OURS, FROZEN, *MODELS} and args.seeds == len(SEEDS):
        save("accuracy", results)
    else:
        print("\nshortened: results not saved")


if __name__ == "__main__":
    main()
