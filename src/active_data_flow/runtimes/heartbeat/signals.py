"""What an application can listen to: each signal comes with the run's record, the flow's name and the run's duration.

A receiver that raises is logged by Django and disturbs neither the run nor the other receivers.

Example:
    >>> @receiver(flow_finished)
    ... def tell(sender, run, flow_name, duration, **_):
    ...     if run.status == "failed":
    ...         mail_admins(f"{flow_name} failed after {duration}", run.error)
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.dispatch import Signal

if TYPE_CHECKING:
    from active_data_flow.runtimes.heartbeat.models import DataFlowRun

flow_enqueued = Signal()
"""A run was given to a queue; sent by runtimes that have one."""
flow_started = Signal()
"""A worker has begun to work on a run; again, where it goes on after a pause or a retry."""
flow_finished = Signal()
"""A run has ended: its status, reason, error and counts are in its record. Also for runs that were lost."""


def send(signal: Signal, run: DataFlowRun) -> None:
    """Send one of the signals, outside of any transaction; the duration is None before a worker has begun."""
    if signal.has_listeners(type(run)):  # else the database is not asked when it ended
        signal.send_robust(sender=type(run), run=run, flow_name=run.flow.name, duration=run.duration)


__all__ = ["flow_enqueued", "flow_finished", "flow_started", "send"]
