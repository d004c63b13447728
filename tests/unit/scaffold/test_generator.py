from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from active_data_flow.cli import main
from active_data_flow.core.logging import tear_down
from active_data_flow.scaffold import ScaffoldError, generate
from active_data_flow.scaffold.generator import module_name

FILES = {
    "flow": ["daily_prices.py", "test_daily_prices.py", "data/daily_prices.csv"],
    "source": ["daily_prices.py", "test_daily_prices.py"],
    "sink": ["daily_prices.py", "test_daily_prices.py", "data/daily_prices.csv"],
}
PYTHON = Path(sys.executable)


@pytest.fixture(autouse=True)
def here(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "without").mkdir()
    (tmp_path / "without" / "pandas.py").write_text("raise ImportError")  # pyarrow imports it where it is there
    monkeypatch.setenv("PYTHONPATH", str(tmp_path / "without"))
    monkeypatch.setattr(sys, "path", list(sys.path))
    monkeypatch.setattr("active_data_flow.core.registry._registered", {})
    yield
    tear_down()


def run(*command: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(command, capture_output=True, text=True, check=False, timeout=100, env=dict(os.environ))


@pytest.mark.parametrize("kind", list(FILES))
def test_what_is_written_works_as_it_is(kind, capsys):
    assert main(["new", kind, "DailyPrices"]) == 0
    said = capsys.readouterr().out.splitlines()
    assert [line.removeprefix("wrote ") for line in said[:-2]] == FILES[kind]
    assert said[-1] == "test: python -m pytest test_daily_prices.py"

    following = said[-2].removeprefix("next: adf ").split()
    assert main(following) == 0, capsys.readouterr()


def test_the_tests_that_are_written_pass():
    for kind in FILES:
        generate(kind, f"my_{kind}")
    tested = run(str(PYTHON), "-m", "pytest", "-q", "-p", "no:cacheprovider")
    assert tested.returncode == 0, tested.stdout
    assert " passed" in tested.stdout
    assert "skipped" not in tested.stdout


@pytest.mark.parametrize("kind", list(FILES))
def test_what_is_written_is_tidy(kind):
    generate(kind, "daily_prices")
    files = [name for name in FILES[kind] if name.endswith(".py")]
    ruff, options = str(PYTHON.parent / "ruff"), ["--isolated", "--line-length", "120", "--no-cache"]
    checked = run(ruff, "check", *options, "--select", "E,F,I,UP,B,SIM,PLE,PLC,PLW,RUF", *files)
    assert checked.returncode == 0, checked.stdout
    formatted = run(ruff, "format", *options, "--check", "--diff", *files)
    assert formatted.returncode == 0, formatted.stdout + formatted.stderr


def test_the_flow_does_what_its_comments_say(capsys):
    generate("flow", "prices")
    assert main(["run", "prices.py", "--set", "above=20", "--json"]) == 0
    assert json.loads(capsys.readouterr().out.splitlines()[-1])["records_written"] == 2


def test_nothing_that_exists_is_overwritten():
    Path("test_prices.py").write_text("mine")
    with pytest.raises(ScaffoldError, match=r"test_prices\.py exists already; nothing was written"):
        generate("flow", "prices")
    assert sorted(path.name for path in Path().iterdir()) == ["test_prices.py", "without"]
    assert Path("test_prices.py").read_text() == "mine"


def test_files_go_where_they_are_asked_to():
    made = generate("sink", "alerts", "connectors/mine")
    assert made.files[0] == "connectors/mine/alerts.py"
    assert made.following == "cd connectors/mine && adf run alerts.py"
    assert Path("connectors/mine/alerts.py").exists()


@pytest.mark.parametrize(
    ("name", "module"),
    [("prices", "prices"), ("DailyPrices", "daily_prices"), ("daily-prices", "daily_prices"), ("S3Feed", "s3_feed")],
)
def test_a_name_may_be_written_in_any_way(name, module):
    assert module_name(name) == module


@pytest.mark.parametrize(
    ("name", "error"),
    [
        ("1st", "can't be a Python name"),
        ("class", "can't be a Python name"),
        ("../up", "can't be a Python name"),
        ("", "can't be a Python name"),
        ("prix-été", "can't be a Python name"),
        ("csv", "would hide the Python module csv"),
        ("pyarrow", "would hide the Python module pyarrow"),
    ],
)
def test_a_name_that_cannot_be_is_refused(name, error):
    with pytest.raises(ScaffoldError, match=error):
        generate("flow", name)


def test_a_folder_that_cannot_be_written_says_so(capsys):
    Path("taken").write_text("a file")
    assert main(["new", "flow", "prices", "--into", "taken/below"]) == 2
    assert "can't be written: Not a directory" in " ".join(capsys.readouterr().err.replace("│", " ").split())
