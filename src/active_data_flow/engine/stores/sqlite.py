"""Checkpoints, runs and rejected records in one SQLite file: the default, in ``.adf/``."""

from __future__ import annotations

import json
import sqlite3
import threading
import weakref
from collections.abc import Generator, Iterable, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from active_data_flow.core.checkpoint import Checkpoint, SplitState, StagedReject
from active_data_flow.core.clock import CLOCK, Clock
from active_data_flow.core.errors import CheckpointError, FencedError
from active_data_flow.engine.stores.lock import hold
from active_data_flow.engine.stores.records import (
    RejectGroup,
    RunRecord,
    StoredReject,
    dump,
    from_row,
    now,
    to_columns,
)

_SCHEMA = """
CREATE TABLE IF NOT EXISTS epochs (flow TEXT PRIMARY KEY, epoch INTEGER NOT NULL);
CREATE TABLE IF NOT EXISTS splits (
    flow TEXT NOT NULL, split_id TEXT NOT NULL, state TEXT NOT NULL, PRIMARY KEY (flow, split_id)) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS committables (
    flow TEXT NOT NULL, writer INTEGER NOT NULL, items TEXT NOT NULL, done INTEGER NOT NULL DEFAULT 0,
    PRIMARY KEY (flow, writer)) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS rejects (
    id INTEGER PRIMARY KEY, flow TEXT NOT NULL, run_id TEXT NOT NULL, flow_version TEXT NOT NULL,
    split_id TEXT NOT NULL, sequence INTEGER NOT NULL, status TEXT NOT NULL, at TEXT NOT NULL, record TEXT NOT NULL,
    error TEXT NOT NULL, error_type TEXT NOT NULL, stage TEXT NOT NULL, position TEXT NOT NULL, field TEXT,
    passed INTEGER NOT NULL, arrow BLOB);
CREATE INDEX IF NOT EXISTS rejects_by_flow ON rejects (flow, status, id);
CREATE TABLE IF NOT EXISTS runs (
    run_id TEXT PRIMARY KEY, flow TEXT NOT NULL, status TEXT NOT NULL, started TEXT NOT NULL, ended TEXT,
    pid INTEGER NOT NULL, result TEXT NOT NULL);
CREATE INDEX IF NOT EXISTS runs_by_flow ON runs (flow, started);
"""
KEPT_RUNS = 1000
"""Runs of each flow that are kept."""
_OF_FLOW = "(flow = ? OR substr(flow, 1, length(?) + 1) = ? || '/')"


class SqliteStore:
    """A checkpoint store in a SQLite file, with the history of runs and the rejected records.

    Several processes may use the file; each flow is locked by a file of its own beside it, which a killed process
    gives back at once.

    Args:
        path: The file; its folder is made where it is missing.
        clock: Tells when runs ended and records were rejected.

    Raises:
        CheckpointError: The file can't be opened or written; from every method.
    """

    def __init__(self, path: str | Path, clock: Clock = CLOCK) -> None:
        self.path = Path(path)
        self._clock = clock
        self._lock = threading.RLock()
        with self._translated():
            self.path.parent.mkdir(parents=True, exist_ok=True)
            self._connection = sqlite3.connect(self.path, timeout=30, isolation_level=None, check_same_thread=False)
            weakref.finalize(self, self._connection.close)  # also where the store is let go of without `close`
            self._connection.row_factory = sqlite3.Row
            self._connection.execute("PRAGMA journal_mode = WAL")
            self._connection.execute("PRAGMA synchronous = FULL")
            self._connection.executescript(_SCHEMA)

    # positions

    @contextmanager
    def acquire(self, flow: str, *, wait: float = 0.0) -> Generator[None]:
        """Take the flow's lock for this process; see `CheckpointStore.acquire`."""
        with hold(self.path.parent / "locks" / f"{flow}.lock", flow, wait):
            yield

    def begin(self, flow: str, *, at_least: int = 0) -> int:
        """Start a new epoch, higher than every one before and not below `at_least`."""
        with self._transaction() as cursor:
            epoch = max(self._epoch(cursor, flow) + 1, at_least)
            cursor.execute("INSERT OR REPLACE INTO epochs VALUES (?, ?)", (flow, epoch))
            return epoch

    def load(self, flow: str) -> Checkpoint | None:
        """The newest checkpoint."""
        with self._transaction() as cursor:
            rows = cursor.execute("SELECT split_id, state FROM splits WHERE flow = ?", (flow,)).fetchall()
            kept = cursor.execute("SELECT items, done FROM committables WHERE flow = ?", (flow,)).fetchall()
            epoch = self._epoch(cursor, flow)
        if not rows and not kept:
            return None
        splits = {row["split_id"]: SplitState.from_json(json.loads(row["state"])) for row in rows}
        pending, done = (
            [item for row in kept if bool(row["done"]) is wanted for item in json.loads(row["items"])]
            for wanted in (False, True)
        )
        return Checkpoint(epoch, splits, pending, done=done)

    def save(self, flow: str, checkpoint: Checkpoint, rejects: Iterable[StagedReject] = ()) -> None:
        """Merge a checkpoint; staged rejects of its splits count from now on."""
        with self._transaction() as cursor:
            self._check(cursor, flow, checkpoint.epoch)
            states = [(flow, name, dump(state.to_json())) for name, state in checkpoint.splits.items()]
            cursor.executemany("INSERT OR REPLACE INTO splits VALUES (?, ?, ?)", states)
            if checkpoint.committables:
                kept = (flow, checkpoint.writer, dump(list(checkpoint.committables)))
                cursor.execute("INSERT OR REPLACE INTO committables VALUES (?, ?, ?, 0)", kept)
            self._insert_rejects(cursor, flow, rejects, "open")
            for name, state in checkpoint.splits.items():
                self._settle(cursor, flow, name, state.sequence)

    def stage_rejects(self, flow: str, epoch: int, rejects: Iterable[StagedReject]) -> None:
        """Keep rejects until their splits are saved."""
        with self._transaction() as cursor:
            self._check(cursor, flow, epoch)
            self._insert_rejects(cursor, flow, rejects, "staged")

    def settle_rejects(self, flow: str, committed: Mapping[str, int]) -> None:
        """After a crash: staged rejects of committed sequences count, the others go."""
        with self._transaction() as cursor:
            for name, sequence in committed.items():
                self._settle(cursor, flow, name, sequence)
            cursor.execute("DELETE FROM rejects WHERE flow = ? AND status = 'staged'", (flow,))

    def mark_committed(self, flow: str, epoch: int, writer: int | None = None) -> None:
        """The committables of a writer, or of all (None), have been carried out."""
        with self._transaction() as cursor:
            self._check(cursor, flow, epoch)
            cursor.execute(
                "UPDATE committables SET done = 1 WHERE flow = ? AND (? IS NULL OR writer = ?)",
                (flow, writer, writer),
            )

    def reset(self, flow: str) -> None:
        """Forget positions; runs and rejects stay."""
        with self._transaction() as cursor:
            cursor.execute(f"DELETE FROM splits WHERE {_OF_FLOW}", (flow, flow, flow))  # noqa: S608  # a constant of this file
            cursor.execute(f"DELETE FROM committables WHERE {_OF_FLOW}", (flow, flow, flow))  # noqa: S608  # likewise

    def close(self) -> None:
        """Close the file."""
        with self._lock:
            self._connection.close()

    # runs

    def start_run(self, record: RunRecord) -> None:
        """Write down that a run has begun; those that never ended are marked lost, the flow's oldest are deleted."""
        with self._transaction() as cursor:
            cursor.execute(
                "UPDATE runs SET status = 'lost', ended = ? WHERE flow = ? AND status = 'running'",
                (record.started, record.flow),
            )
            cursor.execute("INSERT INTO runs VALUES (?, ?, ?, ?, ?, ?, ?)", record.to_row())
            self._prune(cursor, record.flow)

    def _prune(self, cursor: sqlite3.Cursor, flow: str) -> None:
        """Keep the last runs of a flow; rejects that were seen to before them go too, open ones stay."""
        oldest = "SELECT started FROM runs WHERE flow = ? ORDER BY started DESC LIMIT 1 OFFSET ?"
        kept = cursor.execute(oldest, (flow, KEPT_RUNS - 1)).fetchone()
        if kept is None:
            return
        if cursor.execute("DELETE FROM runs WHERE flow = ? AND started < ?", (flow, kept["started"])).rowcount:
            seen_to = f"DELETE FROM rejects WHERE {_OF_FLOW} AND status IN ('replayed', 'discarded') AND at < ?"  # noqa: S608  # no values
            cursor.execute(seen_to, (flow, flow, flow, kept["started"]))

    def finish_run(self, run_id: str, status: str, result: Mapping[str, Any]) -> None:
        """Write down how a run ended."""
        with self._transaction() as cursor:
            cursor.execute(
                "UPDATE runs SET status = ?, ended = ?, result = ? WHERE run_id = ?",
                (status, now(self._clock), dump(result), run_id),
            )

    def runs(self, flow: str | None = None, limit: int = 20) -> list[RunRecord]:
        """Newest runs first."""
        with self._transaction() as cursor:
            rows = cursor.execute(
                "SELECT * FROM runs WHERE ? IS NULL OR flow = ? ORDER BY started DESC, rowid DESC LIMIT ?",
                (flow, flow, limit),
            )
            return [RunRecord.from_row(row) for row in rows]

    # rejected records

    def rejects(
        self,
        flow: str,
        status: str = "open",
        *,
        ids: Sequence[int] | None = None,
        limit: int = 100,
        offset: int = 0,
    ) -> list[StoredReject]:
        """Rejected records of a flow, and of its pipelines, oldest first."""
        wanted = dump(list(ids)) if ids is not None else None
        with self._transaction() as cursor:
            rows = cursor.execute(
                f"SELECT * FROM rejects WHERE {_OF_FLOW} AND status = ?"  # noqa: S608  # likewise
                " AND (? IS NULL OR id IN (SELECT value FROM json_each(?))) ORDER BY id LIMIT ? OFFSET ?",
                (flow, flow, flow, status, wanted, wanted, limit, offset),
            )
            return [from_row(row) for row in rows]

    def reject_groups(self, flow: str, status: str = "open") -> list[RejectGroup]:
        """Rejected records counted by kind of error, most first."""
        with self._transaction() as cursor:
            rows = cursor.execute(
                "SELECT error_type, stage, field, count(*) AS records, min(id) AS first_id, max(at) AS last_at,"  # noqa: S608  # likewise
                f" min(error) AS example FROM rejects WHERE {_OF_FLOW} AND status = ?"
                " GROUP BY error_type, stage, field ORDER BY records DESC",
                (flow, flow, flow, status),
            )
            return [RejectGroup(**dict(row)) for row in rows]

    def discard(self, flow: str, ids: Sequence[int] | None = None) -> int:
        """Mark open rejects as discarded; None: all. Returns how many."""
        return self.mark_rejects(flow, "discarded", ids)

    def mark_rejects(self, flow: str, status: str, ids: Sequence[int] | None = None) -> int:
        """Give open rejects another status; None: all. Returns how many."""
        wanted = dump(list(ids)) if ids is not None else None
        with self._transaction() as cursor:
            return cursor.execute(
                f"UPDATE rejects SET status = ? WHERE {_OF_FLOW} AND status = 'open'"  # noqa: S608  # likewise
                " AND (? IS NULL OR id IN (SELECT value FROM json_each(?)))",
                (status, flow, flow, flow, wanted, wanted),
            ).rowcount

    # inside

    @contextmanager
    def _transaction(self) -> Generator[sqlite3.Cursor]:
        with self._lock, self._translated():
            cursor = self._connection.cursor()
            cursor.execute("BEGIN IMMEDIATE")
            try:
                yield cursor
            except BaseException:
                cursor.execute("ROLLBACK")
                raise
            cursor.execute("COMMIT")

    @contextmanager
    def _translated(self) -> Generator[None]:
        try:
            yield
        except (sqlite3.Error, OSError) as error:
            message = f"checkpoint store {self.path} can't be used: {error}; is the disk full or read-only?"
            raise CheckpointError(message) from error

    def _epoch(self, cursor: sqlite3.Cursor, flow: str) -> int:
        row = cursor.execute("SELECT epoch FROM epochs WHERE flow = ?", (flow,)).fetchone()
        return row["epoch"] if row else 0

    def _check(self, cursor: sqlite3.Cursor, flow: str, epoch: int) -> None:
        newest = self._epoch(cursor, flow)
        if epoch < newest:
            raise FencedError(f"run {epoch} of {flow} has been replaced by run {newest}", flow=flow)

    def _settle(self, cursor: sqlite3.Cursor, flow: str, split: str, sequence: int) -> None:
        cursor.execute(
            "UPDATE rejects SET status = 'open'"
            " WHERE flow = ? AND status = 'staged' AND split_id = ? AND sequence <= ?",
            (flow, split, sequence),
        )

    def _insert_rejects(self, cursor: sqlite3.Cursor, flow: str, rejects: Iterable[StagedReject], status: str) -> None:
        cursor.executemany(
            "INSERT INTO rejects (flow, run_id, flow_version, split_id, sequence, status, at, record, error,"
            " error_type, stage, position, field, passed, arrow) VALUES (:flow, :run_id, :flow_version, :split_id,"
            " :sequence, :status, :at, :record, :error, :error_type, :stage, :position, :field, :passed, :arrow)",
            ({"flow": flow, "status": status, "at": now(self._clock), **to_columns(staged)} for staged in rejects),
        )


__all__ = ["SqliteStore"]
