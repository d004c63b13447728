"""A flow that takes its time, for workers in processes of their own."""

from __future__ import annotations

import os
import signal
import time
from pathlib import Path
from typing import Any

from active_data_flow import CheckpointPolicy, DataFlow, SqlSink
from active_data_flow.testing import ScriptedSource


class Counting(DataFlow):
    """Writes numbers, two at a time, each pair with a commit of its own."""

    source = ScriptedSource(script={"a": []})
    sink = SqlSink(url="env:DEPOT_DATABASE", table="numbers")
    checkpoint = CheckpointPolicy(every=0)
    pause: float = 0.0
    freeze_at: int = -1
    """The number at which the worker stops itself, once, as a virtual machine does that is moved."""
    frozen: str = ""
    """A file that says that this has happened."""

    def transform(self, message: Any) -> Any:
        time.sleep(self.pause)
        if message["n"] == self.freeze_at and not Path(self.frozen).exists():
            Path(self.frozen).touch()
            os.kill(os.getpid(), signal.SIGSTOP)
        return message
