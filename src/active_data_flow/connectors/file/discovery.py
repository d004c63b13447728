"""Which files the options mean."""

from __future__ import annotations

from active_data_flow.connectors.file.client import FileClient, FileInfo, has_pattern
from active_data_flow.connectors.file.configuration import FileSourceConfiguration
from active_data_flow.core.errors import SourceError


def find_files(
    options: FileSourceConfiguration, client: FileClient, *, missing_is_fine: bool = False
) -> list[FileInfo]:
    """The files, each once, in the order of the options and of their names.

    Raises:
        SourceError: A path matches nothing, and that is not said to be fine.
    """
    found: dict[str, FileInfo] = {}
    for path in options.path:
        matches = client.find(path)
        if not matches and not (options.allow_empty or missing_is_fine):
            raise SourceError(_nothing(path))
        found |= {info.path: info for info in matches}
    return list(found.values())


def _nothing(path: str) -> str:
    if has_pattern(path):
        return f"{path}: no file matches; say allow_empty: true where that is fine"
    return f"{path}: there is no such file; say allow_empty: true where that is fine"


__all__ = ["find_files"]
