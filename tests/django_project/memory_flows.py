"""Flows as records, for tests in one process: what they read and write is in memory."""

from __future__ import annotations

from typing import Any

from active_data_flow.core.registry import register
from active_data_flow.testing import ScriptedSource, TransactionalMemorySink, place
from active_data_flow.testing.places import Place

register("source", "scripted", ScriptedSource)
register("sink", "memory", TransactionalMemorySink)


def document(key: str, steps: list[Any] | None = None, **options: Any) -> dict[str, Any]:
    """A flow that reads a script and writes to a place of that name, two records a batch."""
    steps, pause, endless = (
        numbers(4) if steps is None else steps,
        options.pop("pause", 0),
        options.pop("endless", False),
    )
    script = {"a": [part for step in steps for part in (step, f"pause {pause}s")] if pause else steps}
    return {
        "source": {"type": "scripted", "script": script, "key": key, "endless": endless},
        "sink": {"type": "memory", "place": key},
        "checkpoint": {"every": 0},
        "retry": {"attempts": 2, "backoff": 0.001, "max_backoff": 0.002},
        "schedule": {"every": "5m"},
        **options,
    }


def numbers(count: int, start: int = 0) -> list[dict[str, int]]:
    """Records of a script."""
    return [{"n": number} for number in range(start, start + count)]


def record(name: str, steps: list[Any] | None = None, **options: Any) -> Any:
    """A flow as a record, which is due; nothing is written yet."""
    from active_data_flow.runtimes.heartbeat.models import DataFlow

    where = place(name)
    where.rows, where.splits, where.epochs = [], {}, {}
    enabled = options.pop("enabled", True)
    return DataFlow.objects.create(name=name, enabled=enabled, configuration=document(name, steps, **options))


def place_of(name: str) -> Place:
    """Where a flow writes."""
    return place(name)


def written(name: str) -> list[int]:
    """What a flow has written, in order."""
    return [row["n"] for row in place_of(name).rows]
