"""Records of flows that are run without the heartbeat."""

from __future__ import annotations

from active_data_flow.core.data_flow import DataFlow as Flow
from active_data_flow.runtimes.heartbeat.database import flows
from active_data_flow.runtimes.heartbeat.models import DataFlow


def record_of(flow: Flow) -> DataFlow:
    """The record of a flow's name; made where there is none, disabled, so that only who has the flow runs it."""
    found = flows().filter(name=flow.name).first()
    if found is not None:
        return found
    configuration = {} if flow.has_code else flow.to_document()
    record = DataFlow(name=flow.name, description=flow.description, enabled=False, configuration=configuration)
    flows().bulk_create([record], ignore_conflicts=True)  # as it is: the code need not be one of an installed app
    return flows().get(name=flow.name)


__all__ = ["record_of"]
