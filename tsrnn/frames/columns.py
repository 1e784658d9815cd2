"""The roles of columns: targets, and inputs of every kind."""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import pandas as pd

from tsrnn.frames.categories import find_categories, one_hot
from tsrnn.frames.validation import column_names, target_labels
from tsrnn.persistence.registry import saved


@saved("columns")
@dataclass(frozen=True)
class Columns:
    """How the columns of X divide into targets and inputs.

    An input that is categorical becomes several columns, one for each category; positions among
    *expanded* inputs count those.

    Attributes
    ----------
    target_names : list
        Names of the targets, as a forecast bears them.
    targets : list of int or None
        Their positions in X; None: they come as ``y``.
    inputs : list of int
        Positions of the inputs in X.
    input_names : list
    names, y_names : list or None
        Names of the columns of X and y; None where they are arrays, and have none to compare.
    categories : dict of label to list
        Categories of each categorical input, as seen at fit.
    future_names, static_names : list
        Inputs that are known ahead, and inputs that are constant in each series of a panel, in
        the order of X.
    """

    target_names: list
    targets: list | None
    inputs: list
    input_names: list
    names: list | None
    y_names: list | None
    categories: dict
    future_names: list
    static_names: list

    @classmethod
    def of(cls, X, y, n_columns, target=None, future_cols=None, static_cols=None):
        """Decide the roles of columns.

        Parameters
        ----------
        X, y : as passed to ``fit``
        n_columns : int
            Of X.
        target : label, list of labels, or None
            None: ``y`` where it is given, else every column of X that is not named as an input.
        future_cols, static_cols : label, list of labels, or None

        Raises
        ------
        ValueError
            A name is not among the columns of X, or in two roles, or ``target`` is given beside
            ``y``.
        """
        labels = column_names(X, n_columns)
        names = labels if isinstance(X, (pd.DataFrame, pd.Series)) else None
        wanted, future, static = divide(labels, y is not None, target, future_cols, static_cols)
        positions = [labels.index(label) for label in wanted]
        rest = [i for i in range(n_columns) if i not in positions]
        inputs = [labels[i] for i in rest]
        categories = find_categories(X, inputs) if isinstance(X, pd.DataFrame) else {}
        y_labels = wanted if y is None else target_labels(y)
        y_names = y_labels if isinstance(y, (pd.DataFrame, pd.Series)) else None
        positions = positions if y is None else None
        return cls(
            y_labels, positions, rest, inputs, names, y_names, categories, future, static
        )  # fmt: skip

    @property
    def one_series(self):
        """Whether X is one target and nothing else, so that a 1-d array is a run of it."""
        return self.targets == [0] and not self.inputs

    @cached_property
    def widths(self):
        """Columns that each input expands to."""
        return [max(1, len(self.categories.get(label, ()))) for label in self.input_names]

    @cached_property
    def expanded_names(self):
        """Name of the input that each expanded column belongs to."""
        return [
            label
            for label, width in zip(self.input_names, self.widths, strict=True)
            for _ in range(width)
        ]

    @cached_property
    def flagged(self):
        """Position of the first expanded column of each input: all of them are missing at once."""
        return [int(i) for i in np.cumsum([0, *self.widths])[:-1]]

    @cached_property
    def one_hot(self):
        """Whether each expanded column stands for a category, bool of shape (E,)."""
        return np.array([bool(self.categories.get(x)) for x in self.expanded_names], dtype=bool)

    @cached_property
    def future(self):
        """Positions of the inputs known ahead, among the expanded ones."""
        return [i for i, label in enumerate(self.expanded_names) if label in self.future_names]

    @cached_property
    def _targets_alone(self):
        """Whether X is the targets, in their order."""
        return not self.inputs and self.targets == list(range(len(self.targets or ())))

    @cached_property
    def _target_columns(self):
        return np.array(self.targets, dtype=np.intp)

    @cached_property
    def _input_columns(self):
        return np.array(self.inputs, dtype=np.intp)

    @cached_property
    def static(self):
        """Positions of the inputs that are constant in each series, among the expanded ones."""
        return [i for i, label in enumerate(self.expanded_names) if label in self.static_names]

    def split(self, values, y):
        """Divide values (n, p) and y (n, S) or None into targets (n, S) and inputs (n, E)."""
        if self._targets_alone:
            return values, np.empty((len(values), 0))
        if self.targets is not None:
            inputs = values[:, self._input_columns]
            return values[:, self._target_columns], self.expand(inputs, self.input_names)
        if y is None:
            y = np.full((len(values), len(self.target_names)), np.nan)
        return y, self.expand(values, self.input_names)

    def expand(self, values, names):
        """Turn codes of categories into columns of 0 and 1; other values (n, p) stay."""
        if not any(self.categories.get(label) for label in names):
            return values
        columns = zip(names, values.T[:, :, None], strict=True)
        known = self.categories
        return np.concatenate(
            [one_hot(c[:, 0], len(known[x])) if known.get(x) else c for x, c in columns], axis=1
        )


def divide(labels, y_given, target=None, future_cols=None, static_cols=None):
    """Return targets among the columns of X, inputs known ahead and static ones, as lists of names.

    Raises
    ------
    ValueError
        As `Columns.of`.
    """
    if y_given and target is not None:
        raise ValueError(
            f"found target={target!r} and y, expected one of them; pass y=None to forecast "
            "columns of X, or leave target=None"
        )
    future = _named(labels, "future_cols", future_cols)
    static = _named(labels, "static_cols", static_cols)
    targets = _named(labels, "target", target)
    if target is None and not y_given:
        targets = [label for label in labels if label not in [*future, *static]]
        if labels and not targets:
            raise ValueError(
                f"found all columns {labels} of X named as inputs, expected a target among them; "
                "pass it as y, or add its column"
            )
    for role, names in (("future_cols", future), ("static_cols", static)):
        if both := [label for label in names if label in targets]:
            raise ValueError(
                f"found {both} in {role} and in target={target!r}, expected one role for each "
                "column; take them out of one"
            )
    in_order = [[label for label in labels if label in names] for names in (future, static)]
    return targets, *in_order


def _named(labels, role, wanted):
    """Return the columns that a parameter names, as a list."""
    if wanted is None:
        return []
    listed = _as_labels(wanted, labels)
    unknown = [label for label in listed if label not in labels]
    if unknown or not listed or len(set(listed)) < len(listed):
        raise ValueError(
            f"found {role}={wanted!r}, expected different names out of the columns {labels}; "
            f"correct {role} or add the column"
        )
    return listed


def _as_labels(wanted, labels):
    """Return names as a list; a tuple may be one label of a frame with column levels."""
    if isinstance(wanted, tuple) and wanted in labels:
        return [wanted]
    if isinstance(wanted, (list, tuple, np.ndarray, pd.Index)):
        return list(wanted)
    return [wanted]
