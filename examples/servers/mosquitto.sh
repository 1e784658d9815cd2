#!/usr/bin/env bash
# Forecast what an MQTT broker carries: rows come on the topic "load", forecasts go to "forecast".
#
#     apt-get install mosquitto mosquitto-clients
#     examples/servers/mosquitto.sh [ROWS]
#
# The broker is the one at localhost:${MQTT_PORT:-1883}. Files are written to the current folder;
# forecasts.jsonl holds what has come out in the end.
set -euo pipefail
rows=${1:-1000}
broker=(-h localhost -p "${MQTT_PORT:-1883}" -q 1)
python=${PYTHON:-python3}
tsrnn() { "$python" -m tsrnn "$@"; }

# A history, and rows to come as a sensor would send them: a line of JSON each.
"$python" - "$rows" <<'PYTHON'
import sys

from tsrnn.datasets import load_electricity

load, n_rows = load_electricity().reset_index(), int(sys.argv[1])
load[:1000].to_csv("history.csv", index=False)
later = load[1000 : 1000 + n_rows]
later.to_json("rows.jsonl", orient="records", lines=True, date_format="iso", double_precision=15)
PYTHON
tsrnn fit history.csv --time time --target load --horizon 24 --max-iter 20 --random-state 0 \
    -o load.tsrnn

# From here on the broker keeps for these two what they have not read yet (-c, QoS 1).
mosquitto_sub "${broker[@]}" -i tsrnn-rows -c -t load -E
mosquitto_sub "${broker[@]}" -i tsrnn-forecasts -c -t forecast -E

# The pipe: as many forecasts as rows, each as soon as its row has come.
mosquitto_sub "${broker[@]}" -i tsrnn-rows -c -t load -C "$rows" |
    tsrnn stream load.tsrnn --one-for-one |
    mosquitto_pub "${broker[@]}" -t forecast -l &

mosquitto_sub "${broker[@]}" -i tsrnn-forecasts -c -t forecast -C "$rows" -W 300 >forecasts.jsonl &
reader=$!

mosquitto_pub "${broker[@]}" -t load -l <rows.jsonl
wait "$reader"
wait
echo "$rows rows sent, $(wc -l <forecasts.jsonl) forecasts received"
