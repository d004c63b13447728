"""Tokens: 256 random bits, of which only the SHA-256 is kept. While one is rotated, the one before is taken too."""

from __future__ import annotations

import hashlib
import hmac
import secrets
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from django.db import IntegrityError, transaction
from django.db.models import Q, QuerySet
from django.utils import timezone

from active_data_flow.core.errors import ConfigurationError
from active_data_flow.core.near_names import near_names
from active_data_flow.runtimes.heartbeat.database import database
from active_data_flow.runtimes.heartbeat.models import ApiToken
from active_data_flow.runtimes.heartbeat.settings import HeartbeatSettings

PREFIX = "adf_"
_LONGEST = 200
_USED_EVERY = timedelta(minutes=1)


class Scope(StrEnum):
    """What a token is good for."""

    HEARTBEAT = "heartbeat"
    """Send heartbeats."""
    READ = "read"
    """See flows, runs, rejected records, checkpoints and logs."""
    RUN = "run"
    """Run, pause, resume, cancel; replay and discard rejected records."""
    WRITE = "write"
    """Create, change and delete flows; rewind checkpoints."""


@dataclass(frozen=True, slots=True)
class Holder:
    """Whose token it is.

    Attributes:
        name: Name of the token.
        scopes: What it is good for.
    """

    name: str
    scopes: frozenset[str]


def digest(token: str) -> str:
    """What is kept of a token. It is as random as the hash is long, so that a slow hash would add nothing."""
    return hashlib.sha256(token.encode()).hexdigest()


def create_token(
    name: str, scopes: Iterable[str] = (Scope.HEARTBEAT,), *, expires_at: datetime | None = None, by: str = ""
) -> tuple[ApiToken, str]:
    """Make a token.

    Args:
        name: Unique name, for people and logs.
        scopes: What it is good for.
        expires_at: From when on it is refused; None: never.
        by: Who makes it.

    Returns:
        Its record, and the token itself, which can't be had again.

    Raises:
        ConfigurationError: The name is taken or not usable, or a scope is unknown.

    Example:
        >>> record, token = create_token("pinger", ["heartbeat"])
        >>> token.startswith("adf_"), record.digest == digest(token)
        (True, True)
    """
    if not name or len(name) > 128 or not name.isprintable():
        raise ConfigurationError(f"{name!r} is no name of a token: 1 to 128 printable characters")
    token = _random_token()
    record = ApiToken(
        name=name, scopes=known_scopes(scopes), digest=digest(token), expires_at=expires_at, created_by=by[:150]
    )
    try:
        with transaction.atomic(using=database()):
            record.save(using=database(), force_insert=True)
    except IntegrityError as error:
        message = f"there is a token {name!r} already; choose another name, or rotate it"
        raise ConfigurationError(message) from error
    return record, token


def rotate_token(name: str, *, overlap: timedelta = timedelta(days=1)) -> tuple[ApiToken, str]:
    """Replace a token by a new one; the one before is taken for a while longer.

    Args:
        name: Its name.
        overlap: How long the one before is taken. One that was before that is refused from now on.

    Returns:
        Its record, and the new token, which can't be had again.

    Raises:
        ConfigurationError: There is no such token, or it is revoked.
    """
    token = _random_token()
    with transaction.atomic(using=database()):
        record = _named(name, locked=True)
        if not record.enabled:
            raise ConfigurationError(f"token {name!r} is revoked; create a new one")
        record.previous_digest = record.digest
        record.previous_expires_at = timezone.now() + overlap
        record.digest = digest(token)
        record.save(using=database(), update_fields=["digest", "previous_digest", "previous_expires_at"])
    return record, token


def revoke_token(name: str) -> ApiToken:
    """Refuse a token from now on, and the one before it.

    Raises:
        ConfigurationError: There is no such token.
    """
    record = _named(name)
    record.enabled = False
    record.previous_digest = ""
    record.save(using=database(), update_fields=["enabled", "previous_digest"])
    return record


def find_holder(token: str, settings: HeartbeatSettings) -> Holder | None:
    """Whose token it is; None where it is nobody's, revoked or expired.

    Every digest that comes into question is compared in constant time, and all of them always: how long an answer
    takes tells nothing about them.
    """
    given = digest(token) if len(token) <= _LONGEST else digest("")
    holder: Holder | None = None
    if settings.token is not None and hmac.compare_digest(given, digest(settings.token.resolve())):
        holder = Holder("settings", frozenset({Scope.HEARTBEAT}))
    now = timezone.now()
    for record in _tokens().filter(Q(digest=given) | Q(previous_digest=given)):
        current = hmac.compare_digest(given, record.digest)
        before = hmac.compare_digest(given, record.previous_digest)
        if _is_valid(record, now, current=current, before=before):
            holder = Holder(record.name, frozenset(record.scopes))
            _note_use(record, now)
    return holder


def known_scopes(scopes: Iterable[str]) -> list[str]:
    """Scopes, each once, in their order.

    Raises:
        ConfigurationError: There are none, or one is unknown; names near ones.
    """
    known = [scope.value for scope in Scope]
    found = list(dict.fromkeys(scopes))
    for scope in found:
        if scope not in known:
            raise ConfigurationError(f"unknown scope {scope!r}{near_names(scope, known)}")
    if not found:
        raise ConfigurationError(f"a token needs a scope; there are {', '.join(known)}")
    return [scope for scope in known if scope in found]


def list_tokens() -> Sequence[ApiToken]:
    """All tokens, by name."""
    return list(_tokens().order_by("name"))


def _random_token() -> str:
    return PREFIX + secrets.token_urlsafe(32)


def _tokens() -> QuerySet[ApiToken]:
    return ApiToken.objects.using(database())


def _named(name: str, *, locked: bool = False) -> ApiToken:
    tokens = _tokens().select_for_update() if locked else _tokens()
    record = tokens.filter(name=name).first()
    if record is None:
        names = list(_tokens().order_by("name").values_list("name", flat=True)[:100])
        raise ConfigurationError(f"there is no token {name!r}{near_names(name, names)}")
    return record


def _is_valid(record: ApiToken, now: datetime, *, current: bool, before: bool) -> bool:
    valid_before = before & (record.previous_expires_at is not None and record.previous_expires_at > now)
    unexpired = record.expires_at is None or record.expires_at > now
    return record.enabled & unexpired & (current | valid_before)


def _note_use(record: ApiToken, now: datetime) -> None:
    """At most once a minute: what is sent every few seconds should not write as often."""
    if record.last_used_at is None or record.last_used_at < now - _USED_EVERY:
        _tokens().filter(pk=record.pk).update(last_used_at=now)


__all__ = [
    "PREFIX",
    "Holder",
    "Scope",
    "create_token",
    "digest",
    "find_holder",
    "known_scopes",
    "list_tokens",
    "revoke_token",
    "rotate_token",
]
