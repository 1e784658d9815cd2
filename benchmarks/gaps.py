"""What a gap costs after it: two days or a week without values, or a week of exactly 0.

Of four real streams, `horizon=24`, a model is fitted on 53 days, six times at different places, and
learns a week of which the last 48 hours, or all rows, are missing, or a dead sensor's zeros. Then
values are back: mean absolute error of the first forecast, of those of the first day's cutoffs and
of the week's, learnt day by day, relative to the same model with all values.

Run: ``python benchmarks/gaps.py`` (two minutes)
"""

from copy import deepcopy

import numpy as np
import pandas as pd
from memory import print_table
from report import save

from tsrnn import RNNForecaster, datasets

DAY, WEEK, HORIZON, N_FIT = 24, 168, 24, 53 * 24
STARTS = range(0, 4200, 700)
SENSORS = "45 Queen Street", "19 Shortland Street"
CASES = {
    "48 hours missing": (48, np.nan),
    "a week missing": (WEEK, np.nan),
    "a week of 0": (WEEK, 0.0),
}
SPANS = "first forecast", "first day", "week"


def streams():
    """Return the streams, one column each."""
    found = {"electricity": datasets.load_electricity().iloc[:, 0]}
    found["traffic"] = datasets.load_traffic()["traffic_volume"]
    for sensor in SENSORS:
        found[f"pedestrians, {sensor}"] = datasets.load_pedestrians(sensor)[sensor]
    return {name: stream.asfreq("h").to_frame("value") for name, stream in found.items()}


def errors_after(fitted, gap, rows):
    """Return the mean absolute errors by span, of a model that learns a gap and the week after."""
    model, actual = fitted.partial_fit(gap), rows["value"].to_numpy()
    steps = np.lib.stride_tricks.sliding_window_view(actual, HORIZON)
    errors = [np.abs(model.forecast().to_numpy()[:, 0] - steps[0])[None]]
    for start in range(0, WEEK, DAY):
        day = rows[start : start + DAY]
        errors.append(np.abs(model.predict(day) - steps[start + 1 : start + 1 + DAY]))
        model.partial_fit(day)
    errors = np.concatenate(errors)
    return [np.nanmean(part) for part in (errors[:1], errors[1 : 1 + DAY], errors[1:])]


def measure(stream, values, start):
    """Return the errors of each case at one place, relative to those without a gap."""
    history, rest = values[start : start + N_FIT], values[start + N_FIT :]
    gap, rows = rest[:WEEK], rest[WEEK : 2 * WEEK + HORIZON]
    fitted = RNNForecaster(HORIZON, lower=None, max_iter=20, random_state=0).fit(history)
    whole, results = errors_after(deepcopy(fitted), gap, rows), []
    for case, (n_rows, value) in CASES.items():
        broken = gap.copy()
        broken.iloc[WEEK - n_rows :] = value
        relative = np.divide(errors_after(deepcopy(fitted), broken, rows), whole)
        where = {"stream": stream, "start": start, "case": case}
        results.append(where | dict(zip(SPANS, relative.tolist(), strict=True)))
    return results


def main():
    results = [
        result
        for stream, values in streams().items()
        for start in STARTS
        for result in measure(stream, values, start)
    ]
    save("gaps", results)
    table = pd.DataFrame(results)
    print("\nMean absolute error relative to all values known: geometric mean, and the worst\n")
    lines = []
    for (case, stream), rows in [
        *table.assign(stream="all").groupby(["case", "stream"], sort=False),
        *table.groupby(["case", "stream"], sort=False),
    ]:
        cells = [f"{np.exp(np.log(rows[s]).mean()):.2f}, {rows[s].max():.2f}" for s in SPANS]
        lines.append([case, stream, *cells])
    print_table(["case", "stream", *SPANS], lines)


if __name__ == "__main__":
    main()
