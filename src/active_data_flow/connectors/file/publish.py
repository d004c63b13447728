"""Making files durable and visible: fsync, atomic rename, temporary names, and errors that say what to do."""

from __future__ import annotations

import errno
import glob
import hashlib
import os
import secrets
from collections.abc import Generator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

from active_data_flow.core.checkpoint import Committable
from active_data_flow.core.errors import FencedError, SinkError
from active_data_flow.core.sink import Committer, WriterContext

_REMEDIES = {
    errno.ENOSPC: "the disk is full; free some space and run the flow again",
    errno.EDQUOT: "the disk quota is used up; free some space and run the flow again",
    errno.EFBIG: "the file may not grow any more (a limit of the process or the file system); write rolled files",
    errno.EROFS: "the disk is mounted read-only; write to another place, or mount it writable",
    errno.EACCES: "permission is missing; give this user the right to write there, or choose another path",
    errno.EPERM: "permission is missing; give this user the right to write there, or choose another path",
    errno.EISDIR: "a directory has this name; end the path with / for rolled files, or choose another path",
    errno.ENOTDIR: "a part of the path is a file, not a directory; choose another path",
    errno.EEXIST: "a file has the name of a directory that is needed; choose another path",
    errno.ENAMETOOLONG: "the name is too long for the file system; partition by columns with shorter values",
    errno.EMFILE: "too many files are open; raise the limit (ulimit -n) or partition by fewer columns",
    errno.ENFILE: "too many files are open; raise the system's limit",
}


def sink_error(error: OSError, path: Path) -> SinkError:
    """The error that names the file, the cause and the remedy."""
    cause = os.strerror(error.errno) if error.errno else str(error)
    remedy = _REMEDIES.get(error.errno or 0, "look into the cause and run the flow again")
    return SinkError(f"can't write {path}: {cause}: {remedy}. What was not committed has been taken back.")


@contextmanager
def writing(path: Path) -> Generator[None]:
    """Turns the operating system's errors into a `SinkError` about `path`."""
    try:
        yield
    except OSError as error:
        raise sink_error(error, path) from error


@contextmanager
def closing(path: Path) -> Generator[None]:
    """As `writing`, while a file is made ready to be published.

    Raises:
        FencedError: The temporary file is gone; a newer run deletes what it finds of those before it.
    """
    try:
        with writing(path):
            yield
    except SinkError as error:
        if isinstance(error.__cause__, FileNotFoundError):
            message = f"rows on their way into {path} are gone: a newer run has taken over, or someone has deleted them"
            raise FencedError(message) from error.__cause__
        raise


def sync_directory(directory: Path) -> None:
    """Make the names in a directory durable."""
    descriptor = os.open(directory, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def sync_file(path: Path) -> None:
    """Make the content of a closed file durable."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def make_directory(directory: Path) -> None:
    """Create a directory and its parents, durably; nothing where it exists."""
    if directory.is_dir():
        return
    make_directory(directory.parent)
    directory.mkdir(exist_ok=True)
    sync_directory(directory.parent)


def replace_durably(path: Path, content: bytes) -> None:
    """Replace a small file as a whole: after a crash it has the old content or the new."""
    temporary = path.with_name(f"{path.name}.new")
    with open(temporary, "wb") as file:  # noqa: PTH123  # fsync needs the descriptor
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    temporary.replace(path)
    sync_directory(path.parent)


def remove_if_there(path: Path) -> None:
    """Delete a file; nothing where there is none."""
    with suppress(FileNotFoundError):
        path.unlink()


class TemporaryNames:
    """Names of files that are being written; each flow finds its own again, and no other's.

    Args:
        context: Flow, epoch and writer that the names tell of.
    """

    def __init__(self, context: WriterContext) -> None:
        self._mark = f"adf{hashlib.sha256(context.flow.encode()).hexdigest()[:10]}"
        self._run = f"{context.epoch:05d}-{context.writer:02d}"
        self._token = secrets.token_hex(4)
        self._count = 0

    def part(self, extension: str) -> tuple[str, str]:
        """Temporary and final name of the next rolled file. A final name never comes twice, whatever happens."""
        final = f"part-{self._run}-{self._count:05d}-{self._token}{extension}"
        self._count += 1
        return f".{self._mark}-{final}.tmp", final

    def whole(self, final: str) -> str:
        """Temporary name of a file that is to become `final`."""
        self._count += 1
        return f".{self._mark}-{self._run}-{self._count:05d}-{self._token}-{final}.tmp"

    def remove_leftovers(self, root: Path, committables: Sequence[Committable], *, suffix: str = "") -> None:
        """Delete what killed runs of the flow have left under `root`, except what is still to be committed."""
        kept = {str(committable.get("temporary")) for committable in committables}
        pattern = f".{self._mark}-*{glob.escape(suffix)}.tmp"
        found = list(root.glob(pattern)) if suffix else list(root.rglob(pattern))
        for leftover in found:
            if str(leftover.relative_to(root)) not in kept:
                with writing(leftover):
                    remove_if_there(leftover)


def prepared(root: Path, temporary: Path, final: Path) -> Committable:
    """The committable of a closed and synced temporary file."""
    name = str(final.relative_to(root))
    return {
        "id": f"{name}<{temporary.name}",
        "temporary": str(temporary.relative_to(root)),
        "final": name,
        "size": temporary.stat().st_size,
    }


class RenamingCommitter(Committer):
    """Publishes closed files by rename; names are relative to `root`, so that the directory may move.

    Args:
        root: Directory that all names are relative to.
    """

    def __init__(self, root: Path) -> None:
        self._root = root

    def commit(self, committables: Sequence[Committable]) -> None:
        """Rename each temporary file to its final name, and make the names durable.

        Raises:
            SinkError: A prepared file has been lost: neither its temporary nor its final name is there.
        """
        touched: set[Path] = set()
        for committable in committables:
            final = self._root / committable["final"]
            with writing(final):
                self._publish(self._root / committable["temporary"], final, int(committable["size"]))
            touched.add(final.parent)
        for directory in sorted(touched):
            with writing(directory):
                sync_directory(directory)

    @staticmethod
    def _publish(temporary: Path, final: Path, size: int) -> None:
        try:
            temporary.replace(final)
        except FileNotFoundError:
            if not final.exists() or final.stat().st_size != size:
                message = (
                    f"{final} was prepared as {temporary.name}, but neither is there with its {size} bytes: someone "
                    "has removed it; put it back, or write everything again with --from-start"
                )
                raise SinkError(message) from None


__all__ = [
    "RenamingCommitter",
    "TemporaryNames",
    "closing",
    "make_directory",
    "prepared",
    "remove_if_there",
    "replace_durably",
    "sink_error",
    "sync_directory",
    "sync_file",
    "writing",
]
