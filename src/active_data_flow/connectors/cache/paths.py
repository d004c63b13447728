"""Fields of a batch by name, those inside structs by path: ``user.id``."""

from __future__ import annotations

from collections.abc import Iterator

import pyarrow as pa

from active_data_flow.core.kernels import pc
from active_data_flow.core.near_names import near_names


def column_at(data: pa.RecordBatch, path: str) -> pa.Array | None:
    """The values at a path; null where a struct on the way is; None: there is no such field.

    A column whose own name has dots comes before a struct's field.
    """
    steps = path.split(".")
    for count in range(len(steps), 0, -1):
        name = ".".join(steps[:count])
        if name in data.schema.names:
            return _inside(data.column(name), steps[count:])
    return None


def no_such_field(data: pa.RecordBatch, path: str) -> str:
    """What to say of a path that leads nowhere."""
    return f"there is no field {path!r}{near_names(path, list(_paths(data.schema)))}"


def _inside(column: pa.Array, steps: list[str]) -> pa.Array | None:
    for step in steps:
        if not pa.types.is_struct(column.type) or column.type.get_field_index(step) < 0:
            return None
        column = pc.struct_field(column, column.type.get_field_index(step))
    return column


def _paths(fields: pa.Schema | pa.StructType, before: str = "") -> Iterator[str]:
    for field in fields:
        yield before + field.name
        if pa.types.is_struct(field.type):
            yield from _paths(field.type, f"{before}{field.name}.")


__all__ = ["column_at", "no_such_field"]
