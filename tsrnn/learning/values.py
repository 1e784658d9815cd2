"""Values: objects that are replaced, never changed, by copies that share what stays."""


def twin(value):
    """Return a shallow copy, as `copy.copy` does of plain objects, at a tenth of its price.

    A streamed row takes half a dozen of them.

    Examples
    --------
    >>> class Point:
    ...     def __init__(self, x):
    ...         self.x = x
    >>> point = Point([1])
    >>> other = twin(point)
    >>> other is point, other.x is point.x
    (False, True)
    """
    copied = object.__new__(type(value))
    copied.__dict__.update(value.__dict__)
    return copied
