"""What a source reads of its model: the rows, the columns, and their order."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from typing import Any

import pyarrow as pa
from django.core.exceptions import FieldDoesNotExist, FieldError
from django.db.models import Q, QuerySet
from django.db.models.functions import Now
from django.utils.module_loading import autodiscover_modules

from active_data_flow.connectors.active_record.client.columns import ReadColumns
from active_data_flow.connectors.active_record.client.place import typing_of
from active_data_flow.connectors.active_record.client.project import alias_for, model_named
from active_data_flow.connectors.active_record.configuration import ActiveRecordSourceConfiguration
from active_data_flow.connectors.active_record.fields import field_named
from active_data_flow.connectors.active_record.querysets import find_queryset
from active_data_flow.core.errors import ConfigurationError, PluginError
from active_data_flow.core.near_names import near_names


class ModelQuery:
    """The rows of a source; asks for none before it is told to.

    Args:
        source: The options.

    Raises:
        ConfigurationError: There is no such model, database, manager or field, or the queryset can't be read in parts.
        PluginError: No queryset of that name is registered.
    """

    def __init__(self, source: ActiveRecordSourceConfiguration) -> None:
        self._source = source
        self.model = model_named(source.model)
        self.label: str = self.model._meta.label
        self.alias = alias_for(self.model, source.database, "read")
        self.rows = self._filtered(self._base())
        self.key = self._key()
        self.cursor = None if source.cursor is None else field_named(self.model, source.cursor, "cursor")
        annotations = {name: found.output_field for name, found in self.rows.query.annotation_select.items()}
        self.columns = ReadColumns(
            self.model, source.columns, source.select_related, annotations, typing_of(self.alias)
        )

    @property
    def schema(self) -> pa.Schema:
        """Names and types of the columns."""
        return self.columns.schema

    @property
    def order(self) -> tuple[str, ...]:
        """Names of the fields by whose values rows are read in order: the cursor, if any, and the key."""
        names = (self.key.attname,) if self.cursor is None else (self.cursor.attname, self.key.attname)
        return tuple(dict.fromkeys(names))

    @property
    def nulls_first(self) -> bool:
        """Whether rows without a cursor value are read."""
        return self.cursor is not None and bool(self.cursor.null) and self._source.cursor_nulls == "read"

    def page(
        self, after: Sequence[Any] | None, low: Any, high: Any, *, nulls: bool, limit: int
    ) -> tuple[list[tuple[Any, ...]], Sequence[Any] | None]:
        """The next rows behind a position, and the values of the order's fields in the last of them.

        Args:
            after: Values of the order's fields in the last row read; with `nulls` only of the key.
            low: First key of the range; None where it is open.
            high: First key behind it.
            nulls: The rows without a cursor value; else those that have one.
            limit: Rows at most.
        """
        order = self.order[1:] if nulls else self.order
        rows = self.rows.filter(*self._conditions(after, low, high, order, nulls=nulls)).order_by(*order)
        found = list(rows.values_list(*self.columns.paths, *order)[:limit])
        width = len(self.columns.paths)
        return [row[:width] for row in found], found[-1][width:] if found else None

    def key_at(self, place: int, *, last: bool = False, behind: Any = None) -> Any:
        """The key of the row at a place in the order of keys; None where there are fewer rows."""
        rows = self.rows if behind is None else self.rows.filter(pk__gte=behind)
        keys = rows.order_by("-pk" if last else "pk").values_list("pk", flat=True)
        return next(iter(keys[place : place + 1]), None)

    def _conditions(
        self, after: Sequence[Any] | None, low: Any, high: Any, order: Sequence[str], *, nulls: bool
    ) -> list[Q]:
        found: list[Q] = []
        if nulls:
            found.append(Q(**{f"{self.order[0]}__isnull": True}))
        elif self.cursor is not None and self.cursor.null:
            found.append(Q(**{f"{self.order[0]}__isnull": False}))
        if after is not None:
            found.append(_behind(order, after))
        elif low is not None:
            found.append(Q(pk__gte=low))
        if high is not None:
            found.append(Q(pk__lt=high))
        if self._source.settle and not nulls:
            found.append(Q(**{f"{self.order[0]}__lte": Now() - timedelta(seconds=self._source.settle)}))
        return found

    def _base(self) -> Any:
        if self._source.queryset is not None:
            return self._registered(self._source.queryset)
        if self._source.manager is None:
            return self.model._default_manager.all()
        managers = {manager.name: manager for manager in self.model._meta.managers}
        found = managers.get(self._source.manager)
        if found is None:
            near = near_names(self._source.manager, managers)
            raise ConfigurationError(f"manager: model {self.label} has no manager {self._source.manager}{near}")
        return found.all()

    def _registered(self, name: str) -> Any:
        try:
            function = find_queryset(name)
        except PluginError:
            autodiscover_modules("flows")
            function = find_queryset(name)
        try:
            rows = function(**self._source.parameters)
        except TypeError as error:
            raise ConfigurationError(f"parameters: queryset {name} can't be called with them: {error}") from error
        query: Any = getattr(rows, "query", None)
        if not isinstance(rows, QuerySet) or rows.model._meta.concrete_model is not self.model._meta.concrete_model:
            message = f"queryset: {name} gives {type(rows).__name__}, not a queryset of model {self.label}"
            raise ConfigurationError(message)
        if query.is_sliced or query.combinator:
            message = f"queryset: {name} is sliced or combined, and can't be read in parts; filter it instead"
            raise ConfigurationError(message)
        return rows

    def _filtered(self, rows: Any) -> Any:
        try:
            return rows.using(self.alias).filter(**self._source.filters)
        except (FieldError, FieldDoesNotExist, ValueError, TypeError) as error:
            raise ConfigurationError(f"filters: model {self.label}: {error}") from error

    def _key(self) -> Any:
        key = self.model._meta.pk
        if not key.column:
            message = f"model {self.label} has a primary key of several fields, by which it can't be read in parts yet"
            raise ConfigurationError(message, connector="active_record")
        return key


def _behind(order: Sequence[str], after: Sequence[Any]) -> Q:
    """Rows that come later in the order than one with these values."""
    if len(order) == 1:
        return Q(**{f"{order[0]}__gt": after[0]})
    first, second = order
    later = Q(**{f"{first}__gt": after[0]}) | Q(**{first: after[0], f"{second}__gt": after[1]})
    return Q(**{f"{first}__gte": after[0]}) & later  # which an index is used for


__all__ = ["ModelQuery"]
