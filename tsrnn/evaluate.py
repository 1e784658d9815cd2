"""Evaluation of forecasters without a look ahead: prequential, and from a rolling origin."""

from tsrnn.evaluation.prequential import PrequentialResult, backtest, prequential

__all__ = ["PrequentialResult", "backtest", "prequential"]
