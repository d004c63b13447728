"""Tells whether a file is still the one that was read: by size and time, and by its bytes where these differ."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from typing import Any, BinaryIO

from active_data_flow.connectors.file.client import FileClient, FileInfo

_SAMPLE = 1024
_SPACING = 2**16


class Fingerprints:
    """Short hashes of a file's begin: of samples at fixed places that lie ever farther apart, and of its end.

    Samples are read once, so that the hash of a longer begin costs one more small read.

    Args:
        file: The file; its position is moved.
    """

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self._samples: dict[int, bytes] = {}

    def of(self, length: int) -> str:
        """The hash of the first `length` bytes."""
        digest = hashlib.blake2b(digest_size=8)
        offset = 0
        while offset + _SAMPLE <= length:
            if offset not in self._samples:
                self._samples[offset] = self._read(offset, _SAMPLE)
            digest.update(self._samples[offset])
            offset = offset * 4 or _SPACING
        last = max(length - _SAMPLE, 0)
        digest.update(self._read(last, length - last))
        return digest.hexdigest()

    def seen(self, length: int, size: int, mtime_ns: int) -> list[Any]:
        """What a position remembers of the file: ``[bytes read, size, mtime_ns, fingerprint of the bytes read]``."""
        return [length, size, mtime_ns, self.of(length)]

    def _read(self, offset: int, size: int) -> bytes:
        self._file.seek(offset)
        return self._file.read(size)


def seen(file: BinaryIO, length: int, size: int, mtime_ns: int) -> list[Any]:
    """What a position remembers of the file; see `Fingerprints.seen`."""
    return Fingerprints(file).seen(length, size, mtime_ns)


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
        return None if Fingerprints(file).of(length) == digest else f"its first {length:,} bytes are not what was read"


def has_grown(info: FileInfo, position: Mapping[str, Any]) -> bool:
    """Whether a file has more bytes than when it was last looked at."""
    remembered: Sequence[Any] = position.get("seen") or (0, 0, 0, "")
    return info.size > remembered[1]


def was_at_end(position: Mapping[str, Any]) -> bool:
    """Whether all bytes had been read that the file had when it was last looked at.

    A file that is followed is never finished; this tells that nothing of it is known to be unread. Of a compressed
    file it says no, since its offsets count decompressed bytes.
    """
    length, size, *_ = position.get("seen") or (0, 1)
    return position.get("offset") == length == size


__all__ = ["Fingerprints", "change_of", "has_grown", "seen", "was_at_end"]
