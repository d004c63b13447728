"""``manage.py adf_token``: tokens for the heartbeat and the API."""

from __future__ import annotations

import getpass
from datetime import timedelta
from typing import Any

from django.core.management.base import CommandError, CommandParser
from django.utils import timezone

from active_data_flow.core.errors import ActiveDataFlowError
from active_data_flow.core.policies import parse_seconds
from active_data_flow.runtimes.heartbeat.management.examples import WithExamples
from active_data_flow.runtimes.heartbeat.models import ApiToken
from active_data_flow.runtimes.heartbeat.security.audit import audit
from active_data_flow.runtimes.heartbeat.security.tokens import (
    Scope,
    create_token,
    list_tokens,
    revoke_token,
    rotate_token,
)


class Command(WithExamples):
    """See `help`."""

    help = "Make, rotate, revoke and list the tokens that requests carry. A token is shown once, when it is made."
    examples = (
        ("manage.py adf_token create pinger", "a token that may send heartbeats"),
        ("manage.py adf_token create console --scope read --scope run", "one for the API"),
        ("manage.py adf_token rotate pinger --overlap 1h", "a new one; the one before is taken for another hour"),
        ("manage.py adf_token revoke pinger", "refuse it from now on"),
        ("manage.py adf_token list", "all of them, without the tokens themselves, which are not kept"),
    )

    def add_arguments(self, parser: CommandParser) -> None:
        """Declare the actions and their options."""
        actions = parser.add_subparsers(dest="action", required=True, metavar="create|rotate|revoke|list")
        create = actions.add_parser("create", help="make a token and show it")
        create.add_argument("name", help="its name, for people and logs")
        scopes = ", ".join(scope.value for scope in Scope)
        create.add_argument("--scope", action="append", metavar="SCOPE", help=f"of {scopes}; default: heartbeat")
        create.add_argument("--expires-in", metavar="TIME", help="refuse it after a while, as 90d; default: never")
        rotate = actions.add_parser("rotate", help="replace a token by a new one, and show that")
        rotate.add_argument("name")
        rotate.add_argument("--overlap", metavar="TIME", default="1d", help="how long the one before is taken")
        revoke = actions.add_parser("revoke", help="refuse a token from now on")
        revoke.add_argument("name")
        actions.add_parser("list", help="show the tokens' names, scopes and uses")

    def handle(self, *args: Any, **options: Any) -> None:
        """Do what is asked for.

        Raises:
            CommandError: There is no such token, the name is taken, or an option is not valid.
        """
        try:
            getattr(self, f"_{options['action']}")(options)
        except ActiveDataFlowError as error:
            raise CommandError(error.message) from error

    def _create(self, options: dict[str, Any]) -> None:
        lifetime = options["expires_in"]
        expires_at = timezone.now() + _time("--expires-in", lifetime) if lifetime else None
        scopes = options["scope"] or [Scope.HEARTBEAT]
        record, token = create_token(options["name"], scopes, expires_at=expires_at, by=_user())
        audit(_user(), "token.created", f"token {record.name}", scopes=record.scopes)
        self._show(record, token)

    def _rotate(self, options: dict[str, Any]) -> None:
        overlap = _time("--overlap", options["overlap"])
        record, token = rotate_token(options["name"], overlap=overlap)
        audit(_user(), "token.rotated", f"token {record.name}")
        self._show(record, token)
        self.stdout.write(f"the one before is taken until {record.previous_expires_at:%Y-%m-%d %H:%M:%S %Z}")

    def _revoke(self, options: dict[str, Any]) -> None:
        record = revoke_token(options["name"])
        audit(_user(), "token.revoked", f"token {record.name}")
        self.stdout.write(f"token {record.name} is refused from now on")

    def _list(self, options: dict[str, Any]) -> None:
        records = list_tokens()
        for record in records:
            used = f"{record.last_used_at:%Y-%m-%d %H:%M}" if record.last_used_at else "never"
            self.stdout.write(f"{record.name}  {','.join(record.scopes)}  {_state(record)}  last used: {used}")
        if not records:
            self.stdout.write("there are no tokens; manage.py adf_token create pinger")

    def _show(self, record: ApiToken, token: str) -> None:
        self.stdout.write(f"token {record.name} ({', '.join(record.scopes)}):\n\n    {token}\n")
        self.stdout.write("It is shown this once only. Send it in the header Authorization: Bearer adf_…")


def _state(record: ApiToken) -> str:
    if not record.enabled:
        return "revoked"
    if record.expires_at is None:
        return "valid"
    return f"{'expired' if record.expires_at <= timezone.now() else 'expires'} {record.expires_at:%Y-%m-%d %H:%M}"


def _time(option: str, text: str) -> timedelta:
    try:
        return timedelta(seconds=parse_seconds(text))
    except (ValueError, OverflowError) as error:
        raise CommandError(f"{option} {text}: {error}") from error


def _user() -> str:
    """Who sits at the machine; a container may know no name."""
    try:
        return f"{getpass.getuser()} (manage.py)"
    except (KeyError, OSError, ImportError):
        return "manage.py"
