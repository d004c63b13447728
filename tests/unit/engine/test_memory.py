"""Freed memory goes back to the system."""

from __future__ import annotations

import math
import subprocess
import sys
import time

import pytest

from active_data_flow.engine import memory
from active_data_flow.engine.memory import FreedMemory

KEPT = """
import threading
from pathlib import Path

from active_data_flow.engine.memory import FreedMemory

def resident():
    return int(Path("/proc/self/statm").read_text().split()[1]) * 4096 // 2**20

def work():
    kept = [bytes(50_000) for _ in range(4_000)]  # small enough for the C library's own arenas
    last = bytes(50_000)  # what lies at the end of an arena keeps the rest of it from being cut off
    del kept
    held.append(last)

held = []
before = resident()
threads = [threading.Thread(target=work) for _ in range(4)]
for thread in threads:
    thread.start()
for thread in threads:
    thread.join()
grown = resident() - before
FreedMemory(0).give_back()
print(grown, resident() - before)
"""


LARGE = """
import sys
from pathlib import Path

from active_data_flow.engine.memory import keep_blocks_apart

def resident():
    return int(Path("/proc/self/statm").read_text().split()[1]) * 4096 // 2**20

if sys.argv[1] == "apart":
    keep_blocks_apart()
b"x" * 20_000_000  # once freed, the C library puts blocks of up to this size into its arenas
before = resident()
blocks = [(b"x" * 2_000_000, b"x" * 20_000) for _ in range(100)]
grown = resident() - before
small = [small for _, small in blocks]
del blocks
print(grown, resident() - before)
"""


@pytest.mark.skipif(sys.platform != "linux", reason="glibc's")
def test_large_blocks_go_back_at_once_whatever_lies_between_them():
    def kept(how: str) -> float:
        command = [sys.executable, "-c", LARGE, how]
        said = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout
        grown, left = map(int, said.split())
        assert grown > 150
        return left / grown

    assert kept("apart") < 0.1
    assert kept("as it is") > 0.5, "the control"


@pytest.mark.skipif(sys.platform != "linux", reason="looks into /proc")
def test_what_threads_have_freed_goes_back():
    said = subprocess.run([sys.executable, "-c", KEPT], check=True, stdout=subprocess.PIPE, text=True).stdout
    grown, kept = map(int, said.split())
    assert grown > 100, "the C library keeps it"
    assert kept < grown / 4


def test_it_is_done_now_and_then(monkeypatch):
    times: list[int] = []
    monkeypatch.setattr(memory, "_of_glibc", lambda _: times.append)
    monkeypatch.setattr(memory, "_SHARE", math.inf)
    never, always = FreedMemory(3600), FreedMemory(0)
    for _ in range(3):
        never.give_back()
        always.give_back()
    assert times == [0, 0, 0]


def test_it_takes_a_hundredth_of_the_time_at_most(monkeypatch):
    times: list[int] = []

    def trim(_: int) -> None:
        times.append(1)
        time.sleep(0.02)

    monkeypatch.setattr(memory, "_of_glibc", lambda _: trim)
    freed, end = FreedMemory(0), time.monotonic() + 0.5
    while time.monotonic() < end:
        freed.give_back()
    assert times == [1]


def test_elsewhere_only_arrow_gives_back(monkeypatch):
    monkeypatch.setattr(memory, "_of_glibc", lambda _: None)
    FreedMemory(0).give_back()
