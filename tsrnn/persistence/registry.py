"""Which classes a file may name. Nothing else is ever looked up, imported or called by `load`."""

from collections.abc import Callable
from importlib import import_module
from typing import TypeVar

_Class = TypeVar("_Class", bound=type)

_classes: dict[str, type] = {}  # by name
_names: dict[type, str] = {}  # the same, by class

# Transformers of scikit-learn that may stand in a saved pipeline: fitted, they hold plain values.
# By name, module and class, which is imported when a file names it.
_OF_SKLEARN = {
    "sklearn-column-transformer": ("sklearn.compose", "ColumnTransformer"),
    "sklearn-function-transformer": ("sklearn.preprocessing", "FunctionTransformer"),
    "sklearn-incremental-pca": ("sklearn.decomposition", "IncrementalPCA"),
    "sklearn-k-bins-discretizer": ("sklearn.preprocessing", "KBinsDiscretizer"),
    "sklearn-max-abs-scaler": ("sklearn.preprocessing", "MaxAbsScaler"),
    "sklearn-min-max-scaler": ("sklearn.preprocessing", "MinMaxScaler"),
    "sklearn-missing-indicator": ("sklearn.impute", "MissingIndicator"),
    "sklearn-normalizer": ("sklearn.preprocessing", "Normalizer"),
    "sklearn-one-hot-encoder": ("sklearn.preprocessing", "OneHotEncoder"),
    "sklearn-ordinal-encoder": ("sklearn.preprocessing", "OrdinalEncoder"),
    "sklearn-pca": ("sklearn.decomposition", "PCA"),
    "sklearn-pipeline": ("sklearn.pipeline", "Pipeline"),
    "sklearn-polynomial-features": ("sklearn.preprocessing", "PolynomialFeatures"),
    "sklearn-power-transformer": ("sklearn.preprocessing", "PowerTransformer"),
    "sklearn-quantile-transformer": ("sklearn.preprocessing", "QuantileTransformer"),
    "sklearn-robust-scaler": ("sklearn.preprocessing", "RobustScaler"),
    "sklearn-simple-imputer": ("sklearn.impute", "SimpleImputer"),
    "sklearn-standard-scaler": ("sklearn.preprocessing", "StandardScaler"),
}


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
    if name in _OF_SKLEARN:
        return _sklearn_class(name)
    return _classes.get(name)


def name_of(cls: type) -> str | None:
    """Return the name under which a class is saved; None if its objects cannot be saved."""
    if is_of_sklearn(cls):
        same = [name for name, (_, called) in _OF_SKLEARN.items() if called == cls.__name__]
        return next((name for name in same if _sklearn_class(name) is cls), None)
    return _names.get(cls)


def is_of_sklearn(cls: type) -> bool:
    """Whether scikit-learn defines a class."""
    return cls.__module__.startswith("sklearn.")


def _sklearn_class(name: str) -> type:
    module, called = _OF_SKLEARN[name]
    cls: type = getattr(import_module(module), called)
    return cls


def names() -> list[str]:
    """Return the names of all registered classes: without those of scikit-learn."""
    return sorted(_classes)


def _origin(cls: type) -> str:
    """Return where a class is defined: the same after its module was loaded again."""
    return f"{cls.__module__}.{cls.__qualname__}"
