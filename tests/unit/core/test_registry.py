from __future__ import annotations

import sys
import textwrap
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from active_data_flow.core import registry
from active_data_flow.core.component import Component
from active_data_flow.core.errors import ConfigurationError, PluginError
from active_data_flow.core.registry import build, find, find_function, register, register_function, registrations
from active_data_flow.core.transform import Transform
from active_data_flow.version import VERSION


class Countdown(Component):
    type = "countdown"
    start: int = 3


@pytest.fixture(autouse=True)
def own_registrations(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setattr(registry, "_registered", {})
    monkeypatch.setattr(registry, "_functions", {})
    registry._installed.cache_clear()
    yield
    registry._installed.cache_clear()


@pytest.fixture
def plugin(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """Installs a distribution with entry points, as pip would leave it."""

    def install(module: str, code: str, entry_points: str) -> None:
        (tmp_path / f"{module}.py").write_text(textwrap.dedent(code))
        info = tmp_path / f"{module}-2.5.dist-info"
        info.mkdir()
        (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {module}\nVersion: 2.5\n")
        (info / "entry_points.txt").write_text(textwrap.dedent(entry_points))
        registry._installed.cache_clear()

    monkeypatch.syspath_prepend(str(tmp_path))
    before = set(sys.modules)
    yield install
    for name in set(sys.modules) - before:
        if getattr(sys.modules[name], "__file__", None) and str(tmp_path) in str(sys.modules[name].__file__):
            del sys.modules[name]


@pytest.mark.parametrize("name", ["cast", "deduplicate", "filter", "python", "rename", "select", "sql"])
def test_our_own_transforms_are_found_through_their_entry_points(name: str) -> None:
    component = find("transform", name)
    assert issubclass(component, Transform)
    assert component.type == name


def test_a_class_registered_in_code_is_found_built_and_listed() -> None:
    register("source", "countdown", Countdown)
    assert find("source", "countdown") is Countdown
    assert build("source", {"type": "countdown", "start": 5}) == Countdown(start=5)
    (entry,) = [entry for entry in registrations() if entry.name == "countdown"]
    assert (entry.kind, entry.origin, entry.target) == ("source", "registered in code", f"{__name__}:Countdown")


def test_what_is_registered_in_code_is_listed_once_and_wins() -> None:
    register("transform", "filter", Countdown)
    assert find("transform", "filter") is Countdown
    entries = [entry for entry in registrations() if (entry.kind, entry.name) == ("transform", "filter")]
    assert [entry.origin for entry in entries] == ["registered in code"]


def test_a_plugin_is_found_listed_with_its_origin_and_imported_only_when_asked_for(plugin: Any) -> None:
    plugin(
        "adf_tape",
        """
        from active_data_flow.core.component import Component
        class Tape(Component):
            type = "tape"
        """,
        """
        [active_data_flow.sources]
        tape = adf_tape:Tape
        """,
    )
    (entry,) = [entry for entry in registrations() if entry.name == "tape"]
    assert (entry.origin, entry.target) == ("adf_tape 2.5", "adf_tape:Tape")
    assert "adf_tape" not in sys.modules
    assert find("source", "tape").type == "tape"


def test_a_plugin_for_other_versions_is_refused_with_both_versions(plugin: Any) -> None:
    plugin(
        "adf_old",
        """
        from active_data_flow.core.component import Component
        class Old(Component):
            core_versions = "<0.0.1"
        class Odd(Component):
            core_versions = "about two"
        class Fine(Component):
            core_versions = ">=0.1,<9"
        """,
        """
        [active_data_flow.sinks]
        old = adf_old:Old
        odd = adf_old:Odd
        fine = adf_old:Fine
        """,
    )
    with pytest.raises(PluginError, match=rf"'old' fits active-data-flow <0\.0\.1, but {VERSION} is installed"):
        find("sink", "old")
    with pytest.raises(PluginError, match="'about two', which is not a PEP 440 specifier"):
        find("sink", "odd")
    assert find("sink", "fine").__name__ == "Fine"


@pytest.mark.parametrize("target", ["adf_broken:Missing", "adf_nowhere:Thing"])
def test_a_plugin_that_cannot_be_imported_names_its_package(plugin: Any, target: str) -> None:
    plugin("adf_broken", "", f"[active_data_flow.sources]\nbroken = {target}\n")
    with pytest.raises(PluginError, match=r"source 'broken' of adf_broken 2\.5 can't be imported"):
        find("source", "broken")


def test_a_plugin_that_fails_while_it_is_imported_names_its_package(plugin: Any) -> None:
    plugin("adf_raises", "raise RuntimeError('no licence')", "[active_data_flow.sources]\nraises = adf_raises:X\n")
    with pytest.raises(PluginError, match=r"source 'raises' of adf_raises 2\.5 can't be imported: .*no licence"):
        find("source", "raises")


def test_an_unknown_name_suggests_near_ones() -> None:
    with pytest.raises(PluginError, match="unknown transform 'fliter'; did you mean filter"):
        find("transform", "fliter")
    with pytest.raises(PluginError, match="unknown transform 'zzzz'; there are cast, deduplicate"):
        find("transform", "zzzz")


@pytest.mark.parametrize("document", [None, 5, "file", [], {}, {"type": 3}, {"path": "x"}])
def test_a_document_without_a_type_is_named(document: Any) -> None:
    with pytest.raises(ConfigurationError, match="a source is a mapping with a type"):
        build("source", document)


def test_options_with_names_that_are_no_text_are_refused() -> None:
    register("source", "countdown", Countdown)
    with pytest.raises(ConfigurationError, match="unknown option"):
        build("source", {"type": "countdown", 5: 1})


def test_functions_are_registered_by_their_name_or_another() -> None:
    @register_function
    def shout(message: Any) -> Any:
        return message

    register_function(shout, "loud")
    assert find_function("shout") is find_function("loud") is shout
    with pytest.raises(PluginError, match="no function 'shuot' is registered; did you mean shout"):
        find_function("shuot")
