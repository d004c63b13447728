"""Rejected records, in their table; called inside a transaction."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from django.db.models import Count, Max, Min, QuerySet
from django.utils import timezone

from active_data_flow.core.checkpoint import StagedReject
from active_data_flow.engine.stores.records import RejectGroup, StoredReject, to_columns
from active_data_flow.runtimes.heartbeat.database import database
from active_data_flow.runtimes.heartbeat.models import Pipeline, RejectedRecord, RejectStatus
from active_data_flow.runtimes.heartbeat.texts import digest, storable

_ROWS = 500
_TEXTS = ("split_id", "record", "error", "error_type", "stage", "position", "field")


def of_flow(flow: str) -> QuerySet[RejectedRecord]:
    """Rejected records of a flow and of its pipelines, or of one pipeline; oldest first."""
    known = Pipeline.objects.using(database()).filter(flow_name=flow.partition("/")[0]).values_list("pk", "name")
    inside = [pk for pk, name in known if name == flow or name.startswith(f"{flow}/")]
    return QuerySet(RejectedRecord, using=database()).filter(pipeline__in=inside).order_by("pk")


def find(
    flow: str, status: str = "open", *, ids: Sequence[int] | None = None, limit: int = 100, offset: int = 0
) -> list[StoredReject]:
    """A page of them, as the engine knows them."""
    rows = of_flow(flow).filter(status=status).select_related("pipeline")
    if ids is not None:
        rows = rows.filter(pk__in=list(ids))
    return [stored(row) for row in rows[offset : offset + limit]]


def groups(flow: str, status: str = "open") -> list[RejectGroup]:
    """Counted by kind of error, most first."""
    kinds = of_flow(flow).filter(status=status).order_by().values("error_type", "stage", "field")
    counted = kinds.annotate(records=Count("pk"), first_id=Min("pk"), last=Max("at"), example=Min("error"))
    return [
        RejectGroup(**{name: value for name, value in row.items() if name != "last"}, last_at=row["last"].isoformat())
        for row in counted.order_by("-records", "first_id")
    ]


def mark(flow: str, status: str, ids: Sequence[int] | None = None) -> int:
    """Give open ones another status; None: all. Returns how many."""
    rows = of_flow(flow).filter(status=RejectStatus.OPEN).order_by()
    return (rows if ids is None else rows.filter(pk__in=list(ids))).update(status=status)


def insert(pipeline: Pipeline, staged: Sequence[StagedReject], status: RejectStatus) -> None:
    """Keep rejected records."""
    now = timezone.now()
    rows = [
        RejectedRecord(pipeline=pipeline, at=now, status=status, split_key=digest(one.reject.split_id), **_values(one))
        for one in staged
    ]
    RejectedRecord.objects.using(database()).bulk_create(rows, batch_size=_ROWS)


def settle(pipeline: Pipeline, committed: Mapping[str, int]) -> None:
    """Staged ones up to the committed sequence of their split count from now on."""
    keys = set(_staged(pipeline).values_list("split_key", flat=True).distinct())
    for split_id, sequence in committed.items():
        if keys and (key := digest(split_id)) in keys:
            _staged(pipeline).filter(split_key=key, sequence__lte=sequence).update(status=RejectStatus.OPEN)


def drop_staged(pipeline: Pipeline) -> None:
    """Forget those whose data never was committed."""
    _staged(pipeline).delete()


def stored(row: RejectedRecord) -> StoredReject:
    """A row, as the engine knows it."""
    return StoredReject(
        id=row.pk,
        flow=row.pipeline.name,
        run_id=row.run_id,
        flow_version=row.flow_version,
        split_id=row.split_id,
        sequence=row.sequence,
        status=row.status,
        at=row.at.isoformat(),
        record=json.loads(row.record),
        error=row.error,
        error_type=row.error_type,
        stage=row.stage,
        position=json.loads(row.position),
        field=row.field,
        passed=row.passed,
        arrow=None if row.arrow is None else bytes(row.arrow),
    )


def _values(staged: StagedReject) -> dict[str, Any]:
    columns = to_columns(staged)
    texts = {name: storable(columns[name]) for name in _TEXTS if columns[name] is not None}
    return columns | texts | {"error_type": texts["error_type"][:128], "stage": texts["stage"][:128]}


def _staged(pipeline: Pipeline) -> QuerySet[RejectedRecord]:
    return QuerySet(RejectedRecord, using=database()).filter(pipeline=pipeline, status=RejectStatus.STAGED)


__all__ = ["drop_staged", "find", "groups", "insert", "mark", "of_flow", "settle", "stored"]
