"""Two runs of a flow at once: the second is refused and names the first, or waits for it."""

from __future__ import annotations

import threading
import time
from contextlib import contextmanager

from flow_folder import TABLE

ROWS = [(number, f"n{number}") for number in range(50)]


@contextmanager
def endless_run(folder):
    """A run that follows its file; ends at a checkpoint when it is asked to."""
    folder.put("in.csv", "id,name\n" + "".join(f"{key},{name}\n" for key, name in ROWS))
    folder.flow({"follow": True}, TABLE, checkpoint={"every": 0.05})
    run = folder.begin("run", "flow.yaml")
    try:
        end = time.monotonic() + 60
        while not (folder.path / "out.db").exists() or len(folder.table()) < len(ROWS):
            assert run.poll() is None, (folder.path / "begun.txt").read_text()
            assert time.monotonic() < end
            time.sleep(0.02)
        yield run
    finally:
        if run.poll() is None:
            run.terminate()
        assert run.wait(30) == 0, (folder.path / "begun.txt").read_text()


def test_the_second_is_refused_and_names_the_holder(folder):
    with endless_run(folder) as run:
        folder.fails(
            f"flow bad is running already (process {run.pid} since 20",
            "adf run flow.yaml --wait 60s",
        )
        refused = folder.adf("rejects replay")
        assert refused.code == 1
    assert folder.table() == ROWS
    folder.flow(None, TABLE).succeeds()
    assert folder.table() == ROWS


def test_the_second_waits_as_long_as_it_is_told_and_then_runs(folder):
    with endless_run(folder) as run:
        begun = time.monotonic()
        assert folder.run("--wait", "300ms").code == 1
        assert time.monotonic() - begun >= 0.3
        folder.flow(None, TABLE).put("in.csv", (folder.path / "in.csv").read_text() + "50,n50\n")
        timer = threading.Timer(0.4, run.terminate)
        timer.start()
        folder.succeeds("--wait", "60s")
        timer.join()
        run.wait(30)  # a second signal would end it at once
    assert folder.table() == [*ROWS, (50, "n50")]


def test_runs_of_different_flows_do_not_wait_for_each_other(folder):
    with endless_run(folder):
        folder.flow(None, None, name="another").succeeds()
    assert len(folder.rows()) == len(ROWS)


def test_a_run_that_was_killed_holds_nothing(folder):
    folder.put("in.csv", "id,name\n1,a\n").flow(None, TABLE)
    assert folder.adf("run", crash_at="before-commit:1").code == -9
    folder.succeeds()
    assert folder.table() == [(1, "a")]
