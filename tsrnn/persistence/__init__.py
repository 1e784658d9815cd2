"""Fitted estimators in files: one file each, written all or nothing, that can run no code.

A file is a zip of one JSON document and of plain ``.npy`` arrays, with a checksum of each. Whatever
an estimator holds is written by walking its objects (`encode`) and read back (`decode`): plain
values, and objects of the classes that `saved` has named (`registry`). Pickle is nowhere involved.
`archive` owns the bytes, `atomic` the way they get to the disk.
"""

import os
from typing import Any, BinaryIO, NamedTuple

from sklearn.base import BaseEstimator

from tsrnn.persistence import archive
from tsrnn.persistence.atomic import leftovers
from tsrnn.persistence.decode import Decoder
from tsrnn.persistence.encode import Encoder
from tsrnn.persistence.environment import environment
from tsrnn.persistence.errors import CheckpointError
from tsrnn.persistence.maps import unmapped
from tsrnn.persistence.registry import saved

__all__ = [
    "Checkpoint",
    "CheckpointError",
    "leftovers",
    "load",
    "read",
    "save",
    "saved",
    "unmapped",
]

FORMAT = "tsrnn"
NO_WAIT = getattr(os, "O_NONBLOCK", 0)
SCHEMA = 1  # goes up when older versions of tsrnn cannot read what this one writes


class Checkpoint(NamedTuple):
    """What a file holds.

    Attributes
    ----------
    model : estimator
    notes : dict
        As given to `save`.
    environment : dict
        Versions, threads and kernels of the process that saved it.
    """

    model: Any
    notes: dict[str, Any]
    environment: dict[str, Any]


def save(estimator: Any, path: str | os.PathLike[str], notes: dict[str, Any] | None = None) -> None:
    """Write an estimator to a file; ``estimator.save(path)`` does the same.

    Parameters
    ----------
    estimator : estimator of tsrnn
    path : str or Path
        Replaced in one step, once the new content is safely on the disk.
    notes : dict, optional
        More to keep in the same file, of values that JSON knows.

    Raises
    ------
    TypeError
        The estimator holds something that is no part of tsrnn; nothing is written.
    OSError
        The file cannot be written; what was there before is as it was. It names the file.
    """
    encoder, snapshot = Encoder(), object.__new__(type(estimator))
    vars(snapshot).update(vars(estimator))  # of one moment, whatever other threads assign meanwhile
    document = {
        "format": FORMAT,
        "schema": SCHEMA,
        "environment": environment(),
        "notes": notes or {},
        "model": encoder.node(snapshot),
    }
    archive.write(path, document, encoder.arrays)


def read(path: str | os.PathLike[str]) -> Checkpoint:
    """Return all that a file holds, a `Checkpoint`; errors as in `load`."""
    # a named pipe would keep `open` waiting
    with open(path, "rb", opener=lambda name, flags: os.open(name, flags | NO_WAIT)) as file:
        try:
            return _read(file)
        except CheckpointError as error:
            raise CheckpointError(f"cannot load {path}: {error}") from error.__cause__
        except Exception as error:  # whatever zipfile, NumPy or pandas stumble over
            raise CheckpointError(f"cannot load {path}: it is damaged: {error}") from error


def _read(file: BinaryIO) -> Checkpoint:
    document, arrays = archive.read(file)
    if document.get("format") != FORMAT:
        raise CheckpointError("it is no checkpoint of tsrnn")
    schema = document["schema"]
    if type(schema) is not int or schema > SCHEMA:
        raise CheckpointError(
            f"its schema is {schema}, newer than {SCHEMA}, which this version reads; it was saved "
            f"by tsrnn {document['environment']['versions']['tsrnn']}: update tsrnn"
        )
    model = Decoder(arrays).value(document["model"])
    if not isinstance(model, BaseEstimator):
        raise CheckpointError("it is damaged: it holds no estimator")
    return Checkpoint(model, document["notes"], document["environment"])


def load(path: str | os.PathLike[str]) -> Any:
    """Read an estimator that ``estimator.save(path)`` has written.

    It goes on as the saved one would have, bit for bit where versions, threads and kernels are the
    same: forecasts, learning and random draws.

    Parameters
    ----------
    path : str or Path

    Returns
    -------
    estimator

    Raises
    ------
    CheckpointError
        The file is no checkpoint, is damaged or forged, or is of a newer version; the message
        names it and says which. No file can run code, however it was made.
    OSError
        The file cannot be opened or read.

    Examples
    --------
    >>> import tempfile
    >>> from pathlib import Path
    >>> import tsrnn
    >>> flow = tsrnn.datasets.load_water_flow()
    >>> model = tsrnn.baselines.LinearForecaster(horizon=24).fit(flow[:600])
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     model.save(Path(folder) / "flow.tsrnn")
    ...     loaded = tsrnn.load(Path(folder) / "flow.tsrnn")
    >>> loaded.forecast().equals(model.forecast())
    True
    """
    return read(path).model
