"""What inputs known ahead are worth, where the truth is known and where it is not.

Made up: daily sales with a week's pattern, a promotion and a temperature that are known 14 days
ahead, and noise of a known size; one shop, two products of it, and a panel of 20 shops. In one
world the temperature acts on the sales, in the other only its difference from the season does,
which is not among the inputs: the season has to be told from the sales. The mean squared error over
all steps is relative to the variance of the noise, which nothing can beat, and to that of the same
model without the inputs; beside it the coverage of 90 % intervals.

Real: three shipped streams with their weather as if it were known ahead, relative to the same model
without it.

Run: ``python benchmarks/known_future.py [--seeds 3]`` (two processes)
"""

import argparse
import sys

import numpy as np
import pandas as pd
from joblib import Parallel, delayed, parallel_config
from report import save

from tsrnn import RNNForecaster, datasets
from tsrnn.evaluate import prequential

DAYS, N_FIT, HORIZON, NOISE, COVERAGE = 1400, 700, 14, 5.0, 0.9
N_SHOPS, PANEL_DAYS, PANEL_FIT = 20, 700, 350
WORLDS = "temperature acts", "only its difference from the season acts"


def sales(n_days, rng, world, products=1):
    """Return rows of a shop: sales of some products, promotion and temperature."""
    day = np.arange(n_days)
    promotion = (rng.random(n_days) < 0.15).astype(float)
    weather = np.zeros(n_days)
    for t in range(1, n_days):
        weather[t] = 0.7 * weather[t - 1] + rng.normal(scale=3.0)
    season = -9 * np.cos(2 * np.pi * day / 365.25)
    temperature = 12 + season + weather
    acting = weather + season if world == "temperature acts" else weather
    frame = pd.DataFrame(index=pd.date_range("2020-01-01", periods=n_days, name="day"))
    for product in range(products):
        week = 12 * np.sin(2 * np.pi * (day + product) / 7)
        known = 100 + week + 30 * promotion + 2.0 * acting
        frame[f"sold_{product}"] = known + rng.normal(scale=NOISE, size=n_days)
    return frame.assign(promotion=promotion, temperature=temperature)


def one_shop(seed, world, products):
    """Return rows, how many are history, and parameters."""
    rows = sales(DAYS, np.random.default_rng(seed), world, products)
    return rows, rows.index[N_FIT], {"target": [c for c in rows if c.startswith("sold")]}


def shops(seed, world):
    """Return the same of a panel of shops, as a long frame."""
    rngs = np.random.default_rng(seed).spawn(N_SHOPS)
    frames = [sales(PANEL_DAYS, rng, world).assign(shop=f"shop {i}") for i, rng in enumerate(rngs)]
    rows = pd.concat(frames).reset_index().sort_values("day", kind="stable", ignore_index=True)
    first = rows["day"].unique()[PANEL_FIT]
    return rows, first, {"target": "sold_0", "id_col": "shop", "time_col": "day"}


def errors(result):
    """Return the mean squared error and the coverage."""
    table = result.forecasts.dropna(subset="actual")
    lower, upper = table[f"lower_{COVERAGE}"], table[f"upper_{COVERAGE}"]
    inside = (lower <= table["actual"]) & (table["actual"] <= upper)
    return float(((table["actual"] - table["forecast"]) ** 2).mean()), float(inside.mean())


def run_made_up(kind, world, seed):
    """Return the figures of one kind of shop in a world."""
    products = {"one shop": 1, "two products": 2}.get(kind)
    rows, first, params = one_shop(seed, world, products) if products else shops(seed, world)
    times = rows.get("day", rows.index)
    future, found = ["promotion", "temperature"], {}
    for name, known in (("with", True), ("without", False)):
        used = rows if known else rows.drop(columns=future)
        model = RNNForecaster(
            HORIZON, future_cols=future if known else None, random_state=seed, **params
        )
        model.fit(used[times < first])
        found[name], coverage = errors(prequential(model, used[times >= first], coverage=COVERAGE))
        found[f"coverage {name}"] = coverage
    print(".", end="", flush=True, file=sys.stderr)
    return {
        "stream": f"{kind}: {world}",
        "seed": seed,
        "to noise": found["with"] / NOISE**2,
        "to without": found["with"] / found["without"],
        "coverage": found["coverage with"],
        "coverage without": found["coverage without"],
    }


def real(n_rows=4000):
    """Return rows, target and inputs of the shipped streams that come with the weather."""
    air = datasets.load_air_quality()[:n_rows]
    traffic = datasets.load_traffic().loc["2015-07":][:n_rows]
    weather = [c for c in traffic.select_dtypes("number") if c != "traffic_volume"]
    air_inputs = [c for c in air.select_dtypes("number") if c != "pm25"]
    return {
        "air quality": (air, "pm25", air_inputs),
        "traffic": (traffic, "traffic_volume", weather),
    }


def run_real(name, horizon, seed):
    """Return the error with the inputs known ahead, relative to that without them."""
    rows, target, inputs = real()[name]
    half, found = len(rows) // 2, {}
    for kind, known in (("with", inputs), ("without", None)):
        used = rows[[target, *inputs]] if known else rows[[target]]
        model = RNNForecaster(horizon, target=target, future_cols=known, random_state=seed)
        result = prequential(model.fit(used[:half]), used[half:], coverage=COVERAGE)
        found[kind], _ = errors(result)
    print(".", end="", flush=True, file=sys.stderr)
    return {
        "stream": f"{name}, {horizon}",
        "seed": seed,
        "to without": found["with"] / found["without"],
    }


def main():
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--jobs", type=int, default=2, help="processes (2)")
    parser.add_argument("--made-up", action="store_true", help="only what is made up")
    args = parser.parse_args()
    seeds = range(args.seeds)
    kinds = "one shop", "two products", "shops"
    jobs = [delayed(run_made_up)(k, w, s) for w in WORLDS for k in kinds for s in seeds]
    if not args.made_up:
        jobs += [delayed(run_real)(n, h, s) for n in real() for h in (1, 24) for s in seeds]
    with parallel_config(backend="loky", inner_max_num_threads=1):
        results = Parallel(n_jobs=args.jobs)(jobs)
    table = pd.DataFrame(results).drop(columns="seed").groupby("stream", sort=False).mean()
    print("\n" + table.round(3).to_string(na_rep=""))
    if args.seeds == 3 and not args.made_up:
        save("known_future", results)


if __name__ == "__main__":
    main()
