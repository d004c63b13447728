"""Into a Django model on PostgreSQL, against what one writes by hand with the ORM."""

from __future__ import annotations

from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import replace
from functools import partial
from typing import Any

from benchmarks.cases.postgresql import BOOKKEEPING, COLUMNS, load, run_all
from benchmarks.harness import Case, Contestant, at_most
from benchmarks.schema import create
from benchmarks.server import postgres
from benchmarks.setting import Setting, program

UPSERT = {"mode": "upsert", "unique_by": ["id"]}


@contextmanager
def append(setting: Setting) -> Generator[Case]:
    """Trusted rows, against `bulk_create`."""
    with _contest(setting, "create", at_most(1 / 8), trusted=True) as contestants:
        yield Case("CSV → Django model, trusted", setting.rows, contestants)


@contextmanager
def upsert(setting: Setting) -> Generator[Case]:
    """Trusted rows of which half are there, against `bulk_create` with `update_conflicts`."""
    with _contest(setting, "upsert", at_most(1 / 4), filled=setting.rows // 2, trusted=True, **UPSERT) as contestants:
        yield Case("upsert into Django model, trusted", setting.rows, contestants)


@contextmanager
def validated(setting: Setting) -> Generator[Case]:
    """Validated rows with signals, against a loop of `full_clean` and `bulk_create`."""
    with _contest(setting, "clean", at_most(1)) as contestants:
        yield Case("CSV → Django model, validated", setting.rows, contestants)


@contextmanager
def _contest(setting: Setting, way: str, goal: Any, *, filled: int = 0, **options: Any) -> Generator[list[Contestant]]:
    path = setting.made(".csv")
    with postgres() as server:
        sink = {"type": "active_record", "model": "made.Made", **options}
        ours = setting.flow({"type": "file", "path": str(path)}, sink)
        reference = program(f"ORM: {way}", "references.django_orm", way, path, goal=goal)
        environment = {"DJANGO_SETTINGS_MODULE": "benchmarks.project.settings", "BENCHMARK_URL": server.url()}
        filling = [f"insert into made select * from base where id < {filled}", "analyze made"] if filled else []
        if filled:
            load(server, setting, "base")
        statements = [f"drop table if exists made, {BOOKKEEPING} cascade", create(key="id"), *filling, "checkpoint"]
        clean = partial(run_all, server.run_sql, statements)
        rows = partial(server.run_sql, f"select {COLUMNS} from made")
        yield [replace(one.after(clean), rows=rows, environment=environment) for one in (ours, reference)]
