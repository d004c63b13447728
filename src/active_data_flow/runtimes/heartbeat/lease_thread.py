"""Keeps the lease of a run while it is worked on."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Self

from django.db import DatabaseError, InterfaceError

from active_data_flow.core.errors import FencedError
from active_data_flow.core.logging import get_logger
from active_data_flow.runtimes.heartbeat import leases
from active_data_flow.runtimes.heartbeat.database import DatabaseThread
from active_data_flow.runtimes.heartbeat.models import DataFlowRun
from active_data_flow.runtimes.heartbeat.run_log import RunLog
from active_data_flow.runtimes.heartbeat.settings import app_settings
from active_data_flow.runtimes.heartbeat.texts import shown

_LONGEST_SILENCE = 2.0


class Lease:
    """Gives signs of life of a run, and hears what it is asked to do, in a thread of its own.

    Args:
        run: The run, which this process has begun.
        thread: Where the database is spoken to.
        log: What the run tells, which is written down on the way.
        on_stop: Told when the run is to stop, and why.
    """

    def __init__(
        self, run: DataFlowRun, thread: DatabaseThread, log: RunLog | None, on_stop: Callable[[str], None]
    ) -> None:
        self._run = run
        self._database = thread
        self._log = log
        self._on_stop = on_stop
        self._ended = threading.Event()
        self._pause = min(app_settings().lease / 4, _LONGEST_SILENCE)
        self._thread = threading.Thread(target=self._keep, name="adf-lease", daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._ended.set()
        self._thread.join()

    def _keep(self) -> None:
        while not self._ended.wait(self._pause):
            try:
                request = self._database.call(self._give_sign)
            except FencedError:
                self._on_stop("the loss of its lease")
                return
            except (DatabaseError, InterfaceError) as error:  # it may pass; if not, the lease runs out
                logger = get_logger(self._run.flow.name, run=self._run.run_id)
                logger.warning("no sign of life could be given", error=shown(error))
                continue
            if request:
                self._on_stop(request)

    def _give_sign(self) -> str:
        if self._log is None:
            return leases.renew(self._run)
        request = leases.renew(self._run, **self._log.progress)
        self._log.write()
        return request


__all__ = ["Lease"]
