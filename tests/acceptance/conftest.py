from __future__ import annotations

import importlib.util
from pathlib import Path

import pytest

from flow_folder import FlowFolder

_spec = importlib.util.spec_from_file_location("zygote", Path(__file__).with_name("zygote.py"))
zygote_module = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(zygote_module)


@pytest.fixture(scope="session")
def zygote():
    made = zygote_module.Zygote()
    yield made
    made.close()


@pytest.fixture
def folder(zygote, tmp_path) -> FlowFolder:
    """An empty folder to run `adf` in."""
    return FlowFolder(tmp_path, zygote)
