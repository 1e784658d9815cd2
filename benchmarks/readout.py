"""Whether the readout is still exact after half a million rows: recursive against batch.

The readout's own features of electricity (hidden state, lags, seasons, calendar) and its labels of
24 steps, 26,304 rows over and over, are learnt by recursive least squares with the default
forgetting and the penalty that fit chose. Ten times on the way its forecasts of the next 1,000
rows, frozen, are held against those of ridge regressions solved from scratch in float64, with the
same exponential weights of the rows whose labels are in and the same penalty.

Run: ``python benchmarks/readout.py`` (one or two minutes)
"""

import argparse

import numpy as np
from memory import print_table
from report import save

from tsrnn import RNNForecaster, datasets, nn
from tsrnn.online.readouts.rls import DelayedRLS
from tsrnn.online.readouts.targets import origin_targets

N_FIT, HORIZON, AHEAD, CHECKS = 4000, 24, 1000, 10
LIMIT = 2.0  # percent


class Recorder(DelayedRLS):
    """A readout that notes what it is given."""

    def follow(self, features, base, labels, learning=True):
        """Note the rows, then learn."""
        self.given.append((features, base, labels))
        return super().follow(features, base, labels, learning)


def recorded_rows():
    """Return features (n, 1, K), base (n, 1) and labels (n, 1, 1) of electricity, and the readout.

    The readout is as blank as at fit.
    """
    nn.set_kernels("numpy")
    data = datasets.load_electricity()
    model = RNNForecaster(HORIZON, random_state=0).fit(data[:N_FIT])
    readout = model._state.learner.stream.readout
    readout.__class__, readout.given = Recorder, []
    model.partial_fit(data[N_FIT:])
    nn.set_kernels(None)
    sizes = 1, readout.weights.shape[2], readout.delays, readout.forgetting, readout.ridge
    return [np.concatenate(parts) for parts in zip(*readout.given, strict=True)], DelayedRLS(*sizes)


def batch(features, targets, readout):
    """Return weights (M, K) of ridge regressions on rows that weigh λ to the power of their age."""
    newest = int(np.ceil(40 / (1 - readout.forgetting)))
    phi, targets = features[-newest:, 0], targets[-newest:, 0]
    age = np.arange(len(phi) - 1, -1, -1.0)
    weighted = phi * readout.forgetting ** age[:, None]
    weights = []
    for target in targets.T:
        known = np.isfinite(target)
        gram = weighted[known].T @ phi[known] + readout.ridge * np.eye(phi.shape[1])
        weights.append(np.linalg.solve(gram, weighted[known].T @ target[known]))
    return np.array(weights)


def rmse(weights, features, targets):
    """Return the root mean squared error over all steps whose label is known."""
    return float(np.sqrt(np.nanmean((targets[:, 0] - features[:, 0] @ weights.T) ** 2)))


def main():
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--rows", type=int, default=500_000)
    args = parser.parse_args()
    (features, base, labels), readout = recorded_rows()
    repeats = -(-(args.rows + AHEAD + HORIZON) // len(features))
    features, base, labels = (
        np.tile(a, (repeats, 1, 1)[: a.ndim]) for a in (features, base, labels)
    )
    results = []
    for rows in np.array_split(np.arange(args.rows), CHECKS):
        start, stop = rows[0], rows[-1] + 1
        readout = readout.learn(features[start:stop], base[start:stop], labels[start:stop])
        in_already = origin_targets(base[:stop], labels[:stop], readout.delays)
        to_come = slice(stop, stop + AHEAD + HORIZON)
        targets = origin_targets(base[to_come], labels[to_come], readout.delays)
        P = readout.covariance[0]
        errors = {
            "recursive": rmse(readout.weights[0], features[to_come], targets),
            "batch": rmse(batch(features[:stop], in_already, readout), features[to_come], targets),
        }
        results.append({
            "rows": int(stop), **errors,
            "percent": 100 * (errors["recursive"] / errors["batch"] - 1),
            "asymmetry": float(np.abs(P - P.T).max()),
            "smallest_eigenvalue": float(np.linalg.eigvalsh(P).min()),
        })  # fmt: skip
        print(results[-1], flush=True)
    worst = max(abs(row["percent"]) for row in results)
    print()
    print_table(
        ["rows", "RMSE, recursive", "batch", "apart, %", "asymmetry", "smallest eigenvalue"],
        [
            [f"{row['rows']:,}", *(f"{value:.3g}" for value in list(row.values())[1:])]
            for row in results
        ],
    )
    print(f"largest distance {worst:.3f} % (limit {LIMIT} %)")
    if args.rows == 500_000:
        save("readout", results, packages=("numba",))


if __name__ == "__main__":
    main()
