"""A model that is saved and loaded between any two calls is the one that never was, bit for bit.

Settings and streams are those of the streaming contract (`test_properties`).
"""

import copy
import tempfile
from pathlib import Path

import numpy as np
from helpers import content
from helpers.strategies import baselines, cases, cuts, examples, recurrent_forecasters, regressors
from hypothesis import given
from hypothesis import strategies as st

from tsrnn import load

models = st.one_of(recurrent_forecasters(), regressors(), baselines())


class Reloaded:
    """A model that goes through a file before each call."""

    def __init__(self, model, path):
        self.model, self.path = model, path

    def __getattr__(self, method):
        self.model.save(self.path)
        written = self.path.read_bytes()
        self.model = load(self.path)
        self.model.save(self.path)
        assert self.path.read_bytes() == written
        return getattr(self.model, method)


@examples(5)
@given(cases(models), cuts, st.permutations(["partial_fit", "update", "partial_fit"]))
def test_any_call_may_come_after_a_reload(case, cuts, methods):
    cuts = sorted(cuts)[:: max(1, len(cuts) // 4)]
    plain = case.walk(copy.deepcopy(case.model), cuts, methods)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "m.tsrnn"
        reloaded = case.walk(Reloaded(case.model, path), cuts, methods).model
        reloaded.save(path)
        written = path.read_bytes()
        plain.save(path)
        assert path.read_bytes() == written
    assert content(vars(plain)) == content(vars(reloaded))
    X = case.between(0, case.n_fit)[0]
    np.testing.assert_array_equal(plain.predict(X), reloaded.predict(X))
