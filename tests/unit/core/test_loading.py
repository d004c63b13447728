from __future__ import annotations

import json
import multiprocessing
import pickle
import sys
import textwrap
from pathlib import Path
from typing import ClassVar

import pytest

from active_data_flow.core.errors import ConfigurationError, PluginError
from active_data_flow.core.loading import import_module, load_flow
from active_data_flow.core.registry import _registered, register
from active_data_flow.core.sink import Sink
from active_data_flow.core.source import Source


class Words(Source):
    type: ClassVar[str] = "words"
    path: str
    number: int = 1

    def each(self):
        yield {"path": self.path}


class Nowhere(Sink):
    type: ClassVar[str] = "nowhere"
    url: str = "nowhere"


@pytest.fixture(autouse=True)
def here(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", [str(tmp_path), *sys.path])
    monkeypatch.setitem(_registered, ("source", "words"), Words)
    monkeypatch.setitem(_registered, ("sink", "nowhere"), Nowhere)
    yield tmp_path
    for name in [name for name in sys.modules if name.startswith("adf_file_")]:
        del sys.modules[name]


def write(name: str, text: str) -> str:
    Path(name).parent.mkdir(parents=True, exist_ok=True)
    Path(name).write_text(textwrap.dedent(text))
    return name


DOCUMENT = """\
name: words
source:
  type: words
  path: a.txt
sink: {type: nowhere}
on_error: {reject: true, max_rejects: 5}
"""

CODE = """\
from __future__ import annotations
from active_data_flow import DataFlow
from active_data_flow.core.source import Source
from active_data_flow.core.sink import Sink

class In(Source):
    path: str
    number: int = 1
    def each(self):
        yield {"id": 1}

class Out(Sink):
    pass

class Words(DataFlow):
    source = In(path="a.txt")
    sink = Out()
    limit: int = 3
"""


class TestDocuments:
    def test_yaml_and_json_give_the_same_flow(self):
        yaml_flow = load_flow(write("f.yaml", DOCUMENT))
        write("f.json", json.dumps(yaml_flow.to_document()))
        assert load_flow("f.json").to_document() == yaml_flow.to_document()
        assert (yaml_flow.name, yaml_flow.on_error.max_rejects) == ("words", 5)
        assert yaml_flow.reference == str(Path("f.yaml").resolve())

    @pytest.mark.parametrize(
        ("change", "error"),
        [
            (
                ("path: a.txt", "pth: a.txt"),
                r"f\.yaml, line 3: Words: 2 faults:\n  path: is required\n  pth: unknown option",
            ),
            (("path: a.txt", "path: a.txt\n  number: many"), r"f\.yaml, line 5: Words: number: .*integer.*'many'"),
            (("type: words", "type: wordz"), r"f\.yaml, line 3: unknown source 'wordz'; did you mean words"),
            (("sink:", "sinc:"), r"f\.yaml, line 5: unknown key 'sinc'; did you mean sink"),
            (("name: words\n", ""), r"f\.yaml: name is required"),
            (("max_rejects: 5", "max_rejects: -5"), r"f\.yaml, line 6: .*max_rejects: .*greater than or equal to 0"),
            (("sink: {type: nowhere}\n", ""), r"f\.yaml.*needs either sink or sinks"),
        ],
    )
    def test_a_fault_names_the_file_and_the_line(self, change, error):
        write("f.yaml", DOCUMENT.replace(*change))
        with pytest.raises(ConfigurationError, match=error):
            load_flow("f.yaml")

    def test_an_unknown_type_stays_a_plugin_error(self):
        write("f.yaml", DOCUMENT.replace("type: nowhere", "type: nowere"))
        with pytest.raises(PluginError, match="did you mean nowhere"):
            load_flow("f.yaml")

    def test_named_parts_and_steps_have_their_lines(self):
        write(
            "f.yaml",
            """\
            name: words
            sources:
              one: {type: words, path: a}
              two: {type: words, number: 2}
            sink: {type: nowhere}
            """,
        )
        with pytest.raises(ConfigurationError, match=r"f\.yaml, line 4: Words: path: is required"):
            load_flow("f.yaml")


class TestOverridesOfDocuments:
    def test_set_options_at_any_depth(self):
        write("f.yaml", DOCUMENT)
        changes = {"source.path": "b.txt", "source.number": 7, "on_error.max_rejects": 9, "parallelism": 2}
        flow = load_flow("f.yaml", changes)
        assert (flow.source.path, flow.source.number) == ("b.txt", 7)
        assert (flow.on_error.reject, flow.on_error.max_rejects, flow.parallelism) == (True, 9, 2)

    def test_give_what_the_document_leaves_out(self):
        write("f.yaml", DOCUMENT.replace("  path: a.txt\n", ""))
        assert load_flow("f.yaml", {"source.path": "b.txt"}).source.path == "b.txt"

    @pytest.mark.parametrize(
        ("path", "error"),
        [
            ("sorce.path", "--set sorce.path: a flow has no 'sorce'; did you mean source"),
            ("source.pth", "--set source.pth: source has no 'pth'; did you mean path"),
            (
                "on_error.max_reject",
                "--set on_error.max_reject: on_error has no 'max_reject'; did you mean max_rejects",
            ),
            ("name.first", "--set name.first: there is nothing below name, which is 'words'"),
        ],
    )
    def test_a_path_that_leads_nowhere_names_near_ones(self, path, error):
        write("f.yaml", DOCUMENT)
        with pytest.raises(ConfigurationError, match=error):
            load_flow("f.yaml", {path: 1})

    def test_a_bad_value_names_the_option(self):
        write("f.yaml", DOCUMENT)
        with pytest.raises(ConfigurationError, match=r"number: .*'many'"):
            load_flow("f.yaml", {"source.number": "many"})


class TestClasses:
    def test_a_file_with_one_flow_needs_no_class(self):
        write("flows/words.py", CODE)
        flow = load_flow("flows/words.py")
        assert (type(flow).__name__, flow.name, flow.limit) == ("Words", "words", 3)
        assert flow.reference == f"{Path('flows/words.py').resolve()}:Words"
        assert load_flow(flow.reference).source == flow.source

    def test_the_reference_loads_the_same_class(self):
        write("words.py", CODE)
        assert type(load_flow("words.py")) is type(load_flow("words.py:Words"))

    def test_a_changed_file_is_loaded_anew(self):
        write("words.py", CODE)
        assert load_flow("words.py").limit == 3
        write("words.py", CODE.replace("limit: int = 3", "limit: int = 4"))
        assert load_flow("words.py").limit == 4

    def test_a_module_is_imported_by_name(self):
        write("shop_for_test/__init__.py", "")
        write("shop_for_test/flows.py", CODE)
        flow = load_flow("shop_for_test.flows:Words")
        assert type(flow).__module__ == "shop_for_test.flows"
        assert flow.reference == "shop_for_test.flows:Words"

    def test_a_flow_object_can_be_named(self):
        write("words.py", CODE + "\nsmall = Words(limit=1)\n")
        assert load_flow("words.py:small").limit == 1
        changed = load_flow("words.py:small", {"source.path": "b.txt"})
        assert (changed.limit, changed.source.path) == (1, "b.txt")

    @pytest.mark.parametrize(
        ("code", "reference", "error"),
        [
            (CODE, "words.py:Wrods", r"words\.py: Wrods is not there; did you mean Words"),
            (CODE, "words.py:In", r"words\.py: In is not a DataFlow; "),
            (CODE + "\nclass More(Words): ...\n", "words.py", r"several flows.*words\.py:Words, words\.py:More"),
            ("x = 1\n", "words.py", r"words\.py: there is no DataFlow class in it"),
            ("x = 1\ny = x / 0\n", "words.py", r"words\.py: line 2: ZeroDivisionError"),
            ("x = (1\n", "words.py", r"words\.py: .*SyntaxError"),
            ("import no_such_module_at_all\n", "words.py", r"words\.py: line 1: ModuleNotFoundError"),
            (CODE.replace('path="a.txt"', "pth=1"), "words.py", r"words\.py: line 16: In: 2 faults"),
            (CODE, "none.py", r"none\.py: can't be read: No such file"),
            (CODE, "words", r"module words can't|there is no DataFlow|several"),
            (CODE, "no_such_module_at_all:Words", r"there is no module 'no_such_module_at_all'"),
            (CODE, "what/is-this", r"is no flow: give a document"),
        ],
    )
    def test_what_cannot_be_loaded_says_why(self, code, reference, error):
        write("words.py", code)
        if reference == "words":
            write("words.py", "raise RuntimeError('no')")
        with pytest.raises(ConfigurationError, match=error):
            load_flow(reference)

    def test_a_module_that_is_a_file_without_its_suffix_is_hinted_at(self):
        write("flows_there.py", "")
        sys.path.remove(str(Path.cwd()))
        with pytest.raises(ConfigurationError, match=r"did you mean flows_there\.py\?"):
            import_module("flows_there")

    def test_options_are_set_at_any_depth(self):
        write("words.py", CODE)
        changes = {"limit": 9, "source.number": 5, "checkpoint.every": "1m", "source.path": "b"}
        flow = load_flow("words.py", changes)
        assert (flow.limit, flow.source.number, flow.source.path, flow.checkpoint.every) == (9, 5, "b", 60.0)
        assert load_flow("words.py").source.path == "a.txt", "the class stays as it is"

    def test_a_whole_component_is_set_as_a_document(self):
        write("words.py", CODE)
        flow = load_flow("words.py", {"source": {"type": "words", "path": "c"}})
        assert flow.source == Words(path="c")

    @pytest.mark.parametrize(
        ("path", "error"),
        [
            ("limmit", "--set limmit: the flow has no 'limmit'; did you mean limit"),
            ("source.pth", "--set source.pth: source has no 'pth'; did you mean path"),
            ("limit.low", "--set limit.low: there is nothing below limit, which is 3"),
        ],
    )
    def test_a_path_that_leads_nowhere_names_near_ones(self, path, error):
        write("words.py", CODE)
        with pytest.raises(ConfigurationError, match=error):
            load_flow("words.py", {path: 1})


class TestOtherProcesses:
    def test_a_flow_of_a_file_pickles_in_this_process(self):
        write("words.py", CODE)
        flow = load_flow("words.py", {"limit": 8})
        again = pickle.loads(pickle.dumps(flow))
        assert (type(again), again.limit, again.source) == (type(flow), 8, flow.source)

    def test_a_flow_of_a_file_pickles_to_a_new_process(self):
        write("words.py", CODE)
        flow = load_flow("words.py", {"limit": 8, "source.path": "z"})
        with multiprocessing.get_context("spawn").Pool(1) as pool:
            assert pool.apply(pickled_name, (flow,)) == ("words", 8, "z")


def pickled_name(flow):
    return flow.name, flow.limit, flow.source.path


def test_register_is_what_documents_find():
    register("source", "words_for_test", Words)
    try:
        write("f.yaml", DOCUMENT.replace("type: words", "type: words_for_test"))
        assert isinstance(load_flow("f.yaml").source, Words)
    finally:
        del _registered["source", "words_for_test"]
