"""Fitted estimators in files: one file each, written all or nothing, that can run no code.

A file is a zip of one JSON document and of plain ``.npy`` arrays, with a checksum of each. Whatever
an estimator holds is written by walking its objects (`encode`) and read back (`decode`): plain
values, and objects of the classes that `saved` has named (`registry`). Pickle is nowhere involved.
`archive` owns the bytes, `atomic` the way they get to the disk.
"""

import io
import os
import stat
from typing import IO, Any, BinaryIO, NamedTuple, TypeAlias

from sklearn.base import BaseEstimator

from tsrnn.persistence import archive
from tsrnn.persistence.atomic import leftovers, replacing
from tsrnn.persistence.decode import Decoder
from tsrnn.persistence.encode import Encoder
from tsrnn.persistence.environment import environment
from tsrnn.persistence.errors import CheckpointError
from tsrnn.persistence.maps import unmapped
from tsrnn.persistence.registry import saved

__all__ = [
    "Checkpoint",
    "CheckpointError",
    "File",
    "dumps",
    "leftovers",
    "load",
    "loads",
    "read",
    "save",
    "saved",
    "unmapped",
]

#: A path, or a binary file that is open.
File: TypeAlias = str | os.PathLike[str] | IO[bytes]
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


def save(estimator: Any, path: File, notes: dict[str, Any] | None = None) -> None:
    """Write an estimator to a file; ``estimator.save(path)`` does the same.

    Parameters
    ----------
    estimator : estimator of tsrnn
    path : str, Path or binary file
        A path is replaced in one step, once the new content is safely on the disk. A file that is
        open for writing in binary mode gets the whole content in one ``write``.
    notes : dict, optional
        More to keep in the same file, of values that JSON knows.

    Raises
    ------
    TypeError
        The estimator holds something that no file may name, or the file is open for text; nothing
        is written.
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
    if isinstance(path, (str, os.PathLike)):
        with replacing(path) as opened:
            archive.write(opened, document, encoder.arrays)
        return
    _require_binary(path, "write", "wb")
    buffer = io.BytesIO()
    archive.write(buffer, document, encoder.arrays)
    path.write(buffer.getbuffer())


def dumps(estimator: Any) -> bytes:
    """Return an estimator as bytes, those of the file that ``estimator.save`` would write.

    Parameters
    ----------
    estimator : estimator of tsrnn

    Returns
    -------
    bytes
        For `loads`, or to be written to a file for `load`. Equal estimators give equal bytes.

    Raises
    ------
    TypeError
        The estimator holds something that no file may name.

    Examples
    --------
    >>> import tsrnn
    >>> flow = tsrnn.datasets.load_water_flow()
    >>> model = tsrnn.baselines.LinearForecaster(horizon=24).fit(flow[:600])
    >>> content = tsrnn.dumps(model)
    >>> tsrnn.loads(content).forecast().equals(model.forecast())
    True
    """
    buffer = io.BytesIO()
    save(estimator, buffer)
    return buffer.getvalue()


def loads(content: bytes | bytearray | memoryview) -> Any:
    """Return the estimator of bytes that `dumps` has made; it goes on as in `load`.

    Parameters
    ----------
    content : bytes-like

    Returns
    -------
    estimator

    Raises
    ------
    CheckpointError
        As in `load`. No bytes can run code, however they were made.
    TypeError
        `content` is not of bytes.
    """
    if not isinstance(content, (bytes, bytearray, memoryview)):
        raise TypeError(
            f"found {type(content).__name__}, expected bytes as dumps() returns them; a path or an "
            "open file is read by tsrnn.load"
        )
    return _checked(io.BytesIO(content), f"{len(content)} bytes").model


def read(file: File) -> Checkpoint:
    """Return all that a file holds, a `Checkpoint`; parameters and errors as in `load`."""
    if not isinstance(file, (str, os.PathLike)):
        _require_binary(file, "read", "rb")
        return _checked(io.BytesIO(file.read()), getattr(file, "name", "the open file"))
    # a named pipe would keep `open` waiting
    with open(file, "rb", opener=lambda name, flags: os.open(name, flags | NO_WAIT)) as opened:
        if not stat.S_ISREG(os.fstat(opened.fileno()).st_mode):
            raise CheckpointError(f"cannot load {file}: it is no regular file")
        return _checked(opened, file)


def _require_binary(file: Any, method: str, mode: str) -> None:
    """Refuse what is neither a path nor a file that is open in binary mode."""
    if not hasattr(file, method) or isinstance(file, io.TextIOBase):
        found = "a file open for text" if hasattr(file, method) else type(file).__name__
        raise TypeError(
            f"found {found}, expected a path or a file in binary mode; open it by open(path, "
            f"{mode!r})"
        )


def _checked(file: BinaryIO, name: Any) -> Checkpoint:
    """Read a file; whatever is wrong with it is a `CheckpointError` that names it."""
    try:
        return _read(file)
    except CheckpointError as error:
        raise CheckpointError(f"cannot load {name}: {error}") from error.__cause__
    except Warning:  # such as scikit-learn's of another version, where a filter makes it an error
        raise
    except Exception as error:  # whatever zipfile, NumPy or pandas stumble over
        raise CheckpointError(f"cannot load {name}: it is damaged: {error}") from error


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


def load(path: File) -> Any:
    """Read an estimator that ``estimator.save(path)`` has written.

    It goes on as the saved one would have, bit for bit where versions, threads and kernels are the
    same: forecasts, learning and random draws.

    Parameters
    ----------
    path : str, Path or binary file
        A file that is open is read from where it stands to its end.

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
    TypeError
        The file is open for text.

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
