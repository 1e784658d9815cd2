"""Adapters to other libraries: one module and one extra each, none imported by tsrnn itself."""

from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def extra(name: str) -> Iterator[None]:
    """Import, inside it, what the extra of this name installs; what is missing is an error."""
    try:
        yield
    except ImportError as error:
        raise ImportError(
            f"tsrnn.integrations.{name} needs {name}, which is not installed; "
            f'pip install "tsrnn[{name}]"'
        ) from error
