"""``tsrnn stream``: forecast and learn row by row, for months, through kills and restarts."""

import argparse
import importlib
import os
import signal
from contextlib import closing, contextmanager, suppress

from tsrnn.cli.forecast import add_forecast_options
from tsrnn.cli.io.frames import is_parquet
from tsrnn.cli.io.inbox import Inbox
from tsrnn.cli.io.lines import line_blocks
from tsrnn.cli.io.output import NobodyReadsError
from tsrnn.cli.io.stamps import PATIENCE, PanelSession
from tsrnn.cli.models import blank_forecast, is_panel, read_forecaster
from tsrnn.cli.options import add_data_options, add_format, add_snap
from tsrnn.cli.session import Session, say

EPILOG = f"""\
examples:
  sensor | tsrnn stream m.tsrnn | consumer
  tsrnn stream m.tsrnn --input rows.csv --output forecasts.jsonl
  tsrnn stream m.tsrnn --input log.csv --follow --output forecasts.jsonl \\
      --checkpoint state.tsrnn --every 60s --on-error log
  sensors | tsrnn stream sensors.tsrnn --checkpoint state.tsrnn      (a panel: fit --id sensor)
  mosquitto_sub -t load | tsrnn stream m.tsrnn --one-for-one | mosquitto_pub -t forecast -l
  telegraf ... | tsrnn stream m.tsrnn --format influx                (line protocol, in and out)
  sensor | tsrnn stream m.tsrnn --live 127.0.0.1:8765 > forecasts.jsonl     (watch it in a browser)
  tsrnn stream shop.tsrnn --input sales.csv --follow --future plan.csv   (fit --future-cols price)

Each row gives a line of JSON: its time stamp as "cutoff", under "times" those of the steps after
it, and under "forecast" for each column the values at these; under "p_value" how probable a value
as far out as the row's own was, under the forecast of the row before: small is anomalous. Rows are
CSV with a header, JSON lines, or line protocol; they are learnt one by one.

--format csv writes a line for each step, with "cutoff" and "time", and the p-value of the row as
load_p_value. --format influx writes a line for each step at its time, under the measurement and
tags of the row; the forecast of load is the field load_forecast, and load_p_value stands at the
time of the row. Of line protocol, fields and tags are columns by their keys (a tag may be the
--id), and so is "measurement"; the time of a row is that of its line, in --precision. With
--one-for-one all steps are on one line, as load_1, load_2 ... or load_forecast_1 ...; where there
is no forecast, JSON has null, and the other formats give the line back as it came.

A model with inputs known ahead finds those of the rows to come in the --future file, which has a
header or JSON lines: by time stamp, and in a panel by id. A row that comes again replaces the one
before it; an empty field says that the value is not known, and the newest one stands for it. Where
a row is not there, "forecast" is null and "reason" says which; the stream goes on learning, and
forecasts come again once the rows are there. With --follow the file is read on as it grows, and
anew when it is replaced.

With --checkpoint the same command goes on where it was stopped or killed: rows that the model has
seen are known by their time stamp and passed over, so the input may begin anew. An --output file is
cut back to what the checkpoint had seen, and so holds each forecast once; on standard output a
forecast may come again, the same to the last digit. Give each stream a checkpoint of its own.
SIGINT and SIGTERM end a stream in good order: the checkpoint is written, the exit code is 0.

Rows of a panel (a model of tsrnn fit --id) come stamp by stamp, and each gives a line with its
series under "id". Rows that follow each other with the same time stamp are learnt together: as
soon as a row of another stamp comes, the input ends, or every series that has sent a row in the
last {PATIENCE} steps has one at this stamp. A row is passed over if it is not newer than the
last one of its series. Rows of a stamp that is still open at a signal are not learnt: feed them
again.
"""


def add(commands):
    """Add the command to the parser of ``tsrnn``."""
    parser = commands.add_parser(
        "stream",
        help="forecast and learn row by row",
        description="Read rows as they come, learn from each, and write a forecast after each.",
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("model", metavar="MODEL", help="file of the model to start from")
    parser.add_argument(
        "--input", default="-", metavar="FILE", help="rows to read (default: standard input)"
    )
    parser.add_argument(
        "--follow", action="store_true", help="wait for the file to grow; --future likewise"
    )
    parser.add_argument(
        "--future",
        metavar="FILE",
        help="rows to come of the columns that are known ahead (--future-cols of the fit)",
    )
    parser.add_argument(
        "--output", metavar="FILE", help="file to write to (default: standard output)"
    )
    parser.add_argument(
        "--checkpoint",
        metavar="FILE",
        help="file to save the model to, and to go on from where it exists; without one, what is "
        "learnt is gone in the end",
    )
    parser.add_argument(
        "--every",
        type=_every,
        default=(None, 60.0),
        metavar="N",
        help="rows between checkpoints, or seconds, such as 30s (default: 60s)",
    )
    parser.add_argument("--frozen", action="store_true", help="take the rows in without learning")
    parser.add_argument(
        "--one-for-one",
        action="store_true",
        help="a line for each line that comes in, null where there is no forecast, such as for the "
        "header: what programs that wait for each answer need; of a panel a list, with all series "
        "of a time stamp, for the line that ends it",
    )
    parser.add_argument(
        "--live",
        metavar="HOST:PORT",
        help="show the stream on a page for a browser, such as 127.0.0.1:8765; its address, with a "
        "token, is printed (needs the extra report)",
    )
    parser.add_argument(
        "--live-token",
        default=os.environ.get("TSRNN_LIVE_TOKEN"),
        metavar="TOKEN",
        help="token of that address (default: the environment's TSRNN_LIVE_TOKEN, or one made up); "
        "needed for a HOST that others can reach",
    )
    parser.add_argument(
        "--no-header",
        action="store_true",
        help="CSV without a header: its fields are those of the file that was fitted",
    )
    add_forecast_options(parser)
    add_data_options(parser)
    add_format(parser)
    add_snap(parser)
    return parser


def _every(text):
    """Read rows or seconds: the type of an argument."""
    number = text.removesuffix("s")
    with suppress(ValueError):
        if text.endswith("s") and 0 < float(number) < float("inf"):
            return None, float(number)
        if int(number) > 0:
            return int(number), None
    raise argparse.ArgumentTypeError(f"found {text!r}, expected rows, such as 500, or seconds: 30s")


def run(args):
    """Run the command; return its exit code."""
    if args.follow and args.input == "-" and args.future is None:
        raise ValueError("found --follow without --input, expected the file to follow")
    if is_parquet(args.input):
        raise ValueError(
            f"found {args.input}, expected CSV or JSON lines: Parquet cannot be read row by row; "
            "use tsrnn update or evaluate"
        )
    resumed = args.checkpoint is not None and os.path.exists(args.checkpoint)
    saved = read_forecaster(args.checkpoint if resumed else args.model, args.snap)
    with _live_page(saved.model, args) as page:  # before the session, which changes files
        session = (PanelSession if is_panel(saved.model) else Session)(saved, args, resumed, page)
        _run(session, args)
    session.report()
    return 0


def _run(session, args):
    inbox = Inbox(line_blocks(args.input, args.follow and args.input != "-"))
    # when nobody takes the output any more, the last checkpoint is the one to go on from
    with _stopping(session, inbox), suppress(NobodyReadsError):
        try:
            session.run(inbox)
        except ValueError:
            session.checkpoint()  # the rows before the bad one are learnt, and their forecasts out
            raise
        finally:
            session.close()
        session.checkpoint()


@contextmanager
def _live_page(model, args):
    """Serve the page of ``--live``; yield it, or None if it is not asked for.

    Raises
    ------
    ValueError
        The address is none, or others can reach it and there is no token.
    OSError
        It is in use.
    ImportError
        bokeh is not installed.
    """
    if args.live is None:
        yield None
        return
    try:
        live = importlib.import_module("tsrnn.plotting.interactive.live")
    except ImportError as error:
        raise ImportError(
            '--live needs bokeh. Install it by: pip install "tsrnn[report]"'
        ) from error
    address = live.Address.of(args.live, args.live_token)
    name = os.path.basename(args.checkpoint or args.model)
    page = live.LivePage(model, list(blank_forecast(model).columns), address, name)
    with closing(page):
        say(f"live at {page.url}")
        yield page


@contextmanager
def _stopping(session, inbox):
    """Let SIGINT and SIGTERM end the session in good order; a second one ends it at once."""

    def stop(number, _):
        signal.signal(number, signal.SIG_DFL)
        session.stopped, session.output.patient = True, False
        inbox.wake()

    old = {number: signal.signal(number, stop) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield
    finally:
        for number, handler in old.items():
            signal.signal(number, handler)
