"""Which classes a file may name. Nothing else is ever looked up, imported or called by `load`."""

from collections.abc import Callable
from typing import TypeVar

_Class = TypeVar("_Class", bound=type)

_classes: dict[str, type] = {}  # by name
_names: dict[type, str] = {}  # the same, by class


def saved(name: str) -> Callable[[_Class], _Class]:
    """Register a class whose objects may be saved, by a decorator; it stands above `dataclass`.

    The name is what files hold. It stays when the class is renamed or moves, so that older files
    can be read. Subclasses are not registered with it.

    Parameters
    ----------
    name : str
        Of the class in files, in lower case with hyphens; no other class has it.

    Raises
    ------
    ValueError
        Another class has that name.

    Examples
    --------
    >>> from tsrnn import RNNForecaster
    >>> name_of(RNNForecaster), class_of("rnn-forecaster") is RNNForecaster
    ('rnn-forecaster', True)
    """

    def register(cls: _Class) -> _Class:
        other = _classes.get(name)
        if other is not None and _origin(other) != _origin(cls):
            raise ValueError(
                f"found two classes named {name!r} in files, {_origin(other)} and {_origin(cls)}, "
                "expected one; give the new one another name"
            )
        _classes[name], _names[cls] = cls, name
        return cls

    return register


def class_of(name: str) -> type | None:
    """Return the class of that name; None if there is none."""
    return _classes.get(name)


def name_of(cls: type) -> str | None:
    """Return the name under which a class is saved; None if its objects cannot be saved."""
    return _names.get(cls)


def names() -> list[str]:
    """Return the names of all classes that can be saved."""
    return sorted(_classes)


def _origin(cls: type) -> str:
    """Return where a class is defined: the same after its module was loaded again."""
    return f"{cls.__module__}.{cls.__qualname__}"
