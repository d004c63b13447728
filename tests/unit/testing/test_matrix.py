from __future__ import annotations

import json
import subprocess
import sys

import pytest

from active_data_flow.testing.crash import matrix
from active_data_flow.testing.crash.matrix import Claim, as_json, as_page, claims, faults_found, main

FAULTS = {"crash points": 10, "random kills": 6, "freezes": 3}


@pytest.fixture
def everything():
    """A proof of each claim."""
    proofs = []
    for claim in claims():
        parts = {"source": "file:csv", "sink": "sql:sqlite:append", "runtime": "local:threads"}
        parts[claim.part] = claim.variant
        proofs.append(parts | {"guarantee": "exactly-once", "faults": FAULTS})
    return proofs


def test_each_variant_of_what_is_registered_is_a_claim():
    found = claims()
    for claim in (
        Claim("source", "file:parquet"),
        Claim("source", "sql:mysql:cursor"),
        Claim("source", "each"),
        Claim("sink", "file:json_array:replace"),
        Claim("sink", "sql:postgresql+adbc:upsert"),
        Claim("sink", "write"),
        Claim("runtime", "local:processes"),
    ):
        assert claim in found
    assert len(set(found)) == len(found)


def test_nothing_is_wrong_where_all_is_proved_and_told(everything):
    assert faults_found(everything, as_json(everything), as_page(everything)) == []


def test_a_claim_without_its_proof_fails(everything):
    lacking = [proof for proof in everything if proof["sink"] != "file:csv"]
    (fault,) = faults_found(lacking, as_json(lacking), as_page(lacking))
    assert fault == "sink file:csv has no green crash test of: crash points, random kills, freezes"
    assert "| `file:csv` | not proved |" in as_page(lacking)


def test_a_claim_that_stood_less_than_it_must_fails(everything):
    for proof in everything:
        if proof["source"] == "file:arrow":
            proof["faults"] = {"crash points": 10}
    assert faults_found(everything, as_json(everything), as_page(everything)) == [
        "source file:arrow has no green crash test of: random kills"
    ]


def test_files_that_tell_something_else_fail(everything):
    assert faults_found(everything, as_json(everything[1:]), as_page(everything) + "more") == [
        "proofs.json does not tell what the tests proved; run: make guarantees",
        "docs/guarantees.md does not tell what the tests proved; run: make guarantees",
    ]


def test_the_command_writes_and_checks_what_several_runs_proved(everything, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(matrix, "PACKAGED", tmp_path / "proofs.json")
    for name, part in (("fast.json", everything[:9]), ("slow.json", everything[9:])):
        (tmp_path / name).write_text(json.dumps(part))
    assert main(["write", "fast.json", "slow.json"]) == 0
    assert main(["check", "slow.json", "fast.json"]) == 0
    assert json.loads((tmp_path / "proofs.json").read_text())["proofs"]
    assert main(["check", "fast.json"]) == 1
    assert "has no green crash test" in capsys.readouterr().out


TESTS = """
def proved(request, sink):
    proof = {"source": "s", "sink": sink, "runtime": "r", "guarantee": "g", "faults": {"cuts": 1}}
    request.node.user_properties.append(("crash proof", proof))

def test_green(request):
    proved(request, "held")

def test_green_too(request):
    proved(request, "held")

def test_red(request):
    proved(request, "broken")
    assert False
"""


@pytest.mark.parametrize("processes", [0, 2])
def test_the_plugin_collects_what_green_tests_proved(tmp_path, processes):
    (tmp_path / "test_it.py").write_text(TESTS)
    command = [sys.executable, "-m", "pytest", "-q", "-n", str(processes), "--crash-proofs", "proofs.json"]
    assert subprocess.run(command, cwd=tmp_path, check=False, capture_output=True).returncode == 1
    assert json.loads((tmp_path / "proofs.json").read_text()) == [
        {"source": "s", "sink": "held", "runtime": "r", "guarantee": "g", "faults": {"cuts": 2}}
    ]


def test_the_plugin_imports_nothing_heavy():
    code = "import sys, active_data_flow.pytest_plugin; print([m for m in ('pyarrow', 'pydantic') if m in sys.modules])"
    assert subprocess.run([sys.executable, "-c", code], check=True, capture_output=True).stdout == b"[]\n"
