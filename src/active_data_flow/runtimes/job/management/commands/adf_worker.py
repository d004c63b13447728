"""``manage.py adf_worker``: runs flows that were enqueued."""

from __future__ import annotations

from typing import Any

from django.core.management.base import CommandError, CommandParser

from active_data_flow.core.errors import ActiveDataFlowError
from active_data_flow.runtimes.heartbeat.management.examples import WithExamples
from active_data_flow.runtimes.job.settings import make_backend


class Command(WithExamples):
    """See `help`."""

    help = "Run the flows that heartbeats have enqueued, until SIGTERM or Ctrl-C: a run then stops at a checkpoint."
    examples = (
        ("manage.py adf_worker", "a worker for all queues; start as many as there is work for"),
        ("manage.py adf_worker --queue imports --queue default", "one for two of them"),
        ("manage.py adf_worker --burst", "what is enqueued now, then end"),
    )

    def add_arguments(self, parser: CommandParser) -> None:
        """Declare the options."""
        parser.add_argument(
            "--queue", metavar="NAME", action="append", default=[], help="queue to work for; may be repeated; all"
        )
        parser.add_argument("--burst", action="store_true", help="end when the queues are empty")

    def handle(self, *args: Any, **options: Any) -> None:
        """Work.

        Raises:
            CommandError: A queue is unknown, or workers of this backend are started in another way.
        """
        try:
            backend = make_backend()
            for name in options["queue"]:
                backend.check_queue(name)
            backend.work(options["queue"], burst=options["burst"])
        except ActiveDataFlowError as error:
            raise CommandError(str(error)) from error
