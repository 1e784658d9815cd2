"""What is raised when a file cannot be read as a model."""


class CheckpointError(ValueError):
    """A file is no checkpoint of tsrnn, is damaged or forged, or is of a newer version.

    The message names the file and says which of these it is.
    """


def require(condition: bool, problem: str) -> None:
    """Raise a `CheckpointError` unless a condition holds."""
    if not condition:
        raise CheckpointError(problem)
