"""``manage.py adf_install``: setting, URLs and a token for a project."""

from __future__ import annotations

import importlib
from pathlib import Path
from typing import Any

from django.apps import apps
from django.conf import settings
from django.core.management.base import CommandError, CommandParser
from django.urls import NoReverseMatch, reverse

from active_data_flow.core.errors import ActiveDataFlowError
from active_data_flow.runtimes.heartbeat.database import database
from active_data_flow.runtimes.heartbeat.installing.project import add_setting, include_urls, install_app
from active_data_flow.runtimes.heartbeat.management.examples import WithExamples
from active_data_flow.runtimes.heartbeat.models import ApiToken
from active_data_flow.runtimes.heartbeat.security.audit import audit
from active_data_flow.runtimes.heartbeat.security.tokens import create_token
from active_data_flow.runtimes.heartbeat.sync import tables_are_there

JOB = "active_data_flow.runtimes.job"


class Command(WithExamples):
    """See `help`."""

    help = (
        "Add the setting ACTIVE_DATA_FLOW, include the app's URLs, and make a token for heartbeats, which is shown "
        "this once. What is there already is left alone; what can't be edited safely is shown, to be added by hand."
    )
    examples = (
        ("manage.py adf_install", "once more after manage.py migrate, for the token"),
        ("manage.py adf_install --job", "the app that runs flows on a task queue, too"),
        (
            "python -m active_data_flow.runtimes.heartbeat",
            "while the app is not in INSTALLED_APPS yet: adds it, then does this",
        ),
    )
    requires_system_checks: Any = ()  # what is missing is added here

    def add_arguments(self, parser: CommandParser) -> None:
        """Declare the options."""
        parser.add_argument("--job", action="store_true", help=f"put {JOB} into INSTALLED_APPS")
        parser.add_argument("--no-token", action="store_true", help="make no token")

    def handle(self, *args: Any, **options: Any) -> None:
        """Do what is not done yet, and say so.

        Raises:
            CommandError: A file can't be read or written; what was done before stays.
        """
        try:
            self._edit(job=options["job"])
            if not options["no_token"]:
                self._make_token()
        except ActiveDataFlowError as error:
            raise CommandError(error.message) from error

    def _edit(self, *, job: bool) -> None:
        module = settings.SETTINGS_MODULE
        if job and not apps.is_installed(JOB):
            self.stdout.write(install_app(_file_of(module), JOB))
        if hasattr(settings, "ACTIVE_DATA_FLOW"):
            self.stdout.write(f"{module} has ACTIVE_DATA_FLOW already")
        else:
            self.stdout.write(add_setting(_file_of(module)))
        self.stdout.write(_has_urls() or include_urls(_file_of(settings.ROOT_URLCONF)))

    def _make_token(self) -> None:
        if not tables_are_there(database()):
            self.stdout.write("next: manage.py migrate, then manage.py adf_install once more, for a token")
            return
        known = ApiToken.objects.using(database()).filter(enabled=True).order_by("name").first()
        if known is not None:
            self.stdout.write(f"there is a token already, {known.name}; manage.py adf_token makes more")
            return
        record, token = create_token("pinger", by="manage.py adf_install")
        audit("manage.py adf_install", "token.created", f"token {record.name}", scopes=record.scopes)
        self.stdout.write(f"token {record.name}, which is shown this once only:\n\n    {token}\n")
        self.stdout.write(
            "send heartbeats:\n\n    curl -X POST -H 'Authorization: Bearer adf_…' https://…/adf/heartbeat\n"
        )


def _has_urls() -> str:
    try:
        place = reverse("active_data_flow:heartbeat")
    except NoReverseMatch:
        return ""
    return f"{settings.ROOT_URLCONF} has the app's URLs already, the heartbeat at {place}"


def _file_of(module: str | None) -> Path:
    """The file of a module of the project, which is imported already."""
    place = getattr(importlib.import_module(module), "__file__", None) if module else None
    if place is None:
        raise CommandError(f"the module {module} has no file; add by hand what docs/heartbeat.md says")
    return Path(place)
