# SPDX-License-Identifier: BSD-2-Clause
"""Reads Pagewright's own format, from what pagewright-trace(5) says and nothing else."""
import struct
import subprocess

KINDS = ["map", "unmap", "protect", "move", "discard", "fork", "exec", "exit"]


def varint(data, at):
    value = shift = 0
    while True:
        value |= (data[at] & 127) << shift
        at, shift = at + 1, shift + 7
        if data[at - 1] < 128:
            return value, at


def signed(value):
    return value >> 1 ^ -(value & 1)


def numbers(lens, data):
    at = 0
    for i in range(2 * len(lens)):
        size = lens[i // 2] >> 4 * (i % 2) & 15
        yield int.from_bytes(data[at:at + size], "little")
        at += size


def shapes(data, n):
    """Each: (process, references); a reference: [kind, size, is variable, shift, is a run, address]."""
    at = pc = va = 0
    for _ in range(n):
        refs = []
        process, at = varint(data, at)
        count, at = varint(data, at)
        for _ in range(count):
            byte, size = data[at], (0, 1, 2, 4, 8, 16, 32, None)[data[at] >> 5]
            at += 1
            if size is None:
                size, at = struct.unpack_from("<H", data, at)[0], at + 2
            refs.append([byte & 3, size, byte >> 2 & 1, 12 * (byte >> 3 & 1), byte >> 4 & 1, 0])
        if not all(ref[2] for ref in refs):
            delta, at = varint(data, at)
            pc = (pc + signed(delta)) % 2**64
        fixed = pc
        for ref in refs:
            if ref[2]:
                delta, at = varint(data, at)
                va = ref[5] = (va + signed(delta)) % 2**64
            else:
                ref[5], fixed = fixed, fixed + ref[1]
        yield process, refs


def events(data):
    at = 0
    while at < len(data):
        fields = []
        for _ in range(7):
            value, at = varint(data, at)
            fields.append(value)
        text, at = data[at:at + fields[6]].rstrip(b"\0").decode(), at + fields[6]
        yield fields, text


def block(data, head):
    lens, packed = head[6:14], head[14:22]
    columns, at = [], 0
    for raw, size in zip(lens, packed):
        piece, at = data[at:at + size], at + size
        if raw != size:
            piece = subprocess.run(["zstd", "-dcq"], input=piece, stdout=subprocess.PIPE, check=True).stdout
        assert len(piece) == raw
        columns.append(piece)
    known, happened = list(shapes(columns[0], head[5])), events(columns[7])
    addresses, counts = numbers(columns[3], columns[4]), numbers(columns[5], columns[6])
    for low, high in zip(columns[1], columns[2]):
        if low + 256 * high == 0:
            yield next(happened)
            continue
        process, refs = known[low + 256 * high - 1]
        for ref in refs:
            if ref[2]:
                ref[5] = (ref[5] + (signed(next(addresses)) << ref[3])) % 2**64
            run = [next(counts) + 1, next(counts), next(counts)] if ref[4] else None
            yield process, ref[0], ref[5], ref[1], run


def read(path):
    """References (process, kind, address, size, run or None) and events (fields, text), in order."""
    with open(path, "rb") as file:
        data = file.read()
    assert data[:8] == b"\x89PWT\r\n\x1a\n" and struct.unpack_from("<HH", data, 8) == (1, 12)
    at = 40 + struct.unpack_from("<I", data, 24)[0]
    while data[at:at + 4] == b"PWTB":
        head = struct.unpack_from("<IQQIII8I8I", data, at + 4)
        yield from block(data[at + 120:at + 120 + head[0]], head)
        at += 120 + head[0]
