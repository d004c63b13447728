"""Secrets stand in no record: only the names of environment variables do, and only of those made for it."""

from __future__ import annotations

import re
from collections.abc import Sequence

from active_data_flow.core.configuration import REDACTED, password_in
from active_data_flow.core.errors import ConfigurationError
from active_data_flow.core.logging import redact

_REFERENCE = re.compile(r"env:(.*)", re.DOTALL)
_COMPONENTS = {"source": 1, "sink": 1, "transforms": 1, "sources": 2, "sinks": 2}
"""How many names lead to the options of a component."""
_GROUPS = [["options"], ["headers"], ["auth"], ["credentials"], ["connection"]]
"""Options below which there are options; below others are names of columns."""


def check_secret(path: Sequence[str | int], text: str) -> None:
    """Refuse a secret that stands in clear: an option that is named as one, or a password in an address.

    Raises:
        ConfigurationError: It does.
    """
    named = _is_option(path) and redact("x", str(path[-1])) == REDACTED
    if text and ((named and not _REFERENCE.fullmatch(text)) or password_in(text)):
        message = "a secret is given by reference, as env:ADF_NAME, never in clear"
        raise ConfigurationError(message)


def check_reference(text: str, prefixes: Sequence[str]) -> None:
    """Refuse a reference to an environment variable that is not there for flows.

    Without this, whoever may write records could have any secret of the process sent anywhere.

    Raises:
        ConfigurationError: Its name begins with none of the prefixes.
    """
    match = _REFERENCE.fullmatch(text)
    if match and not match[1].startswith(tuple(prefixes)):
        allowed = " or ".join(prefixes) or "nothing: ENV_PREFIXES is empty"
        message = f"{text!r} may not be referred to: the name has to begin with {allowed}; see ENV_PREFIXES"
        raise ConfigurationError(message)


def _is_option(path: Sequence[str | int]) -> bool:
    """Whether the last step is the name of an option, not of a column or the like."""
    if not path or not isinstance(path[-1], str):
        return False
    before = [step for step in path[:-1] if isinstance(step, str)]
    component = _COMPONENTS.get(before[0]) if before else 0
    return component is not None and (len(before) == component or before[component:] in _GROUPS)


__all__ = ["check_reference", "check_secret"]
