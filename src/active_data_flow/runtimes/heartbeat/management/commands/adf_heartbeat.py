"""``manage.py adf_heartbeat``: a heartbeat without HTTP, once or every so often."""

from __future__ import annotations

import json
import threading
from typing import Any

from django.core.management.base import CommandError, CommandParser

from active_data_flow.core.errors import ActiveDataFlowError
from active_data_flow.core.policies import parse_seconds
from active_data_flow.engine.graceful import graceful
from active_data_flow.runtimes.heartbeat.heartbeat import HeartbeatResult, heartbeat
from active_data_flow.runtimes.heartbeat.management.examples import WithExamples
from active_data_flow.runtimes.heartbeat.working import Interruption


class Command(WithExamples):
    """See `help`."""

    help = "Run the flows that are due; with --every, do so again and again until SIGTERM or Ctrl-C."
    examples = (
        ("manage.py adf_heartbeat", "one heartbeat, as cron sends it"),
        ("manage.py adf_heartbeat --every 10s", "in place of cron, and of a pinger of the URL"),
        ("manage.py adf_heartbeat --budget 5m --max-flows 3 --json", "longer work, and a result for scripts"),
    )

    def add_arguments(self, parser: CommandParser) -> None:
        """Declare the options."""
        add = parser.add_argument
        add("--every", metavar="TIME", help="time between two heartbeats, as 10s; default: one only")
        add("--budget", metavar="TIME", help="time that each may take, as 20s; default: the setting BUDGET")
        add("--max-flows", metavar="N", type=int, help="flows that each triggers at most")
        add("--json", action="store_true", help="print each result as a line of JSON")

    def handle(self, *args: Any, **options: Any) -> None:
        """Send heartbeats until there is a reason to stop.

        Raises:
            CommandError: A time is not valid; or, without ``--every``, the heartbeat failed.
        """
        every, budget = _seconds("--every", options["every"]), _seconds("--budget", options["budget"])
        interruption = _Waking()
        with graceful(interruption.interrupt):
            self._beat(budget, interruption, options, go_on=every is not None)
            while every is not None and not interruption.woken.wait(every):
                self._beat(budget, interruption, options, go_on=True)

    def _beat(self, budget: float | None, interruption: Interruption, options: dict[str, Any], *, go_on: bool) -> None:
        try:
            result = heartbeat(budget, options["max_flows"], source="adf_heartbeat", interruption=interruption)
        except ActiveDataFlowError as error:
            if not go_on:
                raise CommandError(str(error)) from error
            self.stderr.write(str(error))  # the database may be back at the next
        else:
            self.stdout.write(json.dumps(result.to_json()) if options["json"] else _line(result))
            self.stdout.flush()


class _Waking(Interruption):
    """Also ends the wait between two heartbeats."""

    def __init__(self) -> None:
        super().__init__()
        self.woken = threading.Event()

    def interrupt(self, by: str) -> None:
        super().interrupt(by)
        self.woken.set()


def _line(result: HeartbeatResult) -> str:
    text = f"{result.flows_due} due, {result.flows_triggered} triggered, {result.flows_remaining} remaining"
    lost = f", {result.runs_lost} lost" if result.runs_lost else ""
    runs = "".join(f"\n  {run['flow']} {run['run_id']} {run['status']}" for run in result.triggered)
    skipped = "".join(f"\n  {flow['flow']} skipped: {flow['why']}" for flow in result.skipped)
    return f"{text}{lost} in {result.seconds:.2f} s{runs}{skipped}"


def _seconds(option: str, text: str | None) -> float | None:
    if text is None:
        return None
    try:
        return float(parse_seconds(text))
    except ValueError as error:
        raise CommandError(f"{option} {text}: {error}") from error
