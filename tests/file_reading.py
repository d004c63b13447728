"""Reads a source in tests: with any number of readers, and in several runs that each stop somewhere."""

from __future__ import annotations

import bz2
import gzip
import json
from pathlib import Path
from typing import Any

import pyarrow as pa

from active_data_flow.core.batch import Batch
from active_data_flow.core.checkpoint import SplitState
from active_data_flow.source_support import SplitSource
from active_data_flow.source_support.direct import DirectContext, read_batches


def write(folder: Path, name: str, content: str | bytes) -> str:
    """Write a file, compressed as its name says; gives its path."""
    data = content.encode() if isinstance(content, str) else content
    if name.endswith(".gz"):
        data = gzip.compress(data)
    elif name.endswith(".bz2"):
        data = bz2.compress(data)
    elif name.endswith(".zst"):
        data = pa.compress(data, codec="zstd", asbytes=True)
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)
    return str(path)


def read(
    source: SplitSource,
    restored: dict[str, SplitState] | None = None,
    *,
    parallelism: int = 1,
    limit: int | None = None,
) -> list[Batch]:
    """All batches, or the first `limit`; what was read is put into `restored`, through JSON as a store does."""
    states = {} if restored is None else restored
    batches: list[Batch] = []
    splits: dict[str, Any] = {}
    context = _Context(dict(states), parallelism)
    enumerator, reader = source.create_enumerator(context), source.create_reader(context)
    serializer = source.split_serializer()
    try:
        enumerator.start()
        reader.start()
        while limit is None or len(batches) < limit:
            context.deliver(enumerator, reader, splits)
            item = reader.poll()
            if isinstance(item, Batch):
                batches.append(item)
                form = json.loads(json.dumps(serializer.to_json(splits[item.split_id])))
                states[item.split_id] = SplitState(form, json.loads(json.dumps(item.position)), item.finished)
            elif not context.has_news:
                break
    finally:
        reader.close()
        enumerator.close()
    return batches


def resumed(source: SplitSource, stop: int) -> list[dict[str, Any]]:
    """All rows, read in runs of `stop` batches each (at least one), every run with new objects."""
    states: dict[str, SplitState] = {}
    rows: list[dict[str, Any]] = []
    while batches := read(source, states, limit=max(stop, 1)):
        rows += [row for batch in batches for row in batch.data.to_pylist()]
        assert not any(batch.rejects for batch in batches)
    return rows


def rows_of(source: SplitSource) -> list[dict[str, Any]]:
    """All good rows."""
    return [row for batch in read_batches(source) for row in batch.data.to_pylist()]


class _Context(DirectContext):
    """Says that there are several readers."""

    def __init__(self, restored: dict[str, SplitState], parallelism: int) -> None:
        super().__init__(restored)
        self._parallelism = parallelism

    def current_parallelism(self) -> int:
        return self._parallelism

    @property
    def has_news(self) -> bool:
        return bool(self.requests or self.assigned or self.no_more)

    def deliver(self, enumerator: Any, reader: Any, splits: dict[str, Any]) -> None:
        from active_data_flow.source_support import AssignedSplit

        while self.requests:
            self.requests -= 1
            enumerator.handle_split_request(0)
        while self.assigned:
            split = self.assigned.popleft()
            splits[split.split_id] = split
            state = self.restored.get(split.split_id)
            reader.add_splits([AssignedSplit(split, None if state is None else state.position)])
        if self.no_more:
            self.no_more = False
            reader.no_more_splits()
