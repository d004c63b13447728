"""The audit log: who did what, to what, from where."""

from __future__ import annotations

from typing import Any

from active_data_flow.core.logging import redact
from active_data_flow.runtimes.heartbeat.database import database
from active_data_flow.runtimes.heartbeat.models import AuditEntry
from active_data_flow.runtimes.heartbeat.texts import storable, storable_value


def audit(actor: str, action: str, target: str = "", *, address: str | None = None, **details: Any) -> AuditEntry:
    """Write into the audit log.

    Args:
        actor: Who: a user's or a token's name, or the command.
        action: What, as ``flow.changed``, ``run.cancelled``.
        target: To what, as ``flow price_sync``.
        address: From where.
        **details: What else is worth knowing; secrets are redacted.

    Example:
        >>> audit("token pinger", "run.cancelled", "run 7f3a", address="10.0.0.7", reason="stuck")
    """
    return AuditEntry.objects.using(database()).create(
        actor=_fitting(actor, 150),
        action=_fitting(action, 64),
        target=_fitting(target, 255),
        address=address,
        details=storable_value(redact(details)),
    )


def _fitting(text: str, most: int) -> str:
    text = storable(text)
    return text if len(text) <= most else text[: most - 1] + "…"


__all__ = ["audit"]
