"""The file source."""

from __future__ import annotations

from typing import Any, ClassVar, get_args

import pyarrow as pa

from active_data_flow.connectors.file.client import FileClient, FileInfo, LocalFiles
from active_data_flow.connectors.file.configuration import FileSourceConfiguration, FormatName
from active_data_flow.connectors.file.discovery import find_files
from active_data_flow.connectors.file.enumerator import FileEnumerator, types_of
from active_data_flow.connectors.file.formats import Formats, format_named
from active_data_flow.connectors.file.formats.format import Extent
from active_data_flow.connectors.file.reader import FileReader, FollowingReader
from active_data_flow.connectors.file.splits import SERIALIZER, FileSplit
from active_data_flow.core.schema import arrow_schema, fields_of
from active_data_flow.source_support import (
    Boundedness,
    EnumeratorContext,
    ReaderContext,
    SourceReader,
    SplitEnumerator,
    SplitSerializer,
)

_NOTES = 5


class FileSource(FileSourceConfiguration):
    """Reads files: CSV, JSON lines, JSON arrays, Parquet, Arrow.

    A batch is a block of a file. Its columns are the schema's and those of the first file, in that order, in
    every batch; a column that a file doesn't have is null, one that only it has comes behind the others.

    Example:
        >>> source = FileSource(path="data/flights-*.csv", null_values=["NA", ""])
        >>> for message in source.each():
        ...     print(message["origin"])
    """

    type: ClassVar[str] = "file"
    label: ClassVar[str] = "file source"
    capabilities: ClassVar[frozenset[str]] = frozenset(
        {"bounded", "endless", "splittable", "resumable", "ordered", "incremental", "evolving", "typed"}
    )
    replayable: ClassVar[bool] = True

    @property
    def boundedness(self) -> Boundedness:
        """Endless while following."""
        return Boundedness.ENDLESS if self.follow else Boundedness.BOUNDED

    @property
    def discover_interval(self) -> float:
        """Seconds between two looks for new files, while following."""
        return self.poll_interval

    @property
    def variant(self) -> str:
        """The format, as ``file:csv``; ``file`` where no name or several tell it. ``.json`` counts as an array."""
        formats = {self.format if self.format != "auto" else format_named(path) for path in self.path}
        name = formats.pop() if len(formats) == 1 else None
        return f"file:{'json_array' if name == 'json' else name}" if name else "file"

    @classmethod
    def variants(cls) -> list[str]:
        """The formats."""
        return [f"file:{name}" for name in get_args(FormatName) if name != "auto"]

    @property
    def client(self) -> FileClient:
        """The file system."""
        return LocalFiles()

    def create_enumerator(self, context: EnumeratorContext[Any]) -> SplitEnumerator[FileSplit]:
        """Finds the files."""
        return FileEnumerator(context, self, self.client)

    def create_reader(self, context: ReaderContext) -> SourceReader[FileSplit]:
        """Reads the files."""
        formats = Formats(self, self.client)
        return FollowingReader(context, formats, self.poll_interval) if self.follow else FileReader(context, formats)

    def split_serializer(self) -> SplitSerializer[FileSplit]:
        """Splits to JSON and back."""
        return SERIALIZER

    def arrow_schema(self) -> pa.Schema | None:
        """Columns and types, by the options and the first file that has records; None where no file has any.

        Raises:
            SourceError: Nothing matches the path, or the first file can't be read.
        """
        infos = find_files(self, self.client, missing_is_fine=self.follow)
        types = types_of(Formats(self, self.client), infos)
        if types is None:
            return arrow_schema(self.types) if self.types else None
        return arrow_schema(dict(types))

    def check(self) -> list[str]:
        """Look for the files and into the first of them.

        Raises:
            SourceError: Nothing matches the path, or the first file can't be read.
        """
        infos = find_files(self, self.client, missing_is_fine=self.follow)
        size = sum(info.size for info in infos)
        found = [f"{', '.join(self.path)}: {len(infos):,} {'file' if len(infos) == 1 else 'files'}, {size:,} bytes"]
        schema = self.arrow_schema()
        if schema is not None:
            found.append(f"{infos[0].path}: {len(schema)} columns: {', '.join(schema.names)}")
        return found

    def total_bytes(self) -> int | None:
        """Bytes of all files, those included that earlier runs have read."""
        return None if self.follow else sum(info.size for info in find_files(self, self.client, missing_is_fine=True))

    def reading_as(self, schema: pa.Schema) -> FileSource:
        """Text is parsed into these types at once; types of the source's own options come first."""
        types = {**fields_of(schema), **(self.types or {})}
        return self.model_copy(update={"types": types})

    def describe(self) -> str:
        """The paths."""
        return f"files {', '.join(self.path)}"

    def split_notes(self) -> list[str]:
        """Into what splits the files are read, and why not into more."""
        infos = find_files(self, self.client, missing_is_fine=True)
        formats = Formats(self, self.client)
        large = [note for info in infos if (note := self._note(formats, info))]
        notes = [f"{len(infos):,} {'file' if len(infos) == 1 else 'files'}, each a split unless said otherwise"]
        more = [f"{len(large) - _NOTES:,} more like these"] if len(large) > _NOTES else []
        return notes + large[:_NOTES] + more

    def _note(self, formats: Formats, info: FileInfo) -> str | None:
        if info.size <= self.split_size:
            return None
        extent = formats.of(info.path).extent(info, 0)
        if self.follow:
            return f"{info.path}: one split: it is followed"
        if not isinstance(extent, Extent):
            return f"{info.path}: one split: {extent}"
        count = -(-extent.length // extent.step)
        return f"{info.path}: {count:,} splits where the flow has several lanes" if count > 1 else None


__all__ = ["FileSource"]
