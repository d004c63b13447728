"""The sink of models is held to its promises: each database, in each mode, validated and trusted."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, ClassVar

import pyarrow as pa
import pytest

from active_data_flow.connectors.active_record import ActiveRecordSink
from active_data_flow.core.sink import Sink, Writer
from active_data_flow.testing import Refusal, SinkHarness, SinkSuite, read_as
from django_models import APP, field_of, forget, key, new_model
from django_project.setup import close_connections, set_up_django, use_databases
from services import MariaDB, PostgreSQL

ALWAYS = frozenset(
    {
        "transactional",
        "exactly-once",
        "isolated",
        "append",
        "nested",
        "fixed columns",
        "fixed types",
        "rejects rows",
    }
)
SERVER = ALWAYS | {"many writers", "takeover", "secrets"}
UPSERT: dict[str, Any] = {"mode": "upsert", "unique_by": ["id"]}


class Models(SinkHarness):
    """A model for each place, read by the ORM."""

    def __init__(self, **options: Any) -> None:
        self.options = options
        self.models: dict[str, Any] = {}

    def sink(self, schema: pa.Schema, **options: Any) -> ActiveRecordSink:
        names = schema.names or ["id", "text"]
        kinds = {name: schema.field(name).type if schema.names else pa.string() for name in names}
        fields = {name: key() if name == "id" else field_of(kind) for name, kind in kinds.items()}
        return self.of(new_model(fields), **options)

    def of(self, model: Any, **options: Any) -> ActiveRecordSink:
        self.models[f"{APP}.{model.__name__}"] = model
        return ActiveRecordSink(model=f"{APP}.{model.__name__}", timeout=5, **self.options | options)

    def rows(self, sink: Sink, schema: pa.Schema) -> Sequence[dict[str, Any]]:
        assert isinstance(sink, ActiveRecordSink)
        model = self.models[sink.model]
        known = pa.schema([field for field in schema if hasattr(model, field.name)])
        rows = model.objects.values(*_others(known), **_decimals(known))
        return read_as([_wall_clock({name.strip("_"): row[name] for name in row}, schema) for row in rows], schema)

    def refusal(self) -> Refusal:
        from django.db import models

        below = models.CheckConstraint(
            condition=models.Q(number__lt=100), name=f"below_{len(self.models)}_{os.getpid()}"
        )
        fields = {"id": key(), "number": models.BigIntegerField()}
        rows = pa.record_batch({"id": range(6), "number": pa.array([1, None, 99, 100, 5, 1000], pa.int64())})
        return Refusal(self.of(new_model(fields, constraints=[below])), rows, {1: "number", 3: None, 5: None})

    def kill(self, writer: Writer) -> None:
        """The server rolls back when the connection ends."""
        writer.close()

    def secret(self, password: str) -> Sink:
        from django.conf import settings

        settings.DATABASES["secret"] = {**settings.DATABASES["default"], "PASSWORD": password, "NAME": "nowhere"}
        sink = self.sink(pa.schema({"id": pa.int64()}))
        return ActiveRecordSink(model=sink.model, database="secret")


def _decimals(schema: pa.Schema) -> dict[str, Any]:
    """As they are kept: of SQLite as texts, of which the ORM would make floats."""
    from django.db.models import TextField
    from django.db.models.expressions import RawSQL

    names = [field.name for field in schema if pa.types.is_decimal(field.type)]
    return {f"{name}_": RawSQL(name, (), output_field=TextField()) for name in names}


def _others(schema: pa.Schema) -> list[str]:
    return [field.name for field in schema if not pa.types.is_decimal(field.type)]


def _wall_clock(row: dict[str, Any], schema: pa.Schema) -> dict[str, Any]:
    """Moments without a zone are in the project's."""
    from django.utils import timezone

    naive = [f.name for f in schema if pa.types.is_timestamp(f.type) and f.type.tz is None]
    return row | {name: timezone.make_naive(row[name]) for name in naive if row.get(name)}


class ModelSuite(SinkSuite):
    options: ClassVar[dict[str, Any]] = {}
    capabilities: ClassVar = ALWAYS

    @pytest.fixture
    def harness(self, url: str) -> Iterator[SinkHarness]:
        set_up_django()
        use_databases(default=url)
        models = Models(**self.options)
        yield models
        close_connections()
        forget(models.models.values())


class OfSqlite(ModelSuite):
    examples: ClassVar = 5

    @pytest.fixture
    def url(self, tmp_path: Path) -> str:
        return f"sqlite:///{tmp_path}/test.db"


@pytest.fixture(scope="module")
def of_postgresql(postgres: PostgreSQL) -> Iterator[str]:
    """One database for all places."""
    postgres.run_sql("CREATE DATABASE of_models")
    yield postgres.url("of_models")
    postgres.run_sql("DROP DATABASE of_models WITH (FORCE)")


@pytest.fixture(scope="module")
def of_mariadb(mariadb: MariaDB) -> Iterator[str]:
    """Likewise."""
    mariadb.run_sql("CREATE DATABASE of_models CHARACTER SET utf8mb4")
    yield mariadb.url("of_models")
    mariadb.run_sql("DROP DATABASE of_models")


class OfPostgresql(ModelSuite):
    examples: ClassVar = 4
    capabilities: ClassVar = SERVER

    @pytest.fixture
    def url(self, of_postgresql: str) -> str:
        return of_postgresql


class OfMariadb(ModelSuite):
    examples: ClassVar = 3
    capabilities: ClassVar = SERVER

    @pytest.fixture
    def url(self, of_mariadb: str) -> str:
        return of_mariadb


class TestSqliteAppend(OfSqlite):
    pass


@pytest.mark.slow
class TestSqliteAppendTrusted(OfSqlite):
    options: ClassVar = {"trusted": True}


@pytest.mark.slow
class TestSqliteUpsert(OfSqlite):
    options: ClassVar = UPSERT
    capabilities: ClassVar = ALWAYS | {"upsert"}


class TestSqliteUpsertTrusted(OfSqlite):
    options: ClassVar = UPSERT | {"trusted": True}
    capabilities: ClassVar = ALWAYS | {"upsert"}


@pytest.mark.slow
class TestPostgresqlAppend(OfPostgresql):
    pass


@pytest.mark.slow
class TestPostgresqlAppendTrusted(OfPostgresql):
    options: ClassVar = {"trusted": True}


@pytest.mark.slow
class TestPostgresqlUpsert(OfPostgresql):
    options: ClassVar = UPSERT
    capabilities: ClassVar = SERVER | {"upsert"}


@pytest.mark.slow
class TestPostgresqlUpsertTrusted(OfPostgresql):
    options: ClassVar = UPSERT | {"trusted": True}
    capabilities: ClassVar = SERVER | {"upsert"}


@pytest.mark.mariadb
@pytest.mark.slow
class TestMariadbAppend(OfMariadb):
    pass


@pytest.mark.mariadb
@pytest.mark.slow
class TestMariadbAppendTrusted(OfMariadb):
    options: ClassVar = {"trusted": True}


@pytest.mark.mariadb
@pytest.mark.slow
class TestMariadbUpsert(OfMariadb):
    options: ClassVar = UPSERT
    capabilities: ClassVar = SERVER | {"upsert"}


@pytest.mark.mariadb
@pytest.mark.slow
class TestMariadbUpsertTrusted(OfMariadb):
    options: ClassVar = UPSERT | {"trusted": True}
    capabilities: ClassVar = SERVER | {"upsert"}
