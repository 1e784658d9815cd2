"""What a gap costs after it: two days or a week without values, or a week of exactly 0.

Of four real streams, `horizon=24`, a model is fitted on 53 days, six times at different places, and
learns a week of which the last 48 hours, or all rows, are missing, or a dead sensor's zeros. Then
values are back: mean absolute error of the first forecast, of those of the first day's cutoffs and
of the week's, learnt day by day, relative to the same model with all values. And the same of those
streams as series of a panel, in which one fails at a time: six sensors, and the other two.

Run: ``python benchmarks/gaps.py`` (two minutes, and four for the panels; ``--of`` for one of them)
"""

import argparse
from copy import deepcopy

import numpy as np
import pandas as pd
from memory import print_table
from report import save

from tsrnn import RNNForecaster, datasets

DAY, WEEK, HORIZON, N_FIT = 24, 168, 24, 53 * 24
STARTS = range(0, 4200, 700)
N_SENSORS = 6  # those that hardly miss a value
SENSORS = "45 Queen Street", "19 Shortland Street"
FAILING = "electricity", "traffic", *SENSORS
CASES = {
    "48 hours missing": (48, np.nan),
    "a week missing": (WEEK, np.nan),
    "a week of 0": (WEEK, 0.0),
}
SPANS = "first forecast", "first day", "week"


def tables():
    """Return the streams that would be a panel, a column each."""
    traffic = datasets.load_traffic()["traffic_volume"].asfreq("h")
    others = {
        "electricity": datasets.load_electricity().iloc[:, 0].asfreq("h"),
        "traffic": traffic.set_axis(traffic.index - pd.Timedelta(weeks=39)),  # they overlap then
    }
    sensors = datasets.load_pedestrians().iloc[:, :N_SENSORS].asfreq("h")
    return pd.DataFrame(others).astype(float), sensors


def streams():
    """Return the streams that fail, by name, as tables of one column."""
    return {
        name: table[[name]][table[name].first_valid_index() :]
        for table in tables()
        for name in table.columns.intersection(FAILING)
    }


def panels():
    """Return the panels by the name of the series that fails."""
    found = {}
    for table in tables():
        first = max(table[name].first_valid_index() for name in table)
        found |= dict.fromkeys(table.columns.intersection(FAILING), table[first:])
    return found


def long(wide):
    """Return the rows of a table one below the other, in order of time."""
    rows = wide.rename_axis("time").melt(ignore_index=False, var_name="id", value_name="value")
    return rows.reset_index().sort_values(["time", "id"], kind="stable", ignore_index=True)


class Model:
    """A model of a table: of its one column, or of the panel that its columns are."""

    def __init__(self, history, name):
        self.name, self.panel = name, history.shape[1] > 1
        keys = {"id_col": "id", "time_col": "time", "target": "value"} if self.panel else {}
        model = RNNForecaster(HORIZON, lower=None, max_iter=20, random_state=0, **keys)
        self.model = model.fit(self.form(history))

    def form(self, table):
        """Return a table in the form in which the model takes it."""
        return long(table) if self.panel else table

    def learn(self, table):
        """Learn the rows of a table."""
        self.model.partial_fit(self.form(table))

    def forecast(self):
        """Return the forecast of the series that fails."""
        chosen = {"ids": self.name} if self.panel else {}
        return self.model.forecast(**chosen).iloc[:, -1].to_numpy()

    def predict(self, table):
        """Return the forecasts after each row of a table, of the series that fails."""
        rows = self.form(table)
        found = self.model.predict(rows)
        return found[rows["id"] == self.name] if self.panel else found


def errors_after(fitted, gap, rows):
    """Return the mean absolute errors by span, of a model that learns a gap and the week after."""
    model, actual = deepcopy(fitted), rows[fitted.name].to_numpy()
    model.learn(gap)
    steps = np.lib.stride_tricks.sliding_window_view(actual, HORIZON)
    errors = [np.abs(model.forecast() - steps[0])[None]]
    for start in range(0, WEEK, DAY):
        day = rows[start : start + DAY]
        errors.append(np.abs(model.predict(day) - steps[start + 1 : start + 1 + DAY]))
        model.learn(day)
    errors = np.concatenate(errors)
    return [np.nanmean(part) for part in (errors[:1], errors[1 : 1 + DAY], errors[1:])]


def measure(kind, name, values, start):
    """Return the errors of each case at one place, relative to those without a gap."""
    history, rest = values[start : start + N_FIT], values[start + N_FIT :]
    gap, rows = rest[:WEEK], rest[WEEK : 2 * WEEK + HORIZON]
    fitted = Model(history, name)
    whole, results = errors_after(fitted, gap, rows), []
    for case, (n_rows, value) in CASES.items():
        broken = gap.copy()
        broken.iloc[WEEK - n_rows :, broken.columns.get_loc(name)] = value
        relative = np.divide(errors_after(fitted, broken, rows), whole)
        shown = f"pedestrians, {name}" if name in SENSORS else name
        where = {"of": kind, "stream": shown, "start": start, "case": case}
        results.append(where | dict(zip(SPANS, relative.tolist(), strict=True)))
    return results


def main():
    kinds = {"a stream": streams, "a panel": panels}
    parser = argparse.ArgumentParser()
    parser.add_argument("--of", choices=kinds, help="one of the two; not saved")
    chosen = parser.parse_args().of
    results = [
        result
        for kind in ([chosen] if chosen else kinds)
        for name, values in kinds[kind]().items()
        for start in STARTS
        for result in measure(kind, name, values, start)
    ]
    if not chosen:
        save("gaps", results)
    table = pd.DataFrame(results)
    print("\nMean absolute error relative to all values known: geometric mean, and the worst\n")
    lines = []
    for (kind, case, stream), rows in [
        *table.assign(stream="all").groupby(["of", "case", "stream"], sort=False),
        *table.groupby(["of", "case", "stream"], sort=False),
    ]:
        cells = [f"{np.exp(np.log(rows[s]).mean()):.2f}, {rows[s].max():.2f}" for s in SPANS]
        lines.append([kind, case, stream, *cells])
    print_table(["of", "case", "stream", *SPANS], lines)


if __name__ == "__main__":
    main()
