"""Tables of PostgreSQL, SQLite, MySQL and MariaDB, by address.

`SqlSink` promises:

- **exactly-once**: rows and the positions they were read from are one transaction of the database, in which a run that
  has been superseded is refused (tables ``_adf_positions`` and ``_adf_epochs``, beside the target);
- append, upsert (the last row of a key wins) and replace (the old table stays until the new one is complete);
- the table is created and widened as the flow's schema contract says, never otherwise;
- a row that the database refuses is set aside by itself, with the database's reason;
- memory does not grow with the data: rows go to the database in pieces of `SqlSink.batch_size`.

`SqlSource` reads tables and queries; see its own documentation.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from active_data_flow.core.lazy_names import lazy_names

if TYPE_CHECKING:
    from active_data_flow.connectors.sql.sink import SqlSink
    from active_data_flow.connectors.sql.source import SqlSource

__getattr__ = lazy_names(__name__, {"SqlSink": "sink", "SqlSource": "source"})

__all__ = ["SqlSink", "SqlSource"]
