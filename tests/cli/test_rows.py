"""Lines to rows: what is a number, a time stamp, a bad line; and the same whatever the blocks."""

import gzip
import os
import threading
import time

import numpy as np
import pandas as pd
import pytest

from tsrnn.cli.io import lines
from tsrnn.cli.io.lines import line_blocks
from tsrnn.cli.io.rows import RowParser
from tsrnn.cli.io.times import TimeOptions, joined_time

PLAIN = TimeOptions(["t"])


def parse(text, columns=("x",), time=PLAIN, **options):
    parser = RowParser(list(columns), time, **options)
    return parser.parse(1, text.encode().split(b"\n"))


def test_csv():
    rows = parse(
        't,"a ""b"", c",x\n2024-01-01,"1",2.5\n2024-01-02T05:00,NA,-1e3\n', ['a "b", c', "x"]
    )
    assert rows.index.equals(pd.DatetimeIndex(["2024-01-01", "2024-01-02 05:00"]))
    np.testing.assert_array_equal(rows.numbers, [[1, 2.5], [np.nan, -1000]])
    assert rows.lines.tolist() == [2, 3]
    assert rows.problems == {}


def test_json_lines():
    rows = parse(
        '{"t": "2024-01-01", "x": 1}\n{"x": null, "t": "2024-01-02"}\n\n{"t": "2024-01-03"}'
    )
    np.testing.assert_array_equal(rows.numbers, [[1], [np.nan]])
    assert rows.problems == {4: "found none of the columns ['x']"}


def test_values_are_read_exactly():
    values = np.random.default_rng(0).normal(size=200) * 10.0 ** np.arange(-100, 100)
    text = "t,x\n" + "\n".join(f"2024-01-01,{value!r}" for value in values.tolist())
    assert np.array_equal(parse(text).numbers[:, 0], values)


@pytest.mark.parametrize(
    ("line", "problem"),
    [
        ("2024-01-01", "found 1 fields, expected 2"),
        ("2024-01-01,1,2", "found 3 fields, expected 2"),
        ("2024-01-01,12.x4", "found '12.x4' in column 'x', expected a number"),
        ("2024-01-01,1_000", "expected a number"),
        (",1", "found no time stamp"),
        ("NaT,1", "found 'NaT' as time stamp"),
        ("31/01/2024,1", "expected ISO 8601 .* --time-format"),
        ("2024-13-01,1", "found '2024-13-01' as time stamp"),
        ("2024-01-01T00:00+01:00,1", "an offset from UTC, expected none"),
        ("2024-01-01," + "9" * 100, None),
        ("99999-01-01,1", "as time stamp"),
    ],
)
def test_a_bad_line_is_named_and_the_others_are_read(line, problem):
    rows = parse(f"t,x\n2024-01-01,1\n{line}\n2024-01-03,3")
    if problem is None:
        assert rows.problems == {}
        return
    assert rows.lines.tolist() == [2, 4]
    assert [*rows.problems] == [3]
    with pytest.raises(AssertionError, match=problem):
        raise AssertionError(rows.problems[3])


@pytest.mark.parametrize("bad", ["", "?,2\n"])
@pytest.mark.parametrize("end", ["", "T00:00:00Z", "T01:00+01:00"])
def test_stamps_beyond_nanoseconds_are_read(bad, end):
    rows = parse(f"t,x\n2024-01-01{end},1\n{bad}9999-12-31{end},3")
    assert rows.index.year.tolist() == [2024, 9999]
    assert rows.index[1].isoformat().startswith("9999-12-31T00:00:00")
    assert len(rows.problems) == bool(bad)


def test_other_bad_lines():
    parser = RowParser(["x"], PLAIN)
    rows = parser.parse(1, [b'{"t": 1, "x": 2}', b"\xff\xfe", b"[1]", b'{"x": 1}', b"{" * 9999])
    assert len(rows.lines) <= 1
    assert set(rows.problems) >= {2, 3, 4, 5}


@pytest.mark.parametrize("header", ["a,b", "t,y", "t,x,x", ""])
def test_a_header_without_the_columns_is_an_error(header):
    if header == "":
        assert len(parse("\n").lines) == 0
        return
    with pytest.raises(ValueError, match=r"expected|more than once"):
        parse(f"{header}\n1,2")


def test_a_header_that_comes_again_is_no_row():
    rows = parse("t,x\n2024-01-01,1\nt,x\n2024-01-02,2")
    assert rows.lines.tolist() == [2, 4]
    assert rows.problems == {}


def test_fields_without_a_header():
    rows = parse("2024-01-01;1;2", ["x"], header=["t", "y", "x"], sep=";")
    assert rows.numbers.tolist() == [[2]]


def test_offsets_go_to_utc_or_to_the_zone():
    text = "t,x\n2024-03-31T01:00+01:00,1\n2024-03-31T03:00+02:00,2"
    index = pd.DatetimeIndex(["2024-03-31T00:00", "2024-03-31T01:00"], tz="UTC")
    assert parse(text).index.equals(index)
    rome = parse(text, time=TimeOptions(["t"], tz="Europe/Rome")).index
    assert str(rome.tz) == "Europe/Rome"
    assert (rome == index).all()


def test_the_first_stamps_decide_for_later_blocks():
    parser = RowParser(["x"], PLAIN)
    assert len(parser.parse(1, [b"t,x", b"2024-01-01,1"]).lines) == 1
    rows = parser.parse(3, [b"2024-01-02T00:00Z,1", b"2024-01-03,1"])
    assert rows.lines.tolist() == [4]
    assert [*rows.problems] == [3]


def test_wall_clock_of_a_zone_and_its_odd_hours():
    time = TimeOptions(["t"], tz="Europe/Rome")
    rows = parse("t,x\n2024-03-31 01:00,1\n2024-03-31 02:30,2\n2024-10-27 02:30,3", time=time)
    assert rows.index.equals(pd.DatetimeIndex(["2024-03-31 01:00"], tz="Europe/Rome"))
    assert [*rows.problems] == [3, 4]
    assert "comes twice or never in the zone" in rows.problems[4]


@pytest.mark.parametrize(
    ("form", "text"),
    [("%d/%m/%Y %H:%M", "01/02/2024 05:00"), ("s", "1706763600"), ("ms", "1706763600000")],
)
def test_other_formats(form, text):
    index = parse(f"t,x\n{text},1", time=TimeOptions(["t"], form)).index
    assert index.tz_localize(None)[0] == pd.Timestamp("2024-02-01 05:00")


def test_time_out_of_several_columns():
    assert joined_time(["2024", "1", "5"]) == "2024-01-05"
    assert joined_time(["2024", "1", "5", "7"]) == "2024-01-05T07:00"
    assert joined_time(["2024", "1", "5", "7", "9", "3"]) == "2024-01-05T07:09:03"
    assert joined_time(["2024", "2"]) == "2024-02-01"
    time = TimeOptions(["y", "m", "d", "h"])
    index = parse("y,m,d,h,x\n2024,1,5,23,1\n2024,1,6,0,1", time=time).index
    assert index.equals(pd.date_range("2024-01-05 23:00", periods=2, freq="h"))


@pytest.mark.parametrize("size", [1, 7, 64, 1 << 16])
def test_blocks_do_not_matter(size, tmp_path, monkeypatch):
    path = tmp_path / "x.csv"
    text = "t,x\r\n" + "".join(f"2024-01-01T00:{i:02},{i}\r\n" for i in range(60)) + "2024-01-02,9"
    path.write_text(text, newline="")
    monkeypatch.setattr(lines, "BLOCK", size)
    parser = RowParser(["x"], PLAIN)
    blocks = [parser.parse(*block) for block in line_blocks(str(path))]
    assert np.concatenate([rows.numbers[:, 0] for rows in blocks]).tolist() == [*range(60), 9]
    assert np.concatenate([rows.lines for rows in blocks]).tolist() == [*range(2, 63)]


def test_compressed_files(tmp_path):
    path = tmp_path / "x.csv.gz"
    path.write_bytes(gzip.compress(b"a\nb"))
    assert [*line_blocks(str(path))] == [(1, [b"a"]), (2, [b"b"])]
    path.write_bytes(gzip.compress(b"a\nb" * 9999)[:-9])
    with pytest.raises(ValueError, match=r"cannot read .*x\.csv\.gz"):
        list(line_blocks(str(path)))


def test_a_line_without_end_is_an_error(tmp_path, monkeypatch):
    monkeypatch.setattr(lines, "MAX_LINE", 1000)
    path = tmp_path / "x"
    path.write_bytes(b"a\n" + bytes(200_000))
    with pytest.raises(ValueError, match="line 2 has more than 1000 bytes"):
        list(line_blocks(str(path)))


def test_a_file_that_grows_is_followed_and_so_is_its_successor(tmp_path, monkeypatch):
    monkeypatch.setattr(lines, "POLL", 0.01)
    path, found = tmp_path / "x", []
    path.write_bytes(b"one\ntw")

    def collect():
        for _, block in line_blocks(str(path), follow=True):
            found.extend(block)
            if b"end" in found:
                return

    def expect(*wanted):
        limit = time.monotonic() + 30
        while found[-len(wanted) :] != [*wanted] and time.monotonic() < limit:
            time.sleep(0.01)
        assert found[-len(wanted) :] == [*wanted]

    thread = threading.Thread(target=collect, daemon=True)
    thread.start()
    expect(b"one")
    with path.open("ab") as file:
        file.write(b"o\nthree\n")
    expect(b"one", b"two", b"three")
    (tmp_path / "new").write_bytes(b"four\n")
    os.replace(tmp_path / "new", path)
    expect(b"four")
    path.write_bytes(b"5\n")  # cut, and shorter than before
    expect(b"5")
    with path.open("ab") as file:
        file.write(b"end\n")
    thread.join(30)
    assert not thread.is_alive()
