"""Write a data flow once - source, transform, sink - and run it anywhere, exactly once.

Names are imported when they are first used, so that importing the package costs next to nothing.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from active_data_flow.core.lazy_names import lazy_names
from active_data_flow.version import VERSION

if TYPE_CHECKING:
    from active_data_flow.connectors.active_record import ActiveRecordSink, ActiveRecordSource, register_queryset
    from active_data_flow.connectors.file import FileSink, FileSource
    from active_data_flow.connectors.sql import SqlSink, SqlSource
    from active_data_flow.core.batch import Batch
    from active_data_flow.core.configuration import Configuration, Secret, Url
    from active_data_flow.core.data_flow import DataFlow
    from active_data_flow.core.errors import ActiveDataFlowError
    from active_data_flow.core.message import Message, Typed, Untyped
    from active_data_flow.core.policies import CheckpointPolicy, ErrorPolicy, RetryPolicy, SchemaContract
    from active_data_flow.core.registry import register, register_function
    from active_data_flow.core.run import Budget, RunResult
    from active_data_flow.core.schedule import RerunPolicy, Schedule, cron, every
    from active_data_flow.core.schema import Schema, field
    from active_data_flow.core.sink import Sink
    from active_data_flow.core.source import Source
    from active_data_flow.transforms import Cast, Deduplicate, Filter, Python, Rename, Select, Sql

__version__ = VERSION

_HOMES = {
    "ActiveDataFlowError": "core.errors",
    "ActiveRecordSink": "connectors.active_record",
    "ActiveRecordSource": "connectors.active_record",
    "Batch": "core.batch",
    "Budget": "core.run",
    "Cast": "transforms",
    "CheckpointPolicy": "core.policies",
    "Configuration": "core.configuration",
    "DataFlow": "core.data_flow",
    "Deduplicate": "transforms",
    "ErrorPolicy": "core.policies",
    "FileSink": "connectors.file",
    "FileSource": "connectors.file",
    "Filter": "transforms",
    "Message": "core.message",
    "Python": "transforms",
    "Rename": "transforms",
    "RerunPolicy": "core.schedule",
    "RetryPolicy": "core.policies",
    "RunResult": "core.run",
    "Schedule": "core.schedule",
    "Schema": "core.schema",
    "SchemaContract": "core.policies",
    "Secret": "core.configuration",
    "Select": "transforms",
    "Sink": "core.sink",
    "Source": "core.source",
    "Sql": "transforms",
    "SqlSink": "connectors.sql",
    "SqlSource": "connectors.sql",
    "Typed": "core.message",
    "Untyped": "core.message",
    "Url": "core.configuration",
    "cron": "core.schedule",
    "every": "core.schedule",
    "field": "core.schema",
    "register": "core.registry",
    "register_function": "core.registry",
    "register_queryset": "connectors.active_record",
}


__getattr__ = lazy_names(__name__, _HOMES)


def __dir__() -> list[str]:
    return sorted(__all__)


__all__ = [
    "ActiveDataFlowError",
    "ActiveRecordSink",
    "ActiveRecordSource",
    "Batch",
    "Budget",
    "Cast",
    "CheckpointPolicy",
    "Configuration",
    "DataFlow",
    "Deduplicate",
    "ErrorPolicy",
    "FileSink",
    "FileSource",
    "Filter",
    "Message",
    "Python",
    "Rename",
    "RerunPolicy",
    "RetryPolicy",
    "RunResult",
    "Schedule",
    "Schema",
    "SchemaContract",
    "Secret",
    "Select",
    "Sink",
    "Source",
    "Sql",
    "SqlSink",
    "SqlSource",
    "Typed",
    "Untyped",
    "Url",
    "__version__",
    "cron",
    "every",
    "field",
    "register",
    "register_function",
    "register_queryset",
]
