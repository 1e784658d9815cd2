"""Formats of lines: how each is read and written."""

from tsrnn.cli.io.comma_separated import CsvReader, CsvWriter
from tsrnn.cli.io.fields import BadRow, UnfinishedRow
from tsrnn.cli.io.json_lines import JsonReader, JsonWriter
from tsrnn.cli.io.line_protocol import LineProtocolReader, LineProtocolWriter, parse_line

READERS = {"jsonl": JsonReader, "csv": CsvReader, "influx": LineProtocolReader}
WRITERS = {"jsonl": JsonWriter, "csv": CsvWriter, "influx": LineProtocolWriter}


def format_of(text):
    """Return the format of an input by its first line; no header of CSV is line protocol.

    Examples
    --------
    >>> format_of('{"load": 1}'), format_of("time,load"), format_of("power,site=a load=1 17000")
    ('jsonl', 'csv', 'influx')
    """
    if text.lstrip().startswith("{"):
        return "jsonl"
    try:
        parse_line(text)
    except UnfinishedRow:
        return "influx"
    except BadRow:
        return "csv"
    return "influx"
