"""What the README and the examples show, works."""

from __future__ import annotations

import re
import shutil
import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
ROWS = [
    "dep_delay,origin,dest,air_time",
    "5,EWR,IAH,120",
    "-3,JFK,MIA,90",
    "NA,LGA,ORD,NA",
    "12,LGA,ATL,60",
]


def block(kind: str, number: int = 0) -> str:
    """A block of a language in the README."""
    return re.findall(rf"```{kind}\n(.*?)```", (ROOT / "README.md").read_text(), re.DOTALL)[number]


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "flights-1.csv").write_text("\n".join(ROWS) + "\n")
    return tmp_path


def rows(path: Path, query: str) -> list[tuple]:
    connection = sqlite3.connect(path)
    try:
        return connection.execute(query).fetchall()
    finally:
        connection.close()


def test_the_flow_as_a_class(zygote, folder):
    (folder / "flows.py").write_text(block("python"))
    assert zygote.adf(folder, "run", "flows.py:Delayed") == 0, (folder / "output.txt").read_text()
    assert rows(folder / "flights.db", "select dep_delay, route from delayed") == [(5, "EWR-IAH"), (12, "LGA-ATL")]


def test_the_flow_as_a_document(zygote, folder):
    (folder / "flights.yaml").write_text(block("yaml"))
    for command in ("check", "explain", "preview", "run", "runs"):
        flow = [] if command == "runs" else ["flights.yaml"]
        assert zygote.adf(folder, command, *flow) == 0, (folder / "output.txt").read_text()
    assert rows(folder / "flights.db", "select dep_delay, air_hours from flights") == [(5, 2.0), (12, 1.0)]
    (folder / "data" / "flights-2.csv").write_text("\n".join([ROWS[0], "1,EWR,IAH,30"]) + "\n")
    assert zygote.adf(folder, "run", "flights.yaml") == 0
    assert rows(folder / "flights.db", "select count(*), sum(air_hours) from flights") == [(3, 3.5)]


def test_the_test_of_the_flow(folder):
    (folder / "flows.py").write_text(block("python"))
    (folder / "test_flows.py").write_text(block("python", 2))
    tested = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider"]
    done = subprocess.run(tested, cwd=folder, capture_output=True, text=True, check=False)
    assert "1 passed" in done.stdout, done.stdout


def test_the_commands_in_the_readme_exist(zygote, folder):
    commands = set(re.findall(r"`adf ([a-z]+)", (ROOT / "README.md").read_text()))
    assert {"run", "preview", "explain", "check", "runs", "connectors", "new"} <= commands
    for command in sorted(commands):
        assert zygote.adf(folder, command, "--help") == 0


def test_the_demo_moves_every_flight(tmp_path):
    shutil.copytree(ROOT / "examples", tmp_path / "examples")
    demo = subprocess.run(
        [sys.executable, "examples/flights/demo.py"], cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert demo.returncode == 0, demo.stderr
    assert "336,776 flights in 12 files" in demo.stdout
    assert demo.stdout.count("exactly-once") == 2
    assert rows(tmp_path / "demo" / "flights.db", "select count(*), count(distinct route) from flights") == [
        (328521, 223)
    ]
    document = [Path(sys.executable).with_name("adf"), "run", "examples/flights/flights.yaml", "--json"]
    done = subprocess.run(document, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert '"records_written": 128432' in done.stdout.splitlines()[-1]
