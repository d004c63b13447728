"""A flow that would double its rows says so, and only such a flow does."""

from __future__ import annotations

import json
import sqlite3
from contextlib import closing

import pytest
import yaml

from active_data_flow import DataFlow, FileSink, FileSource, SqlSink, SqlSource
from active_data_flow.cli import main
from active_data_flow.core.source import Source
from active_data_flow.engine.explain import check, explain


class Three(Source):
    def each(self):
        yield from ({"id": number} for number in range(3))


@pytest.fixture(autouse=True)
def shop(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with closing(sqlite3.connect("shop.db")) as connection:
        connection.execute("CREATE TABLE orders (id INTEGER PRIMARY KEY)")
        connection.execute("INSERT INTO orders VALUES (0), (1), (2)")
        connection.commit()
    (tmp_path / "orders.csv").write_text("id\n0\n1\n2\n")


ALL = {"url": "sqlite:///shop.db", "table": "orders"}
OUT = {"url": "sqlite:///out.db", "table": "copy"}


@pytest.mark.parametrize(
    ("source", "sink", "remedies"),
    [
        (SqlSource(**ALL), SqlSink(**OUT), ["mode: upsert with unique_by", "give the source a cursor"]),
        (SqlSource(**ALL), FileSink(path="out.csv"), ["give the sink mode: replace", "a cursor"]),
        (SqlSource(**ALL), FileSink(path="out/", format="csv"), ["write to one file, with mode: replace"]),
        (Three(), SqlSink(**OUT), ["mode: upsert", "derive the source from SplitSource"]),
        (SqlSource(**ALL, cursor="id"), SqlSink(**OUT), []),
        (SqlSource(**ALL), SqlSink(**OUT, mode="replace"), []),
        (SqlSource(**ALL), SqlSink(**OUT, mode="upsert", unique_by=["id"]), []),
        (SqlSource(**ALL), FileSink(path="out.csv", mode="replace"), []),
        (FileSource(path="orders.csv"), SqlSink(**OUT), []),
    ],
)
def test_a_second_run_that_doubles_rows_is_told_with_the_remedy(source, sink, remedies, tmp_path):
    flow = DataFlow(name="copy", source=source, sink=sink)
    (explained,) = explain(flow).pipelines
    assert bool(explained.warning) == bool(remedies)
    assert all(remedy in explained.warning for remedy in remedies)
    noted = [line.text for line in check(flow) if line.warning]
    assert noted == ([explained.warning] if remedies else [])
    assert all(line.ok for line in check(flow))
    for _ in range(2):
        flow.run(directory=tmp_path / "state")
    assert _rows(tmp_path) == (6 if remedies else 3)


def _rows(folder) -> int:
    if (folder / "out.db").exists():
        with closing(sqlite3.connect(folder / "out.db")) as connection:
            return connection.execute("SELECT count(*) FROM copy").fetchone()[0]
    files = [folder / "out.csv"] if (folder / "out.csv").exists() else list((folder / "out").glob("*.csv"))
    return sum(len(path.read_text().splitlines()) - 1 for path in files)


def test_the_commands_show_it(capsys, tmp_path):
    document = {"name": "copy", "source": {"type": "sql", **ALL}, "sink": {"type": "sql", **OUT}}
    (tmp_path / "flow.yaml").write_text(yaml.safe_dump(document))
    assert main(["explain", "flow.yaml"]) == 0
    assert "second run each complete run reads everything again" in " ".join(capsys.readouterr().out.split())
    assert main(["check", "flow.yaml"]) == 0
    assert "second run note each complete run" in " ".join(capsys.readouterr().out.split())
    assert main(["check", "flow.yaml", "--json"]) == 0
    lines = json.loads(capsys.readouterr().out)["lines"]
    assert [line["component"] for line in lines if line["warning"]] == ["second run"]
