"""Commands that look and write nothing: preview, explain, check, connectors."""

from __future__ import annotations

import json
from pathlib import Path

from active_data_flow.core import registry
from active_data_flow.core.component import Component
from active_data_flow.core.source import Source

FLOW = "numbers_for_test.py"


def widest(text: str) -> int:
    return max(len(line) for line in text.splitlines())


class TestPreview:
    def test_shows_the_first_rows_and_writes_nothing(self, adf):
        shown = adf("preview", FLOW, "-n", "3")
        assert shown.code == 0
        assert [f"n{number}" in shown.out for number in range(4)] == [True, True, True, False]
        assert "int64" in shown.out
        assert not Path("out.txt").exists()
        assert not Path(".adf").exists()

    def test_shows_what_is_rejected(self, adf):
        shown = adf("preview", FLOW, "--set", "bad=1")
        assert "1 of the records read are rejected:" in shown.out
        assert "1 is bad" in shown.out

    def test_names_the_columns_that_do_not_fit(self, adf):
        code = Path(FLOW).read_text().replace("return message\n", "return message | wide\n")
        Path("wide.py").write_text(code + "\nwide = {f'column_{i}': 'x' * 15 for i in range(9)}\n")
        Path("wide.py").write_text(Path("wide.py").read_text().replace("    schema = Row\n", ""))
        shown = adf("preview", "wide.py")
        assert shown.code == 0, shown.err
        assert widest(shown.out) <= 80
        assert "not shown, as the terminal is narrow: " in shown.text
        assert "column_8" in shown.text

    def test_an_empty_source_is_no_failure(self, adf):
        shown = adf("preview", FLOW, "--set", "source.number=0")
        assert (shown.code, "no records" in shown.out or "0 rows" in shown.out) == (0, True)

    def test_markup_in_data_is_shown_as_it_is(self, adf):
        code = Path(FLOW).read_text().replace('f"n{i}"', 'f"[red]{i}[/red]"')
        Path("markup.py").write_text(code)
        assert "[red]0[/red]" in adf("preview", "markup.py").out


class TestExplain:
    def test_tells_the_guarantee_and_why(self, adf):
        shown = adf("explain", FLOW)
        assert shown.code == 0
        for part in ("guarantee", "at-least-once", "why", "file out.txt", "transform of Numbers", "1 lane"):
            assert part in shown.text
        assert widest(shown.out) <= 80

    def test_json_has_the_schemas(self, adf):
        shown = adf("explain", FLOW, "--json")
        (pipeline,) = json.loads(shown.out)["pipelines"]
        assert pipeline["guarantee"] == "at-least-once"
        assert [column["name"] for column in pipeline["schema_out"]] == ["id", "name"]
        assert pipeline["schema_in"][0]["type"] == "int64"

    def test_columns_that_come_and_go_are_marked(self, adf):
        code = Path(FLOW).read_text().replace("return message\n", 'return {"id": message["id"], "twice": 2}\n')
        Path("other.py").write_text(code)
        shown = adf("explain", "other.py")
        assert "· new" in shown.out
        assert "· left out" in shown.out

    def test_json_of_a_failure_is_json(self, adf):
        failed = adf("explain", "nothing.yaml", "--json")
        assert failed.code == 2
        assert json.loads(failed.out.splitlines()[-1])["error_type"] == "ConfigurationError"


class TestCheck:
    def test_all_in_order(self, adf):
        shown = adf("check", FLOW)
        assert shown.code == 0
        assert "ok numbers: the configuration is valid" in shown.text
        assert f"next: adf run {FLOW}" in shown.text

    def test_what_is_not_in_order_is_marked(self, adf):
        code = Path(FLOW).read_text() + (
            "\nfrom active_data_flow.core.errors import SinkError\n"
            "class Gone(Lines):\n"
            "    def check(self):\n"
            "        raise SinkError('no such server postgresql://me:hunter2@db/x')\n"
            "class Broken(Numbers):\n"
            "    sink = Gone(path='x')\n"
        )
        Path("broken.py").write_text(code)
        failed = adf("check", "broken.py:Broken")
        assert failed.code == 2
        assert "BAD no such server" in failed.text
        assert "hunter2" not in failed.text
        assert json.loads(adf("check", "broken.py:Broken", "--json").out)["ok"] is False


class Weather(Source):
    """Gives the weather."""

    type = "weather"
    capabilities = frozenset({"resumes"})
    station: str
    """Code of the station, as OSL."""
    days: int | None = None

    def each(self):
        yield {}


class TestConnectors:
    def test_lists_what_is_installed_and_where_from(self, adf, monkeypatch):
        monkeypatch.setitem(registry._registered, ("source", "weather"), Weather)
        shown = adf("connectors")
        assert shown.code == 0
        assert widest(shown.out) <= 80
        for part in ("weather", "registered in code", "Gives the weather.", "resumes", "local", "active-data-flow"):
            assert part in shown.text

    def test_tells_the_options_of_one(self, adf, monkeypatch):
        monkeypatch.setitem(registry._registered, ("source", "weather"), Weather)
        shown = adf("connectors", "weather")
        for part in ("station", "text", "required", "Code of the station, as OSL.", "integer optional"):
            assert part in shown.text

    def test_json_has_the_schema_of_the_options(self, adf, monkeypatch):
        monkeypatch.setitem(registry._registered, ("source", "weather"), Weather)
        (described,) = json.loads(adf("connectors", "weather", "--json").out)
        assert (described["kind"], described["origin"], described["version"]) == ("source", "registered in code", None)
        assert described["schema"]["required"] == ["station"]
        assert [option["name"] for option in described["options"]] == ["station", "days"]
        listed = json.loads(adf("connectors", "--json").out)
        assert {"kind", "name", "origin", "version", "capabilities"} <= listed[0].keys()

    def test_an_unknown_name_gets_near_ones(self, adf, monkeypatch):
        monkeypatch.setitem(registry._registered, ("source", "weather"), Weather)
        failed = adf("connectors", "wethr")
        assert failed.code == 2
        assert "did you mean weather" in failed.text

    def test_one_that_does_not_fit_is_listed_with_the_reason(self, adf, monkeypatch):
        class Old(Component):
            type = "old"
            core_versions = "<0.0.1"

        monkeypatch.setitem(registry._registered, ("source", "old"), Old)
        shown = adf("connectors")
        assert shown.code == 0
        assert "fits active-data-flow <0.0.1, but" in shown.text
