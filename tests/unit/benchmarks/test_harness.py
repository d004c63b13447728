"""What the harness makes of programs that run, fail, are missing, or tell their own time."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest
from benchmarks import __main__ as command
from benchmarks import store
from benchmarks.harness import Case, Contestant, Figures, Run, at_most, contest, peak_at_most, run
from benchmarks.report import PAGE, page
from benchmarks.setting import tool
from benchmarks.table import COLUMNS, cells, results


def contestant(name: str, program: str, **options: object) -> Contestant:
    return Contestant(name, [sys.executable, "-I", "-S", "-c", program], **options)


def test_a_run_is_accounted_for_by_the_operating_system(tmp_path: Path) -> None:
    program = "data = bytearray(60_000_000)\nwhile __import__('time').process_time() < 0.2: pass"
    done = run(contestant("busy", program), tmp_path / "log")
    assert done.wall >= 0.2 <= done.cpu
    assert 55_000 < done.peak < 90_000


def test_the_memory_of_the_harness_does_not_count(tmp_path: Path) -> None:
    ballast = bytearray(100_000_000)
    assert run(contestant("small", "pass"), tmp_path / "log").peak < len(ballast) // 4096


def test_a_program_may_tell_what_counts(tmp_path: Path) -> None:
    assert run(contestant("timed", "print('read'); print('timed [1.5, 2.5]')"), tmp_path / "log").wall == 1.5


def test_the_end_of_what_a_failing_program_printed_is_shown(tmp_path: Path) -> None:
    with pytest.raises(RuntimeError, match=r"(?s)broken failed \(1\).*ZeroDivisionError"):
        run(contestant("broken", "1 / 0"), tmp_path / "log")


def test_a_contest_goes_on_without_what_is_missing_or_fails(tmp_path: Path) -> None:
    prepared: list[str] = []
    ours = contestant("ours", "pass", prepare=lambda: prepared.append("ours"))
    case = Case("case", 1, [ours, contestant("broken", "1 / 0"), tool("no-such-tool", ["no-such-tool"])])
    found = results(case, contest(case, 2, tmp_path))
    assert len(prepared) == 3, "one round that is not counted and two that are"
    assert "seconds" in found[0]
    assert "ZeroDivisionError" in cells(found[1])[2]
    assert "failed" in found[1]
    assert "not installed" in cells(found[2])[2]
    assert "failed" not in found[2]
    assert {len(cells(record)) for record in found} == {len(COLUMNS)}


def figures(*walls: float, peak: int = 0) -> Figures:
    return Figures([Run(wall, wall, peak * 1024) for wall in walls])


def test_goals_are_held_by_ratios_round_by_round() -> None:
    ours, its = figures(1, 4, 1), figures(2, 8, 8)
    assert ours.ratio(its) == 0.5
    assert at_most(0.5).holds(ours, its)
    assert not at_most(0.4).holds(ours, its)
    assert peak_at_most(100).holds(figures(1, peak=100), its)
    assert not peak_at_most(100).holds(figures(1, peak=101), its)


def test_the_page_shows_the_figures_that_are_kept() -> None:
    assert PAGE.read_text() == page(), "python -m benchmarks report"


def test_a_case_measured_again_takes_its_own_place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(store, "FOLDER", tmp_path)
    one, two = {"case": "one", "seconds": 1}, {"case": "two", "seconds": 2}
    store.save("paths", command.instead([one, two]))
    again = {"case": "one", "seconds": 3}
    assert command.instead([again, {"case": "three", "seconds": 4}]) == [again, two, {"case": "three", "seconds": 4}]
