"""Learners that move with every row: encoder, readouts, experts, intervals and drift."""
