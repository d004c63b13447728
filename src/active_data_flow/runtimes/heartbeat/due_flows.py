"""The flows that are due, in the order in which they are claimed."""

from __future__ import annotations

import time
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from itertools import takewhile

from active_data_flow.runtimes.heartbeat.database import flows
from active_data_flow.runtimes.heartbeat.models import DatabaseNow, DataFlow
from active_data_flow.runtimes.heartbeat.models.data_flow import DataFlowQuerySet

_AHEAD = 20
"""Flows that are read at a time: a claim then costs no question of its own."""
_FRESH = 1.0
"""Seconds after which they are read anew: with others at work, most of them will be gone by then."""


class DueFlows:
    """Due flows by priority, then the longest due, as they were read not long ago.

    What has become of a flow since then, the claim itself finds out.

    Attributes:
        passed_over: Keys of the flows that are left out.
    """

    def __init__(self) -> None:
        self.passed_over: set[int] = set()
        self._read: list[DataFlow] = []
        self._read_at = 0.0
        self._database_time = datetime.min.replace(tzinfo=UTC)

    def count(self) -> int:
        """How many there are now."""
        self.forget()
        known = len(self._ahead())
        return known if known < _AHEAD else self._query().count()

    def first(self, most: int = 1) -> list[DataFlow]:
        """The first that may be claimed together, so many at most; none where nothing is due.

        A flow of a concurrency group comes alone: its claim locks the group, and may be refused.
        """
        ahead = self._ahead()[:most]
        return list(takewhile(lambda flow: not flow.concurrency_group, ahead)) or ahead[:1]

    @property
    def now(self) -> datetime:
        """The database's time, as of this moment."""
        return self._database_time + timedelta(seconds=time.monotonic() - self._read_at)

    def remove(self, gone: Sequence[DataFlow]) -> None:
        """Some of those read are not due any more."""
        self._read = [flow for flow in self._read if flow not in gone]

    def forget(self) -> None:
        """Read them anew."""
        self._read = []

    def pass_over(self, flow: DataFlow) -> None:
        """Leave a flow out from now on."""
        self.passed_over.add(flow.pk)
        self.remove([flow])

    def _ahead(self) -> list[DataFlow]:
        if not self._read or time.monotonic() - self._read_at > _FRESH:
            self._read = list(self._query().annotate(now=DatabaseNow())[:_AHEAD])
            self._read_at = time.monotonic()
            for flow in self._read[:1]:
                self._database_time = flow.now  # pyright: ignore[reportAttributeAccessIssue]  # annotated
        return self._read

    def _query(self) -> DataFlowQuerySet:
        due = flows().due_to_run().exclude(pk__in=self.passed_over)
        return due.order_by("-priority", "next_run_at", "pk")


__all__ = ["DueFlows"]
