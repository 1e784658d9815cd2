"""``tsrnn info``: what a file holds."""

import argparse
import json

import numpy as np

from tsrnn.cli.models import blank_forecast, is_panel, newest
from tsrnn.persistence import read

EPILOG = """\
examples:
  tsrnn info m.tsrnn
  tsrnn info m.tsrnn --json
"""


def add(commands):
    """Add the command to the parser of ``tsrnn``."""
    parser = commands.add_parser(
        "info",
        help="say what a saved model is",
        description="Print the kind, parameters and last row of a saved model, and the versions "
        "that saved it.",
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("model", metavar="MODEL", help="file of the model")
    parser.add_argument("--json", action="store_true", help="one JSON object")
    return parser


def run(args):
    """Run the command; return its exit code."""
    saved = read(args.model)
    model = saved.model
    facts = {"model": type(model).__name__}
    cutoff = getattr(model, "cutoff_", None) if hasattr(model, "n_features_in_") else None
    if cutoff is not None:
        if "rows" in saved.notes:
            facts["rows"] = saved.notes["rows"]
        facts["last row"] = str(newest(model))
        if is_panel(model):
            facts["series"] = len(cutoff)
            facts["ids in"] = None if model.id_col is None else str(model.id_col)
        if hasattr(model, "forecast"):
            facts["frequency"] = getattr(model.freq_, "freqstr", None)
            facts["targets"] = [str(name) for name in blank_forecast(model).columns]
        if hasattr(model, "lower_"):
            facts["bounded below"] = _bounded(model)
        facts["columns"] = [str(name) for name in getattr(model, "feature_names_in_", ())]
    facts["parameters"] = {name: _shown(value) for name, value in model.get_params().items()}
    facts["saved by"] = saved.environment["versions"]
    facts["kernels"] = saved.environment["kernels"]
    facts["threads"] = saved.environment["thread_pools"]
    if args.json:
        print(json.dumps(facts))
        return 0
    for name, value in facts.items():
        if isinstance(value, dict):
            print(f"{name}:", *(f"  {key}: {item}" for key, item in value.items()), sep="\n")
        elif isinstance(value, list):
            print(f"{name}: {', '.join(map(_line, value)) or None}")
        else:
            print(f"{name}: {value}")
    return 0


def _bounded(model):
    """Say which targets have a lower bound; of a panel, how many series have one."""
    bounds = model.lower_
    bounds = bounds[bounds > -np.inf]
    if is_panel(model):
        return f"{len(bounds)} of {len(model.lower_)}"
    return [f"{target} >= {bound:g}" for target, bound in bounds.items()]


def _shown(value):
    if isinstance(value, type):  # a dtype
        return value.__name__
    return value if isinstance(value, (bool, int, float, str, type(None))) else str(value)


def _line(value):
    if not isinstance(value, dict):
        return str(value)
    return " ".join(str(item) for item in value.values() if item is not None)
