"""Where bytes come from: the local file system behind one small interface."""

from __future__ import annotations

import glob
import os
import stat
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, Protocol

from active_data_flow.core.errors import ConfigurationError, SourceError

_PATTERN = frozenset("*?[")


@dataclass(frozen=True, slots=True)
class FileInfo:
    """What is known of a file without reading it.

    Attributes:
        path: As it is named in splits, positions and messages.
        size: Bytes.
        mtime_ns: Time of the last change, in nanoseconds.
    """

    path: str
    size: int
    mtime_ns: int


class FileClient(Protocol):
    """The little that the source needs of a file system."""

    def find(self, path: str) -> list[FileInfo]:
        """The files that a path, directory or pattern means, in the order of their names; maybe none."""
        ...

    def stat(self, path: str) -> FileInfo | None:
        """What is known of one file; None where it is not there.

        Raises:
            SourceError: It can't be looked at.
        """
        ...

    def open(self, path: str, offset: int = 0) -> BinaryIO:
        """The file, open for reading at an offset; `seek` works.

        Raises:
            SourceError: It is not there or can't be read.
        """
        ...


class LocalFiles:
    """Files of this machine."""

    def find(self, path: str) -> list[FileInfo]:
        """The files that a path, directory or pattern means; hidden ones (``.x``, ``_x``) only where they are named."""
        place = _local(path)
        if Path(place).is_dir():
            names: Iterable[str] = _below(place)
        elif _PATTERN.isdisjoint(place) or Path(place).exists():
            names = [place]
        else:
            names = glob.iglob(place, recursive=True)  # noqa: PTH207  # a Path matches nothing that is absolute
        looked = [(name, _status(name)) for name in map(os.path.normpath, names)]
        infos = [_info(name, status) for name, status in looked if status and not stat.S_ISDIR(status.st_mode)]
        return sorted(infos, key=lambda info: info.path)

    def stat(self, path: str) -> FileInfo | None:
        """What is known of one file; None where it is not there."""
        status = _status(path)
        return None if status is None else _info(path, status)

    def open(self, path: str, offset: int = 0) -> BinaryIO:
        """The file, open for reading at an offset, without a buffer of its own."""
        try:
            file = open(path, "rb", buffering=0)  # noqa: PTH123, SIM115  # as for `_status`; the caller closes it
            file.seek(offset)
        except OSError as error:
            raise _unreadable(path, error) from error
        return file  # pyright: ignore[reportReturnType]  # a raw file reads and seeks as BinaryIO does


def has_pattern(path: str) -> bool:
    """Whether a path is a pattern or a directory, so that it may match any number of files."""
    place = _local(path)
    return Path(place).is_dir() or not (_PATTERN.isdisjoint(place) or Path(place).exists())


def _local(path: str) -> str:
    scheme, separator, rest = path.partition("://")
    if not separator:
        return str(Path(path).expanduser())
    if scheme != "file":
        raise ConfigurationError(f"path: {path}: only local files can be read, not {scheme}://")
    return rest


def _below(directory: str) -> Iterator[str]:
    for folder, folders, names in os.walk(directory):
        folders[:] = sorted(name for name in folders if not name.startswith((".", "_")))
        yield from (f"{folder}/{name}" for name in names if not name.startswith((".", "_")))


def _status(path: str) -> os.stat_result | None:
    """What the system says of a path; None where nothing is there."""
    try:
        return os.stat(path)  # noqa: PTH116  # of a hundred thousand files a look now and then: a Path triples its cost
    except (FileNotFoundError, NotADirectoryError):
        return None
    except OSError as error:
        raise _unreadable(path, error) from error


def _info(path: str, status: os.stat_result) -> FileInfo:
    return FileInfo(path, status.st_size, status.st_mtime_ns)


def _unreadable(path: str, error: OSError) -> SourceError:
    if isinstance(error, FileNotFoundError):
        return SourceError(f"{path}: there is no such file")
    if isinstance(error, PermissionError):
        return SourceError(f"{path}: the file may not be read by this user; check its permissions")
    return SourceError(f"{path}: the file can't be read: {error.strerror or error}")


__all__ = ["FileClient", "FileInfo", "LocalFiles", "has_pattern"]
