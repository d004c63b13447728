"""Each kind of fault finds the sink that can't stand it, and passes the one that can."""

from __future__ import annotations

import os
from typing import ClassVar

import pytest

import crash_flows
from active_data_flow.testing.crash import CrashSuite, Cut
from active_data_flow.testing.crash.harness import PROPERTY
from crash_flows import rows_in_sqlite, rows_of, write_files

Found = (AssertionError, pytest.fail.Exception)


class Files(CrashSuite):
    capabilities: ClassVar = frozenset({"incremental", "takeover", "locks", "disk"})
    moments: ClassVar = 8
    headrooms: ClassVar = (150_000,)
    chosen = ""

    def flow(self, directory):
        write_files(directory / "in", ".csv")
        return f"broken_sinks:{self.chosen}Flow"

    def expected(self, directory):
        return crash_flows.all_records()

    def rows(self, directory):
        return rows_of(directory / "out.jsonl") + rows_in_sqlite(directory / "out.db")


class Server(Files):
    capabilities: ClassVar = frozenset({"incremental", "server", "restarts"})
    cuts: ClassVar = (Cut(b"COMMIT", 3, "after"),)
    server: ClassVar = None

    def address(self):
        return "127.0.0.1", self.server.port

    def flow(self, directory):
        host, port = self.reached
        os.environ |= {"BROKEN_URL": f"postgresql://postgres@{host}:{port}/postgres", "BROKEN_TABLE": directory.name}
        self.server.run_sql(f"CREATE TABLE {directory.name} (id BIGINT, name TEXT)")
        return super().flow(directory)

    def rows(self, directory):
        return self.server.run_sql(f"SELECT id, name FROM {directory.name}")

    def stop_server(self, how):
        self.server.kill() if how == "kill" else self.server.server.stop()

    def start_server(self):
        self.server.start()


@pytest.fixture
def struck(crash_kit, monkeypatch):
    def make(suite, chosen):
        made = suite()
        made.kit, made.chosen, made._report = crash_kit, chosen, []
        return made

    monkeypatch.setenv("BROKEN_URL", "")
    monkeypatch.setenv("BROKEN_TABLE", "")
    return make


def test_a_sound_sink_stands_everything(struck):
    suite = struck(Files, "Sound")
    for name in Files.cases():
        getattr(suite, name)()
    assert {name for name, _ in suite._report} == {PROPERTY}
    proofs = [proof for _, proof in suite._report]
    assert {(proof["source"], proof["sink"], proof["runtime"], proof["guarantee"]) for proof in proofs} == {
        ("file:csv", "Sound", "local:threads", "exactly-once")
    }
    assert [proof["faults"] for proof in proofs] == [
        {"crash points": 10},
        {"random kills": 8},
        {"freezes": 3},
        {"full disks": 1},
    ]


@pytest.mark.parametrize(
    ("sink", "case", "message"),
    [
        ("LyingFlush", "killed_at_every_point", "missing: "),
        ("Doubling", "killed_at_every_point", "doubled: "),
        ("PositionsFirst", "killed_at_random_moments", "missing: "),
        ("NoFence", "frozen_and_replaced", "it was not refused: it ended with 0"),
        ("Silent", "full_disk", "bytes free the run ended with 0"),
    ],
)
def test_a_fault_is_found(struck, sink, case, message):
    suite = struck(Files, sink)
    with pytest.raises(Found, match=message):
        getattr(suite, f"test_{case}")()
    assert suite._report == []


@pytest.mark.parametrize(
    ("sink", "case", "message"),
    [("Assuming", "cut_off", "doubled: "), ("Careless", "server_restarts", "missing: ")],
)
def test_a_fault_is_found_at_a_server(struck, monkeypatch, postgres, sink, case, message):
    monkeypatch.setattr(Server, "server", postgres)
    with pytest.raises(Found, match=message):
        getattr(struck(Server, sink), f"test_{case}")()


def test_a_point_that_is_never_passed_is_told(struck, monkeypatch):
    suite = struck(Files, "Sound")
    monkeypatch.setattr(Files, "_points", lambda self, world: ("no-such-point",))
    with pytest.raises(Found, match="no run ever came to no-such-point"):
        suite.test_killed_at_every_point()
