from __future__ import annotations

import pytest

from flow_folder import FlowFolder


@pytest.fixture(scope="session")
def zygote(crash_server):
    """Runs `adf` in children of a process that has imported everything."""
    return crash_server


@pytest.fixture
def folder(zygote, tmp_path) -> FlowFolder:
    """An empty folder to run `adf` in."""
    return FlowFolder(tmp_path, zygote)
