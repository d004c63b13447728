"""Ready-made transforms: filter, select, rename, cast, sql, deduplicate, python.

Each works on whole batches, keeps untouched columns as they are, and turns rows that it can't use into rejects.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from active_data_flow.core.lazy_names import lazy_names

if TYPE_CHECKING:
    from active_data_flow.transforms.cast import Cast
    from active_data_flow.transforms.deduplicate import Deduplicate
    from active_data_flow.transforms.filter import Filter
    from active_data_flow.transforms.python import Python
    from active_data_flow.transforms.rename import Rename
    from active_data_flow.transforms.select import Select
    from active_data_flow.transforms.sql import Sql

__getattr__ = lazy_names(
    __name__,
    {
        "Cast": "cast",
        "Deduplicate": "deduplicate",
        "Filter": "filter",
        "Python": "python",
        "Rename": "rename",
        "Select": "select",
        "Sql": "sql",
    },
)

__all__ = ["Cast", "Deduplicate", "Filter", "Python", "Rename", "Select", "Sql"]
