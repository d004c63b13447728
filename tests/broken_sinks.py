"""A sound sink, and sinks with one fault each, which crash tests have to find; they work in the current directory."""

from __future__ import annotations

import json
import os
import sqlite3
import time
from pathlib import Path
from typing import ClassVar

from active_data_flow import CheckpointPolicy, DataFlow, FileSource, Sink
from active_data_flow.core.checkpoint import Checkpoint, SplitState
from active_data_flow.core.errors import FencedError, SinkUnavailableError
from active_data_flow.core.sink import Committer, Delivery, TransactionalWriter, TwoPhaseWriter, Writer
from crash_flows import SCHEMA

_TABLES = """
CREATE TABLE IF NOT EXISTS names (id INTEGER, name TEXT);
CREATE TABLE IF NOT EXISTS splits (id TEXT PRIMARY KEY, state TEXT);
CREATE TABLE IF NOT EXISTS epoch (only INTEGER PRIMARY KEY, epoch INTEGER);
"""


class SoundWriter(TransactionalWriter):
    """Rows and positions in one transaction, behind a fence."""

    def __init__(self, context):
        self.context, self.rows = context, []
        self.database = sqlite3.connect("out.db", isolation_level=None, check_same_thread=False)
        self.database.execute("PRAGMA synchronous = OFF")  # processes die here, not machines
        self.database.executescript(_TABLES)

    def restore(self):
        self.database.execute("BEGIN IMMEDIATE")
        (known,) = self.database.execute("SELECT max(epoch) FROM epoch").fetchone()
        epoch = max((known or 0) + 1, self.context.epoch)
        self.database.execute("INSERT OR REPLACE INTO epoch VALUES (1, ?)", [epoch])
        splits = {key: SplitState.from_json(json.loads(state)) for key, state in self.database.execute(
            "SELECT id, state FROM splits")}  # fmt: skip
        self.database.execute("COMMIT")
        return Checkpoint(epoch, splits)

    def write(self, batch):
        self.rows += [(row["id"], row["name"]) for row in batch.data.to_pylist()]

    def commit(self, checkpoint):
        self.database.execute("BEGIN IMMEDIATE")
        self.check_fence(checkpoint)
        self.save_rows()
        self.save_positions(checkpoint)
        self.database.execute("COMMIT")

    def check_fence(self, checkpoint):
        (newest,) = self.database.execute("SELECT epoch FROM epoch").fetchone()
        if newest != checkpoint.epoch:
            self.database.execute("ROLLBACK")
            raise FencedError("a newer run has taken over")

    def save_rows(self):
        self.database.executemany("INSERT INTO names VALUES (?, ?)", self.rows)
        self.rows = []

    def save_positions(self, checkpoint):
        states = [(key, json.dumps(state.to_json())) for key, state in checkpoint.splits.items()]
        self.database.executemany("INSERT OR REPLACE INTO splits VALUES (?, ?)", states)

    def close(self):
        self.database.close()


class Sound(Sink):
    delivery: ClassVar[Delivery] = Delivery.TRANSACTIONAL
    writer: ClassVar[type[Writer]] = SoundWriter

    @property
    def max_writers(self):
        return 1

    def open(self, context):
        return self.writer(context)


class PositionsFirst(Sound):
    class writer(SoundWriter):  # noqa: N801  # stands for an attribute
        def commit(self, checkpoint):
            rows, self.rows = self.rows, []
            super().commit(checkpoint)
            time.sleep(0.01)
            self.rows = rows
            self.database.execute("BEGIN IMMEDIATE")
            self.save_rows()
            self.database.execute("COMMIT")


class LyingFlush(Sound):
    """Has rows for committed that it still holds."""

    class writer(SoundWriter):  # noqa: N801  # likewise
        held: ClassVar[list] = []

        def save_rows(self):
            self.rows, self.held[:] = [*self.held], self.rows
            super().save_rows()

        def close(self):
            self.rows, self.held[:] = [*self.held], []
            super().save_rows()
            super().close()


class NoFence(Sound):
    class writer(SoundWriter):  # noqa: N801  # likewise
        def check_fence(self, checkpoint):
            pass


class Silent(Sink):
    """Takes no notice of a full disk."""

    delivery: ClassVar[Delivery] = Delivery.IDEMPOTENT
    rows: ClassVar[list] = []

    def write(self, message):
        self.rows.append(dict(message))

    def flush(self):
        new = Path("out.new")
        try:
            new.write_text("".join(json.dumps(row) + "\n" for row in self.rows))
            new.rename("out.jsonl")
        except OSError:
            new.unlink(missing_ok=True)


class Doubling(Sink):
    """Its committer does not know what it has done already."""

    delivery: ClassVar[Delivery] = Delivery.TWO_PHASE

    class Preparing(TwoPhaseWriter):
        def __init__(self):
            self.rows = []

        def write(self, batch):
            self.rows += batch.data.to_pylist()

        def prepare(self):
            rows, self.rows = self.rows, []
            return [{"id": str(time.time_ns()), "rows": rows}]

    class Again(Committer):
        def commit(self, committables):
            with Path("out.jsonl").open("a") as file:
                file.writelines(json.dumps(row) + "\n" for each in committables for row in each["rows"])

    def open(self, context):
        return self.Preparing()

    def committer(self, context):
        return self.Again()


class Assuming(Sink):
    """Takes a commit whose answer is lost for one that failed."""

    delivery: ClassVar[Delivery] = Delivery.IDEMPOTENT

    class Inserting(Writer):
        def __init__(self):
            self.rows = []
            self.connection = None

        def write(self, batch):
            self.rows += [(row["id"], row["name"]) for row in batch.data.to_pylist()]

        def flush(self):
            import psycopg

            try:
                self.insert()
            except psycopg.Error as error:
                self.lost(error)
            self.rows = []

        def insert(self):
            import psycopg

            self.connection = self.connection or psycopg.connect(os.environ["BROKEN_URL"])
            with self.connection.cursor() as cursor:
                cursor.executemany(f"INSERT INTO {os.environ['BROKEN_TABLE']} VALUES (%s, %s)", self.rows)
            self.connection.commit()

        def lost(self, error):
            raise SinkUnavailableError(str(error)) from error

        def close(self):
            if self.connection is not None:
                self.connection.close()
                self.connection = None

    @property
    def max_writers(self):
        return 1

    def open(self, context):
        return self.Inserting()


class Careless(Assuming):
    """Connects anew and goes on, without the rows that were under way."""

    class Inserting(Assuming.Inserting):
        def lost(self, error):
            self.connection = None

    def open(self, context):
        return self.Inserting()


class _Flow(DataFlow):
    source = FileSource(path="in/*.csv", block_size=4096, schema=SCHEMA)
    checkpoint = CheckpointPolicy(every=0)


class SoundFlow(_Flow):
    sink = Sound()


class PositionsFirstFlow(_Flow):
    sink = PositionsFirst()


class LyingFlushFlow(_Flow):
    sink = LyingFlush()


class NoFenceFlow(_Flow):
    sink = NoFence()


class SilentFlow(_Flow):
    sink = Silent()
    checkpoint = CheckpointPolicy()


class DoublingFlow(_Flow):
    sink = Doubling()


class AssumingFlow(_Flow):
    sink = Assuming()


class CarelessFlow(_Flow):
    sink = Careless()
