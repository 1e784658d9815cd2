"""Line protocol: every form a line may have, what is wrong with others, and streams of it."""

import json
import re

import numpy as np
import pandas as pd
import pytest
from helpers.folder import N_FIT, Folder

from tsrnn import load
from tsrnn.baselines import LinearForecaster
from tsrnn.cli.io.fields import UnfinishedRow
from tsrnn.cli.io.line_protocol import parse_line
from tsrnn.cli.io.rows import RowParser
from tsrnn.cli.io.times import TimeOptions

BACKSLASH = "\\"


@pytest.mark.parametrize(
    ("line", "measurement", "tags", "fields", "time"),
    [
        ("m v=1", "m", {}, {"v": "1"}, ""),
        ("m v=1 0", "m", {}, {"v": "1"}, "0"),
        ("m v=1 -5", "m", {}, {"v": "1"}, "-5"),
        ("  m  v=1   7  ", "m", {}, {"v": "1"}, "7"),
        ("m,a=b,c=d v=1,w=2 7", "m", {"a": "b", "c": "d"}, {"v": "1", "w": "2"}, "7"),
        ("m a=42i,b=-42i,c=7u 7", "m", {}, {"a": "42", "b": "-42", "c": "7"}, "7"),
        ("m a=1.,b=.5,c=-1e3,d=+2.5E-3 7", "m", {},
         {"a": "1.", "b": ".5", "c": "-1e3", "d": "+2.5E-3"}, "7"),
        ("m a=t,b=T,c=true,d=True,e=TRUE 7", "m", {}, dict.fromkeys("abcde", True), "7"),
        ("m a=f,b=F,c=false,d=False,e=FALSE 7", "m", {}, dict.fromkeys("abcde", False), "7"),
        ('m a="x, y=1 \\"z\\" \\\\ \\n",b=1 7', "m", {}, {"a": 'x, y=1 "z" \\ \\n', "b": "1"}, "7"),
        ('m a="",b="two\nlines" 7', "m", {}, {"a": "", "b": "two\nlines"}, "7"),
        (r"wind\ speed\,m\=s,my\ tag\=1=a\,b\=c\ d fie\,ld\ x\=y=1 7", r"wind speed,m\=s",
         {"my tag=1": "a,b=c d"}, {"fie,ld x=y": "1"}, "7"),
        (r"m\x,t=c:\dir v=1 7", r"m\x", {"t": r"c:\dir"}, {"v": "1"}, "7"),
        ("größe,ort=Köln wert=1 7", "größe", {"ort": "Köln"}, {"wert": "1"}, "7"),
        ('m="x" v=1 7', 'm="x"', {}, {"v": "1"}, "7"),
    ],
)  # fmt: skip
def test_every_form_of_a_line(line, measurement, tags, fields, time):
    """Kind: line protocol as it is written: tags, escapes, quotes, kinds of numbers, stamps."""
    point = parse_line(line)
    assert (point.measurement, point.tags, point.fields, point.time) == (
        measurement, tags, fields, time
    )  # fmt: skip
    assert line.lstrip().startswith(point.origin)


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("", "column 1: found the end of the line, expected a measurement"),
        ("m", "column 2: found the end of the line, expected a comma and a tag, or a space"),
        ("m ", "column 2: found the end of the line"),
        ("m,a v=1", "column 4: found ' v=1', expected = and the value of the tag 'a'"),
        ("m,a= v=1", "column 5: found ' v=1', expected the value of a tag"),
        ("m,=b v=1", "column 3: found '=b v=1', expected the key of a tag"),
        ("m v", "column 4: found the end of the line, expected = and the value of the field 'v'"),
        ("m v= 7", "column 5: found ' 7', expected the value of a field"),
        ("m v=1,", "column 7: found the end of the line, expected the key of a field"),
        ("m v=abc 7", "column 5: found 'abc 7', expected a value such as 1.5, 42i, true or"),
        ("m v=1x 7", "column 5: found '1x 7'"),
        ("m v=NaN 7", "column 5: found 'NaN 7'"),
        ("m v=1.5i 7", "column 5: found '1.5i 7'"),
        ('m v="a"b 7', "column 8: found 'b 7', expected a comma and a field, or a space"),
        ("m v=1 1.5", "column 8: found '.5', expected the end of the line behind the time stamp"),
        ("m v=1 soon", "column 7: found 'soon', expected a time stamp, a whole number"),
    ],
)
def test_an_error_names_its_column(line, message):
    with pytest.raises(ValueError) as error:
        parse_line(line)
    assert str(error.value).startswith(message)


def test_a_text_that_is_not_closed():
    with pytest.raises(UnfinishedRow):
        parse_line('m v="two')


def test_any_text_comes_back_from_its_escapes():
    rng = np.random.default_rng(0)
    special = list('ab,= "' + BACKSLASH)
    for _ in range(300):
        texts = ["x" + "".join(rng.choice(special, 5)) + "x" for _ in range(5)]
        measurement, tag, value, field, text = texts
        escaped = [
            "".join(BACKSLASH + c if c in set(some) else c for c in word)
            for word, some in zip(texts, [", ", ",= ", ",= ", ",= ", '"' + BACKSLASH], strict=True)
        ]
        if any(BACKSLASH + c in word for word in texts[:4] for c in ',= "' + BACKSLASH):
            continue  # a backslash before what is escaped cannot be told from the escape
        line = '{},{}={} {}="{}" 5'.format(*escaped)
        point = parse_line(line)
        assert (point.measurement, point.tags, point.fields) == (
            measurement, {tag: value}, {field: text}
        )  # fmt: skip


def parse(text, columns=("x",), **options):
    parser = RowParser([*columns], TimeOptions(["any"], **options))
    return parser.parse(1, text.encode().split(b"\n"))


@pytest.mark.parametrize(
    ("precision", "stamp"),
    [("s", 1700000000), ("ms", 1700000000123), ("us", 1700000000123456),
     ("ns", 1700000000123456789)],
)  # fmt: skip
def test_time_stamps_are_read_exactly(precision, stamp):
    """Kind: nanoseconds since 1970, read as floats."""
    rows = parse(f"m,site=a x=1,y=2 {stamp}", precision=precision)
    size = {"s": 10**9, "ms": 10**6, "us": 1000, "ns": 1}[precision]
    assert rows.index.as_unit("ns").asi8.tolist() == [stamp * size]
    assert rows.origins == ["m,site=a"]


def test_bad_lines_are_told_by_line_and_column():
    rows = parse("m x=1 1\n\n# a comment\nm x=1\nm x=y 2\nm y=1 3\nm x=2 4")
    np.testing.assert_array_equal(rows.numbers, [[1], [2]])
    assert rows.problems == {
        4: "column 6: found the end of the line, expected a time stamp",
        5: "column 5: found 'y 2', expected a value such as 1.5, 42i, true or \"a text\"",
        6: "found none of the columns ['x']",
    }


def test_a_text_may_go_on_in_the_next_line():
    rows = parse('m x=1,by="one\ntwo\nthree" 1\nm x=2 2')
    np.testing.assert_array_equal(rows.numbers, [[1], [2]])
    assert rows.lines.tolist() == [3, 4]
    assert rows.problems == {}


@pytest.fixture(scope="module")
def first_folder(tmp_path_factory):
    """A history and rows to come in line protocol, in seconds; and a model of the history."""
    folder = Folder(tmp_path_factory.mktemp("influx"))
    for name, rows in ("h", folder.rows[:N_FIT]), ("n", folder.rows[N_FIT:]):
        stamps = rows.index.as_unit("s").asi8
        lines = [
            f'my\\ plant,site=a\\ b s0={one!r},s1={other!r},note="ok" {stamp}'
            for one, other, stamp in zip(rows["s0"], rows["s1"], stamps, strict=True)
        ]
        (folder.path / f"{name}.lp").write_text("\n".join([*lines, ""]))
    argv = ("--target", "s0", "--precision", "s", "--model", "linear", "--horizon", 3)
    assert folder("fit", folder["h.lp"], *argv, "-o", folder["m.tsrnn"]) == 0
    return folder


def forecasts(folder, coverage=None):
    """The forecast after each row to come, and the p-value of the row."""
    model, rows = load(folder["m.tsrnn"]), folder.rows[N_FIT:]
    for row in range(len(rows)):
        now = rows[row : row + 1]
        [p_value] = model.p_values(now)["s0"].tolist()
        model.partial_fit(now)
        yield model.cutoff_, model.forecast(coverage=coverage), p_value


def test_a_history_is_fitted(folder):
    """Kind: programs that speak line protocol: `fit` reads it, fields as columns."""
    model = load(folder["m.tsrnn"])
    assert model.cutoff_ == folder.rows.index[N_FIT - 1]
    assert [*model.feature_names_in_] == ["s0", "s1"]


def test_forecasts_go_under_the_measurement_and_tags_of_their_row(folder):
    """Kind: programs that speak line protocol: `stream` writes forecasts beside their rows."""
    argv = ("--input", folder["n.lp"], "--output", folder["o"], "--coverage", 0.9)
    assert folder("stream", folder["m.tsrnn"], *argv, "--format", "influx") == 0
    expected, about = [], "my\\ plant,site=a\\ b"
    for cutoff, ahead, p_value in forecasts(folder, 0.9):
        expected.append(f"{about} s0_p_value={p_value!r} {cutoff.value // 10**9}")
        for time, (value, low, high) in zip(ahead.index, ahead.to_numpy().tolist(), strict=True):
            fields = f"s0_forecast={value!r},s0_lower_0.9={low!r},s0_upper_0.9={high!r}"
            expected.append(f"{about} {fields} {time.value // 10**9}")
    assert folder.read("o").decode().splitlines() == expected


def test_a_forecast_is_written_under_the_measurement_asked_for(folder, capsys):
    """Kind: programs that speak line protocol: `forecast` writes it, under a name asked for."""
    argv = ("--format", "influx", "--measurement", "next, day", "--coverage", 0.9)
    capsys.readouterr()
    assert folder("forecast", folder["m.tsrnn"], *argv) == 0
    ahead = load(folder["m.tsrnn"]).forecast(coverage=0.9)
    assert capsys.readouterr().out.splitlines() == [
        f"next\\,\\ day s0_forecast={value!r},s0_lower_0.9={low!r},s0_upper_0.9={high!r} "
        f"{time.value // 10**9}"
        for time, (value, low, high) in zip(ahead.index, ahead.to_numpy().tolist(), strict=True)
    ]
    assert folder("forecast", folder["m.tsrnn"], "--format", "jsonl") == 0
    assert folder("forecast", folder["m.tsrnn"], "--json", "-o", folder["f"]) == 0
    assert capsys.readouterr().out == folder.read("f").decode()


def test_a_forecast_of_a_panel_has_its_series_as_a_tag(folder):
    rows = folder.rows.rename_axis("time").melt(ignore_index=False, var_name="site").reset_index()
    rows = rows.replace({"site": {"s0": "a b"}}).sort_values(["time", "site"])
    model = LinearForecaster(2, id_col="site", time_col="time").fit(rows)
    model.save(folder["p.tsrnn"])
    argv = ("--format", "influx", "-o", folder["f"])
    assert folder("forecast", folder["p.tsrnn"], *argv, "--measurement", "load") == 0
    assert folder.read("f").decode().splitlines() == [
        f"load,site={site.replace(' ', chr(92) + ' ')} value_forecast={value!r} {time.value}"
        for site, time, value in model.forecast().itertuples(index=False)
    ]


def test_one_for_one_puts_all_steps_on_a_line(folder):
    """Kind: a program that waits for its answer, in line protocol: one line for each.

    Where there is no forecast the line comes back as it was.
    """
    lines = folder.read("n.lp").decode().splitlines()
    lines[2:2] = ["# a comment", "", "not a line", lines[0]]
    (folder.path / "odd.lp").write_text("\n".join([*lines, ""]))
    argv = ("--input", folder["odd.lp"], "--output", folder["o"], "--one-for-one")
    argv += ("--format", "influx", "--on-error", "skip")
    assert folder("stream", folder["m.tsrnn"], *argv) == 0
    expected = []
    for cutoff, ahead, p_value in forecasts(folder):
        fields = [f"s0_forecast_{step}={x!r}" for step, x in enumerate(ahead["s0"].tolist(), 1)]
        fields.append(f"s0_p_value={p_value!r}")
        expected.append(f"my\\ plant,site=a\\ b {','.join(fields)} {cutoff.value // 10**9}")
    expected[2:2] = lines[2:6]  # as they came
    assert folder.read("o").decode().splitlines() == expected


def test_rows_of_line_protocol_give_json_without_a_format(folder):
    argv = ("--input", folder["n.lp"], "--output", folder["o"])
    assert folder("stream", folder["m.tsrnn"], *argv) == 0
    found = [json.loads(line)["forecast"]["s0"] for line in folder.read("o").splitlines()]
    assert found == [ahead["s0"].tolist() for _, ahead, _ in forecasts(folder)]


def test_a_tag_names_the_series_of_a_panel(folder):
    """Kind: series that are told by a tag: it is the id, read and written."""
    rows = folder.rows.rename_axis("time").melt(ignore_index=False, var_name="site").reset_index()
    rows = rows.sort_values(["time", "site"], ignore_index=True)
    lines = [
        f"load,site={site} value={value!r} {time.value}"
        for time, site, value in rows.itertuples(index=False)
    ]
    (folder.path / "h2.lp").write_text("\n".join(lines[:160]))
    (folder.path / "n2.lp").write_text("\n".join(lines[160:170]))
    argv = ("--id", "site", "--model", "linear", "--horizon", 2, "-o", folder["p.tsrnn"])
    assert folder("fit", folder["h2.lp"], *argv) == 0
    argv = ("--input", folder["n2.lp"], "--output", folder["o"], "--format", "influx")
    assert folder("stream", folder["p.tsrnn"], *argv) == 0
    model, expected = load(folder["p.tsrnn"]), []
    for now, some in rows[160:170].groupby("time"):
        p_values = model.p_values(some)["value"].tolist()
        ahead = model.partial_fit(some).forecast()
        for site, p_value in zip(some["site"], p_values, strict=True):
            expected.append(f"load,site={site} value_p_value={p_value!r} {now.value}")
            expected += [
                f"load,site={site} value_forecast={value!r} {time.value}"
                for _, time, value in ahead[ahead["site"] == site].itertuples(index=False)
            ]
    assert folder.read("o").decode().splitlines() == expected


def test_why_there_is_no_forecast_is_a_field(folder):
    rows = folder.rows.rename(columns={"s1": "price"})
    rows[:N_FIT].to_csv(folder["k.csv"])
    rows[["price"]][: N_FIT + 4].to_csv(folder["plan.csv"])
    argv = ("--time", "time", "--target", "s0", "--future-cols", "price", "--horizon", 3)
    argv += ("--hidden-size", 4, "--max-iter", 3, "--random-state", 0, "-o", folder["k.tsrnn"])
    assert folder("fit", folder["k.csv"], *argv) == 0
    lines = [
        f"shop s0={one!r},price={price!r} {time.value}"
        for time, one, price in rows[N_FIT : N_FIT + 3].itertuples()
    ]
    (folder.path / "k.lp").write_text("\n".join(lines))
    argv = ("--input", folder["k.lp"], "--output", folder["o"], "--future", folder["plan.csv"])
    assert folder("stream", folder["k.tsrnn"], *argv, "--format", "influx") == 0
    own, *ahead, last, other = folder.read("o").decode().splitlines()
    assert own.startswith("shop s0_p_value=")
    assert [line.split("=")[0] for line in ahead] == ["shop s0_forecast"] * 3
    stamp = rows.index[N_FIT + 1].value
    assert last.startswith('shop reason="1 of the 3 rows known ahead are not there, the first')
    assert re.search(rf'",s0_p_value=\S+ {stamp}$', last) and other.startswith(
        'shop reason="2 of the 3'
    )


def test_rows_without_time_stamps_cannot_be_written(folder, capsys):
    folder.rows.to_csv(folder["bare.csv"], index=False)
    argv = ("--model", "naive", "-o", folder["bare.tsrnn"])
    assert folder("fit", folder["bare.csv"], *argv) == 0
    assert folder("forecast", folder["bare.tsrnn"], "--format", "influx") == 1
    assert "found --format influx and rows without time stamps" in capsys.readouterr().err
    assert folder("stream", folder["bare.tsrnn"], "--format", "influx") == 1
    assert "found --format influx and rows without time stamps" in capsys.readouterr().err


def test_what_is_not_finite_is_left_out():
    from tsrnn.cli.io.issued import Issued, WriterOptions
    from tsrnn.cli.io.line_protocol import LineProtocolWriter

    index = pd.date_range("2024-01-01", periods=3)
    frame = pd.DataFrame({"a": [1.0, np.nan], "b": [np.nan, np.nan]}, index=index[1:])
    writer = LineProtocolWriter(WriterOptions(["a", "b"], precision="s"))
    issued = Issued(index[0], frame, origin="m")
    assert writer.forecasts([issued]) == [f"m a_forecast=1.0 {index[1].value // 10**9}"]
    assert writer.answer([Issued(index[0], frame[1:], origin="m")], "as it came") == "as it came"
