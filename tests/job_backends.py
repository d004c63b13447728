"""A queue of a project's own."""

from __future__ import annotations

import threading
from typing import Any

from active_data_flow.runtimes.job.backends.backend import Backend
from active_data_flow.runtimes.job.task import run_flow


class Threads(Backend):
    """Works on each run in a thread."""

    def enqueue(self, run: Any) -> str:
        thread = threading.Thread(target=run_flow, args=(run.pk, run.attempt))
        thread.start()
        return thread.name
