"""Worlds of their own for flows that are to be struck: a directory with the flow, its input and its output."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Generator, Iterator
from dataclasses import dataclass
from functools import cached_property
from itertools import count
from pathlib import Path
from typing import TYPE_CHECKING, Any

from active_data_flow.testing.crash.disk import SmallDisk, small_disk
from active_data_flow.testing.crash.fork_server import Child, ForkServer

if TYPE_CHECKING:
    from active_data_flow.engine.pipeline import Pipeline

_RETRY = ("--set", "retry.backoff=0.02", "--set", "retry.attempts=10")


@dataclass(frozen=True)
class World:
    """A flow in a directory of its own.

    Attributes:
        directory: Where it works and keeps its checkpoints; its name is its own within the test run.
        flow: The flow, as ``adf run`` takes it.
    """

    directory: Path
    flow: str
    server: ForkServer

    @cached_property
    def pipeline(self) -> Pipeline:
        """What runs: the source and the sink of the flow.

        Raises:
            ConfigurationError: The flow can't be loaded.
            ValueError: It has several pipelines; strike one at a time.
        """
        from active_data_flow.core.loading import load_flow
        from active_data_flow.engine.pipeline import pipelines_of

        with contextlib.chdir(self.directory):
            (pipeline,) = pipelines_of(load_flow(self.flow))
            return pipeline

    def start(self, *options: str, crash_at: str = "", crash_by: str = "KILL", file_size: int | None = None) -> Child:
        """Begin a run; failures that pass are repeated at once.

        Args:
            options: More options of ``adf run``.
            crash_at: Where it is struck, as ``after-commit:2``; see `active_data_flow.engine.crash_points`.
            crash_by: ``KILL`` or ``STOP``.
            file_size: Bytes that a file may have, for this run.
        """
        arguments = ("run", self.flow, *_RETRY, *options)
        struck: dict[str, Any] = {"crash_at": crash_at, "crash_by": crash_by, "file_size": file_size}
        return self.server.start(self.directory, *arguments, **struck, output=self._output, COLUMNS="200")

    def run(self, *options: str, crash_at: str = "", file_size: int | None = None) -> int | None:
        """Run to the end; the exit code, negative: the signal that killed it, None: it had to be killed."""
        with self.start(*options, crash_at=crash_at, file_size=file_size) as child:
            return child.wait()

    @property
    def output(self) -> str:
        """What all its runs have printed, in order."""
        return self._output.read_text(errors="replace") if self._output.exists() else ""

    @property
    def _output(self) -> Path:
        return self.directory.with_name(f"{self.directory.name}.txt")  # beside it: its disk may be full


class CrashKit:
    """Makes worlds; what the fixture ``crash_kit`` gives.

    Args:
        server: Starts runs.
        directory: Where the worlds are.

    Example:
        >>> def test_killed(crash_kit):
        ...     world = crash_kit.world(lambda directory: write_flow(directory))
        ...     assert world.run(crash_at="after-commit:2") == -9
        ...     assert world.run() == 0
    """

    def __init__(self, server: ForkServer, directory: Path) -> None:
        self.server = server
        self._directory = directory
        self._numbers: Iterator[int] = count(1)

    def world(self, prepare: Callable[[Path], str]) -> World:
        """A new world: `prepare` puts everything into its directory and says which flow to run."""
        directory = self._new()
        directory.mkdir()
        return World(directory, prepare(directory), self.server)

    @contextlib.contextmanager
    def on_small_disk(self, prepare: Callable[[Path], str]) -> Generator[tuple[World, SmallDisk | None]]:
        """A new world on a disk of its own that can be full; without the disk where mounting one takes other rights."""
        directory = self._new()
        with small_disk(directory) as disk:
            yield World(directory, prepare(directory), self.server), disk

    def _new(self) -> Path:
        return self._directory / f"{self._directory.name}_{next(self._numbers)}"


__all__ = ["CrashKit", "World"]
