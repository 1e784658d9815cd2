"""Pipes between real programs: an MQTT broker, InfluxDB and PostgreSQL, started by the tests."""

import glob
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.parse
import urllib.request
from contextlib import contextmanager, suppress
from io import StringIO
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from tsrnn import RNNForecaster, load
from tsrnn.datasets import load_electricity

pytestmark = pytest.mark.slow

FOLDER = Path(__file__).parents[1] / "examples" / "servers"
MOSQUITTO = shutil.which("mosquitto", path=os.environ["PATH"] + ":/usr/sbin")
INFLUXD = shutil.which("influxd")
INITDB = shutil.which("initdb") or next(iter(glob.glob("/usr/lib/postgresql/*/bin/initdb")), None)


def needs(program, name):
    return pytest.mark.skipif(program is None, reason=f"needs {name}")


def free_port():
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return found.getsockname()[1]


def answers(port):
    with suppress(OSError), socket.create_connection(("127.0.0.1", port), 1):
        return True
    return False


@contextmanager
def running(command, port, **options):
    """A server in the background, from when it answers; it is stopped in the end."""
    quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    process, limit = subprocess.Popen(command, **quiet, **options), time.monotonic() + 120
    try:
        while not answers(port):
            assert process.poll() is None and time.monotonic() < limit, f"{command[0]} is not there"
            time.sleep(0.1)
        yield
    finally:
        process.send_signal(signal.SIGINT)  # at once, though somebody is connected
        process.wait(60)


@needs(MOSQUITTO, "mosquitto")
@needs(shutil.which("mosquitto_sub"), "mosquitto-clients")
def test_mosquitto(tmp_path):
    """1,000 rows through a broker and back: none lost, each forecast that of Python."""
    port = free_port()
    environment = {**os.environ, "MQTT_PORT": str(port), "PYTHON": sys.executable}
    environment["PYTHONPATH"] = str(FOLDER.parents[1])
    with running([MOSQUITTO, "-p", str(port)], port):
        done = subprocess.run(
            [str(FOLDER / "mosquitto.sh"), "1000"],
            cwd=tmp_path, env=environment, capture_output=True, text=True, timeout=400,
        )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    assert "1000 rows sent, 1000 forecasts received" in done.stdout
    found = [json.loads(line) for line in (tmp_path / "forecasts.jsonl").read_text().splitlines()]
    model, rows = load(tmp_path / "load.tsrnn"), load_electricity()[1000:2000]
    assert [line["cutoff"] for line in found] == [time.isoformat() for time in rows.index]
    for row, line in enumerate(found):
        model.partial_fit(rows[row : row + 1])
        if row % 50 == 0:
            ahead = model.forecast()["load"].tolist()
            assert line["forecast"]["load"] == pytest.approx(ahead, rel=1e-9)


@contextmanager
def script_of(command, **inside):
    """Run an example; it is killed at the end, whatever has become of it."""
    process = subprocess.Popen(command, **inside, stdout=subprocess.PIPE, text=True)
    try:
        yield process
    finally:
        process.kill()
        process.wait()
        process.stdout.close()


@needs(INFLUXD, "influxdb")
def test_influxdb(tmp_path):
    """Line protocol is read from and written to a real InfluxDB; a restart goes on."""
    port, rpc = free_port(), free_port()
    url = f"http://127.0.0.1:{port}"
    settings = {
        "INFLUXDB_DATA_DIR": tmp_path / "data",
        "INFLUXDB_DATA_WAL_DIR": tmp_path / "wal",
        "INFLUXDB_META_DIR": tmp_path / "meta",
        "INFLUXDB_HTTP_BIND_ADDRESS": f"127.0.0.1:{port}",
        "INFLUXDB_BIND_ADDRESS": f"127.0.0.1:{rpc}",
        "INFLUXDB_REPORTING_DISABLED": "true",
        "INFLUXDB_SUBSCRIBER_WRITE_CONCURRENCY": "1",
    }
    environment = {**os.environ, **{name: str(value) for name, value in settings.items()}}

    def ask(path, data=None, **params):
        request = f"{url}/{path}?{urllib.parse.urlencode(params)}"
        request = urllib.request.Request(request, data, {"Accept": "application/csv"})
        with urllib.request.urlopen(request, timeout=60) as answer:
            return answer.read().decode()

    def write(rows):
        lines = [
            f"power,site=north\\ 1 load={value!r},note=\"as, read\" {time.value}"
            for time, value in rows["load"].items()
        ]  # fmt: skip
        ask("write", "\n".join(lines).encode(), db="energy", precision="ns")

    def forecasts():
        answer = ask("query", db="energy_forecasts", epoch="ns", q="SELECT * FROM power")
        return pd.read_csv(StringIO(answer)) if answer else pd.DataFrame()

    script = [sys.executable, str(FOLDER / "influxdb.py"), "--url", url, "--horizon", "6",
              "--max-iter", "5"]  # fmt: skip
    inside = {"cwd": tmp_path, "env": {**os.environ, "PYTHONPATH": str(FOLDER.parents[1])}}
    rows = load_electricity()[:360]
    limit = time.monotonic() + 300
    with running([INFLUXD], port, env=environment):
        ask("query", b"", q="CREATE DATABASE energy")
        write(rows[:300])
        for start, stop in ((300, 330), (330, 360)):  # the second time it is resumed
            with script_of(script, **inside) as process:
                assert process.stdout.readline() == "forecasts go to energy_forecasts\n"
                write(rows[start : stop - 5])
                for row in range(stop - 5, stop):
                    write(rows[row : row + 1])
                last = rows.index[stop - 1].value + 6 * 3600 * 10**9
                while not len(found := forecasts()) or found["time"].max() < last:
                    assert process.poll() is None and time.monotonic() < limit
                    time.sleep(0.2)
                process.send_signal(signal.SIGTERM)
                assert process.wait(60) == 0
        found = forecasts()
    model = RNNForecaster(6, max_iter=5, random_state=0).fit(rows[:300])
    expected = {}
    for row in range(300, 360):  # the newest forecast of each hour stands
        model.partial_fit(rows[row : row + 1])
        expected |= {time.value: value for time, value in model.forecast()["load"].items()}
    assert (found["site"] == "north 1").all()
    seen = found[found["load_p_value"].notna()]  # at the row's own time
    assert seen["time"].tolist() == [time.value for time in rows.index[300:360]]
    found = found[found["load_forecast"].notna()]
    assert found["time"].tolist() == [*expected]
    np.testing.assert_allclose(found["load_forecast"], [*expected.values()], rtol=1e-9)
    assert load(tmp_path / "energy.tsrnn").cutoff_ == rows.index[-1]


class Postgres:
    """A cluster of databases of its own, as a user that it accepts."""

    def __init__(self):
        self.folder, self.port = Path(tempfile.mkdtemp()), free_port()
        self.owner = {"user": "postgres"} if os.geteuid() == 0 else {}
        if self.owner:
            shutil.chown(self.folder, "postgres")
        subprocess.run(
            [INITDB, "-D", str(self.folder / "db"), "-A", "trust", "-U", "postgres", "-N"],
            check=True, capture_output=True, cwd=self.folder, **self.owner,
        )  # fmt: skip
        self.url = f"postgresql+psycopg://postgres@127.0.0.1:{self.port}/postgres"

    @contextmanager
    def running(self):
        options = ["-c", "listen_addresses=127.0.0.1", "-k", str(self.folder)]
        command = [str(Path(INITDB).with_name("postgres")), "-D", str(self.folder / "db")]
        command += ["-p", str(self.port), *options]
        try:
            with running(command, self.port, cwd=self.folder, **self.owner):
                yield
        finally:
            shutil.rmtree(self.folder)


@needs(INITDB, "postgresql")
def test_postgresql(tmp_path):
    """Killed at random moments and resumed: no row is lost or doubled, each forecast exact."""
    sqlalchemy = pytest.importorskip("sqlalchemy")
    pytest.importorskip("psycopg")
    rows, rng = load_electricity()[:600], np.random.default_rng(0)
    postgres = Postgres()
    script = [sys.executable, str(FOLDER / "postgresql.py"), "--url", postgres.url,
              "--horizon", "6", "--max-iter", "5", "--seconds", "0.05"]  # fmt: skip
    inside = {"cwd": tmp_path, "env": {**os.environ, "PYTHONPATH": str(FOLDER.parents[1])}}
    with postgres.running():
        engine = sqlalchemy.create_engine(postgres.url)

        def table():
            return pd.read_sql("SELECT * FROM load_forecasts ORDER BY cutoff, time", engine)

        rows[:300].to_sql("load", engine)
        for kill in range(5):
            with script_of(script, **inside) as process:
                assert process.stdout.readline().startswith("goes on after")
                first = 300 + 50 * kill
                rows[first : first + 50].to_sql("load", engine, if_exists="append")
                time.sleep(rng.uniform(0, 0.5))
        rows[550:].to_sql("load", engine, if_exists="append")
        subprocess.run([*script, "--once"], **inside, check=True)
        found = table()
        engine.dispose()
    model = RNNForecaster(6, max_iter=5, random_state=0).fit(rows[:300])
    expected = []
    for row in range(300, 600):
        model.partial_fit(rows[row : row + 1])
        ahead = model.forecast().rename_axis("time").reset_index()
        expected.append(ahead.assign(cutoff=model.cutoff_))
    expected = pd.concat(expected, ignore_index=True)[["cutoff", "time", "load"]]
    assert len(found) == 300 * 6
    pd.testing.assert_frame_equal(found, expected, check_dtype=False, check_exact=True)
