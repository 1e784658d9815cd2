"""What tests share; never imported from another test."""

from helpers.content import content
from helpers.data import hourly, melted
from helpers.running import needs_numba, run_benchmark

__all__ = ["content", "hourly", "melted", "needs_numba", "run_benchmark"]
