"""What all groups of the sink's cases share: the capabilities that they ask about, and the comparison of rows."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

import pyarrow as pa

from active_data_flow.core.sink import Sink
from active_data_flow.testing.suites.case import Suite
from active_data_flow.testing.suites.sink_harness import SinkHarness, read_as
from active_data_flow.testing.suites.sink_run import NUMBERED, SinkRun, numbered


class SinkCases(Suite):
    """Cases about one side of a sink; `SinkSuite` has all of them."""

    known: ClassVar[frozenset[str]] = frozenset(
        {
            "transactional",
            "two-phase",
            "idempotent",
            "exactly-once",
            "isolated",
            "takeover",
            "append",
            "upsert",
            "replace",
            "many writers",
            "nested",
            "creates table",
            "fixed columns",
            "evolves schema",
            "fixed types",
            "widens types",
            "rejects rows",
            "secrets",
        }
    )
    examples: ClassVar[int] = 20
    """Examples that a property test tries; fewer for slow stores."""


def write_all(harness: SinkHarness, *batches: pa.RecordBatch) -> Sink:
    """Write batches to a new place, in one run with one commit."""
    sink = harness.sink(batches[0].schema)
    run = SinkRun(harness, sink)
    for rows in batches:
        run.write(rows)
    run.end()
    assert not run.rejects, run.rejects
    return sink


def assert_rows(harness: SinkHarness, sink: Sink, expected: pa.RecordBatch | pa.Table) -> None:
    """The place holds exactly these rows, in any order."""
    found = sorted(harness.rows(sink, expected.schema), key=_id)
    wanted = sorted(read_as(expected.to_pylist(), expected.schema), key=_id)
    assert [row["id"] for row in found] == [row["id"] for row in wanted]
    for name in expected.schema.names:
        assert [row[name] for row in found] == [row[name] for row in wanted], name


def assert_numbered(harness: SinkHarness, sink: Sink, count: int) -> None:
    """The place holds exactly the first so many of the numbered rows."""
    assert_rows(harness, sink, numbered(0, count))


def ids(harness: SinkHarness, sink: Sink) -> list[int]:
    """The ids of the rows in the place, in ascending order."""
    return sorted(row["id"] for row in harness.rows(sink, NUMBERED))


def _id(row: Mapping[str, Any]) -> int:
    return int(row["id"])


__all__ = ["SinkCases", "assert_numbered", "assert_rows", "ids", "write_all"]
