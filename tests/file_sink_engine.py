"""The engine's side of a file sink, small enough to be killed at any line, and independent readers of what it wrote."""

from __future__ import annotations

import bz2
import csv
import gzip
import io
import json
import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Literal

import pyarrow as pa

from active_data_flow.connectors.file.sink import FileSink
from active_data_flow.core.batch import Batch, Reject
from active_data_flow.core.checkpoint import Checkpoint, SplitState
from active_data_flow.core.policies import SchemaContract
from active_data_flow.core.sink import TwoPhaseWriter, WriterContext

Moment = Literal["prepared", "saved", "committed"]


class Engine:
    """Runs a sink as the real engine does: prepare, save, commit, mark; and starts again after a kill."""

    def __init__(self, sink: FileSink, *, flow: str = "flights", contract: SchemaContract | None = None) -> None:
        self.sink = sink
        self.flow = flow
        self.contract = contract or SchemaContract()
        self.stored: Checkpoint | None = None
        self.epoch = 0
        self.rejects: list[Reject] = []
        self.rows = 0
        self.writer: TwoPhaseWriter | None = None

    def context(self) -> WriterContext:
        return WriterContext(self.flow, self.epoch, 0, self.contract, self.rejects.append)

    def start(self) -> Engine:
        self.epoch += 1
        writer = self.sink.open(self.context())
        stored = self.stored
        if stored is not None and stored.committables:
            self.sink.committer(self.context()).commit(stored.committables)
            self.mark()
        writer.restore(stored)
        self.writer = writer
        return self

    def write(self, rows: Sequence[dict[str, Any]] | pa.RecordBatch) -> Engine:
        data = rows if isinstance(rows, pa.RecordBatch) else pa.RecordBatch.from_pylist(list(rows))
        assert self.writer is not None
        self.writer.write(Batch(data, "split", self.rows))
        self.rows += data.num_rows
        return self

    def commit(self, until: Moment | None = None) -> Engine:
        assert self.writer is not None
        committables = json.loads(json.dumps(self.writer.prepare()))
        if until == "prepared":
            return self
        self.save(Checkpoint(self.epoch, {"split": SplitState("split", self.rows)}, committables))
        if until == "saved":
            return self
        self.sink.committer(self.context()).commit(committables)
        if until != "committed":
            self.mark()
        return self

    def save(self, checkpoint: Checkpoint) -> None:
        self.stored = checkpoint

    def mark(self) -> None:
        assert self.stored is not None
        self.save(Checkpoint(self.stored.epoch, self.stored.splits, done=self.stored.committables))

    def kill(self) -> Engine:
        """Forget the writer without a word, as a killed process does."""
        self.writer = None
        return self

    def stop(self) -> Engine:
        assert self.writer is not None
        self.writer.close()
        self.writer.close()
        self.writer = None
        return self


class StoringEngine(Engine):
    """Keeps its checkpoint in a file, for processes that are killed."""

    def __init__(self, sink: FileSink, place: Path) -> None:
        super().__init__(sink)
        self._place = place
        if place.exists():
            document = json.loads(place.read_text())
            splits = {"split": SplitState("split", document["rows"])}
            self.stored = Checkpoint(document["epoch"], splits, document["committables"], done=document["done"])
            self.epoch, self.rows = document["epoch"], document["rows"]

    def save(self, checkpoint: Checkpoint) -> None:
        super().save(checkpoint)
        rows = checkpoint.splits["split"].position
        committables = list(checkpoint.committables)
        done = list(checkpoint.done)
        document = {"epoch": self.epoch, "rows": rows, "committables": committables, "done": done}
        temporary = self._place.with_suffix(".new")
        temporary.write_text(json.dumps(document))
        temporary.replace(self._place)


def numbered_rows(start: int, count: int) -> pa.RecordBatch:
    """Rows that tell by themselves where they belong."""
    numbers = list(range(start, start + count))
    texts = [f'a "quoted", text\n{number}' for number in numbers]
    return pa.record_batch(
        {"id": numbers, "text": texts, "kind": [("x", "y z", None)[number % 3] for number in numbers]}
    )


def plain_bytes(path: Path) -> bytes:
    data = path.read_bytes()
    if path.suffix == ".gz":
        return gzip.decompress(data)
    if path.suffix == ".bz2":
        return bz2.decompress(data)
    if path.suffix == ".zst":
        with pa.input_stream(pa.py_buffer(data), compression="zstd") as stream:
            return stream.read()
    return data


def rows_of(path: Path, *, encoding: str = "utf-8") -> list[dict[str, Any]]:
    """Rows of one file, read without any of our code."""
    ending = "".join(path.suffixes).replace(".gz", "").replace(".zst", "").replace(".bz2", "")
    if ending.endswith(".parquet"):
        import pyarrow.parquet as pq

        return pq.ParquetFile(path).read().to_pylist()
    if ending.endswith(".arrow"):
        return pa.ipc.open_file(pa.py_buffer(path.read_bytes())).read_all().to_pylist()
    text = plain_bytes(path).decode(encoding)
    if ending.endswith(".csv"):
        return list(csv.DictReader(io.StringIO(text, newline="")))
    if ending.endswith(".jsonl"):
        return [json.loads(line) for line in text.split("\n") if line]
    return json.loads(text) if text else []


def visible(place: Path) -> list[Path]:
    """Files that a reader of a directory sees."""
    return sorted(path for path in place.rglob("*") if path.is_file() and not path.name.startswith("."))


def ids_in(place: Path) -> list[int]:
    """The ids of all visible rows: of a file in their order, of a directory sorted."""
    if place.is_dir():
        return sorted(int(row["id"]) for path in visible(place) for row in rows_of(path))
    return [int(row["id"]) for row in rows_of(place)] if place.exists() else []


def write_until(total: int, sink: FileSink, place: Path) -> None:
    """Go on behind the stored checkpoint till there are `total` rows."""
    engine = StoringEngine(sink, place).start()
    while engine.rows < total:
        for _ in range(3):
            engine.write(numbered_rows(engine.rows, min(40, total - engine.rows)))
        engine.commit()
    engine.stop()


def serve() -> None:
    """Fork a process for each line of input, so that all but the first start at once; tell its id and how it ended."""
    for line in sys.stdin:
        request = json.loads(line)
        child = os.fork()
        if child == 0:
            write_until(request["total"], FileSink.build(request["options"]), Path(request["state"]))
            os._exit(0)
        print(child, flush=True)
        print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), flush=True)


if __name__ == "__main__":
    serve()
