"""The pytest plugin: fixtures for crash tests, and what crash tests have proved. Imports nothing until it is used."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from active_data_flow.testing.crash import CrashKit, ForkServer


def pytest_addoption(parser: pytest.Parser) -> None:
    """The option that asks for the proofs."""
    group = parser.getgroup("active-data-flow")
    group.addoption("--crash-proofs", metavar="FILE", help="write what crash tests have proved into this JSON file")


def pytest_configure(config: pytest.Config) -> None:
    """Collect proofs where they are asked for; with xdist, in the process that has all reports."""
    path: str | None = config.getoption("--crash-proofs")
    if path is not None and not hasattr(config, "workerinput"):
        config.pluginmanager.register(_Collector(Path(path)), "crash-proofs")


class _Collector:
    def __init__(self, path: Path) -> None:
        self._path = path
        self._found: list[dict[str, Any]] = []

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        if report.when == "call" and report.passed:
            self._found.extend(proof for name, proof in report.user_properties if name == "crash proof")  # pyright: ignore[reportArgumentType]  # a report's property is any object

    def pytest_sessionfinish(self) -> None:
        from active_data_flow.engine.proofs import merged

        self._path.write_text(json.dumps(merged(self._found), indent=1) + "\n")


@pytest.fixture(scope="session")
def crash_server() -> Iterator[ForkServer]:
    """Starts ``adf`` in children that can be killed, without paying for the imports each time."""
    from active_data_flow.testing.crash import ForkServer

    server = ForkServer()
    yield server
    server.close()


@pytest.fixture
def crash_kit(crash_server: ForkServer, tmp_path: Path) -> Iterator[CrashKit]:
    """Worlds for flows that are to be struck; see `active_data_flow.testing.crash.CrashKit`.

    They are in memory where there is room: processes die here, not machines, and a hundred runs wait for no disk.
    """
    import tempfile

    from active_data_flow.testing.crash import CrashKit

    with tempfile.TemporaryDirectory(prefix="adf-crash-", dir=_memory()) as directory:
        place = Path(directory, tmp_path.name)
        place.mkdir()
        yield CrashKit(crash_server, place)


def _memory() -> Path | None:
    import os
    import shutil

    place = Path("/dev/shm")  # noqa: S108  # its own directory is made in it
    has_room = os.access(place, os.W_OK) and shutil.disk_usage(place).free > 2**28
    return place if has_room else None
