"""The app in Django's admin: everything can be seen, and nothing is changed but by actions that are permitted."""

from active_data_flow.runtimes.heartbeat.admin.access import ApiTokenAdmin, AuditEntryAdmin
from active_data_flow.runtimes.heartbeat.admin.flows import DataFlowAdmin
from active_data_flow.runtimes.heartbeat.admin.heartbeats import HeartbeatAdmin
from active_data_flow.runtimes.heartbeat.admin.rejects import RejectedRecordAdmin
from active_data_flow.runtimes.heartbeat.admin.runs import DataFlowRunAdmin

__all__ = [
    "ApiTokenAdmin",
    "AuditEntryAdmin",
    "DataFlowAdmin",
    "DataFlowRunAdmin",
    "HeartbeatAdmin",
    "RejectedRecordAdmin",
]
