"""Mutated checkpoint files: each must load to an equal model, or raise CheckpointError.

    python benchmarks/hostile_files.py [--count 10000] [--as files|bytes|streams ...]

Each of the files is loaded within 1 second and 200 MB (a limit on the address space, so that more
raises MemoryError, which counts as a failure), and nothing is opened for writing meanwhile. As
bytes they go to `tsrnn.loads`, as streams to `tsrnn.load` as binary files that are open. Of several
ways, each file takes the next.
"""

import argparse
import hashlib
import io
import json
import re
import resource
import struct
import sys
import tempfile
import time
import warnings
import zipfile
import zlib
from collections import Counter
from pathlib import Path

import numpy as np
import report

import tsrnn
from tsrnn.persistence.archive import COMMENT, DOCUMENT

SECONDS, MEGABYTES = 1.0, 200


def members_of(data):
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def packed(members, *, seal=True, compression=zipfile.ZIP_STORED):
    """Write members to a zip; with `seal`, checksums and sizes are those of the content."""
    names = [name for name, _ in members]
    content = dict(members)
    if seal and DOCUMENT in content:
        document = json.loads(content[DOCUMENT])
        for i, entry in enumerate(document["arrays"]):
            array = content.get(f"arrays/{i}.npy")
            if array is not None:
                entry |= {"bytes": len(array), "sha256": hashlib.sha256(array).hexdigest()}
        content[DOCUMENT] = json.dumps(document).encode()
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", compression) as archive:
        for name in names:
            archive.writestr(zipfile.ZipInfo(name), content[name], compression)
        digest = hashlib.sha256(content.get(DOCUMENT, b"")).hexdigest()
        archive.comment = COMMENT + digest.encode()
    return file.getvalue()


def bit_flips(data, rng):
    data = bytearray(data)
    for place in rng.integers(0, len(data), rng.integers(1, 4)):
        data[place] ^= 1 << int(rng.integers(8))
    return bytes(data)


def truncation(data, rng):
    return data[: rng.integers(0, len(data))]


def cut_out(data, rng):
    start, stop = sorted(rng.integers(0, len(data), 2))
    return data[:start] + data[stop:]


def junk_around(data, rng):
    junk = rng.bytes(int(rng.integers(1, 200)))
    return junk + data if rng.random() < 0.5 else data + junk


def swapped_members(data, rng):
    members = members_of(data)
    first, second = rng.choice(sorted(members), 2, replace=False)
    members[first], members[second] = members[second], members[first]
    seal = bool(rng.integers(2)) and DOCUMENT not in (first, second)
    return packed([*members.items()], seal=False) if not seal else packed_alien(members)


def packed_alien(members):
    """Drop an array and pack the rest with right checksums."""
    name = next(name for name in members if name != DOCUMENT)
    return packed([(key, value) for key, value in members.items() if key != name])


def doubled_member(data, rng):
    members = [*members_of(data).items()]
    name, _ = members[rng.integers(len(members))]
    with warnings.catch_warnings(action="ignore"):  # zipfile warns of the double
        return packed([*members, (name, rng.bytes(50))], seal=False)


def header(descr, shape, fortran=False):
    text = f"{{'descr': {descr!r}, 'fortran_order': {fortran}, 'shape': {shape}, }}"
    text += " " * (-(len(text) + 11) % 64) + "\n"
    return b"\x93NUMPY\x01\x00" + struct.pack("<H", len(text)) + text.encode()


def forged_array(data, rng):
    """Replace an array by one whose header lies; all checksums are right."""
    members = members_of(data)
    arrays = [name for name in members if name != DOCUMENT]
    shapes = [
        "(10**12,)", "(1000000000000,)", "(-1,)", "(4, -4)", "(99999999999999999999999,)",
        "(1, " * 60 + ")" * 60, "(True,)", "(3.5,)", "('a',)", "()", "(0, 10000000000000000000)",
    ]  # fmt: skip
    dtypes = ["<f8", "|O", "O", "|V8", "<U1000000000", "|S0", "M8[ns]", "x", "<f8,<i4", "<c16"]
    value = header(str(rng.choice(dtypes)), str(rng.choice(shapes))) + rng.bytes(64)
    members[str(rng.choice(arrays))] = value
    return packed([*members.items()])


def object_array(data, rng):
    members = members_of(data)
    file = io.BytesIO()
    np.save(file, np.array([print, {"a": 1}], dtype=object), allow_pickle=True)
    members["arrays/0.npy"] = file.getvalue()
    return packed([*members.items()])


def path_trick(data, rng):
    names = ["../evil", "/tmp/evil", "arrays/../../evil", "C:\\evil", "arrays/0.npy/x", "a\x00b"]
    members = [*members_of(data).items(), (str(rng.choice(names)), b"evil")]
    if rng.random() < 0.3:  # instead of a member rather than beside all of them
        members.pop(0)
    return packed(members)


def bomb(data, rng):
    """Members that are small in the file and large outside it."""
    members = members_of(data)
    kind = rng.integers(4)
    if kind == 0:
        members["arrays/0.npy"] = header("<f8", "(4000000,)") + bytes(32_000_000)
        return packed([*members.items()], compression=zipfile.ZIP_DEFLATED)
    if kind == 1:  # a directory that promises more than there is
        place = data.rindex(b"PK\x01\x02")
        size = struct.pack("<II", 0xFFFFFFF0, 0xFFFFFFF0)
        return data[: place + 20] + size + data[place + 28 :]
    if kind == 2:
        text = members[DOCUMENT][:-1] + b', "x": ' + b"[" * 900_000 + b"]" * 900_000 + b"}"
    else:
        text = members[DOCUMENT][:-1] + b', "x": [' + b"[]," * 5_000_000 + b"0]}"
    members[DOCUMENT] = text
    return packed([*members.items()], seal=False)


def forged_document(data, rng):
    """Nodes that name what no file may name, or lie about sizes; all checksums are right."""
    members = members_of(data)
    nodes = [
        '{"object": "os.system", "state": {}}', '{"object": "builtins.eval", "state": {}}',
        '{"object": "missing-cell", "state": {}}', '{"named": "lstm-cell", "items": [1]}',
        '{"ref": 99999}', '{"ref": -1}', '{"array": 99999}', '{"type": "numpy.os"}',
        '{"type": "os.system"}', '{"scalar": "<U900000000", "hex": "00"}', '{"dtype": "V99"}',
        '{"objects": [1000000000000], "items": []}', '{"zone": "../../../etc/passwd"}',
        '{"zone": "dateutil//etc/passwd"}', '{"function": "os:system"}', '{"offset": "x"}',
        '{"generator": {"dict": [["bit_generator", "os"]]}}', '{"float": "0"}', "{}", "NaN",
        "1e999", '{"bytes": "zz"}', '{"tuple": 3}', '{"dict": [[[], 1]]}', '{"dict": 5}',
        '{"timestamp": 1, "unit": "Y", "tz": null}', '{"named": "state", "items": [1]}',
        '{"index": "evil", "name": null}', '{"bytes": "00", "object": "x", "state": {}}',
        "9" * 5000, '{"tuple": [' * 5000 + "]}" * 5000,
    ]  # fmt: skip
    node = nodes[rng.integers(len(nodes))]
    text = members[DOCUMENT].decode()
    if rng.random() < 0.5:
        text = re.sub(r'"model": .*, "arrays"', lambda _: f'"model": {node}, "arrays"', text)
    else:
        text = text.replace('"state": {', f'"state": {{"_evil": {node}, ', 1)
    members[DOCUMENT] = text.encode()
    digest = hashlib.sha256(members[DOCUMENT]).hexdigest().encode()
    file = packed([*members.items()], seal=False)
    return file[: -len(digest)] + digest


def other_schema(data, rng):
    members = members_of(data)
    schema = rng.choice(["2", "1e9", '"1"', "null", "99999999999999999999", "[1]"])
    text = members[DOCUMENT].replace(b'"schema": 1', b'"schema": ' + schema.encode())
    return packed([*(members | {DOCUMENT: text}).items()])


def damaged_with_right_crc(data, rng):
    """Change a byte of a member and its CRC alike, so that only SHA-256 can tell."""
    members = members_of(data)
    name = str(rng.choice(sorted(members)))
    value = bytearray(members[name])
    value[rng.integers(len(value))] ^= 1 << int(rng.integers(8))
    assert zlib.crc32(value) != zlib.crc32(members[name])
    digest = data[-64:]  # of the document as it was
    return packed([*(members | {name: bytes(value)}).items()], seal=False)[:-64] + digest


MUTATIONS = [
    bit_flips, bit_flips, truncation, cut_out, junk_around, swapped_members, doubled_member,
    forged_array, forged_array, object_array, path_trick, bomb, forged_document, forged_document,
    other_schema, damaged_with_right_crc,
]  # fmt: skip


def models():
    rows = tsrnn.datasets.load_water_flow()
    small = {"max_iter": 3, "hidden_size": 4, "random_state": 0, "lags": 4, "season": None}
    yield tsrnn.RNNForecaster(3, **small).fit(rows[:200])
    yield tsrnn.baselines.LinearForecaster(2, lags=3).fit(rows.to_numpy()[:200])


def as_files(path, content):
    path.write_bytes(content)
    return (lambda: tsrnn.load(path)), str(path)


def as_bytes(path, content):
    return (lambda: tsrnn.loads(content)), f"cannot load {len(content)} bytes"


def as_streams(path, content):
    return (lambda: tsrnn.load(io.BytesIO(content))), "cannot load the open file"


WAYS = {"files": as_files, "bytes": as_bytes, "streams": as_streams}


def watch_writes(opened):
    def hook(event, args):
        if event == "open" and (
            (isinstance(args[1], str) and set(args[1]) & set("wax+"))
            or (isinstance(args[2], int) and args[2] & 0o3)
        ):
            opened.append(args[0])
        if event in ("os.rename", "os.remove", "os.system", "subprocess.Popen", "exec", "compile"):
            opened.append(event)

    sys.addaudithook(hook)


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--count", type=int, default=10_000)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--as", dest="ways", choices=WAYS, nargs="+", default=["files"])
    args = parser.parse_args()
    rng = np.random.default_rng(args.seed)
    failures, outcomes, slowest, most_work = [], Counter(), 0.0, 0.0
    with tempfile.TemporaryDirectory() as folder:
        path, again = Path(folder) / "m.tsrnn", Path(folder) / "again.tsrnn"
        originals = []
        for model in models():
            model.save(path)
            tsrnn.load(path).save(again)  # what is imported late is imported now
            originals.append(path.read_bytes())
        watched = []
        watch_writes(watched)
        for i in range(args.count):
            original = originals[i % len(originals)]
            mutation = MUTATIONS[i // len(originals) % len(MUTATIONS)]
            way = args.ways[i % len(args.ways)]
            load, named = WAYS[way](path, mutation(original, rng))
            watched.clear()
            used = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
            limits = resource.getrlimit(resource.RLIMIT_AS)
            resource.setrlimit(resource.RLIMIT_AS, (used + MEGABYTES * 1_000_000, limits[1]))
            begin, worked = time.perf_counter(), time.process_time()
            loaded = error = None
            try:
                loaded = load()
            except tsrnn.CheckpointError as found:
                outcome = "CheckpointError"
                if named not in str(found):
                    error = f"{way} are not named: {found}"
            except BaseException as found:
                outcome = error = f"{type(found).__name__}: {found}"
            seconds, work = time.perf_counter() - begin, time.process_time() - worked
            resource.setrlimit(resource.RLIMIT_AS, limits)
            writes = [event for event in watched if event != "compile" and event != "exec"]
            if loaded is not None:
                loaded.save(again)
                outcome = "equal model"
                if again.read_bytes() != original:
                    error = "loaded, and is another model"
            if seconds > SECONDS:
                error = f"took {seconds:.2f} s, {work:.2f} s of the processor"
            if writes:
                error = f"wrote: {writes}"
            outcomes[f"{mutation.__name__}: {outcome}"] += 1
            slowest, most_work = max(slowest, seconds), max(most_work, work)
            if error:
                failures.append(f"{i} {mutation.__name__}: {error}")
    for outcome, count in sorted(outcomes.items()):
        print(f"{count:6d}  {outcome[:100]}")
    print(
        f"{args.count} {' and '.join(args.ways)}, slowest {slowest:.3f} s "
        f"({most_work:.3f} s of the processor), "
        f"{len(failures)} failures"
    )
    print(*failures[:20], sep="\n")
    if args.count >= 10_000:
        report.save(
            f"hostile_{'_'.join(args.ways)}",
            {
                "count": args.count,
                "slowest_seconds": slowest,
                "most_processor_seconds": most_work,
                "failures": failures,
                **outcomes,
            },
        )
    return bool(failures)


if __name__ == "__main__":
    sys.exit(main())
