"""The shipped data: facts about each series, and files that match their README."""

import doctest
import gzip
import hashlib
import re
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from tsrnn import datasets

FOLDER = Path(__file__).resolve().parent.parent / "datasets"
LOADERS = {
    "electricity.csv.gz": datasets.load_electricity,
    "pedestrians.csv.gz": datasets.load_pedestrians,
    "traffic.csv.gz": datasets.load_traffic,
    "air_quality.csv.gz": datasets.load_air_quality,
    "water_flow.csv": datasets.load_water_flow,
}
SHAPES = {
    "electricity.csv.gz": (26_304, 1),
    "pedestrians.csv.gz": (61_368, 8),
    "traffic.csv.gz": (52_551, 7),
    "air_quality.csv.gz": (43_824, 8),
    "water_flow.csv": (1_379, 1),
}
WORDS = {"weather_main", "wind_direction"}


@pytest.fixture(scope="module")
def traffic():
    return datasets.load_traffic()


@pytest.fixture(scope="module")
def pedestrians():
    return datasets.load_pedestrians()


# ---------------------------------------------------------------- every series


@pytest.mark.parametrize("name", LOADERS)
def test_regular_hourly_grid_of_floats(name):
    data = LOADERS[name]()
    assert data.shape == SHAPES[name]
    assert data.index.name == "time"
    assert data.index.freq == pd.offsets.Hour()
    assert data.index.is_unique
    assert data.index.is_monotonic_increasing
    floats = [column for column in data if column not in WORDS]
    assert (data[floats].dtypes == np.float64).all()
    assert not np.isinf(data[floats].to_numpy()).any()
    assert all(isinstance(data[word].dtype, pd.CategoricalDtype) for word in WORDS & set(data))


@pytest.mark.parametrize("name", LOADERS)
def test_every_call_returns_a_frame_of_its_own(name):
    data = LOADERS[name]()
    data.iloc[5, 0] = -1.0
    assert LOADERS[name]().iloc[5, 0] != -1.0


def test_examples_in_the_docstrings_run():
    results = doctest.testmod(datasets)
    assert results.attempted >= 5
    assert results.failed == 0


# ---------------------------------------------------------------- electricity


def test_electricity_is_complete_and_has_odd_hours_at_clock_changes_alone():
    load = datasets.load_electricity()["load"]
    assert load.notna().all()
    low = load.index[load < 900]
    assert [str(stamp) for stamp in low] == [
        "2012-03-25 01:00:00",
        "2013-03-31 01:00:00",
        "2014-03-30 01:00:00",
    ]
    total = 321 * load  # the sum over the clients is a whole number
    assert (total - total.round()).abs().max() < 0.2


# ---------------------------------------------------------------- pedestrians


def test_pedestrians_walk_by_day(pedestrians):
    """Fails if hours 0 to 5 are put on the wrong day: Saturday night is busy, Monday's is not."""
    busy = pedestrians["45 Queen Street"]
    profile = busy.groupby(busy.index.hour).mean()
    assert profile.idxmax() in range(12, 19)
    assert profile.idxmin() in range(3, 6)
    after_midnight = busy[busy.index.hour == 0]
    by_day = after_midnight.groupby(after_midnight.index.day_of_week).mean()
    assert set(by_day.nlargest(2).index) == {5, 6}


@pytest.mark.parametrize("monday", ["2023-09-25", "2025-09-29"])
def test_pedestrians_keep_their_hours_after_the_spring_clock_change(pedestrians, monday):
    """The source has these days one hour early; the morning peak of office workers is at 8."""
    offices = pedestrians["19 Shortland Street"].loc[monday]
    morning = offices[offices.index.hour < 11]
    assert morning.idxmax().hour == 8


def test_pedestrians_of_the_hour_that_does_not_exist_are_missing(pedestrians):
    steady = pedestrians[list(datasets.PEDESTRIAN_SENSORS[:4])]
    missing = steady.index[steady.isna().any(axis=1)]
    assert [str(stamp) for stamp in missing] == [
        "2019-09-29 02:00:00",
        "2020-09-27 02:00:00",
        "2021-09-26 02:00:00",
        "2022-09-25 02:00:00",
        "2023-09-24 02:00:00",
        "2024-09-29 02:00:00",
        "2025-09-28 02:00:00",
    ]
    assert steady.loc[missing].isna().all(axis=None)


def test_pedestrians_drift(pedestrians):
    dead = pedestrians["107 Quay Street"]
    silent = dead.loc["2019-04-01 06:00":"2022-03-01 05:00"]
    assert len(silent) == 25_560
    assert silent.eq(0).sum() == 25_560 - 3  # three hours that do not exist
    assert dead.loc["2022-03-01 06:00":"2022-07-22 05:00"].isna().all()
    assert dead.loc["2022-07-22 06:00":].gt(0).mean() > 0.95
    late = pedestrians["188 Quay Street Lower Albert (NS)"]
    assert str(late.first_valid_index()) == "2022-09-01 06:00:00"
    assert late["2024-03-20":"2024-05"].mean() < 0.5 * late["2024-01":"2024-03-19"].mean()
    busy = pedestrians["45 Queen Street"]
    assert busy["2020-03-26":"2020-04-20"].mean() < 0.1 * busy["2020-02"].mean()


def test_pedestrians_by_name_come_in_the_order_asked_for(pedestrians):
    names = ["45 Queen Street", "107 Quay Street", "210 Queen Street"]
    chosen = datasets.load_pedestrians(names)
    pd.testing.assert_frame_equal(chosen, pedestrians[names])
    pd.testing.assert_frame_equal(datasets.load_pedestrians(names[0]), pedestrians[names[:1]])
    assert list(pedestrians) == list(datasets.PEDESTRIAN_SENSORS)


def test_unknown_sensor_is_an_error_that_lists_the_known_ones():
    with pytest.raises(ValueError, match="Abbey Road") as error:
        datasets.load_pedestrians(["45 Queen Street", "Abbey Road"])
    assert all(name in str(error.value) for name in datasets.PEDESTRIAN_SENSORS)


# ---------------------------------------------------------------- traffic


def test_raw_traffic_keeps_the_mess():
    raw = datasets.load_traffic(raw=True)
    assert raw.shape == (48_204, 9)
    assert isinstance(raw["date_time"].iloc[0], str)
    assert raw["date_time"].duplicated().sum() == 7_629
    steps = pd.to_datetime(raw["date_time"]).drop_duplicates().diff()
    assert (steps > pd.Timedelta("1h")).sum() == 2_588
    assert raw["temp"].eq(0).sum() == 10
    assert raw["rain_1h"].max() == 9_831.3
    assert raw["holiday"].ne("None").sum() == 61
    assert not raw.isna().any(axis=None)


def test_clean_traffic_is_the_first_row_of_each_stamp(traffic):
    raw = datasets.load_traffic(raw=True)
    first = raw.groupby("date_time", sort=False).head(1)
    kept = traffic.dropna(subset="traffic_volume")
    assert list(kept.index.strftime("%Y-%m-%d %H:%M:%S")) == list(first["date_time"])
    for column in ("traffic_volume", "snow_1h", "clouds_all"):
        np.testing.assert_array_equal(kept[column], first[column])
    assert list(kept["weather_main"]) == list(first["weather_main"])


def test_clean_traffic_has_no_broken_values(traffic):
    assert traffic["traffic_volume"].isna().sum() == 11_976
    assert traffic["temp"].isna().sum() == 11_976 + 10
    assert traffic["temp"].min() > 240
    assert traffic["rain_1h"].isna().sum() == 11_976 + 1
    assert traffic["rain_1h"].max() == 55.63
    since_2015 = traffic.loc["2015-07":, "traffic_volume"]
    assert len(since_2015) == 28_512
    assert since_2015.isna().sum() == 1_984


def test_holidays_last_all_day(traffic):
    holiday = traffic["holiday"]
    assert set(holiday) == {0.0, 1.0}
    by_day = holiday.groupby(holiday.index.normalize()).nunique()
    assert (by_day == 1).all()
    assert holiday.sum() == 24 * 65
    lost = ["2013-01-21", "2014-07-04", "2016-01-18"]  # their midnight row is missing
    marked = ["2012-12-25", "2016-11-24", "2017-08-24"]
    assert all(holiday.loc[day].eq(1).all() for day in marked + lost)
    assert holiday.loc["2016-11-23"].eq(0).all()


# ---------------------------------------------------------------- air quality, water


def test_air_quality_misses_targets_and_nothing_else():
    data, raw = datasets.load_air_quality(), datasets.load_air_quality(raw=True)
    missing = data.isna().sum()
    assert missing.pop("pm25") == 2_067
    assert missing.sum() == 0
    assert str(data["pm25"].first_valid_index()) == "2010-01-02 00:00:00"
    runs = data["pm25"].isna().groupby(data["pm25"].notna().cumsum()).sum()
    assert runs.max() == 155
    assert set(data["wind_direction"]) == {"NE", "NW", "SE", "cv"}
    assert raw.shape == (43_824, 13)
    np.testing.assert_array_equal(raw["TEMP"], data["temperature"])
    np.testing.assert_array_equal(raw["hour"], data.index.hour)
    warm, cold = (data["temperature"].groupby(data.index.month).mean()[m] for m in (7, 1))
    assert warm > 25 > 0 > cold


def test_water_flow_knows_its_time_zone():
    flow = datasets.load_water_flow()["flow"]
    assert str(flow.index.tz) == "Europe/Rome"
    assert str(flow.index[0]) == "2022-03-20 11:00:00+01:00"
    assert str(flow.index[-1]) == "2022-05-16 22:00:00+02:00"
    assert flow.notna().sum() == 1_268
    assert len(flow.loc["2022-03-27"]) == 23  # clock change


# ---------------------------------------------------------------- files


def test_readme_names_every_file_with_its_checksum():
    readme = (FOLDER / "README.md").read_text(encoding="utf-8")
    shipped = {path.name for path in FOLDER.iterdir() if ".csv" in path.name}
    assert shipped == set(LOADERS)
    checksums = {
        name: digest for digest, name in re.findall(r"^([0-9a-f]{64})  (\S+)$", readme, re.M)
    }
    assert checksums == {
        name: hashlib.sha256((FOLDER / name).read_bytes()).hexdigest() for name in shipped
    }
    for name, loader in LOADERS.items():
        assert f"## {name}\n" in readme
        rows = (FOLDER / name).read_bytes()
        rows = gzip.decompress(rows) if name.endswith(".gz") else rows
        count = rows.count(b"\n") - 1
        assert re.search(rf"\| `{name}` \|.*\| {count:,} \| `{loader.__name__}` \|", readme)


def test_compressed_files_hold_no_clock_and_no_name():
    for path in FOLDER.glob("*.gz"):
        header = path.read_bytes()[:10]
        assert header[3] == 0  # no flags: no file name
        assert header[4:8] == bytes(4)  # no modification time
