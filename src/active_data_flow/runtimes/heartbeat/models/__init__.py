"""The tables of the app, a file per topic."""

from active_data_flow.runtimes.heartbeat.models.access import ApiToken, AuditEntry, RateLimitCounter
from active_data_flow.runtimes.heartbeat.models.checkpoint import (
    CheckpointCommittable,
    CheckpointSplit,
    Pipeline,
    RejectedRecord,
    RejectStatus,
)
from active_data_flow.runtimes.heartbeat.models.data_flow import ConcurrencyGroup, DataFlow
from active_data_flow.runtimes.heartbeat.models.data_flow_run import (
    DataFlowRun,
    FailureReason,
    RunLogLine,
    RunStatus,
    StopRequest,
    Trigger,
)
from active_data_flow.runtimes.heartbeat.models.database_now import DatabaseNow
from active_data_flow.runtimes.heartbeat.models.heartbeat import Heartbeat

__all__ = [
    "ApiToken",
    "AuditEntry",
    "CheckpointCommittable",
    "CheckpointSplit",
    "ConcurrencyGroup",
    "DataFlow",
    "DataFlowRun",
    "DatabaseNow",
    "FailureReason",
    "Heartbeat",
    "Pipeline",
    "RateLimitCounter",
    "RejectStatus",
    "RejectedRecord",
    "RunLogLine",
    "RunStatus",
    "StopRequest",
    "Trigger",
]
