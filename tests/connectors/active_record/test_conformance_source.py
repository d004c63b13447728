"""The source of models keeps the promises of sources, on every database, by ranges of a key and by a cursor."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any, ClassVar

import pyarrow as pa
import pytest

from active_data_flow.connectors.active_record import ActiveRecordSource
from active_data_flow.testing import SourceHarness, SourceSuite
from active_data_flow.testing.suites.case import case
from active_data_flow.testing.suites.source.tables import table
from active_data_flow.testing.suites.source.values import TEXTS, ValueCases
from django_models import APP, field_of, forget, key, new_model
from django_project.setup import close_connections, set_up_django, use_databases
from services import MariaDB, PostgreSQL

ANY = frozenset({"bounded", "resumable", "ordered", "typed", "decimal", "zoned", "binary"})
RANGES = ANY | {"splittable"}
CURSOR = ANY | {"endless", "incremental"}


class Rows(SourceHarness):
    """Rows of a model that is made anew for each table."""

    def __init__(self, *, cursor: bool) -> None:
        self.options: dict[str, Any] = {"cursor": "id"} if cursor else {}
        self.model: Any = None
        self.models: list[Any] = []

    def store(self, *parts: pa.Table) -> None:
        kinds = {field.name: field.type for field in parts[0].schema}
        self.model = new_model({name: key() if name == "id" else field_of(kind) for name, kind in kinds.items()})
        self.models.append(self.model)
        if "cursor" not in self.options:
            self.options["splits"] = len(parts)
        self.append(pa.concat_tables(parts))

    def append(self, table: pa.Table) -> None:
        from django.conf import settings
        from django.utils import timezone

        def aware(value: Any) -> Any:
            naive = hasattr(value, "hour") and hasattr(value, "year") and value.tzinfo is None
            return timezone.make_aware(value) if naive and settings.USE_TZ else value

        rows = [{name: aware(value) for name, value in row.items()} for row in table.to_pylist()]
        self.model.objects.bulk_create([self.model(**row) for row in rows])

    def source(self, *, poll_rows: int | None = None, endless: bool = False) -> ActiveRecordSource:
        options = self.options | ({"batch_size": poll_rows} if poll_rows else {})
        name = f"{APP}.{self.model.__name__}"
        return ActiveRecordSource(model=name, follow=endless, poll_interval=0.005, timeout=5, **options)

    def lose(self) -> None:
        from django.db import connection

        with connection.cursor() as cursor:
            cursor.execute(f"DROP TABLE {self.model._meta.db_table}")


class ModelSuite(SourceSuite):
    examples: ClassVar = 5
    cursor: ClassVar = False

    def _values(self) -> dict[str, Any]:
        """A project with time zones has no moments without one."""
        values = super()._values()
        del values["at"]
        return values

    @case(
        purpose="Texts are changed, cut, or taken for something else.",
        way="Store texts of many scripts and with signs of all kinds, under names that fields of a model can have.",
        passes="Each text is what it was, the empty one and null apart.",
        requirement="A text is passed on as it is.",
    )
    def test_unicode(self, harness: SourceHarness) -> None:
        stored = table({"word": [*TEXTS, None], "größe_漢": [None, *TEXTS], "a_b": [*TEXTS[::-1], "x"]})
        self.typed(self.keeps(harness, stored, poll_rows=4), stored)

    @case(
        purpose="Days and times are shifted, cut, or read as text.",
        way="Store days and times without a zone in a project that has none, far back, far ahead, with microseconds.",
        passes="Each is what it was, and so is its type.",
        requirement="Times without a zone are passed on without one.",
    )
    def test_days_and_times(self, harness: SourceHarness) -> None:
        from django.test import override_settings

        # in UTC: of the local times before there were zones, the server and Python know different ones
        with override_settings(USE_TZ=False, TIME_ZONE="UTC"):
            ValueCases.test_days_and_times(self, harness)

    @pytest.fixture
    def harness(self, url: str) -> Iterator[SourceHarness]:
        set_up_django()
        use_databases(default=url)
        rows = Rows(cursor=self.cursor)
        yield rows
        close_connections()
        forget(rows.models)


class OfSqlite(ModelSuite):
    @pytest.fixture
    def url(self, tmp_path: Path) -> str:
        return f"sqlite:///{tmp_path}/test.db"


@pytest.fixture(scope="module")
def of_postgresql(postgres: PostgreSQL) -> Iterator[str]:
    """One database for all places."""
    postgres.run_sql("CREATE DATABASE models_to_read")
    yield postgres.url("models_to_read")
    postgres.run_sql("DROP DATABASE models_to_read WITH (FORCE)")


@pytest.fixture(scope="module")
def of_mariadb(mariadb: MariaDB) -> Iterator[str]:
    """Likewise."""
    mariadb.run_sql("CREATE DATABASE models_to_read CHARACTER SET utf8mb4")
    yield mariadb.url("models_to_read")
    mariadb.run_sql("DROP DATABASE models_to_read")


class OfPostgresql(ModelSuite):
    @pytest.fixture
    def url(self, of_postgresql: str) -> str:
        return of_postgresql


class OfMariadb(ModelSuite):
    @pytest.fixture
    def url(self, of_mariadb: str) -> str:
        return of_mariadb


class TestSqliteRanges(OfSqlite):
    capabilities: ClassVar = RANGES - {"decimal"}  # Django's have 15 digits there


class TestSqliteCursor(OfSqlite):
    capabilities: ClassVar = CURSOR - {"decimal"}
    cursor: ClassVar = True


@pytest.mark.slow
class TestPostgresqlRanges(OfPostgresql):
    capabilities: ClassVar = RANGES


@pytest.mark.slow
class TestPostgresqlCursor(OfPostgresql):
    capabilities: ClassVar = CURSOR
    cursor: ClassVar = True


@pytest.mark.mariadb
@pytest.mark.slow
class TestMariadbRanges(OfMariadb):
    capabilities: ClassVar = RANGES


@pytest.mark.mariadb
@pytest.mark.slow
class TestMariadbCursor(OfMariadb):
    capabilities: ClassVar = CURSOR
    cursor: ClassVar = True
