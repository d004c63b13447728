"""What the operating system says of a process, second by second."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Sample:
    """A process at one moment.

    Attributes:
        at: Seconds since the soak began.
        run: Number of the run.
        age: Seconds since the run began.
        memory: Resident memory in bytes.
        descriptors: Open file descriptors, but those of files that lanes read just now.
        reading: Those: two for each lane that reads, so as many as lanes happen to be busy.
        threads: Threads.
        written: Records that both sinks have committed since the soak began.
    """

    at: float
    run: int
    age: float
    memory: int
    descriptors: int
    reading: int
    threads: int
    written: int


def look_at(pid: int, inputs: Path) -> tuple[int, int, int, int] | None:
    """Of a process: resident bytes, descriptors, those of `inputs`, and threads; None where it has gone."""
    process = Path(f"/proc/{pid}")
    try:
        status = dict(line.split(":", 1) for line in (process / "status").read_text().splitlines())
        opened = [path for number in (process / "fd").iterdir() if (path := _path(number)) is not None]
        reading = sum(path.parent == inputs for path in opened)
        return int(status["VmRSS"].split()[0]) * 1024, len(opened) - reading, reading, int(status["Threads"])
    except (FileNotFoundError, ProcessLookupError, KeyError):  # it has ended, or is a zombie without memory
        return None


def _path(descriptor: Path) -> Path | None:
    try:
        return descriptor.readlink()
    except FileNotFoundError:  # it was closed since it was listed
        return None


__all__ = ["Sample", "look_at"]
