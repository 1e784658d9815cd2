"""Keep a model for each key as bytes, as the state stores of stream processors do.

Messages of many sensors come in any order between them. The state of a key is its model, a value of
bytes in a dict; in Quix Streams it would be ``state.get("model")`` and ``state.set("model", ...)``,
elsewhere a row of RocksDB or Redis. A message that comes twice does no harm.

    python examples/keyed_state.py
"""

import argparse

import pandas as pd

import tsrnn
from tsrnn.datasets import load_pedestrians

parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
parser.add_argument("--warm-up", type=int, default=500, help="messages of a key before its fit")
parser.add_argument("--rows", type=int, default=100, help="messages of a key after them")
parser.add_argument("--max-iter", type=int, default=100, help="training steps of a fit")
args = parser.parse_args()


def process(message, state):
    """Learn a message and return the next three values of its key, None before the fit.

    Parameters
    ----------
    message : dict
        With ``key``, ``time`` and ``value``.
    state : dict
        Of this key: bytes under ``model``, or, before there is a model, messages under ``held``.
    """
    row = pd.DataFrame({"value": [message["value"]]}, [pd.Timestamp(message["time"])])
    if "model" in state:
        model = tsrnn.loads(state["model"]).partial_fit(row)
    else:
        held = [*state.get("held", []), (message["time"], message["value"])]
        if len(held) < args.warm_up:
            state["held"] = held
            return None
        times, values = zip(*held, strict=True)
        history = pd.DataFrame({"value": values}, pd.to_datetime(times))
        model = tsrnn.RNNForecaster(
            3, hidden_size=8, late="drop", max_iter=args.max_iter, random_state=0
        )
        model.fit(history)
        state.pop("held")
    state["model"] = tsrnn.dumps(model)
    return model.forecast()


sensors = ["45 Queen Street", "210 Queen Street"]
people = load_pedestrians(sensors)[sensors].interpolate()[: args.warm_up + args.rows]
messages = [
    {"key": key, "time": str(time), "value": value}
    for time, values in people.iterrows()
    for key, value in values.items()
]

store = {}  # of keys: stands for the processor's own
newest = {}
for message in [*messages, messages[-1]]:  # delivered at least once
    newest[message["key"]] = process(message, store.setdefault(message["key"], {}))

for key, forecast in newest.items():
    print(f"{key}: a state of {len(store[key]['model']) / 1024:.0f} KiB, forecast")
    print(forecast.round(0).to_string(header=False), "\n")
