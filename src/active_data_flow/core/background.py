"""Work of a writer that goes on while it takes the next rows."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor


class Background:
    """Does one thing after the other in a thread of its own; Arrow and the drivers work without the interpreter's lock.

    Args:
        name: Name of the thread.
        most: Things that may be under way, the one that is being done included.
    """

    def __init__(self, name: str, most: int = 1) -> None:
        # one thread for all: each new one would get memory of its own, which the allocators keep
        self._thread = ThreadPoolExecutor(1, name)
        self._most = most
        self._work: deque[Future[None]] = deque()

    def start(self, work: Callable[[], None]) -> None:
        """Have `work` done, once what was begun before is done; returns when few enough things are under way.

        Raises:
            Exception: What work before failed with; this is not begun.
        """
        while len(self._work) >= self._most:
            self._work.popleft().result()
        self._work.append(self._thread.submit(work))

    def wait(self) -> None:
        """Return when nothing is being done any more.

        Raises:
            Exception: What the work failed with; what was to follow it and had not begun is left undone.
        """
        work, self._work = self._work, deque()
        try:
            while work:
                work.popleft().result()
        finally:
            for left in work:
                if not left.cancel():
                    left.exception()  # its end is waited for


__all__ = ["Background"]
