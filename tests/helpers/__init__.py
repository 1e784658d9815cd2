"""What tests share; never imported from another test."""

from helpers.content import content
from helpers.data import hourly, melted
from helpers.fitting import fit_once
from helpers.running import needs_numba, run_benchmark

__all__ = ["content", "fit_once", "hourly", "melted", "needs_numba", "run_benchmark"]
