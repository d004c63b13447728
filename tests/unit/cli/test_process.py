"""The real command in a process of its own: start-up, exit codes, signals, pipes."""

from __future__ import annotations

import gc
import json
import os
import pty
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from active_data_flow.cli import process

ADF = str(Path(sys.executable).parent / "adf")
COMMANDS = ("run", "preview", "explain", "check", "runs", "checkpoint", "rejects", "connectors", "new")
FLOW = "numbers_for_test.py"


def adf(*arguments: str, **options) -> subprocess.CompletedProcess[str]:
    return subprocess.run([ADF, *arguments], capture_output=True, text=True, timeout=60, check=False, **options)


def test_help_is_there_at_once():
    def once(*command: str) -> float:
        began = time.perf_counter()
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
        return time.perf_counter() - began

    ours, bare = [], []
    for _ in range(5):
        ours.append(once(ADF, "--help"))
        bare.append(once(sys.executable, "-c", "import argparse"))
    # on a busy machine against a bare interpreter in the same moment
    assert min(ours) < max(0.150, 4 * min(bare)), (ours, bare)


def test_help_imports_nothing_heavy():
    code = "import sys; from active_data_flow.cli import main; main(['--help']); print(*sys.modules)"
    shown = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    modules = set(shown.splitlines()[-1].split())
    assert not modules & {"pyarrow", "pydantic", "numpy", "rich", "structlog", "yaml", "sqlalchemy", "duckdb"}


OBSERVED = """
import gc, os, sys
from active_data_flow.cli import entry

def main(arguments):
    before = gc.isenabled()
    code = real(arguments)
    print(before, gc.isenabled(), gc.get_freeze_count() > 1000, os.environ.get("JE_ARROW_MALLOC_CONF"))
    return code

real, entry.main = entry.main, main
sys.exit(entry.program())
"""


def observed(*arguments: str, **environment: str) -> list[str]:
    """Whether the collector was on before the command and behind it, what was frozen by then, and Arrow's wishes."""
    clean = {name: value for name, value in os.environ.items() if not name.startswith(("ARROW_", "JE_ARROW_"))}
    command = [sys.executable, "-c", OBSERVED, *arguments]
    done = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True, env=clean | environment)
    return done.stdout.splitlines()[-1].split()


def test_the_garbage_collector_waits_until_the_flow_is_loaded(folder):
    assert observed("run", FLOW, "--quiet")[:3] == ["False", "True", "True"]
    assert observed("--version")[:3] == ["False", "False", "False"]


@pytest.mark.parametrize("command", ["run", "preview", "explain"])
def test_a_flow_with_sql_ends_without_a_word_of_leaks(tmp_path, command):
    (tmp_path / "in.csv").write_text("a\n1\n")
    (tmp_path / "flow.yaml").write_text(
        "name: sql\nsource: {type: file, path: in.csv}\n"
        "transforms:\n  - {type: filter, where: a > 0}\n  - {type: sql, query: SELECT a + 1 AS b FROM batch}\n"
        "sink: {type: file, path: out.csv, format: csv}\n"
    )
    done = adf(command, "flow.yaml", *["--quiet"] * (command == "run"), cwd=tmp_path)
    assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.skipif(sys.platform != "linux", reason="for Arrow's builds on Linux")
def test_what_the_environment_says_of_arrows_memory_comes_first(folder):
    assert "dirty_decay_ms" in observed("--version")[3]
    assert observed("--version", JE_ARROW_MALLOC_CONF="narenas:1")[3] == "narenas:1"


@pytest.mark.parametrize("failure", [OSError(22, "Invalid argument"), ValueError("unrecognized configuration name")])
def test_it_starts_where_the_c_library_is_another(monkeypatch, failure):
    def unknown(_: str) -> str:
        raise failure

    monkeypatch.setattr(os, "confstr", unknown)
    monkeypatch.setattr(os, "environ", {})
    monkeypatch.setattr(gc, "disable", lambda: None)
    process.begin()
    assert not os.environ


@pytest.mark.parametrize("command", ["", *COMMANDS, "rejects list", "rejects discard", "checkpoint show"])
def test_each_help_has_examples_and_fits_80_columns(command):
    shown = adf(*command.split(), "--help", env={**os.environ, "COLUMNS": "80"})
    assert shown.returncode == 0
    assert "examples:\n  adf " in shown.stdout
    assert max(len(line) for line in shown.stdout.splitlines()) <= 80


def test_the_version_is_the_packages():
    from active_data_flow import __version__

    assert adf("--version").stdout == f"adf {__version__}\n"


@pytest.mark.parametrize(
    "arguments", [[], ["runn"], ["run"], ["run", "a.yaml", "--whatever"], ["preview", "a.py", "-n", "0"]]
)
def test_bad_arguments_end_with_2(arguments):
    failed = adf(*arguments)
    assert failed.returncode == 2
    assert "usage: adf" in failed.stderr


def test_exit_codes_and_json_of_the_real_command(folder):
    done = adf("run", FLOW, "--json")
    assert done.returncode == 0
    assert json.loads(done.stdout.splitlines()[-1])["records_written"] == 10
    assert adf("run", "none.yaml").returncode == 2


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 0)])
def test_a_signal_ends_the_run_at_a_checkpoint(folder, number, code):
    slow = ["--set", "source.number=100000", "--set", "source.pause=0.05", "--json"]
    with subprocess.Popen([ADF, "run", FLOW, *slow], stdout=-1, stderr=-1, text=True) as process:
        assert process.stderr is not None
        while "run started" not in process.stderr.readline():
            pass
        process.send_signal(number)
        out, _ = process.communicate(timeout=60)
    result = json.loads(out.splitlines()[-1])
    assert (process.returncode, result["status"]) == (code, "interrupted")
    lines = Path("out.txt").read_text().splitlines() if Path("out.txt").exists() else []
    assert result["records_written"] == len(lines) < 100000


def test_a_reader_that_has_seen_enough_is_no_failure(folder):
    script = f"set -o pipefail; {ADF} preview {FLOW} -n 5 | head -1"
    done = subprocess.run(["bash", "-c", script], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")


def test_a_terminal_without_unicode_gets_question_marks(folder):
    shown = adf("preview", FLOW, env={**os.environ, "PYTHONIOENCODING": "ascii", "PYTHONUTF8": "0"})
    assert shown.returncode == 0
    assert "n9" in shown.stdout


def in_a_terminal(*arguments: str, **environment: str) -> str:
    pid, terminal = pty.fork()
    if pid == 0:
        os.environ.update({"TERM": "xterm-256color", "COLUMNS": "80", "LINES": "30"} | environment)
        os.execv(ADF, [ADF, *arguments])
    shown = b""
    while True:
        try:
            more = os.read(terminal, 65536)
        except OSError:
            break
        if not more:
            break
        shown += more
    os.close(terminal)
    assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 0
    return shown.decode()


def test_a_terminal_sees_progress_and_a_box(folder):
    shown = in_a_terminal("run", FLOW, "--set", "bad=3")
    plain = re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", shown)
    assert "records" in plain
    assert "╭─ numbers: done" in plain
    assert "record rejected" in plain
    assert "1 records; see them: adf rejects list" in plain
    assert "\x1b[" in shown


def test_no_color_is_honoured(folder):
    shown = in_a_terminal("run", FLOW, "--set", "bad=3", NO_COLOR="1")
    colours = re.findall(r"\x1b\[[0-9;]*m", shown)
    assert not [code for code in colours if re.search(r"[;\[](3[0-8]|4[0-8]|9[0-7])[;m]", code)]
