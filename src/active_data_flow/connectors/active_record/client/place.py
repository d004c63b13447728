"""A model in its database: what a sink has to know of it, and the connection that it writes through."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from django.db import connections

from active_data_flow.connectors.active_record.client.project import alias_for, model_named, time_zones
from active_data_flow.connectors.active_record.client.session import ModelSession
from active_data_flow.connectors.active_record.client.trusted import Way
from active_data_flow.connectors.active_record.conversion import Zones, check_required
from active_data_flow.connectors.active_record.dialects import model_dialect
from active_data_flow.connectors.active_record.fields import (
    ModelField,
    Typing,
    chosen_fields,
    field_named,
    fills_itself,
    writable_fields,
)
from active_data_flow.connectors.sql.dialects import Column
from active_data_flow.connectors.sql.sink_configuration import Mode
from active_data_flow.core.errors import ConfigurationError, SinkError


class ModelPlan:
    """What a sink does with which model; nothing is connected to.

    Args:
        model: Name of the model.
        database: The database that is asked for; None: the routers'.
        mode: ``append`` or ``upsert``.
        unique_by: Names of the fields that make a row the same.
        update_only: Names of the fields that a row that is there gets anew.
        references: Foreign key -> field of the other model that the data names its rows by.
        trusted: Whether rows go past the model.

    Raises:
        ConfigurationError: There is no such model, database or field.
    """

    def __init__(
        self,
        model: str,
        database: str | None,
        mode: Mode,
        unique_by: Sequence[str],
        update_only: Sequence[str],
        references: Mapping[str, str],
        *,
        trusted: bool,
    ) -> None:
        self.model = model_named(model)
        self.label: str = self.model._meta.label
        self.alias = alias_for(self.model, database, "write")
        keys = [field_named(self.model, name, "unique_by").attname for name in unique_by]
        only = [field_named(self.model, name, "update_only").attname for name in update_only]
        self.way = Way(mode, tuple(keys), tuple(only))
        self.trusted = trusted
        self._references = dict(references)
        self._check_references()
        project, database_zone = time_zones(self.alias)
        self.zones = Zones(project, database_zone)
        self.typing = typing_of(self.alias)

    def fields(self, names: Sequence[str]) -> tuple[list[ModelField], list[str]]:
        """The fields that columns of data fill, and the columns that the model has no field for."""
        return chosen_fields(self.model, names, self.typing, self._references)

    def problems(self, names: Sequence[str], *, unknown_matter: bool) -> list[str]:
        """What is wrong with data of these columns, each with the remedy."""
        fields, unknown = self.fields(names)
        remedy = "add one and migrate, or leave the column out with a select transform"
        found = [f"model {self.label} has no field for column {name}; {remedy}" for name in unknown if unknown_matter]
        try:
            self.check_columns(fields, names)
        except SinkError as error:
            found.append(error.message)
        return found

    def check_columns(self, fields: Sequence[ModelField], names: Sequence[str]) -> None:
        """Refuse data that lacks a column without which no row can be written.

        Raises:
            SinkError: It names the column.
        """
        given = {field.attribute for field in fields}
        wanted = [*self.way.unique_by, *self.way.update_only]
        lacking = [name for name in wanted if name not in given]
        if lacking:
            message = f"the data has no column {', '.join(lacking)}, which upsert needs; it has {', '.join(names)}"
            raise SinkError(message)
        if self.trusted or self.way.mode == "append":
            missing = [f for f in writable_fields(self.model) if f.attname not in given and not fills_itself(f)]
            check_required(self.label, missing, names)

    def _check_references(self) -> None:
        for name, target in self._references.items():
            field = field_named(self.model, name, "references")
            if field.remote_field is None:
                raise ConfigurationError(f"references: {name} of model {self.label} is no foreign key")
            related = field_named(field.related_model, target, f"references: {name}")
            if not related.unique:
                label = field.related_model._meta.label
                message = f"references: {name}: {target} of model {label} is not unique, so that it names no one row"
                raise ConfigurationError(message)


class Place(ModelPlan):
    """A model in its database, open."""

    def __init__(self, plan: ModelPlan, session: ModelSession) -> None:
        self.__dict__.update(plan.__dict__)
        self.session = session
        self.dialect = model_dialect(session)

    @property
    def checks_references(self) -> bool:
        """Whether rows that foreign keys point to are looked for; the others' databases do so row by row."""
        return not self.trusted or self.session.dialect == "sqlite"

    def columns_for(self, fields: Sequence[ModelField], names: Sequence[str]) -> dict[str, Column]:
        """The columns of the table, by name.

        Raises:
            SinkError: There is no table, or it lacks a column or a unique index; or the data lacks a column.
        """
        self.check_columns(fields, names)
        meta = self.model._meta
        found = self.dialect.columns(None, meta.db_table)
        if found is None:
            raise SinkError(
                f"database {self.alias} has no table {meta.db_table} for model {self.label}; manage.py migrate"
            )
        columns = {column.name: column for column in found}
        lacking = [field.column for field in writable_fields(self.model) if field.column not in columns]
        if lacking:
            message = f"table {meta.db_table} lacks columns of model {self.label}: {', '.join(lacking)}"
            raise SinkError(f"{message}; manage.py migrate")
        if self.way.mode == "upsert":
            self._check_key()
        return columns

    def _check_key(self) -> None:
        fields = {field.attname: field for field in writable_fields(self.model)}
        wanted = frozenset(fields[name].column for name in self.way.unique_by)
        if wanted in self.dialect.unique_keys(None, self.model._meta.db_table):
            return
        names = ", ".join(fields[name].name for name in self.way.unique_by)
        quoted = ", ".join(f'"{fields[name].name}"' for name in self.way.unique_by)
        message = (
            f"table {self.model._meta.db_table} of model {self.label} has no unique index on ({names}), without which "
            f"rows can't be found again; add UniqueConstraint(fields=[{quoted}], name=…) to its Meta.constraints, or "
            "unique=True to the field, and migrate"
        )
        raise SinkError(message)


def typing_of(alias: str) -> Typing:
    """Types of fields in a database."""
    from django.conf import settings

    known = connections[alias].ops.integer_field_range

    def ranges(kind: str) -> tuple[int | None, int | None]:
        try:
            return known(kind)
        except KeyError:
            return None, None

    return Typing(bool(settings.USE_TZ), ranges)


__all__ = ["ModelPlan", "Place", "typing_of"]
