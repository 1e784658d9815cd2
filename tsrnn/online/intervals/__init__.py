"""Intervals that follow the errors as labels arrive."""
