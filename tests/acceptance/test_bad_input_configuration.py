"""A flow that is wrong itself is refused with the place and the remedy, and nothing is read or written."""

from __future__ import annotations

import pytest

from flow_folder import TABLE

GOOD = "id,name\n1,a\n2,b\n"
PASSWORD = "hunter2-and-more"


def is_untouched(folder):
    return not (folder.path / ".adf").exists() and not folder.rows()


class TestUnknownNames:
    @pytest.mark.parametrize(
        ("source", "sink", "settings", "messages"),
        [
            ({"type": "fil"}, None, {}, ["flow.yaml, line 6", "unknown source 'fil'; did you mean file?"]),
            (None, {"type": "kafka"}, {}, ["flow.yaml, line 3", "unknown sink 'kafka'; there are active_record"]),
            (None, {"type": "kafka"}, {}, ["pip install PACKAGE", "adf connectors"]),
            (
                {"delimeter": ";"},
                None,
                {},
                ["flow.yaml, line 6", "file source: delimeter: unknown option; did you mean delimiter?"],
            ),
            (None, TABLE | {"tabel": "t"}, {}, ["flow.yaml, line 3", "tabel: unknown option; did you mean table?"]),
            ({"encoding": "utf-99"}, None, {}, ["encoding: is the name of a text encoding", "given: 'utf-99'"]),
            (None, None, {"transfroms": []}, ["unknown key 'transfroms'; did you mean transforms?"]),
            (None, None, {"transforms": [{"type": "fliter"}]}, ["line 9", "did you mean filter?"]),
            (None, None, {"on_error": {"rejects": True}}, ["rejects: unknown option; did you mean reject"]),
            (None, None, {"schema": {"id": "int46"}}, ["int46"]),
        ],
    )
    def test_are_refused_with_near_names_and_nothing_is_touched(self, folder, source, sink, settings, messages):
        folder.put("in.csv", GOOD).flow(source, sink, **settings)
        folder.fails(*messages, code=2)
        assert is_untouched(folder)

    @pytest.mark.parametrize("command", ["check", "preview", "explain"])
    def test_every_command_says_so(self, folder, command):
        outcome = folder.put("in.csv", GOOD).flow({"delimeter": ";"}).adf(command)
        assert outcome.code == 2
        assert "did you mean delimiter?" in outcome.text
        assert is_untouched(folder)

    def test_a_connector_that_lacks_its_extra_names_the_install_command(self, folder):
        folder.put("acme_adf-1.0.dist-info/METADATA", "Metadata-Version: 2.1\nName: acme-adf\nVersion: 1.0\n")
        folder.put(
            "acme_adf-1.0.dist-info/entry_points.txt", "[active_data_flow.sinks]\nacme = acme_adf:Sink [cloud]\n"
        )
        folder.put("acme_adf.py", "import a_library_that_is_not_there\n")
        folder.put("in.csv", GOOD).flow(None, {"type": "acme"})
        folder.fails("acme-adf 1.0", "a_library_that_is_not_there", 'pip install "acme-adf[cloud]"', code=2)

    def test_once_corrected_it_runs(self, folder):
        folder.put("in.csv", GOOD).flow({"delimeter": ";"}).fails(code=2)
        folder.flow().succeeds()
        assert folder.rows() == [{"id": "1", "name": "a"}, {"id": "2", "name": "b"}]


class TestSecrets:
    @pytest.mark.parametrize(
        "url", [f"postgresql://me:{PASSWORD}@127.0.0.1:1/x", f"postgresql://127.0.0.1:1/x?password={PASSWORD}"]
    )
    @pytest.mark.parametrize("command", ["run", "check"])
    def test_a_password_in_clear_is_refused_and_not_repeated(self, folder, url, command):
        folder.put("in.csv", GOOD).flow(None, TABLE | {"url": url})
        outcome = folder.adf(command, "--verbose", *(["--json"] if command == "run" else []))
        assert outcome.code == 2
        assert "line 5" in outcome.text
        assert "the password stands in clear" in outcome.text
        assert "env:NAME" in outcome.text
        assert PASSWORD not in outcome.output
        assert is_untouched(folder)

    def test_a_variable_that_is_not_set_is_named(self, folder):
        folder.put("in.csv", GOOD).flow(None, TABLE | {"url": "env:ADF_TEST_TARGET"})
        folder.fails("environment variable ADF_TEST_TARGET is not set", code=2)
        checked = folder.adf("check")
        assert checked.code == 2
        assert "environment variable ADF_TEST_TARGET is not set" in checked.text
        folder.succeeds(ADF_TEST_TARGET="sqlite:///out.db")
        assert folder.table() == [(1, "a"), (2, "b")]

    def test_the_password_of_a_database_that_is_away_is_nowhere(self, folder):
        url = f"postgresql://me:{PASSWORD}@127.0.0.1:1/x"
        folder.put("in.csv", GOOD).flow(
            None, TABLE | {"url": "env:ADF_TEST_TARGET"}, retry={"attempts": 2, "backoff": 0.01}
        )
        outcomes = [
            folder.adf("run", "--verbose", "--json", ADF_TEST_TARGET=url),
            folder.adf("check", "--verbose", ADF_TEST_TARGET=url),
            folder.adf("explain", ADF_TEST_TARGET=url),
            folder.raw("runs"),
        ]
        assert [outcome.code for outcome in outcomes] == [1, 2, 0, 0]
        assert "127.0.0.1:1/x is not available" in outcomes[0].text
        for outcome in outcomes:
            assert PASSWORD not in outcome.output
        files = [path for path in folder.path.rglob("*") if path.is_file()]
        assert folder.path / ".adf/state.db" in files
        for path in files:
            assert PASSWORD.encode() not in path.read_bytes(), path

    def test_the_password_of_a_database_that_is_written_is_nowhere(self, folder, postgres, postgres_url):
        url = postgres_url.replace("postgres@", f"postgres:{PASSWORD}@")
        folder.put("in.csv", "id,name\n1,a\n2,b\nx,c\n").flow(
            None,
            TABLE | {"url": "env:ADF_TEST_TARGET"},
            schema={"id": "int64", "name": "string"},
            on_error={"reject": True},
        )
        outcomes = [
            folder.adf("run", "--verbose", "--json", ADF_TEST_TARGET=url),
            folder.adf("run", ADF_TEST_TARGET=url),
            folder.adf("rejects list", ADF_TEST_TARGET=url),
            folder.adf("checkpoint show", ADF_TEST_TARGET=url),
        ]
        assert {outcome.code for outcome in outcomes} == {0}
        assert "env:ADF_TEST_TARGET" in outcomes[1].text
        for outcome in outcomes:
            assert PASSWORD not in outcome.output
        for path in (folder.path / ".adf").glob("state.db*"):
            assert PASSWORD.encode() not in path.read_bytes(), path
        database = postgres_url.rpartition("/")[2]
        assert postgres.run_sql("SELECT * FROM t ORDER BY id", database) == [(1, "a"), (2, "b")]
        for table in ("_adf_positions", "_adf_epochs"):
            assert PASSWORD not in repr(postgres.run_sql(f"SELECT * FROM {table}", database))
