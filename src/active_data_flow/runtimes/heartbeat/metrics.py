"""Figures for monitoring, asked of the database in a few short queries, and their text form for Prometheus.

Nothing is labelled by flow or by anything else that there may be any number of. Figures of runs are those of the last
hour: the records of older ones are deleted one day, so that a count of all of them would go down.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from django.db.models import Avg, Count, F, Max, Min, QuerySet, Sum
from django.utils import timezone

from active_data_flow.runtimes.heartbeat.database import database, flows, runs
from active_data_flow.runtimes.heartbeat.models import (
    Heartbeat,
    RejectedRecord,
    RejectStatus,
    RunStatus,
)
from active_data_flow.runtimes.heartbeat.models.database_now import in_seconds
from active_data_flow.runtimes.heartbeat.settings import app_settings

HOUR = 3600
MOST_COUNTED = 100_000


@dataclass(frozen=True, slots=True)
class Metric:
    """A figure, or one for each value of a label.

    Attributes:
        name: Its name, without the prefix.
        text: What it tells.
        values: Values by labels, as ``{("status", "failed"): 3}``; ``{(): 3}`` where there is none.
    """

    name: str
    text: str
    values: Mapping[tuple[str, ...], float] = field(default_factory=dict[tuple[str, ...], float])


def metrics() -> list[Metric]:
    """All figures, as they are now."""
    return [*_of_flows(), *_of_active_runs(), *_of_recent_runs(), *_of_rejects(), *_of_heartbeats()]


def to_prometheus(found: Iterable[Metric]) -> str:
    r"""The text that Prometheus reads.

    Example:
        >>> to_prometheus([Metric("flows_due", "Flows that are due.", {(): 2})])
        '# HELP adf_flows_due Flows that are due.\n# TYPE adf_flows_due gauge\nadf_flows_due 2\n'
    """
    return "".join(line + "\n" for metric in found for line in _lines(metric))


def _lines(metric: Metric) -> Iterator[str]:
    name = f"adf_{metric.name}"
    yield f"# HELP {name} {metric.text}"
    yield f"# TYPE {name} gauge"
    for labels, value in metric.values.items():
        shown = f'{{{labels[0]}="{labels[1]}"}}' if labels else ""
        yield f"{name}{shown} {value:.15g}"


def _of_flows() -> Iterator[Metric]:
    counted = dict(flows().order_by().values_list("enabled").annotate(Count("pk")))
    by_switch = {("enabled", str(switch).lower()): float(counted.get(switch, 0)) for switch in (True, False)}
    due = flows().due_to_run().order_by().aggregate(flows=Count("pk"), since=Min("next_run_at"))
    yield Metric("flows", "Flows, by whether they are enabled.", by_switch)
    yield Metric("flows_due", "Flows that are due and of which no run goes on.", {(): due["flows"]})
    yield Metric("flow_lag_seconds", "How long the longest due flow has waited.", {(): _age(due["since"])})


def _of_active_runs() -> Iterator[Metric]:
    active = runs().active().order_by()
    counted = dict(active.values_list("status").annotate(Count("pk")))
    statuses = (RunStatus.PENDING, RunStatus.IN_PROGRESS)
    by_status = {("status", status.value): float(counted.get(status.value, 0)) for status in statuses}
    oldest = active.filter(status=RunStatus.IN_PROGRESS).aggregate(expires=Min("lease_expires_at"))["expires"]
    silence = 0.0 if oldest is None else _age(oldest - timedelta(seconds=app_settings().lease))
    yield Metric("runs_active", "Runs that have not ended.", by_status)
    yield Metric("oldest_lease_seconds", "Longest time since a run in progress gave a sign of life.", {(): silence})


def _of_recent_runs() -> Iterator[Metric]:
    ended = runs().ended().filter(created_at__gte=in_seconds(-HOUR)).order_by()
    took = F("ended_at") - F("started_at")
    sums = {name: Sum(name) for name in ("records_read", "records_written", "records_rejected", "bytes_read")}
    rows = ended.values("status").annotate(runs=Count("pk"), mean=Avg(took), longest=Max(took), **sums)
    found = {row["status"]: row for row in rows}
    for name, text in _RECENT.items():
        values = {("status", status): _plain(found.get(status, {}).get(name)) for status in ("success", "failed")}
        yield Metric(f"recent_{_NAMES.get(name, name)}", f"{text} of the last hour that have ended.", values)


def _of_rejects() -> Iterator[Metric]:
    open_ones = QuerySet(RejectedRecord, using=database()).filter(status=RejectStatus.OPEN).order_by()
    text = f"Rejected records that wait for someone; counted up to {MOST_COUNTED}."
    yield Metric("rejected_records_open", text, {(): open_ones[:MOST_COUNTED].count()})


def _of_heartbeats() -> Iterator[Metric]:
    newest = QuerySet(Heartbeat, using=database()).order_by("-pk").values_list("started_at", flat=True).first()
    values: dict[tuple[str, ...], float] = {} if newest is None else {(): _age(newest)}
    yield Metric("heartbeat_age_seconds", "Time since the last heartbeat; none where there never was one.", values)


def _age(moment: datetime | None) -> float:
    """Seconds since a moment."""
    if moment is None:
        return 0.0
    return max(0.0, (timezone.now() - moment).total_seconds())


def _plain(value: Any) -> float:
    return value.total_seconds() if isinstance(value, timedelta) else float(value or 0)


_RECENT = {
    "runs": "Runs",
    "mean": "Mean time in seconds of runs",
    "longest": "Longest time in seconds of runs",
    "records_read": "Records read by runs",
    "records_written": "Records written by runs",
    "records_rejected": "Records rejected by runs",
    "bytes_read": "Bytes read by runs",
}
_NAMES = {"mean": "run_seconds_mean", "longest": "run_seconds_longest"}

__all__ = ["Metric", "metrics", "to_prometheus"]
