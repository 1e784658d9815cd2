"""Forecast what is written to InfluxDB 1, and write the forecasts to a database beside it.

InfluxDB hands on each write as line protocol, to whom has a subscription. `tsrnn stream` reads it
and answers in line protocol, which is written back.

    apt-get install influxdb
    python examples/servers/influxdb.py --database energy --measurement power --field load

Forecasts are in the database energy_forecasts, each at the time it is made for: the newest one
stands. The model is kept in the file energy.tsrnn; the script goes on from there. Let InfluxDB hand
on writes in their order: `write-concurrency = 1` under `[subscriber]` in its configuration.
"""

import argparse
import queue
import signal
import subprocess
import sys
import threading
import urllib.parse
import urllib.request
from contextlib import suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
parser.add_argument("--url", default="http://localhost:8086")
parser.add_argument("--database", default="energy")
parser.add_argument("--measurement", default="power")
parser.add_argument("--field", default="load", help="what is forecast")
parser.add_argument("--horizon", type=int, default=24)
parser.add_argument("--max-iter", type=int, default=300, help="training steps of the fit")
args = parser.parse_args()

TSRNN = [sys.executable, "-m", "tsrnn"]
forecasts = f"{args.database}_forecasts"
model = Path(f"{args.database}.tsrnn")


def ask(path, data=None, **params):
    """Send a request to InfluxDB; return its answer as CSV."""
    url = f"{args.url}/{path}?{urllib.parse.urlencode(params)}"
    request = urllib.request.Request(url, data, {"Accept": "application/csv"})
    with urllib.request.urlopen(request, timeout=60) as answer:
        return answer.read()


class Subscriber(BaseHTTPRequestHandler):
    """Takes what InfluxDB hands on."""

    writes = queue.Queue()

    def do_POST(self):
        """Take in the lines of a write."""
        self.writes.put(self.rfile.read(int(self.headers["Content-Length"])))
        self.send_response(204)
        self.end_headers()

    def log_message(self, *_):
        """Say nothing of each request."""


def write_back(stream):
    """Write forecasts to InfluxDB as they come out of the stream."""
    rest = b""
    while data := stream.stdout.read1(1 << 20):
        lines, newline, rest = (rest + data).rpartition(b"\n")
        if newline:
            ask("write", lines, db=forecasts, precision="ns")


def stop(*_):
    """End as by Ctrl-C."""
    raise KeyboardInterrupt


for name in (signal.SIGINT, signal.SIGTERM):
    signal.signal(name, stop)

# Rows that come from now on are handed on; those before are asked for.
server = ThreadingHTTPServer(("127.0.0.1", 0), Subscriber)
threading.Thread(target=server.serve_forever, daemon=True).start()
place = f'ON "{args.database}"."autogen"'
ask("query", b"", q=f'CREATE DATABASE "{forecasts}"')
ask("query", b"", q=f"DROP SUBSCRIPTION tsrnn {place}")
ask("query", b"", q=f"CREATE SUBSCRIPTION tsrnn {place} DESTINATIONS ALL "
    f"'http://127.0.0.1:{server.server_port}'")  # fmt: skip

before = f'SELECT "{args.field}" FROM "{args.measurement}"'
Path("before.csv").write_bytes(ask("query", db=args.database, epoch="ns", q=before))
if model.exists():
    subprocess.run([*TSRNN, "update", str(model), "before.csv", "--on-error", "skip"], check=True)
else:
    fit = ["fit", "before.csv", "--time", "time", "--time-format", "ns", "--target", args.field,
           "--inputs", "none", "--horizon", str(args.horizon), "--random-state", "0",
           "--max-iter", str(args.max_iter)]  # fmt: skip
    subprocess.run([*TSRNN, *fit, "-o", str(model)], check=True)

command = [*TSRNN, "stream", str(model), "--format", "influx", "--on-error", "log"]
command += ["--checkpoint", str(model)]
pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "start_new_session": True}
with subprocess.Popen(command, **pipes) as stream:
    writer = threading.Thread(target=write_back, args=[stream])
    writer.start()
    print(f"forecasts go to {forecasts}", flush=True)
    with suppress(KeyboardInterrupt):
        while True:
            stream.stdin.write(Subscriber.writes.get().rstrip(b"\n") + b"\n")
            stream.stdin.flush()
    stream.stdin.close()  # what has come is learnt, the model saved
    writer.join()
ask("query", b"", q=f"DROP SUBSCRIPTION tsrnn {place}")
