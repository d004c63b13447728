from __future__ import annotations

import sys
from pathlib import Path
from typing import NamedTuple

import pytest

from active_data_flow.cli import main
from active_data_flow.core.logging import tear_down

FLOW = '''
"""A flow that needs nothing but Python."""
from __future__ import annotations
import time
from dataclasses import dataclass
from typing import ClassVar
import pyarrow as pa
from active_data_flow import Batch, DataFlow, ErrorPolicy, Schema, Sink, register
from active_data_flow.source_support import PendingSplits, SplitReader, SplitSerializer, SplitSource

schema = pa.schema([("id", "int64"), ("name", "string")])

@dataclass(frozen=True)
class All:
    split_id: str = "all"

class Splits(PendingSplits):
    def find(self):
        return [All()]

class Reader(SplitReader):
    def __init__(self, context, source):
        super().__init__(context)
        self.source = source
    def read(self, split, position):
        done, number = position or 0, self.source.number
        while True:
            time.sleep(self.source.pause)
            ids = range(done, min(done + 100, number))
            done += len(ids)
            data = pa.RecordBatch.from_pydict({"id": pa.array(ids, pa.int64()), "name": [f"n{i}" for i in ids]}, schema)
            yield Batch(data, "all", done, finished=done == number, records_read=len(ids), bytes_read=8 * len(ids))
            if done == number:
                return

class Count(SplitSource):
    """Counts."""
    type: ClassVar[str] = "count"
    capabilities: ClassVar[frozenset[str]] = frozenset({"resumes"})
    number: int = 10
    """How many."""
    pause: float = 0.0
    def create_enumerator(self, context):
        return Splits(context)
    def create_reader(self, context):
        return Reader(context, self)
    def split_serializer(self):
        return SplitSerializer(lambda split: {}, lambda value: All())
    def total_bytes(self):
        return 8 * self.number

class Lines(Sink):
    type: ClassVar[str] = "lines"
    path: str
    def write(self, message):
        with open(self.path, "a") as file:
            file.write(f"{message['id']} {message['name']}\\n")
    def describe(self):
        return f"file {self.path}"
    def hint(self):
        return f"cat {self.path}"

register("source", "count", Count)
register("sink", "lines", Lines)

class Row(Schema):
    id: int
    name: str

class Numbers(DataFlow):
    source = Count(number=10)
    sink = Lines(path="out.txt")
    schema = Row
    on_error = ErrorPolicy(reject=True)
    bad: int = -1
    def transform(self, message):
        if message["id"] == self.bad:
            raise ValueError(f"{self.bad} is bad")
        return message
'''

DOCUMENT = """\
name: listed
source: {type: count, number: 4}
sink: {type: lines, path: listed.txt}
"""


class Outcome(NamedTuple):
    code: int
    out: str
    err: str

    @property
    def text(self) -> str:
        """Everything, with the folds of boxes and tables taken out."""
        return " ".join((self.out + self.err).replace("│", " ").split())


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", list(sys.path))
    monkeypatch.delenv("ADF_LOG", raising=False)
    monkeypatch.setenv("COLUMNS", "80")
    # processes start as on a machine without pandas, which pyarrow imports where it is there, for seconds
    (tmp_path / "without").mkdir()
    (tmp_path / "without" / "pandas.py").write_text("raise ImportError")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path / "without"))
    Path("numbers_for_test.py").write_text(FLOW)
    Path("listed.yaml").write_text(DOCUMENT)
    monkeypatch.setattr("active_data_flow.core.registry._registered", {})
    yield tmp_path
    tear_down()
    for name in [name for name in sys.modules if name.startswith("adf_file_") or name == "numbers_for_test"]:
        del sys.modules[name]


@pytest.fixture
def adf(folder, capsys):
    def run(*arguments: str) -> Outcome:
        code = main(arguments)
        return Outcome(code, *capsys.readouterr())

    return run
