"""What a project's checks are told of its flows, and flows with models by the command."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from active_data_flow import ActiveRecordSink, ActiveRecordSource, DataFlow, FileSource, Rename, SchemaContract, Select
from active_data_flow.engine.static_check import Problem, check_columns

FILE = FileSource(path="prices.csv")
SCHEMA = {"sku": "string", "name": "string", "price": "decimal(10,2)"}
SINK = ActiveRecordSink(model="shop.Price", mode="upsert", unique_by=["sku"])


def flow(**options):
    return DataFlow(**{"name": "prices", "source": FILE, "sink": SINK, "schema": SCHEMA, **options})


@pytest.fixture(autouse=True)
def _project(sqlite_database):
    pass


def test_nothing_is_wrong():
    assert check_columns(flow()) == []
    assert check_columns(flow(schema=None)) == []  # what a file has is not known
    copying = {"source": ActiveRecordSource(model="shop.Price"), "schema": None}
    assert check_columns(flow(**copying)) == []


def test_a_field_that_is_gone():
    (problem,) = check_columns(flow(schema=SCHEMA | {"colour": "string"}))
    assert problem.component == "sink"
    assert problem.text.startswith("model shop.Price has no field for column colour; add one and migrate")
    assert check_columns(flow(schema=SCHEMA | {"colour": "string"}, contract=SchemaContract(column="discard"))) == []
    assert check_columns(flow(sink=ActiveRecordSink(model="shop.Gone")))[0].text.startswith(
        "there is no model shop.Gone"
    )
    (problem,) = check_columns(flow(source=ActiveRecordSource(model="shop.Price", columns=["colour"]), schema=None))
    assert problem == Problem("source", problem.text)
    assert "columns: colour: model shop.Price has no field colour" in problem.text


def test_transforms_are_followed():
    colour = SCHEMA | {"colour": "string"}
    assert check_columns(flow(schema=colour, transforms=[Select(exclude=["colour"])])) == []
    unknown, lacking = check_columns(flow(transforms=[Rename(columns={"sku": "code"})]))
    assert "no field for column code" in unknown.text
    assert "the data has no column sku, which upsert needs" in lacking.text
    (problem,) = check_columns(flow(transforms=[Select(columns=["nothing"])]))
    assert problem.component == "transforms"


def test_a_column_that_is_needed():
    (problem,) = check_columns(
        flow(sink=ActiveRecordSink(model="shop.Price"), schema={"sku": "string", "name": "string"})
    )
    assert "needs a value for price" in problem.text


def test_code_says_what_it_makes_by_its_output_schema():
    class Own(DataFlow):
        name = "own"
        source = FILE
        sink = SINK
        schema = SCHEMA

        def transform(self, message):
            return message | {"colour": "red"}

    assert check_columns(Own()) == []
    (problem,) = check_columns(Own(output_schema=SCHEMA | {"colour": "string"}))
    assert "colour" in problem.text


def adf(folder: Path, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    known = {name: value for name, value in os.environ.items() if name != "DJANGO_SETTINGS_MODULE"}
    known["PYTHONPATH"] = str(Path(__file__).parents[2])
    command = [str(Path(sys.executable).with_name("adf")), *arguments]
    return subprocess.run(
        command, cwd=folder, env=known | environment, capture_output=True, text=True, check=False, timeout=60
    )


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "prices.csv").write_text("sku,name,price\na,A,1.50\nb,,2.00\nc,C,3.00\n")
    document = {
        "name": "prices",
        "source": {"type": "file", "path": "prices.csv"},
        "sink": SINK.to_document(),
        "schema": SCHEMA,
        "on_error": {"reject": True},
    }
    (tmp_path / "flow.yaml").write_text(yaml.safe_dump(document))
    return tmp_path


def test_the_command_runs_a_flow_inside_the_project(folder, sqlite_database):
    from django_project.shop.models import Price

    project = {"DJANGO_SETTINGS_MODULE": "django_project.settings", "ADF_TEST_DATABASE": sqlite_database.url}
    run = adf(folder, "run", "flow.yaml", **project)
    assert run.returncode == 0, run.stdout + run.stderr
    assert dict(Price.objects.values_list("sku", "name")) == {"a": "A", "c": "C"}
    explained = adf(folder, "explain", "flow.yaml", **project)
    assert "exactly-once" in explained.stdout
    assert "active_record:sqlite:upsert" in explained.stdout


def test_without_a_project_the_command_says_what_to_do(folder):
    run = adf(folder, "run", "flow.yaml")
    assert run.returncode != 0
    assert "DJANGO_SETTINGS_MODULE" in run.stdout + run.stderr
