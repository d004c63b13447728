"""A benchmark whose sides do different work is worthless: all contestants of a case leave the same rows."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Sequence
from decimal import Decimal
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from benchmarks.cases import CASES
from benchmarks.harness import Case, Contestant, run
from benchmarks.schema import NAMES, SCHEMA_OPTIONS
from benchmarks.setting import PEERS, Setting

ROWS = 1_000
PATHS = [name for name in CASES if name not in ("memory", "import", "help", "cache-memory")]
"""Of the others the sides differ in what they do, on purpose, or nothing is left when they end."""


def _moment(value: Any) -> dt.datetime:
    return value if isinstance(value, dt.datetime) else dt.datetime.fromisoformat(value)


def _day(value: Any) -> str:
    return str(value)[:10]


NORMAL = {
    "int64": int,
    "string": lambda value: value or "",  # a CSV file has no nulls, so each program thinks of an empty field its own
    "timestamp[us]": _moment,
    "date": _day,
    "decimal(12,2)": lambda value: Decimal(str(value)).quantize(Decimal("0.01")),
    "float64": lambda value: round(float(value), 12),
    "bool": lambda value: value in (True, 1, "true", "True"),
}


def outcome(contestant: Contestant, folder: Path) -> list[tuple[Any, ...]]:
    """What a run of the contestant leaves, as values of one form, by id."""
    kept = folder / "kept.arrow"
    kept.unlink(missing_ok=True)
    run(contestant, folder / "log.txt", BENCHMARK_KEEP=str(kept))
    rows = _kept(kept) if contestant.rows is None else contestant.rows()
    return sorted(map(_normal, rows))


def _kept(path: Path) -> Iterable[Sequence[Any]]:
    table = pa.ipc.open_file(path).read_all()
    names = [*NAMES, *(["total"] if "total" in table.column_names else [])]
    return zip(*(table.column(name).to_pylist() for name in names), strict=True)


def _normal(row: Sequence[Any]) -> tuple[Any, ...]:
    kinds = [*SCHEMA_OPTIONS.values(), "float64"][: len(row)]
    return tuple(NORMAL[kind](value) for kind, value in zip(kinds, row, strict=True))


def compare(case: Case, contestants: Sequence[Contestant], folder: Path) -> None:
    """All leave what the first of the case leaves."""
    ours = outcome(case.contestants[0], folder)
    assert len(ours) > ROWS // 2
    for contestant in contestants:
        assert outcome(contestant, folder) == ours, contestant.name


def _setting(folder: Path) -> Setting:
    return Setting(ROWS, folder, folder / "data")


@pytest.mark.slow
@pytest.mark.parametrize("name", [name for name in PATHS if not CASES[name].needs_peers])
def test_references_do_the_same_work_as_we(name: str, tmp_path: Path) -> None:
    with CASES[name].make(_setting(tmp_path)) as case:
        contestants = [one for one in case.contestants[1:] if not one.is_peer and not one.missing]
        assert contestants, "nothing to compare with"
        compare(case, contestants, tmp_path)


@pytest.mark.slow
@pytest.mark.parametrize(
    "name", [name for name in PATHS if name not in ("sqlite", "vectorised", "processes", "cache", "cache-set-many")]
)
def test_peers_do_the_same_work_as_we(name: str, tmp_path: Path) -> None:
    if not PEERS.exists():
        pytest.skip("the peers are not installed; make bench-peers")
    with CASES[name].make(_setting(tmp_path)) as case:
        contestants = [one for one in case.contestants if one.is_peer]
        assert contestants, "no peer"
        compare(case, contestants, tmp_path)
