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
        descriptors: Open file descriptors.
        threads: Threads.
        written: Records that both sinks have committed since the soak began.
    """

    at: float
    run: int
    age: float
    memory: int
    descriptors: int
    threads: int
    written: int


def look_at(pid: int) -> tuple[int, int, int] | None:
    """Resident bytes, descriptors and threads of a process; None where it has gone."""
    process = Path(f"/proc/{pid}")
    try:
        status = dict(line.split(":", 1) for line in (process / "status").read_text().splitlines())
        descriptors = len(list((process / "fd").iterdir()))
        return int(status["VmRSS"].split()[0]) * 1024, descriptors, int(status["Threads"])
    except (FileNotFoundError, ProcessLookupError, KeyError):  # it has ended, or is a zombie without memory
        return None


__all__ = ["Sample", "look_at"]
