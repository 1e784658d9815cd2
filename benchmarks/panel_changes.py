"""What one series of a panel that changes costs itself, and the others.

Eight hourly series of their own phase and level, 40 days of history; then one jumps by five
standard deviations for good and another doubles its distance from its mean two and a half times.
The root mean squared error of the third week after that and of the seven weeks from then on is
relative to that of the same panel without the change, in the new scale: of the two, and the worst
of the others. And how many rows of the drift log tell of the two.

Run: ``python benchmarks/panel_changes.py [--seeds 3]``
"""

import argparse

import numpy as np
import pandas as pd
from report import save

from tsrnn import RNNForecaster
from tsrnn.evaluate import prequential

N_SERIES, DAYS, STREAM_DAYS, CHANGE = 8, 40, 80, 14  # days; the change comes after the fit
HORIZON, JUMP, SCALE, NOISE, WEEKS = 24, 5.0, 2.5, 0.1, range(3, 9)


def wide(seed):
    """Return the series side by side, with a day's pattern, a week's, and noise."""
    rng = np.random.default_rng(seed)
    hours = np.arange(24 * (DAYS + STREAM_DAYS))[:, None]
    phase, level = rng.uniform(0, 6, N_SERIES), 10.0 ** rng.uniform(0, 2, N_SERIES)
    values = np.sin(2 * np.pi * hours / 24 + phase) + 0.3 * np.sin(2 * np.pi * hours / 168)
    noise = rng.normal(scale=NOISE, size=values.shape)
    for t in range(1, len(noise)):
        noise[t] += 0.6 * noise[t - 1]
    index = pd.date_range("2024-01-01", periods=len(hours), freq="h", name="time")
    return pd.DataFrame(level * (3 + values + noise), index, [f"s{i}" for i in range(N_SERIES)])


def changed(frame):
    """Let the first series jump and the second change its scale."""
    start, frame = 24 * (DAYS + CHANGE), frame.copy()
    history = frame[: 24 * DAYS]
    frame.iloc[start:, 0] += JUMP * history["s0"].std()
    mean = history["s1"].mean()
    frame.iloc[start:, 1] = mean + SCALE * (frame.iloc[start:, 1] - mean)
    return frame


def rolled(frame, seed):
    """Return squared errors by series and week after the change, and the drift log."""
    long = frame.melt(ignore_index=False, var_name="id", value_name="y").reset_index()
    long = long.sort_values("time", kind="stable", ignore_index=True)
    first = frame.index[24 * DAYS]
    model = RNNForecaster(HORIZON, id_col="id", time_col="time", random_state=seed)
    result = prequential(model.fit(long[long["time"] < first]), long[long["time"] >= first])
    table = result.forecasts.dropna(subset="actual")
    week = (table["cutoff"] - frame.index[24 * (DAYS + CHANGE)]) // pd.Timedelta(weeks=1) + 1
    squared = (table["actual"] - table["forecast"]) ** 2
    by_week = squared.groupby([table["id"], week.rename("week")]).mean()
    return by_week.reset_index().pivot_table(0, "id", "week"), result.model.drift_log_


def run(seed):
    """Return the figures of one seed."""
    alone, _ = rolled(wide(seed), seed)
    after, log = rolled(changed(wide(seed)), seed)
    ratio = np.sqrt(after / alone)
    ratio.loc["s1"] /= SCALE
    weeks = ratio[[week for week in WEEKS if week in ratio]]
    others = np.sqrt((after / alone).loc["s2":, weeks.columns].mean(axis=1))
    start = wide(seed).index[24 * (DAYS + CHANGE)]
    new = log[log["time"] >= start]
    return {
        "seed": seed,
        **{f"jump, week {week}": float(weeks.loc["s0", week]) for week in weeks},
        **{f"scale, week {week}": float(weeks.loc["s1", week]) for week in weeks},
        "others, worst": float(others.max()),
        "others, mean": float(others.mean()),
        "in the log": int(new["id"].isin(["s0", "s1"]).sum()),
        "both in the log": bool({"s0", "s1"} <= set(new["id"])),
    }


def main():
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--seeds", type=int, default=3)
    args = parser.parse_args()
    results = [run(seed) for seed in range(args.seeds)]
    print(pd.DataFrame(results).set_index("seed").T.round(3).to_string())
    if args.seeds == 3:
        save("panel_changes", results)


if __name__ == "__main__":
    main()
