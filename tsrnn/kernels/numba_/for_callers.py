"""Code for other compiled code alone: it becomes machine code as a part of its callers.

numba optimises every function by itself too, and makes machine code of it, which nobody calls where
callers are compiled with it in them: a quarter of what a first fit waited for.
"""

from __future__ import annotations

from typing import Any

from numba import _dynfunc
from numba.core.codegen import JITCodeLibrary
from numba.core.compiler import Compiler
from numba.core.compiler_machinery import PassManager, register_pass
from numba.core.typed_passes import NativeLowering


class _Library(JITCodeLibrary):
    """Holds code until it is linked into that of a caller."""

    def _optimize_final_module(self) -> None:
        """Leave it to the caller's library."""

    def _finalize_final_module(self) -> None:
        self._finalize_dynamic_globals()
        self._finalized = True


@register_pass(mutates_CFG=True, analysis_only=False)
class _Lowering(NativeLowering):  # type: ignore[misc]
    """As numba's, but that nothing is made executable."""

    _name = "lowering_for_callers"

    def run_pass(self, state: Any) -> bool:
        """Emit the code, and let callers know of it."""
        state.library = _Library(state.targetctx.codegen(), state.func_id.func_qualname)
        state.flags.no_compile = True
        super().run_pass(state)
        lowered, library = state["cr"], state.library
        of, name = lowered.fndesc, lowered.fndesc.qualname.rpartition(".")[2]
        handle = _dynfunc.make_function(of.lookup_module(), name, "", 0, lowered.env, (library,))
        state.targetctx.insert_user_function(handle, of, [library])
        state["cr"] = lowered._replace(cfunc=handle)
        return True


class ForCallers(Compiler):  # type: ignore[misc]
    """Compiles what is called by compiled code alone."""

    def define_pipelines(self) -> list[PassManager]:
        """Return numba's passes, with a lowering of our own."""
        (passes,) = super().define_pipelines()
        passes.passes[:] = [
            (_Lowering if step is NativeLowering else step, what) for step, what in passes.passes
        ]
        passes.finalize()
        return [passes]
