"""``tsrnn compile``: compile the kernels before anybody waits for them."""

import argparse

from tsrnn.nn import compile_kernels

EPILOG = """\
examples:
  tsrnn compile
  RUN NUMBA_CACHE_DIR=/opt/kernels tsrnn compile         (in a Dockerfile; set it at run time too)
"""


def add(commands):
    """Add the command to the parser of ``tsrnn``."""
    return commands.add_parser(
        "compile",
        help="compile the kernels ahead of their first use",
        description="Let numba (the extra fast) compile all kernels and keep them on disk, so that "
        "no later process has to: what an image of a container is to hold.",
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )


def run(args):
    """Run the command; return its exit code."""
    print(f"compiled kernels are kept in {compile_kernels()}")
    return 0
