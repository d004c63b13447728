"""Sets a pipeline's positions back, in the store and where its sink keeps them itself."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import ExitStack
from dataclasses import replace

from active_data_flow.core.batch import Position
from active_data_flow.core.checkpoint import Checkpoint, CheckpointStore, SplitState
from active_data_flow.core.errors import ExecutionError
from active_data_flow.core.near_names import near_names
from active_data_flow.core.sink import WriterContext
from active_data_flow.engine.commit import commit_for
from active_data_flow.engine.pipeline import Pipeline


def rewind(pipeline: Pipeline, store: CheckpointStore, positions: Mapping[str, Position]) -> dict[str, SplitState]:
    """Have the next run go on from other positions; what is written stays.

    It is a commit like any other, but without records: fenced by the epoch, and in one transaction with the sink's
    own positions where it keeps such.

    Args:
        pipeline: The pipeline; the flow is held by the caller.
        store: Where positions are kept.
        positions: Position by split id; None: the split is read from its beginning. Others stay as they are.

    Returns:
        The states before, of the splits that were set back.

    Raises:
        ExecutionError: There is no such split (names near ones); nothing was changed.
        ActiveDataFlowError: Sink or store can't be used, or a newer run has taken over.

    Example:
        >>> rewind(pipeline, store, {"flights.csv": None})
    """
    epoch = store.begin(pipeline.name)
    with ExitStack() as stack:
        commit = commit_for(pipeline.sink, store, pipeline.name)
        stack.callback(commit.close)
        writer = pipeline.sink.open(WriterContext(pipeline.name, epoch, 0, pipeline.flow.contract))
        stack.callback(writer.close)
        restored = commit.restore(writer, epoch)
        before = {name: _state(restored, name, pipeline) for name in positions}
        moved = {
            name: replace(state, position=positions[name], finished=False, sequence=state.sequence + 1)
            for name, state in before.items()
        }
        commit.commit(writer, Checkpoint(restored.epoch, moved), [])
    return before


def _state(restored: Checkpoint, name: str, pipeline: Pipeline) -> SplitState:
    try:
        return restored.splits[name]
    except KeyError:
        near = near_names(name, set(restored.splits))
        message = f"{pipeline.name} has no position of a split {name!r}{near}"
        raise ExecutionError(message, flow=pipeline.name) from None


__all__ = ["rewind"]
