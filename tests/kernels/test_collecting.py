"""Garbage is not collected while a kernel is compiled, and as before it otherwise."""

import gc
from types import SimpleNamespace

import numpy as np
import pytest
from helpers import needs_numba

pytestmark = needs_numba


@pytest.fixture
def pause():
    return pytest.importorskip("tsrnn.kernels.numba_.collecting").Pause()


@pytest.fixture(params=[True, False])
def is_on(request):
    """Whether garbage is collected before."""
    (gc.enable if request.param else gc.disable)()
    yield request.param
    gc.enable()


def compiling(module):
    function = SimpleNamespace(__module__=module)
    return SimpleNamespace(data={"dispatcher": SimpleNamespace(py_func=function)})


def test_nothing_is_collected_until_the_outermost_kernel_is_compiled(pause, is_on):
    outer, called = compiling("tsrnn.kernels.numba_.rls"), compiling("tsrnn.kernels.numba_.maths")
    pause.on_start(outer)
    assert not gc.isenabled()
    pause.on_start(called)
    pause.on_end(called)
    assert not gc.isenabled()
    pause.on_end(outer)
    assert gc.isenabled() == is_on


def test_functions_of_others_are_none_of_ours(pause, is_on):
    theirs = compiling("their.module")
    pause.on_start(theirs)
    assert gc.isenabled() == is_on
    pause.on_end(theirs)
    assert gc.isenabled() == is_on


def test_a_kernel_that_cannot_be_compiled_leaves_it_on(monkeypatch):
    maths = pytest.importorskip("tsrnn.kernels.numba_.maths")
    switched_off = []

    def disable(disable=gc.disable):
        disable()
        switched_off.append(True)

    def wrong(x):
        return x.no_such_thing

    wrong.__module__ = "tsrnn.kernels.numba_.wrong"
    monkeypatch.setattr(gc, "disable", disable)
    with pytest.raises(Exception, match="no_such_thing"):
        maths.inner(wrong)(np.ones(2))
    assert switched_off
    assert gc.isenabled()
