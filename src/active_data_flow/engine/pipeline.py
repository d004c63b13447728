"""One source to one sink: what the engine runs. A flow with several of either has several pipelines."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from active_data_flow.core.policies import Drift
from active_data_flow.core.schema import arrow_schema
from active_data_flow.core.sink import Delivery, Sink
from active_data_flow.engine.adapter import as_split_source
from active_data_flow.source_support import Boundedness, SplitSource

if TYPE_CHECKING:
    from active_data_flow.core.data_flow import DataFlow

_GUARANTEES = {
    Delivery.TRANSACTIONAL: "exactly-once",
    Delivery.TWO_PHASE: "exactly-once",
    Delivery.IDEMPOTENT: "effectively-once",
    Delivery.AT_LEAST_ONCE: "at-least-once",
}


@dataclass(frozen=True, slots=True)
class Pipeline:
    """A source, the flow's transforms, a sink, and the name under which their positions are kept."""

    flow: DataFlow
    name: str
    source: SplitSource
    sink: Sink

    @property
    def guarantee(self) -> str:
        """``exactly-once``, ``effectively-once`` (repeated writes change nothing) or ``at-least-once``."""
        return _GUARANTEES[self.sink.delivery_here[0]]

    @property
    def why(self) -> str:
        """Why the guarantee is what it is."""
        return self.sink.delivery_here[1]

    @property
    def endless(self) -> bool:
        """Whether the source never ends by itself."""
        return self.source.boundedness is Boundedness.ENDLESS


def pipelines_of(flow: DataFlow) -> list[Pipeline]:
    """The flow's pipelines: each source with each sink."""
    found: list[Pipeline] = []
    for source_name, source in flow.all_sources.items():
        for sink_name, sink in flow.all_sinks.items():
            suffix = ".".join(part for part in (source_name, sink_name) if part)
            name = f"{flow.name}/{suffix}" if suffix else flow.name
            found.append(Pipeline(flow, name, _typed(flow, as_split_source(source)), sink))
    return found


def _typed(flow: DataFlow, source: SplitSource) -> SplitSource:
    """Parsing text into the declared types at once is cheaper than casting what was inferred.

    A source rejects what it can't parse; a flow that wants something else done with it has to cast by itself.
    """
    if flow.schema is None or flow.contract.type is not Drift.FREEZE:
        return source
    return source.reading_as(arrow_schema(flow.schema))


__all__ = ["Pipeline", "pipelines_of"]
