from __future__ import annotations

import datetime as dt
import hmac

import pytest
from django.utils import timezone

from active_data_flow.core.errors import ConfigurationError
from django_project.setup import app_settings_of, set_up_django

set_up_django()

from active_data_flow.runtimes.heartbeat.models import ApiToken  # noqa: E402  # needs Django
from active_data_flow.runtimes.heartbeat.security import tokens  # noqa: E402
from active_data_flow.runtimes.heartbeat.security.tokens import (  # noqa: E402
    create_token,
    digest,
    find_holder,
    list_tokens,
    revoke_token,
    rotate_token,
)
from active_data_flow.runtimes.heartbeat.settings import app_settings  # noqa: E402


def holder(token):
    found = find_holder(token, app_settings())
    return None if found is None else (found.name, sorted(found.scopes))


def test_a_token_is_random_and_only_its_hash_is_kept(database):
    record, token = create_token("pinger")
    assert token.startswith("adf_")
    assert len(token) == 4 + 43  # 256 bits in base64
    assert token not in str(ApiToken.objects.values().get())
    assert record.digest == digest(token)
    assert create_token("other")[1] != token
    assert holder(token) == ("pinger", ["heartbeat"])


def test_a_wrong_token_is_nobody_s(database):
    create_token("pinger")
    for wrong in ("", "adf_", "adf_" + "A" * 43, "x" * 100_000, "adf_\0", "ådf"):
        assert holder(wrong) is None


def test_the_hash_is_no_token(database):
    record, _ = create_token("pinger")
    assert holder(record.digest) is None


def test_while_a_token_is_rotated_the_one_before_is_taken_too(database):
    _, first = create_token("pinger")
    _, second = rotate_token("pinger")
    assert holder(first) == holder(second) == ("pinger", ["heartbeat"])
    _, third = rotate_token("pinger")
    assert holder(first) is None
    assert holder(second) == holder(third) == ("pinger", ["heartbeat"])


def test_the_one_before_expires(database):
    _, first = create_token("pinger")
    _, second = rotate_token("pinger", overlap=dt.timedelta(0))
    assert holder(first) is None
    assert holder(second) is not None


def test_an_expired_token_is_refused(database):
    now = timezone.now()
    _, expired = create_token("old", expires_at=now - dt.timedelta(seconds=1))
    _, fresh = create_token("new", expires_at=now + dt.timedelta(hours=1))
    assert holder(expired) is None
    assert holder(fresh) is not None


def test_a_revoked_token_is_refused_with_the_one_before(database):
    _, first = create_token("pinger")
    _, second = rotate_token("pinger")
    revoke_token("pinger")
    assert holder(first) is None
    assert holder(second) is None
    with pytest.raises(ConfigurationError, match="is revoked; create a new one"):
        rotate_token("pinger")


def test_the_setting_s_token_sends_heartbeats_only(sqlite_database, monkeypatch):
    monkeypatch.setenv("ADF_TOKEN", "of the settings")
    with app_settings_of(TOKEN="env:ADF_TOKEN"):
        assert holder("of the settings") == ("settings", ["heartbeat"])
        assert holder("of the setting") is None


def test_every_digest_is_compared_always(sqlite_database, monkeypatch):
    monkeypatch.setenv("ADF_TOKEN", "of the settings")
    _, token = create_token("pinger")
    compared, compare = [], hmac.compare_digest

    def spy(one, other):
        compared.append(other)
        return compare(one, other)

    monkeypatch.setattr(tokens.hmac, "compare_digest", spy)  # which of them is called can't be seen from outside
    with app_settings_of(TOKEN="env:ADF_TOKEN"):
        monkeypatch.setenv("ADF_TOKEN", token)  # the first one fits
        assert holder(token) is not None
    assert len(compared) == 3


def test_its_use_is_noted_once_a_minute(sqlite_database):
    _, token = create_token("pinger")
    holder(token)
    first = ApiToken.objects.get().last_used_at
    assert abs(first - timezone.now()) < dt.timedelta(seconds=10)
    holder(token)
    assert ApiToken.objects.get().last_used_at == first
    ApiToken.objects.update(last_used_at=first - dt.timedelta(minutes=2))
    holder(token)
    assert ApiToken.objects.get().last_used_at >= first


@pytest.mark.parametrize(
    ("name", "scopes", "message"),
    [
        ("pinger", ["heartbeat"], "there is a token 'pinger' already"),
        ("", ["heartbeat"], "is no name"),
        ("a\nb", ["heartbeat"], "is no name"),
        ("a\0b", ["heartbeat"], "is no name"),
        ("n" * 129, ["heartbeat"], "is no name"),
        ("other", ["hartbeat"], "unknown scope 'hartbeat'; did you mean heartbeat"),
        ("other", [], "needs a scope; there are heartbeat, read, run, write"),
    ],
)
def test_what_makes_no_token_is_named(sqlite_database, name, scopes, message):
    create_token("pinger")
    with pytest.raises(ConfigurationError, match=message):
        create_token(name, scopes)
    assert [record.name for record in list_tokens()] == ["pinger"]


def test_near_names_of_a_token_that_is_not_there(sqlite_database):
    create_token("pinger")
    with pytest.raises(ConfigurationError, match="no token 'pingre'; did you mean pinger"):
        rotate_token("pingre")
    with pytest.raises(ConfigurationError, match="no token 'pingre'; did you mean pinger"):
        revoke_token("pingre")
