"""Models of a Django project, as sink and source.

`ActiveRecordSink` promises:

- **exactly-once**: rows and the positions they were read from are one transaction of the model's database, in which a
  run that has been superseded is refused (tables ``_adf_positions`` and ``_adf_epochs``, beside the model's);
- append, and upsert by fields that have a unique index;
- records are validated as `full_clean` does it and saved with their signals, or `trusted`: as fast as the database
  takes them;
- a record that is not valid, or that the database refuses, is set aside by itself, with the reason and the field;
- the table is the migrations' business: it is never made or changed.

`ActiveRecordSource` reads a model, a manager or a registered queryset; see its own documentation.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from active_data_flow.core.lazy_names import lazy_names

if TYPE_CHECKING:
    from active_data_flow.connectors.active_record.querysets import register_queryset
    from active_data_flow.connectors.active_record.sink import ActiveRecordSink
    from active_data_flow.connectors.active_record.source import ActiveRecordSource

__getattr__ = lazy_names(
    __name__, {"ActiveRecordSink": "sink", "ActiveRecordSource": "source", "register_queryset": "querysets"}
)

__all__ = ["ActiveRecordSink", "ActiveRecordSource", "register_queryset"]
