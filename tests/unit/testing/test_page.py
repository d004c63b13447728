"""What docs/testing.md shows, works."""

from __future__ import annotations

import re
import sys
from pathlib import Path
from types import ModuleType

import pytest

from active_data_flow import DataFlow, ErrorPolicy
from active_data_flow.testing import MemorySink, ScriptedSource

PAGE = (Path(__file__).parents[3] / "docs" / "testing.md").read_text()
BLOCKS = re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL)


class Prices(DataFlow):
    source = ScriptedSource(script={"a": []})
    sink = MemorySink()
    schema = {"sku": "string", "price": "float64"}  # noqa: RUF012  # as users write it
    on_error = ErrorPolicy(reject=True)
    limit: float = 10

    def transform(self, message):
        return message if message["price"] < self.limit else None


def test_a_flow_without_its_places(monkeypatch):
    flows = ModuleType("flows")
    flows.Prices = Prices
    monkeypatch.setitem(sys.modules, "flows", flows)
    _test_of(BLOCKS[0])()


def test_a_run_with_what_can_go_wrong(tmp_path):
    _test_of(BLOCKS[1])(tmp_path)


@pytest.mark.parametrize("step", re.findall(r'^\| `"(.*?)"`', PAGE, re.MULTILINE))
def test_the_steps_exist(step):
    assert ScriptedSource(script={"a": [step]}).script == {"a": [step]}


def _test_of(block: str):
    names: dict = {}
    exec(block, names)
    (test,) = [value for name, value in names.items() if name.startswith("test_")]
    return test
