"""scikit-learn's base classes as a type checker is to see them: they have no types of their own.

Without these, a class derived from them would have any attribute that a user misspells.
"""

# ruff: noqa: D102 - documented by scikit-learn

from typing import TYPE_CHECKING, Any, Self

if TYPE_CHECKING:

    class BaseEstimator:
        """As `sklearn.base.BaseEstimator`."""

        def get_params(self, deep: bool = True) -> dict[str, Any]: ...
        def set_params(self, **params: Any) -> Self: ...
        def get_metadata_routing(self) -> Any: ...
        def __sklearn_tags__(self) -> Any: ...
        def __getstate__(self) -> Any: ...
        def __setstate__(self, state: Any) -> None: ...

    class RegressorMixin:
        """As `sklearn.base.RegressorMixin`."""

    class Pipeline(BaseEstimator):
        """As `sklearn.pipeline.Pipeline`."""

        steps: list[tuple[str, Any]]
        named_steps: Any

        def __len__(self) -> int: ...
        def __getitem__(self, ind: Any) -> Any: ...
        def transform(self, X: Any) -> Any: ...

else:
    from sklearn.base import BaseEstimator, RegressorMixin
    from sklearn.pipeline import Pipeline

__all__ = ["BaseEstimator", "Pipeline", "RegressorMixin"]
