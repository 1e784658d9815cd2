"""What commands share of their arguments: numbers, names, data files, parameters of estimators."""

import argparse
import inspect
import re

import pandas as pd

from tsrnn.cli.io.formats import READERS
from tsrnn.cli.io.times import EPOCH_UNITS
from tsrnn.estimators.baselines import LinearForecaster, NaiveForecaster, SeasonalNaiveForecaster
from tsrnn.estimators.forecaster import RNNForecaster

MODELS = {
    "rnn": RNNForecaster,
    "linear": LinearForecaster,
    "seasonal": SeasonalNaiveForecaster,
    "naive": NaiveForecaster,
}
# Parameters that the command sets itself, or that mean nothing to it.
OWN = {"horizon", "target", "id_col", "time_col", "verbose", "n_jobs"}


def whole_number(low, high):
    """Make the type of an argument from `low` to `high`."""

    def read(text):
        if not (text.isdecimal() and low <= int(text) <= high):
            raise argparse.ArgumentTypeError(
                f"found {text!r}, expected a whole number from {low} to {high}"
            )
        return int(text)

    return read


def coverage(text):
    """Read a share between 0 and 1: the type of an argument."""
    try:
        value = float(text)
    except ValueError:
        value = -1.0
    if not 0 < value < 1:
        raise argparse.ArgumentTypeError(f"found {text!r}, expected a share such as 0.9")
    return value


def _zone(text):
    """Read a time zone: the type of an argument."""
    try:
        pd.Timestamp("2024-01-01", tz=text)
    except Exception as error:  # of another kind in each library of zones
        raise argparse.ArgumentTypeError(
            f"found {text!r}, expected a time zone such as Europe/Rome or UTC"
        ) from error
    return text


def add_data_options(parser):
    """Add the arguments that say how rows are to be read."""
    group = parser.add_argument_group("how to read the rows")
    group.add_argument(
        "--precision",
        choices=EPOCH_UNITS,
        help="unit of the time stamps of line protocol (default: as at fit; at fit, ns)",
    )
    group.add_argument(
        "--time",
        "--time-col",
        metavar="COL",
        help="column of time stamps, ISO 8601 unless --time-format says otherwise; or several, "
        "such as year,month,day,hour. Without one, rows are counted",
    )
    group.add_argument(
        "--time-format",
        metavar="FORMAT",
        help="as in strptime, such as '%%d/%%m/%%Y %%H:%%M'; or s, ms: seconds, milliseconds "
        "since 1970",
    )
    group.add_argument(
        "--id",
        "--id-col",
        metavar="COL",
        help="column that names the series of each row, for a panel: many series in one file",
    )
    group.add_argument(
        "--categories",
        action="append",
        metavar="COLS",
        help="columns to take as texts, not as numbers (default: as at fit; at fit, those named "
        "as inputs that are no numbers)",
    )
    group.add_argument(
        "--tz", type=_zone, metavar="ZONE", help="time zone of the stamps, such as Europe/Rome"
    )
    group.add_argument("--sep", metavar="CHAR", help="between the fields of a CSV (default: ',')")
    group.add_argument(
        "--on-error",
        choices=("raise", "skip", "log"),
        default="raise",
        help="a row that cannot be used: stop, pass it over and count it, or say so as well "
        "(default: raise)",
    )


def add_format(parser):
    """Add the argument that says what the lines of rows are."""
    parser.add_argument(
        "--format",
        choices=READERS,
        help="of the rows: JSON lines, CSV, or line protocol as InfluxDB and Telegraf speak it "
        "(default: as the first line tells)",
    )


def add_snap(parser):
    """Add the argument that says how far time stamps may be off, of a model that is fitted."""
    parser.add_argument(
        "--snap",
        metavar="LENGTH",
        help="most that a time stamp may be off the frequency, such as 10s (default: as at fit)",
    )


def add_parameters(parser):
    """Add every parameter of the forecasters as an option, its help from their docstrings."""
    group = parser.add_argument_group("parameters of the forecaster, as in Python")
    known = set(OWN)
    for cls in MODELS.values():
        help_texts, choices = _described(cls)
        for name, parameter in inspect.signature(cls).parameters.items():
            if name not in known:
                known.add(name)
                group.add_argument(
                    "--" + name.replace("_", "-"),
                    dest="parameter_" + name,
                    type=_reader(name),
                    default=argparse.SUPPRESS,
                    choices=choices.get(name),
                    metavar=None if name in choices else "VALUE",
                    help=f"{help_texts.get(name, '')} (default: {_shown(parameter.default)})",
                )


def parameters(args, cls):
    """Return the parameters that were given, for an estimator of this class.

    Raises
    ------
    ValueError
        It has no parameter of that name.
    """
    given = {
        name.removeprefix("parameter_"): value
        for name, value in vars(args).items()
        if name.startswith("parameter_")
    }
    unknown = sorted(given.keys() - inspect.signature(cls).parameters.keys())
    if unknown:
        flags = ", ".join("--" + name.replace("_", "-") for name in unknown)
        raise ValueError(f"found {flags}, which {cls.__name__} does not have; leave it out")
    return given


def _reader(name):
    """Return how the text of a parameter is read: as a value, unless it names columns."""
    if name.endswith("_col"):
        return str
    return _names if name.endswith("_cols") else _value


def _names(text):
    return text.split(",")


def _value(text):
    if "," in text:
        return tuple(map(_value, text.split(",")))
    words = {"none": None, "true": True, "false": False}
    if text.lower() in words:
        return words[text.lower()]
    for kind in (int, float):
        try:
            return kind(text)
        except ValueError:
            pass
    return text


def _shown(default):
    return default.__name__ if isinstance(default, type) else str(default).lower()


def _described(cls):
    """Return the first sentence on each parameter in a numpydoc docstring, and its choices.

    Where there is no sentence, its type; choices of those that have some, ``{"a", "b"}``.
    """
    section = inspect.getdoc(cls).partition("Parameters\n----------\n")[2].partition("\n\n")[0]
    texts, choices = {}, {}
    for head, body in re.findall(r"^(\S.*)\n((?: +.*\n?)*)", section + "\n", re.MULTILINE):
        names, _, kind = head.partition(" : ")
        if kind.startswith("{"):
            found = re.findall(r'"([^"]+)"', kind.partition("}")[0])
            choices |= dict.fromkeys(names.split(", "), found)
        sentence = re.split(r"(?<=[.:;])\s", " ".join(body.split()))[0].rstrip(".:;")
        text = (
            sentence or ""
            if kind.startswith("{")
            else sentence or re.sub(r",? *(default=.*|optional)$", "", kind)
        )
        texts |= dict.fromkeys(names.split(", "), text.replace("``", "").replace("%", "%%"))
    return texts, choices
