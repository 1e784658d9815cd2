"""The ``tsrnn`` command: one module for each of its commands, each with ``add`` and ``run``."""

import argparse
import os
import sys
import warnings

from tsrnn.cli import compile as compile_
from tsrnn.cli import demo, evaluate, fit, forecast, info, stream, update

__all__ = ["main"]

COMMANDS = (fit, forecast, update, stream, evaluate, info, demo, compile_)
EPILOG = """\
a first try:
  tsrnn fit data.csv --time ds --target y --horizon 24 -o m.tsrnn && tsrnn forecast m.tsrnn

exit codes:
  0  all went well, or a stream was stopped by SIGINT or SIGTERM
  1  the data, the model or the disk do not allow it; one line on stderr says why
  2  the arguments or the installation do not allow it
  130, 141  interrupted; nobody reads the output any more
"""


def main(argv=None):
    """Run the ``tsrnn`` command.

    Parameters
    ----------
    argv : list of str, optional
        Arguments after the name of the command; those of the process by default.

    Returns
    -------
    int
        Exit code, as ``tsrnn --help`` lists them.
    """
    parser = _parser()
    args = parser.parse_args(argv)
    if args.command is None:
        parser.print_help()
        parser.exit(2, "tsrnn: error: found no command, expected one of these\n")
    name = f"tsrnn {args.command}"
    with warnings.catch_warnings():
        warnings.showwarning = lambda message, *_, **__: _say(f"{name}: warning: {message}")
        try:
            return args.run(args)
        except KeyboardInterrupt:
            _say("tsrnn: interrupted")
            return 130
        except BrokenPipeError:
            _give_up_stdout()
            return 141
        except Exception as error:
            if args.debug:
                raise
            _say(f"{name}: {_message_of(error)}")
            return 1


def _parser():
    parser = argparse.ArgumentParser(
        prog="tsrnn",
        description="Forecast time series that keep arriving.",
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    version = f"tsrnn {sys.modules['tsrnn'].__version__}"
    parser.add_argument("--version", action="version", version=version)
    commands = parser.add_subparsers(metavar="command", dest="command")
    for command in COMMANDS:
        added = command.add(commands)
        added.set_defaults(run=command.run)
        added.add_argument("--debug", action="store_true", help="show tracebacks of errors")
    return parser


def _message_of(error):
    """Say what went wrong in one line."""
    text = " ".join(str(error).split())
    if isinstance(error, OSError) and error.filename:
        return f"{error.filename}: {error.strerror}"
    if isinstance(error, (ValueError, TypeError, ImportError, OSError)) and text:
        return text
    return f"{type(error).__name__}: {text} (--debug shows where; please report it)"


def _say(text):
    print(text, file=sys.stderr, flush=True)


def _give_up_stdout():
    """Let nothing be flushed into the broken pipe when Python ends."""
    sys.stdout = open(os.devnull, "w")  # noqa: SIM115 - it stays open to the end
