"""Models that records may name: without a list of them, a flow could make whoever writes records an administrator."""

from __future__ import annotations

from collections.abc import Sequence

from active_data_flow.core.errors import ConfigurationError


def check_model(label: str, allowed: Sequence[str]) -> None:
    """Refuse a model that is not allowed.

    Args:
        label: The model, as ``shop.Price``.
        allowed: Models, and ``shop.*`` for all of an app.

    Raises:
        ConfigurationError: It is none of them.
    """
    app = label.partition(".")[0]
    if not {label.lower(), f"{app}.*".lower()} & {name.lower() for name in allowed}:
        message = f"{label}: records may not name this model; add it to MODELS, or name it in code"
        raise ConfigurationError(message)


__all__ = ["check_model"]
