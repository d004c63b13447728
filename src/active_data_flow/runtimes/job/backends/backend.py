"""What a queue has to do: keep a task until a worker has time for it."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

from active_data_flow.core.configuration import Configuration
from active_data_flow.core.errors import ConfigurationError
from active_data_flow.core.near_names import near_names

if TYPE_CHECKING:
    from django.core.checks import CheckMessage

    from active_data_flow.runtimes.heartbeat.models import DataFlowRun


class Backend(Configuration, ABC):
    """A queue; its fields are the keys of ``OPTIONS``.

    Subclass it for a queue of your own: enqueue a task that calls ``run_flow(run.pk, run.attempt)`` of
    `active_data_flow.runtimes.job.task` in a process where Django is set up. It may come late, twice, or never.

    Example:
        >>> class Threads(Backend):
        ...     def enqueue(self, run):
        ...         threading.Thread(target=run_flow, args=(run.pk, run.attempt)).start()
        ...         return ""
    """

    @abstractmethod
    def enqueue(self, run: DataFlowRun) -> str:
        """Put the run's task into the queue that the run names.

        Returns:
            The task's id, as the queue's own tools show it.

        Raises:
            ConfigurationError: There is no such queue, and trying again would not help.
            Exception: It could not be reached; it is tried again.
        """

    def known_queues(self) -> frozenset[str] | None:
        """Names of the queues that there are; None: any name will do."""
        return None

    def check(self) -> Iterable[CheckMessage]:
        """What is wrong with the set-up, for Django's system checks."""
        return ()

    def work(self, queues: Sequence[str], *, burst: bool) -> None:
        """Be a worker in this process: run what comes until told to stop.

        Args:
            queues: Names of queues to work for; none: all that are known.
            burst: End when the queues are empty.

        Raises:
            ConfigurationError: Workers of this queue are started in another way; says how.
        """
        raise ConfigurationError(f"{type(self).__name__} has workers of its own; start them with its own command")

    def close(self) -> None:
        """Close what `enqueue` has opened."""

    def check_queue(self, name: str) -> None:
        """Refuse a queue that isn't there.

        Raises:
            ConfigurationError: There are others; names them.
        """
        known = self.known_queues()
        if known is not None and name not in known:
            there = ", ".join(sorted(known))
            raise ConfigurationError(f"there is no queue {name!r}{near_names(name, known)}; there are: {there}")


__all__ = ["Backend"]
