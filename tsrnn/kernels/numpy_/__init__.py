"""NumPy's kernels: the reference that compiled ones are held to, and the numbers both share."""
