from __future__ import annotations

import re
from io import StringIO

import pytest
from django.core.management import CommandError, call_command

from django_project.setup import set_up_django

set_up_django()

from active_data_flow.runtimes.heartbeat.models import AuditEntry  # noqa: E402  # needs Django
from active_data_flow.runtimes.heartbeat.security.tokens import find_holder  # noqa: E402
from active_data_flow.runtimes.heartbeat.settings import app_settings  # noqa: E402


def call(*args):
    out = StringIO()
    call_command("adf_token", *args, stdout=out)
    return out.getvalue()


def shown(text):
    return re.search(r"adf_[A-Za-z0-9_-]{43}", text)[0]


def test_from_making_to_revoking(sqlite_database):
    assert "there are no tokens" in call("list")
    first = shown(call("create", "pinger"))
    assert find_holder(first, app_settings()).scopes == {"heartbeat"}
    listed = call("list")
    assert "pinger  heartbeat  valid" in listed
    assert first not in listed
    text = call("rotate", "pinger", "--overlap", "1h")
    assert "the one before is taken until" in text
    assert find_holder(shown(text), app_settings()).name == "pinger"
    call("revoke", "pinger")
    assert find_holder(first, app_settings()) is None
    assert "revoked" in call("list")
    actions = [entry.action for entry in AuditEntry.objects.order_by("id")]
    assert actions == ["token.created", "token.rotated", "token.revoked"]


def test_scopes_and_expiry(sqlite_database):
    token = shown(call("create", "console", "--scope", "read", "--scope", "run", "--expires-in", "90d"))
    assert find_holder(token, app_settings()).scopes == {"read", "run"}
    assert "console  read,run  expires " in call("list")


@pytest.mark.parametrize(
    ("args", "message"),
    [
        (["create", "pinger"], "a token 'pinger' already"),
        (["create", "x", "--scope", "raed"], "did you mean read"),
        (["create", "x", "--expires-in", "soon"], "--expires-in soon: is a time"),
        (["rotate", "pinge"], "did you mean pinger"),
        (["revoke", "nobody"], "there is no token 'nobody'"),
        ([], "required"),
        (["make", "x"], "invalid choice"),
    ],
)
def test_what_is_wrong_is_named(sqlite_database, args, message):
    call("create", "pinger")
    with pytest.raises(CommandError, match=message):
        call(*args)


@pytest.mark.parametrize("command", ["adf_token", "adf_sync", "adf_install", "adf_new", "adf_heartbeat"])
def test_the_help_has_examples(command, capsys):
    with pytest.raises(SystemExit):
        call_command(command, "--help")
    text = capsys.readouterr().out
    assert "examples:\n  manage.py " in text
