"""How much zstd data may unpack to at most, without unpacking it: a megabyte can hold gigabytes.

Frames are found by their magic number and followed block by block: RFC 8878, sections 3.1.1.1 and 3.1.1.2.
"""

from __future__ import annotations

MAGIC = b"\x28\xb5\x2f\xfd"
BLOCK = 128 << 10
"""The most that one block unpacks to."""
MAX_STEPS = 500_000


def bound(data: bytes) -> int:
    """Bytes that all zstd frames anywhere in ``data`` unpack to at most; very many blocks count as without end."""
    total, steps, start = 0, 0, data.find(MAGIC)
    while start >= 0:
        at, most = _blocks(data, start)
        while at is not None and at + 3 <= len(data):
            steps += 1
            if steps > MAX_STEPS:
                return 1 << 62
            header = int.from_bytes(data[at : at + 3], "little")
            last, kind, size = header & 1, header >> 1 & 3, header >> 3
            if kind == 3:
                break  # reserved: no block
            total += size if kind == 0 else min(size, BLOCK) if kind == 1 else most
            at += 3 + (1 if kind == 1 else size)
            if last:
                break
        start = data.find(MAGIC, start + 1)
    return total


def _blocks(data: bytes, start: int) -> tuple[int | None, int]:
    """(where a frame's first block begins, the most that a block of it unpacks to)."""
    at = start + 5
    if at > len(data):
        return None, 0
    descriptor = data[start + 4]
    single, length = descriptor >> 5 & 1, (0, 2, 4, 8)[descriptor >> 6]
    if single and not length:
        length = 1
    most = BLOCK
    if not single:
        at += 1  # the window
    at += (0, 1, 2, 4)[descriptor & 3]
    if single:
        content = int.from_bytes(data[at : at + length], "little") + (256 if length == 2 else 0)
        most = min(BLOCK, content)
    return at + length, most
