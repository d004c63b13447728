"""The scripted source, and sources that only have `each`, keep the promises of sources."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, ClassVar

import pyarrow as pa
import pytest

from active_data_flow import Source
from active_data_flow.core.errors import SourceError
from active_data_flow.testing import ScriptedSource, SourceHarness, SourceSuite

SIMPLE = frozenset({"bounded", "ordered", "evolving", "nested"})


class Scripts(SourceHarness):
    """The store is the script itself; one that is lost has a step that fails."""

    script: dict[str, list[Any]]

    def store(self, *parts: pa.Table) -> None:
        self.script = {f"part-{number}": part.to_pylist() for number, part in enumerate(parts)}

    def source(self, *, poll_rows: int | None = None, endless: bool = False) -> ScriptedSource:
        return ScriptedSource(script=self.script, poll_rows=poll_rows or 10, endless=endless)

    def lose(self) -> None:
        self.script = {"part-0": ["broken"]}


class TestScriptedSource(SourceSuite):
    capabilities: ClassVar = SIMPLE | {"splittable", "resumable", "endless"}

    @pytest.fixture
    def harness(self) -> Scripts:
        return Scripts()


class Lines(Source):
    """A file of JSON lines."""

    path: str

    def each(self) -> Iterator[Mapping[str, Any]]:
        try:
            with Path(self.path).open() as file:
                yield from map(json.loads, file)
        except OSError as error:
            message = f"{self.path}: {error.strerror}"
            raise SourceError(message) from error


class ReplayableLines(Lines):
    replayable: ClassVar = True


class LinesFile(SourceHarness):
    def __init__(self, source: type[Lines], path: Path) -> None:
        self._source = source
        self._path = path

    def store(self, *parts: pa.Table) -> None:
        self._path.write_text("".join(json.dumps(row) + "\n" for part in parts for row in part.to_pylist()))

    def source(self, *, poll_rows: int | None = None, endless: bool = False) -> Lines:
        return self._source(path=str(self._path))

    def lose(self) -> None:
        self._path.unlink()


class TestSimpleSource(SourceSuite):
    capabilities: ClassVar = SIMPLE
    kind: ClassVar[type[Lines]] = Lines

    @pytest.fixture
    def harness(self, tmp_path: Path) -> LinesFile:
        return LinesFile(self.kind, tmp_path / "lines.jsonl")


class TestReplayableSource(TestSimpleSource):
    capabilities: ClassVar = SIMPLE | {"resumable"}
    kind: ClassVar = ReplayableLines
