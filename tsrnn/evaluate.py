"""Evaluation of forecasters without a look ahead: prequential, and from a rolling origin."""

from tsrnn.evaluation.prequential import PrequentialResult, backtest, prequential
from tsrnn.evaluation.results import compare

__all__ = ["PrequentialResult", "backtest", "compare", "prequential"]
