"""``manage.py adf_sync``: records for the flows of the apps."""

from __future__ import annotations

from typing import Any

from django.core.management.base import CommandError

from active_data_flow.runtimes.heartbeat.management.examples import WithExamples
from active_data_flow.runtimes.heartbeat.sync import sync


class Command(WithExamples):
    """See `help`."""

    help = (
        "Make a record of each flow in the flows.py of the installed apps, and bring those that exist up to the code. "
        "What was changed in a record is kept; a flow whose code is gone is marked, and does not run. "
        "manage.py migrate does this too."
    )
    examples = (("manage.py adf_sync", "as a step of each deployment that brings no migration"),)

    def handle(self, *args: Any, **options: Any) -> None:
        """Bring the records up to the code, and tell what has changed.

        Raises:
            CommandError: Some flows can't be brought up; the others were.
        """
        result = sync()
        words = ("created", "updated", "missing", "restored")
        for word in words:
            for name in getattr(result, word):
                self.stdout.write(f"{word} {name}")
        if not any(getattr(result, word) for word in words):
            self.stdout.write("nothing to do")
        if result.faults:
            raise CommandError("\n".join(f"{where}: {fault}" for where, fault in result.faults.items()))
