"""Records name no code: neither formats that run what they read, nor import paths."""

from __future__ import annotations

from collections.abc import Sequence

from active_data_flow.core.errors import ConfigurationError

_RUN_CODE = frozenset({"pickle", "cloudpickle", "dill", "marshal", "shelve", "joblib"})
_NAMES = frozenset({"format", "serializer", "serialization", "codec"})


def check_format(path: Sequence[str | int], text: str) -> None:
    """Refuse a format that runs code when it is read.

    Raises:
        ConfigurationError: It is one.
    """
    if path and path[-1] in _NAMES and text.lower() in _RUN_CODE:
        message = f"{text!r} runs code when it is read, so that only code may choose it; choose json"
        raise ConfigurationError(message)


__all__ = ["check_format"]
