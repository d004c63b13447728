"""The audit log: who did what, to what, from where."""

from __future__ import annotations

import json
from typing import Any

from active_data_flow.core.logging import redact
from active_data_flow.runtimes.heartbeat.models import AuditEntry


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
    return AuditEntry.objects.create(
        actor=_fitting(actor, 150),
        action=_fitting(action, 64),
        target=_fitting(target, 255),
        address=address,
        details=_storable(redact(details)),
    )


def _storable(details: Any) -> Any:
    text = json.dumps(details, default=str)
    return json.loads(text.replace("\\u0000", "\\ufffd"))


def _fitting(text: str, most: int) -> str:
    text = text.replace("\0", "�")  # which PostgreSQL can't hold
    return text if len(text) <= most else text[: most - 1] + "…"


__all__ = ["audit"]
