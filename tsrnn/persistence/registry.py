"""Which classes a file may name. Nothing else is ever looked up, imported or called by `load`."""

import sys

from sklearn.preprocessing import OneHotEncoder, OrdinalEncoder, StandardScaler

# Parts of tsrnn whose objects are never inside an estimator.
OTHER_PARTS = {"cli", "datasets", "evaluation", "persistence", "plotting"}
# Their attributes are plain values, which are saved and restored one by one.
FOREIGN = {
    f"sklearn.{cls.__name__}": cls for cls in (OneHotEncoder, OrdinalEncoder, StandardScaler)
}

_classes = {}  # by name; filled when a name is first asked for
_names = {}  # the same, by class


def class_of(name):
    """Return the class of that name; None if there is none."""
    if name not in _classes:
        _collect()
    return _classes.get(name)


def name_of(cls):
    """Return the name under which a class is saved; None if its objects cannot be saved."""
    if cls not in _names:
        _collect()
    return _names.get(cls)


def _collect():
    """Name every class of the modules of tsrnn that are imported: ``part.Class``.

    The name leaves out the module within a part, so that classes may move without making files
    unreadable.
    """
    for cls in [*FOREIGN.values(), *_own_classes()]:
        part = cls.__module__.split(".")[1] if cls.__module__.startswith("tsrnn.") else "sklearn"
        name = f"{part}.{cls.__qualname__}"
        if _classes.setdefault(name, cls) is not cls:
            raise RuntimeError(f"found two classes named {name}, expected one; rename one of them")
        _names[cls] = name


def _own_classes():
    for module_name, module in sorted(sys.modules.items()):
        parts = module_name.split(".")
        if parts[0] != "tsrnn" or len(parts) < 2 or parts[1] in OTHER_PARTS:
            continue
        for value in list(vars(module).values()):
            if isinstance(value, type) and value.__module__ == module_name:
                yield value
