"""An exception at every line of a call: what `save` writes stays as it was, byte by byte.

    python benchmarks/faults.py [--every 8 --part 0] [--jobs 2]

Each call of each case in ``fault_cases.py`` is made once to see which lines of tsrnn it executes,
and then, on a copy of the model, once for every such line, with an exception raised just before the
line is executed for the first time, and again at a later time drawn at random. What `save` would
write, the document and each array, must then be what it was before the call; the same call made
anew on the same object (of fits, one in ten) must end in the content, and return the answer, of one
never interrupted.

The one exclusion: an exception at ``return self``, the line after a call has committed (one
assignment, of ``_state`` or of ``__dict__``), finds the call done. It must be wholly done. So must
a call in which Python ignores the exception, as it does in ``__del__``.
"""

import argparse
import copy
import json
import linecache
import sys
from collections import Counter
from functools import partial
from pathlib import Path

import numpy as np
import pandas as pd
import report
from fault_cases import CASES
from joblib import Parallel, delayed
from sklearn.base import BaseEstimator

import tsrnn
from tsrnn import threads
from tsrnn.persistence.encode import Encoder

PACKAGE = str(Path(tsrnn.__file__).parent)


class Fault(BaseException):
    """Raised at a line; like Ctrl-C, nothing catches it by accident."""


def content(model):
    """Return what `save` writes of a model: the document, and each array."""
    encoder = Encoder()
    document = json.dumps(encoder.node(copy.copy(model)))
    return document, [(a.dtype.str, a.shape, a.tobytes("A")) for a in encoder.arrays]


def said(answer):
    """Return an answer in a form that can be compared to the last bit."""
    if isinstance(answer, BaseEstimator):
        return None
    if isinstance(answer, pd.DataFrame):
        return repr(answer.reset_index().to_dict("list"))
    return repr(np.asarray(answer).tolist())


def traced(call, chosen, at_line):
    """Call, with ``at_line(code, number)`` before every line of the code that is chosen."""

    def inside(frame, event, _):
        if event == "line":
            at_line(frame.f_code, frame.f_lineno)
        return inside

    def on_call(frame, _event, _):
        return inside if chosen(frame.f_code) else None

    threads.one_blas_thread.after_fork()  # a fault inside it leaves BLAS at one thread
    tracing = sys.gettrace()
    sys.settrace(on_call)
    try:
        return call()
    finally:
        sys.settrace(tracing)


def lines_of(call):
    """Return how often a call executes each line of tsrnn, by (code, number)."""
    counts = Counter()
    traced(
        call,
        lambda code: code.co_filename.startswith(PACKAGE),
        lambda *line: counts.update([line]),
    )
    return counts


def interrupted(call, line, n):
    """Call, with a fault where a line is executed for the n-th time; return whether it came out."""
    passed = 0

    def at_line(*found):
        nonlocal passed
        passed += found == line
        if found == line and passed == n:
            raise Fault

    try:
        traced(call, lambda code: code is line[0], at_line)
    except Fault:
        return True
    return False


def failure(model, call, line, n, expected, anew=True):
    """Interrupt a call on a copy of a model; return what is wrong then, None where nothing is.

    `expected` are the content before the call, and content and answer after one left alone; `anew`
    says whether the call is then made anew.
    """
    before, after, answer = expected
    trial = copy.deepcopy(model)
    came_out, found = interrupted(partial(call, trial), line, n), content(trial)
    if not came_out:
        ignored = line[0].co_name == "__del__"
        return None if ignored and found == after else "the fault did not come out"
    if text_of(line) == "return self" and found == after:
        return None
    if found != before:
        return "the content changed"
    if not anew:
        return None
    again = said(call(trial))
    if content(trial) != after:
        return "the same call made anew ended in another content"
    return None if again == answer else "the same call made anew gave another answer"


def run(name, every=1, part=0):
    """Interrupt the calls of a case at every so many-th of their lines; each part has its own.

    Returns
    -------
    counts : Counter
        Faults raised, by call.
    failures : list of str
    """
    rng, case = np.random.default_rng(list(CASES).index(name)), CASES[name]
    model, n_raised, failures = case.prepared(), Counter(), []
    for shift, (what, call) in enumerate(case.calls().items()):
        alone, watched = copy.deepcopy(model), copy.deepcopy(model)
        answer = said(call(alone))
        expected = content(model), content(alone), answer
        counts = lines_of(partial(call, watched))
        faults = [(line, 1) for line in counts]
        faults += [(line, int(rng.integers(2, n + 1))) for line, n in counts.items() if n > 1]
        for line, n in faults[(part + shift) % every :: every]:
            n_raised[what] += 1
            anew = what != "fit" or n_raised[what] % 10 == 0  # a fit forgets what was before
            wrong = failure(model, call, line, n, expected, anew)
            if wrong:
                place = f"{Path(line[0].co_filename).relative_to(PACKAGE)}:{line[1]}"
                failures.append(f"{name}, {what}, at {place} ({n}): {text_of(line)}: {wrong}")
    return n_raised, failures


def text_of(line):
    return linecache.getline(line[0].co_filename, line[1]).strip()


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--every", type=int, default=1, help="one of so many lines (default: all)")
    parser.add_argument("--part", type=int, default=0, help="which of them, 0 to EVERY - 1")
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--cases", default="", help="those whose name holds this")
    args = parser.parse_args()
    names = [name for name in CASES if args.cases in name]
    tasks = (delayed(run)(name, args.every, args.part) for name in names)
    done = Parallel(args.jobs, return_as="generator")(tasks)
    n_raised, failures = Counter(), []
    for name, (counts, wrong) in zip(names, done, strict=True):
        print(f"{counts.total():6d} {len(wrong):4d}  {name}", flush=True)
        n_raised.update(counts)
        failures += wrong
    for what, n in n_raised.items():
        print(f"{n:6d}  {what}")
    print(f"{len(names)} cases, {n_raised.total()} faults, {len(failures)} failures")
    print(*failures, sep="\n")
    if args.every == 1 and not args.cases:
        report.save("faults", {"cases": names, "faults": n_raised, "failures": failures})
    return bool(failures)


if __name__ == "__main__":
    sys.exit(main())
