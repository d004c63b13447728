"""Rows of a query as Arrow columns: plain fields, and nested values of other models."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import pyarrow as pa

from active_data_flow.connectors.active_record.faults import Fault
from active_data_flow.connectors.active_record.fields import Typing, target_of
from active_data_flow.core.errors import ConfigurationError
from active_data_flow.core.near_names import near_names


@dataclass(frozen=True, slots=True)
class Leaf:
    """A field that is read.

    Attributes:
        path: How the query names it.
        field: Django's field.
        type: Type of its values in batches.
    """

    path: str
    field: Any
    type: pa.DataType


@dataclass(slots=True)
class Nested:
    """A row of another model that is read.

    Attributes:
        key: Path of the foreign key; where it is null the whole value is.
        members: What is read of it, by name.
    """

    key: str
    members: dict[str, Leaf | Nested] = field(default_factory=dict["str", "Leaf | Nested"])


class ReadColumns:
    """The columns of a source.

    Args:
        model: The model.
        columns: Paths of the fields to read; None: all of the model's own.
        select_related: Foreign keys whose row is read with all of its fields.
        annotations: What the queryset computes, by name.
        typing: Types of fields.

    Raises:
        ConfigurationError: There is no such field, or it leads to many rows.
    """

    def __init__(
        self,
        model: Any,
        columns: Sequence[str] | None,
        select_related: Sequence[str],
        annotations: Mapping[str, Any],
        typing: Typing,
    ) -> None:
        self._model = model
        self._typing = typing
        self._tree: dict[str, Leaf | Nested] = {}
        own = [f.attname for f in model._meta.concrete_fields if f.column] + list(annotations)
        for name in own if columns is None else columns:
            if name in annotations:
                self._tree[name] = self._leaf(name, annotations[name])
            else:
                self._add(name.split("__"), name)
        for name in select_related:
            self._add_all(name.split("__"))
        self._leaves = _leaves(self._tree)
        self.paths = [leaf.path for leaf in self._leaves] + _keys(self._tree)
        self.schema = pa.schema([pa.field(name, _type(part)) for name, part in self._tree.items()])

    def batch(self, rows: Sequence[tuple[Any, ...]]) -> tuple[pa.RecordBatch, dict[int, Fault]]:
        """The rows in the schema's types; those that don't fit are left out, and told with the reason."""
        if not rows:
            return pa.RecordBatch.from_pylist([], self.schema), {}
        faults: dict[int, Fault] = {}
        columns = dict(zip(self.paths, zip(*rows, strict=True), strict=True))
        arrays = {leaf.path: _array(leaf, columns[leaf.path], faults) for leaf in self._leaves}
        built = [_built(part, arrays, columns, len(rows)) for part in self._tree.values()]
        data = pa.record_batch(built, schema=self.schema)
        if faults:
            data = data.filter(pa.array([row not in faults for row in range(len(rows))], pa.bool_()))
        return data, faults

    def shown(self, row: Sequence[Any]) -> dict[str, Any]:
        """A row as it is in the database, for rejects."""
        return {leaf.path: _shown(value) for leaf, value in zip(self._leaves, row, strict=False)}

    def _add(self, parts: Sequence[str], name: str) -> None:
        *relations, last = parts
        model, members, prefix = self._enter(relations, name)
        found = _field(model, last, name)
        members[last] = self._leaf("__".join([*prefix, last]), found)

    def _add_all(self, parts: Sequence[str]) -> None:
        model, members, prefix = self._enter(parts, "__".join(parts))
        for found in model._meta.concrete_fields:
            if found.column:
                members.setdefault(found.attname, self._leaf("__".join([*prefix, found.attname]), found))

    def _enter(self, relations: Sequence[str], name: str) -> tuple[Any, dict[str, Leaf | Nested], list[str]]:
        model, members, prefix = self._model, self._tree, list[str]()
        for relation in relations:
            found = _field(model, relation, name)
            if not (found.many_to_one or found.one_to_one) or found.related_model is None:
                raise ConfigurationError(f"{name}: {relation} of model {model._meta.label} is no foreign key")
            nested = members.setdefault(relation, Nested("__".join([*prefix, found.attname])))
            if not isinstance(nested, Nested):
                raise ConfigurationError(
                    f"{name}: {relation} is to be read both as key and as nested value; leave one out"
                )
            model, members, prefix = found.related_model, nested.members, [*prefix, relation]
        return model, members, prefix

    def _leaf(self, path: str, found: Any) -> Leaf:
        return Leaf(path, found, self._typing.of(found) or pa.string())


def _field(model: Any, name: str, path: str) -> Any:
    fields = {f.attname: f for f in model._meta.concrete_fields} | {f.name: f for f in model._meta.concrete_fields}
    if name not in fields or not fields[name].column:
        raise ConfigurationError(
            f"columns: {path}: model {model._meta.label} has no field {name}{near_names(name, fields)}"
        )
    return fields[name]


def _leaves(tree: Mapping[str, Leaf | Nested]) -> list[Leaf]:
    parts = (_leaves(part.members) if isinstance(part, Nested) else [part] for part in tree.values())
    return [leaf for part in parts for leaf in part]


def _keys(tree: Mapping[str, Leaf | Nested]) -> list[str]:
    nested = [part for part in tree.values() if isinstance(part, Nested)]
    return [key for part in nested for key in (part.key, *_keys(part.members))]


def _type(part: Leaf | Nested) -> pa.DataType:
    if isinstance(part, Leaf):
        return part.type
    return pa.struct([pa.field(name, _type(member)) for name, member in part.members.items()])


def _built(
    part: Leaf | Nested, arrays: Mapping[str, pa.Array], columns: Mapping[str, Sequence[Any]], rows: int
) -> pa.Array:
    if isinstance(part, Leaf):
        return arrays[part.path]
    missing = pa.array([key is None for key in columns[part.key]], pa.bool_())
    members = [_built(member, arrays, columns, rows) for member in part.members.values()]
    fields = [pa.field(name, member.type) for name, member in zip(part.members, members, strict=True)]
    return pa.StructArray.from_arrays(members, fields=fields, mask=missing)


def _array(leaf: Leaf, values: Sequence[Any], faults: dict[int, Fault]) -> pa.Array:
    try:
        return pa.array(_plain(leaf, values), leaf.type)
    except (pa.ArrowException, TypeError, ValueError, OverflowError):
        return pa.array([_checked(leaf, row, value, faults) for row, value in enumerate(values)], leaf.type)


def _checked(leaf: Leaf, row: int, value: Any, faults: dict[int, Fault]) -> Any:
    try:
        plain = _plain(leaf, [value])[0]
        pa.array([plain], leaf.type)
    except (pa.ArrowException, TypeError, ValueError, OverflowError) as error:
        faults.setdefault(row, Fault(f"{leaf.path}: {value!r} is no {leaf.type}: {error}", leaf.path))
        return None
    return plain


def _plain(leaf: Leaf, values: Sequence[Any]) -> Sequence[Any]:
    """Values as Arrow takes them for the type."""
    source = target_of(leaf.field)
    if source.get_internal_type() == "JSONField":
        return [
            None if value is None else json.dumps(value, cls=source.encoder, ensure_ascii=False) for value in values
        ]
    if pa.types.is_binary(leaf.type):
        return [None if value is None else bytes(value) for value in values]
    if pa.types.is_string(leaf.type):
        return [value if value is None or isinstance(value, str) else str(value) for value in values]
    return values


def _shown(value: Any) -> Any:
    return value if isinstance(value, str | int | float | bool | None) else str(value)


__all__ = ["Leaf", "Nested", "ReadColumns"]
