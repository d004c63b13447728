"""Makes a record of each flow that the apps have in their code, and keeps what was changed in the record."""

from __future__ import annotations

import sys
from dataclasses import dataclass, field
from typing import Any, TextIO

from django.db import IntegrityError, connections, transaction

from active_data_flow.core.data_flow import DataFlow as Flow
from active_data_flow.core.errors import ActiveDataFlowError, ConfigurationError
from active_data_flow.runtimes.heartbeat.database import database, flows
from active_data_flow.runtimes.heartbeat.discovery import Code, Discovered, discover
from active_data_flow.runtimes.heartbeat.models import DataFlow


@dataclass(slots=True)
class SyncResult:
    """What was found, by the names of the flows.

    Attributes:
        created: Flows that got a record.
        updated: Flows whose code has moved, or has other settings than before.
        missing: Flows whose code is gone: their records stay, marked, and do not run.
        restored: Flows whose code is there again.
        faults: What is wrong with others, by module or reference; their records are as they were.
    """

    created: list[str] = field(default_factory=list[str])
    updated: list[str] = field(default_factory=list[str])
    missing: list[str] = field(default_factory=list[str])
    restored: list[str] = field(default_factory=list[str])
    faults: dict[str, str] = field(default_factory=dict[str, str])


def sync(discovered: Discovered | None = None) -> SyncResult:
    """Bring the records up to the code. Repeating it changes nothing, nor does it matter how many do it at once.

    A record keeps its name, whether it is enabled, its description and what its configuration changes; flows that
    exist as records only are left alone.

    Args:
        discovered: The flows of the apps; default: looked for.

    Example:
        >>> sync().created
        ['price_sync']
    """
    return _Sync(discovered or discover()).run()


class _Sync:
    def __init__(self, discovered: Discovered) -> None:
        self._discovered = discovered
        self._result = SyncResult(faults={name: error.message for name, error in discovered.broken.items()})

    def run(self) -> SyncResult:
        records = {record.reference: record for record in flows().exclude(reference="").order_by("-pk")}
        for reference, code in self._discovered.flows.items():
            try:
                self._bring_up(reference, code, records.get(reference))
            except ActiveDataFlowError as error:
                self._result.faults[reference] = error.message
        self._mark()
        return self._result

    def _bring_up(self, reference: str, code: Code, record: DataFlow | None) -> None:
        if record is not None:
            self._refresh(record)
            return
        flow = _made(reference, code)
        namesake = flows().filter(name=flow.name).first()
        if namesake is None:
            self._create(reference, flow)
        else:
            self._move(reference, namesake)

    def _create(self, reference: str, flow: Flow) -> None:
        record = DataFlow(name=flow.name, reference=reference, description=flow.description)
        try:
            with transaction.atomic(using=database()):
                record.save(using=database(), force_insert=True)
        except IntegrityError:  # another process has made it meanwhile
            return
        self._result.created.append(record.name)

    def _move(self, reference: str, namesake: DataFlow) -> None:
        """The code of a record is elsewhere now; its name, under which its checkpoints are kept, is the same."""
        old = namesake.reference
        if old == reference:  # another process has made it meanwhile
            return
        if old in self._discovered.flows:
            raise ConfigurationError(f"its name, {namesake.name}, is that of {old} too; give it another name")
        if not old:
            message = f"a flow {namesake.name} exists as a record without code; rename one of them"
            raise ConfigurationError(message)
        if old.partition(":")[0] in self._discovered.broken:
            raise ConfigurationError(f"its name, {namesake.name}, is that of {old}, whose module is broken")
        namesake.reference = reference
        namesake.save(using=database())
        self._result.updated.append(namesake.name)

    def _refresh(self, record: DataFlow) -> None:
        before = _values(record)
        names = record.take_settings()
        changed = {name for name in names if getattr(record, name) != before[name]}
        if changed:
            record.save(using=database(), update_fields=changed)
            self._result.updated.append(record.name)

    def _mark(self) -> None:
        for record in flows().order_by("name"):
            missing = self._is_missing(record)
            if missing != record.code_missing:
                flows().filter(pk=record.pk, reference=record.reference).update(code_missing=missing)
                (self._result.missing if missing else self._result.restored).append(record.name)

    def _is_missing(self, record: DataFlow) -> bool:
        """A module that can't be imported now says nothing about what is in it."""
        known = not record.reference or record.reference in self._discovered.flows
        return not known and record.reference.partition(":")[0] not in self._discovered.broken


def _made(reference: str, code: Code) -> Flow:
    if isinstance(code, Flow):
        return code
    try:
        return code()
    except ActiveDataFlowError:
        raise
    except Exception as error:  # the user's own code
        raise ConfigurationError(f"flow {reference} can't be made: {type(error).__name__}: {error}") from error


def _values(record: DataFlow) -> dict[str, Any]:
    return {one.attname: getattr(record, one.attname) for one in record._meta.concrete_fields}


def tables_are_there(using: str) -> bool:
    """Whether the database has the flows' table as it is now: after `migrate` to an older state it has not."""
    connection = connections[using]
    table = DataFlow._meta.db_table
    with connection.cursor() as cursor:
        if table not in connection.introspection.table_names(cursor):
            return False
        there = {column.name for column in connection.introspection.get_table_description(cursor, table)}  # pyright: ignore[reportAttributeAccessIssue]  # each vendor's has it
    return all(one.column in there for one in DataFlow._meta.concrete_fields)


def sync_after_migrate(*, using: str, verbosity: int = 1, stdout: TextIO | None = None, **_: Any) -> None:
    """Bring the records up to the code, once `migrate` has made the tables; tells what is wrong, and never fails."""
    if using != database() or not tables_are_there(using):
        return
    result = sync()
    faults = [f"{where}: {fault}" for where, fault in result.faults.items()]
    told = [f"made a record of flow {name}" for name in result.created] if verbosity else []
    for line in (*told, *faults):
        (stdout or sys.stdout).write(f"  {line}\n")


__all__ = ["SyncResult", "sync", "sync_after_migrate", "tables_are_there"]
