"""Formats of files, by name and by the ending of file names."""

from __future__ import annotations

from active_data_flow.connectors.file.client import FileClient
from active_data_flow.connectors.file.configuration import FileSourceConfiguration
from active_data_flow.connectors.file.formats.format import FileFormat
from active_data_flow.connectors.file.formats.streams import open_stream, without_compression
from active_data_flow.core.errors import SourceError

ENDINGS = {
    ".csv": "csv",
    ".tsv": "csv",
    ".tab": "csv",
    ".txt": "csv",
    ".jsonl": "json_lines",
    ".ndjson": "json_lines",
    ".json": "json",
    ".parquet": "parquet",
    ".pq": "parquet",
    ".arrow": "arrow",
    ".feather": "arrow",
    ".ipc": "arrow",
    ".arrows": "arrow",
}
"""Endings of file names and the formats they mean; ``json`` is an array or lines, told by the first character."""


def format_named(path: str) -> str | None:
    """The format that the ending of a name means; None where it means none."""
    bare = without_compression(path)
    return next((name for ending, name in ENDINGS.items() if bare.endswith(ending)), None)


class Formats:
    """The format of each file.

    Args:
        options: The source's options.
        client: The file system.
    """

    def __init__(self, options: FileSourceConfiguration, client: FileClient) -> None:
        self._options = options
        self._client = client
        self._known: dict[str, FileFormat] = {}

    def of(self, path: str) -> FileFormat:
        """The format of a file.

        Raises:
            SourceError: Its name does not tell.
        """
        name = self._options.format if self._options.format != "auto" else self._told_by(path)
        if name not in self._known:
            self._known[name] = _build(name, self._options, self._client)
        return self._known[name]

    def _told_by(self, path: str) -> str:
        name = format_named(path)
        if name is None:
            raise SourceError(
                f"{path}: the ending of the name does not tell the format (known are {', '.join(ENDINGS)}); "
                "say format: csv, json_lines, json_array, parquet or arrow, or give a pattern that leaves the file out"
            )
        return self._kind_of_json(path) if name == "json" else name

    def _kind_of_json(self, path: str) -> str:
        stream = open_stream(self._client, self._options, path)
        try:
            while data := stream.read(2**16):
                if bare := data.lstrip():
                    return "json_array" if bare.startswith(b"[") else "json_lines"
        finally:
            stream.close()
        return "json_lines"


def _build(name: str, options: FileSourceConfiguration, client: FileClient) -> FileFormat:
    if name == "csv":
        from active_data_flow.connectors.file.formats.csv import CsvFormat as Chosen
    elif name == "json_lines":
        from active_data_flow.connectors.file.formats.json_lines import JsonLinesFormat as Chosen
    elif name == "json_array":
        from active_data_flow.connectors.file.formats.json_array import JsonArrayFormat as Chosen
    elif name == "parquet":
        from active_data_flow.connectors.file.formats.parquet import ParquetFormat as Chosen
    else:
        from active_data_flow.connectors.file.formats.arrow import ArrowFormat as Chosen
    return Chosen(options, client)


__all__ = ["ENDINGS", "FileFormat", "Formats", "format_named"]
