"""The file: a zip of ``model.json`` and ``arrays/N.npy``, nothing compressed, all of it checked.

The comment of the zip holds the SHA-256 of ``model.json``, which holds size and SHA-256 of each
array. The writer puts in no clock and no name of a file, so equal models give equal bytes.
"""

import hashlib
import json
import math
import os
import struct
import zipfile

import numpy as np
from numpy.lib import format as npy

from tsrnn.persistence.encode import PLAIN_KINDS
from tsrnn.persistence.errors import CheckpointError

DOCUMENT = "model.json"
COMMENT = b"tsrnn checkpoint, sha256 of model.json: "
END = struct.Struct("<4s4H2LH")  # the end record of a zip, before its comment
END_SIZE = END.size + len(COMMENT) + 64
MAX_ARRAYS = 60_000
MAX_DOCUMENT = 32_000_000  # bytes
MAX_ITEMS = 1_000_000  # of the document, about
MAX_HEADER = 4_096  # bytes of an array's header
ENTRY_SIZE = 128  # bytes of an entry in the directory of a zip, at most


def write(file, document, arrays):
    """Write a document and its arrays to a binary file, open for writing and seeking.

    Raises
    ------
    ValueError
        The document is larger than `read` would take.
    """
    with zipfile.ZipFile(file, "w") as archive:
        members = [_write_array(archive, i, array) for i, array in enumerate(arrays)]
        text = json.dumps({**document, "arrays": members}, allow_nan=False).encode()
        _check_document(text, len(arrays))
        with archive.open(_entry(DOCUMENT), "w") as member:
            member.write(text)
        archive.comment = COMMENT + hashlib.sha256(text).hexdigest().encode()


def read(file):
    """Return the document of a binary file, open for reading and seeking, and its arrays.

    Sizes are compared with the bytes that are there before anything is allocated.

    Raises
    ------
    CheckpointError
        The file is none that `write` has written; damage may also raise what zipfile, json and
        numpy raise.
    """
    digest, size = _check_end(file)
    with zipfile.ZipFile(file) as archive:
        entries = _check_entries(archive.infolist(), size)
        text = _member(archive, entries, DOCUMENT, MAX_DOCUMENT)
        if hashlib.sha256(text).hexdigest().encode() != digest:
            raise CheckpointError(f"it is damaged: the checksum of {DOCUMENT} differs")
        _check_document(text, 0)
        document = json.loads(text, parse_constant=_refuse_number, parse_float=_finite)
        if type(document) is not dict:
            raise CheckpointError(f"it is damaged: {DOCUMENT} holds no object")
        members = document.get("arrays")
        names = {_array_name(i) for i in range(len(members))}
        if names | {DOCUMENT} != set(entries):
            raise CheckpointError("it is damaged: members are missing, or there are others")
        arrays = [_read_array(archive, entries, i, m) for i, m in enumerate(members)]
    return document, arrays


def _entry(name):
    entry = zipfile.ZipInfo(name)  # dated 1980: the same content gives the same bytes
    entry.create_system = 3  # whatever the system is
    entry.external_attr = 0o644 << 16
    return entry


def _array_name(i):
    return f"arrays/{i}.npy"


def _write_array(archive, i, array):
    """Write an array, and return size and checksum of its member."""
    fortran = array.flags.f_contiguous and not array.flags.c_contiguous
    flat = (array.T if fortran else array).reshape(-1)
    with archive.open(_entry(_array_name(i)), "w", force_zip64=array.nbytes >= 1 << 31) as member:
        summed = _Summed(member)
        npy.write_array_header_1_0(summed, npy.header_data_from_array_1_0(array))
        if flat.nbytes:
            summed.write(flat.view(np.uint8).data)
    return {"bytes": summed.size, "sha256": summed.sha.hexdigest()}


class _Summed:
    """A member whose bytes are counted and summed up as they are read or written."""

    def __init__(self, member):
        self.member, self.sha, self.size = member, hashlib.sha256(), 0

    def write(self, data):
        self.sha.update(data)
        self.size += len(data)
        self.member.write(data)

    def read(self, n):
        data = self.member.read(n)
        self.sha.update(data)
        self.size += len(data)
        return data

    def read_into(self, buffer):
        for start in range(0, len(buffer), 1 << 20):
            part = buffer[start : start + (1 << 20)]
            data = self.read(len(part))
            part[: len(data)] = data


def _check_end(file):
    """Look at the end, which no truncated file has; return the document's checksum and the size."""
    size = file.seek(0, os.SEEK_END)
    file.seek(max(0, size - END_SIZE))
    end = file.read()
    if len(end) < END_SIZE or not end[END.size :].startswith(COMMENT):
        file.seek(0)
        cut = file.read(4) == b"PK\x03\x04"
        raise CheckpointError(f"it is {'truncated, or ' * cut}no checkpoint of tsrnn")
    signature, *_, n_entries, directory_size, _, comment_size = END.unpack(end[: END.size])
    if signature != b"PK\x05\x06" or comment_size != END_SIZE - END.size:
        raise CheckpointError("it is damaged: its end is no end of a zip")
    if n_entries > MAX_ARRAYS + 1 or directory_size > ENTRY_SIZE * (n_entries + 1):
        raise CheckpointError(f"it is damaged: found {n_entries} members, expected fewer")
    return end[END.size + len(COMMENT) :], size


def _check_entries(infos, file_size):
    """Return the members by name, having seen that each is plain and that all fit in the file."""
    entries = {info.filename: info for info in infos}
    if len(entries) < len(infos):
        raise CheckpointError("it is damaged: a member comes twice")
    total = 0
    for info in infos:
        plain = info.compress_type == zipfile.ZIP_STORED and not info.flag_bits & ~0x800
        if not plain or info.compress_size != info.file_size:
            raise CheckpointError("it is damaged: a member is compressed or encrypted")
        total += info.file_size
    if total > file_size:
        raise CheckpointError(f"it is damaged: members of {total} bytes in {file_size}")
    return entries


def _member(archive, entries, name, limit):
    if name not in entries:
        raise CheckpointError(f"it is damaged: {name} is missing")
    if entries[name].file_size > limit:
        raise CheckpointError(f"it is damaged: {name} has more than {limit} bytes")
    return archive.read(entries[name])


def _check_document(text, n_arrays):
    """Bound what parsing will allocate, and what `read` will accept."""
    n_items = text.count(b",") + text.count(b"[") + text.count(b"{")
    if len(text) > MAX_DOCUMENT or n_items > MAX_ITEMS or n_arrays > MAX_ARRAYS:
        raise CheckpointError(
            f"found a document of {len(text)} bytes and {n_items} items with {n_arrays} arrays, "
            f"expected at most {MAX_DOCUMENT}, {MAX_ITEMS} and {MAX_ARRAYS}"
        )


def _finite(text):
    number = float(text)
    return number if math.isfinite(number) else _refuse_number(text)


def _refuse_number(text):
    raise CheckpointError(f"it is damaged: found {text} in {DOCUMENT}")


def _read_array(archive, entries, i, member):
    name = _array_name(i)
    size, sha = member["bytes"], member["sha256"]
    if entries[name].file_size != size:
        raise CheckpointError(f"it is damaged: {name} has another size than {DOCUMENT} says")
    with archive.open(entries[name]) as file:
        checked = _Summed(file)
        array = _allocate(checked, name, size)
        flat = (array.T if array.flags.fnc else array).reshape(-1)
        if flat.nbytes:
            checked.read_into(flat.view(np.uint8).data)
        rest = file.read(1)  # at the end of a member zipfile compares its CRC
    if rest or checked.sha.hexdigest() != sha:
        raise CheckpointError(f"it is damaged: the checksum of {name} differs")
    return array


def _allocate(file, name, size):
    """Read an array's header; return an empty array, if the member has just its bytes left."""
    if npy.read_magic(file) != (1, 0):
        raise CheckpointError(f"it is damaged: {name} has another version of the npy format")
    shape, fortran, dtype = npy.read_array_header_1_0(file, max_header_size=MAX_HEADER)
    if dtype.kind not in PLAIN_KINDS or dtype.names or dtype.hasobject or dtype.subdtype:
        raise CheckpointError(f"it is damaged: {name} holds {dtype}, expected plain values")
    expected = math.prod(shape) * dtype.itemsize
    if any(n < 0 for n in shape) or expected != size - file.size:
        raise CheckpointError(
            f"it is damaged: {name} has {size - file.size} bytes of values, its header says "
            f"{expected}"
        )
    return np.empty(shape, dtype, order="F" if fortran else "C")
