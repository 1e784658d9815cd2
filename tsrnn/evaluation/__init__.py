"""Evaluation of forecasters without a look ahead."""
