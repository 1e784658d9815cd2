"""Frames to arrays and back: roles of columns, the time axis, scaling, and what is refused."""
