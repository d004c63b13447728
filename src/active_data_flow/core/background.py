"""Work of a writer that goes on while it takes the next rows."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor


class Background:
    """Does one thing at a time in a thread of its own; Arrow and the drivers work without the interpreter's lock.

    Args:
        name: Name of the thread.
    """

    def __init__(self, name: str) -> None:
        # one thread for all: each new one would get memory of its own, which the allocators keep
        self._thread = ThreadPoolExecutor(1, name)
        self._work: Future[None] | None = None

    def start(self, work: Callable[[], None]) -> None:
        """Begin with `work`, once what was begun before is done.

        Raises:
            Exception: What the work before failed with.
        """
        self.wait()
        self._work = self._thread.submit(work)

    def wait(self) -> None:
        """Return when nothing is being done any more.

        Raises:
            Exception: What the work failed with.
        """
        work, self._work = self._work, None
        if work is not None:
            work.result()


__all__ = ["Background"]
