"""Tells whether a file is still the one that was read: by size and time, and by samples of its bytes where these differ."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from typing import Any, BinaryIO

from active_data_flow.connectors.file.client import FileClient, FileInfo

_SAMPLE = 1024
_SAMPLES = 8


def fingerprint(file: BinaryIO, length: int) -> str:
    """A short hash of a file's first `length` bytes: of samples at their begin, their end, and between.

    Args:
        file: The file; its position is moved.
        length: Bytes that were read.
    """
    digest = hashlib.blake2b(digest_size=8)
    last = max(length - _SAMPLE, 0)
    for offset in sorted({last * step // (_SAMPLES - 1) for step in range(_SAMPLES)}):
        file.seek(offset)
        digest.update(file.read(min(_SAMPLE, length - offset)))
    return digest.hexdigest()


def seen(file: BinaryIO, length: int, size: int, mtime_ns: int) -> list[Any]:
    """What a position remembers of the file: ``[bytes read, size, mtime_ns, fingerprint of the bytes read]``."""
    return [length, size, mtime_ns, fingerprint(file, length)]


def change_of(client: FileClient, info: FileInfo, position: Mapping[str, Any] | None) -> str | None:
    """How a file differs from the one that was read up to a position; None where what was read is still the same.

    Args:
        client: The file system.
        info: The file as it is now.
        position: A position with what `seen` gave under ``seen``.
    """
    remembered: Sequence[Any] = (position or {}).get("seen") or ()
    if not remembered:
        return None
    length, size, mtime_ns, digest = remembered
    if (info.size, info.mtime_ns) == (size, mtime_ns):
        return None
    if info.size < length:
        return f"it was cut from at least {length:,} to {info.size:,} bytes"
    with client.open(info.path) as file:
        return None if fingerprint(file, length) == digest else f"its first {length:,} bytes are not what was read"


def has_grown(info: FileInfo, position: Mapping[str, Any]) -> bool:
    """Whether a file has more bytes than when it was last looked at."""
    remembered: Sequence[Any] = position.get("seen") or (0, 0, 0, "")
    return info.size > remembered[1]


__all__ = ["change_of", "fingerprint", "has_grown", "seen"]
