"""Positions and committables of pipelines, in their tables; called inside a transaction."""

from __future__ import annotations

import json
from typing import Any

from django.db import connections
from django.db.models import Q, QuerySet
from django.utils import timezone

from active_data_flow.core.checkpoint import Checkpoint, SplitState
from active_data_flow.engine.stores.records import dump
from active_data_flow.runtimes.heartbeat.database import database
from active_data_flow.runtimes.heartbeat.models import CheckpointCommittable, CheckpointSplit, Pipeline
from active_data_flow.runtimes.heartbeat.texts import digest, storable

_ROWS = 500


def load(name: str) -> Checkpoint | None:
    """The newest checkpoint of a pipeline; None where nothing was saved."""
    pipeline = Pipeline.objects.using(database()).filter(name=name).first()
    if pipeline is None:
        return None
    rows = list(_splits().filter(pipeline=pipeline).order_by("pk").values_list("state", flat=True))
    kept = list(_committables().filter(pipeline=pipeline).order_by("writer").values_list("items", "done"))
    if not rows and not kept:
        return None
    states = [json.loads(row) for row in rows]
    pending, done = ([item for items, is_done in kept if is_done is wanted for item in json.loads(items)]
                     for wanted in (False, True))  # fmt: skip
    return Checkpoint(
        pipeline.epoch, {state["id"]: SplitState.from_json(state) for state in states}, pending, done=done
    )


def save(pipeline: Pipeline, checkpoint: Checkpoint) -> None:
    """Merge the splits that moved, and keep the writer's committables."""
    now = timezone.now()
    rows = [
        CheckpointSplit(
            pipeline=pipeline,
            key=digest(name),
            split_id=storable(name),
            state=storable(dump({"id": name, **state.to_json()})),
            updated_at=now,
        )
        for name, state in checkpoint.splits.items()
    ]
    _upsert(_splits(), rows, ["pipeline", "key"], ["state", "updated_at"])
    if checkpoint.committables:
        items = storable(dump(list(checkpoint.committables)))
        row = CheckpointCommittable(pipeline=pipeline, writer=checkpoint.writer, items=items, done=False)
        _upsert(_committables(), [row], ["pipeline", "writer"], ["items", "done"])


def mark_committed(pipeline: Pipeline, writer: int | None) -> None:
    """The committables of a writer, or of all (None), have been carried out."""
    rows = _committables().filter(pipeline=pipeline)
    (rows if writer is None else rows.filter(writer=writer)).update(done=True)


def reset(flow: str) -> None:
    """Forget the positions of a pipeline, or of a flow and all its pipelines."""
    inside = Q(pipeline__name=flow) | Q(pipeline__name__startswith=f"{flow}/")
    _splits().filter(inside).delete()
    _committables().filter(inside).delete()


def _upsert(rows: QuerySet[Any], new: list[Any], unique: list[str], changed: list[str]) -> None:
    """Insert, or change those that are there; MariaDB finds out by itself what is unique."""
    features: Any = connections[database()].features
    target = unique if features.supports_update_conflicts_with_target else None
    rows.bulk_create(new, batch_size=_ROWS, update_conflicts=True, unique_fields=target, update_fields=changed)


def _splits() -> QuerySet[CheckpointSplit]:
    return QuerySet(CheckpointSplit, using=database())


def _committables() -> QuerySet[CheckpointCommittable]:
    return QuerySet(CheckpointCommittable, using=database())


__all__ = ["load", "mark_committed", "reset", "save"]
