"""Finds files and what of them is new since the last run."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

import pyarrow as pa

from active_data_flow.connectors.file.changes import change_of, has_grown, was_at_end
from active_data_flow.connectors.file.client import FileClient, FileInfo
from active_data_flow.connectors.file.configuration import FileSourceConfiguration
from active_data_flow.connectors.file.discovery import find_files
from active_data_flow.connectors.file.formats import Formats
from active_data_flow.connectors.file.formats.format import Extent
from active_data_flow.connectors.file.formats.text import TextFormat, check_complete
from active_data_flow.connectors.file.splits import FileSplit, Plan, from_json
from active_data_flow.core.checkpoint import SplitState
from active_data_flow.core.errors import SchemaError, SourceChangedError, SourceError
from active_data_flow.core.types import type_text
from active_data_flow.source_support import EnumeratorContext, PendingSplits

Types = tuple[tuple[str, str], ...]


class FileEnumerator(PendingSplits[FileSplit]):
    """Gives out new files, what was added to known ones, and what was begun in earlier runs.

    Args:
        context: The engine.
        options: The source's options.
        client: The file system.
    """

    def __init__(
        self, context: EnumeratorContext[FileSplit], options: FileSourceConfiguration, client: FileClient
    ) -> None:
        super().__init__(context)
        self._options = options
        self._client = client
        self._formats = Formats(options, client)
        self._earlier = _by_path(context.restored)
        self._types: Types | None = next((split.types for split, _ in _all(self._earlier) if split.types), None)

    @property
    def endless(self) -> bool:
        """Whether readers wait for files that come later."""
        return self._options.follow

    def start(self) -> None:
        """Find the splits; nothing that earlier runs have begun may be gone.

        Raises:
            SourceChangedError: A file is gone before it was read to its end.
        """
        self._check_present()
        super().start()

    def find(self) -> Iterable[FileSplit]:
        """The splits that have something to read.

        Raises:
            SourceError: Nothing matches the path.
            SourceChangedError: A file is not the one that was read.
        """
        infos = find_files(self._options, self._client, missing_is_fine=self.endless)
        found = [split for info in infos if info.path not in self._known for split in self._splits_if_there(info)]
        return [replace(split, types=self._settled(found)) for split in found] if found else []

    def _offer(self, split: FileSplit) -> None:
        begun = split.split_id in self._context.restored
        (self._pending.appendleft if begun else self._pending.append)(split)

    def _splits_if_there(self, info: FileInfo) -> list[FileSplit]:
        """Its splits; none where it went away since it was listed."""
        try:
            return list(self._splits_of(info))
        except SourceError:
            if self._client.stat(info.path) is None:
                return []
            raise

    def _splits_of(self, info: FileInfo) -> Iterator[FileSplit]:
        earlier = self._earlier.get(info.path, [])
        generation = max((split.generation for split, _ in earlier), default=1)
        current = [(split, state) for split, state in earlier if split.generation == generation]
        fresh = FileSplit(info.path, size=info.size, mtime_ns=info.mtime_ns, generation=generation)
        if not current:
            yield from self._divided(fresh, info)
        elif (change := self._change(info, current)) is None:
            yield from self._continued(info, current)
        elif self._options.on_change == "reread":
            yield from self._divided(replace(fresh, generation=generation + 1), info)
        else:
            raise SourceChangedError(
                f"{info.path}: the file was rewritten since it was read: {change}. Say on_change: reread to read it "
                "again as a new file, or begin anew with --from-start"
            )

    def _change(self, info: FileInfo, current: Sequence[tuple[FileSplit, SplitState]]) -> str | None:
        changes = (change_of(self._client, info, state.position) for _, state in current)
        return next((change for change in changes if change is not None), None)

    def _divided(self, split: FileSplit, info: FileInfo, start: int = 0) -> Iterator[FileSplit]:
        """A file, or what was added to it, in as many splits as are worth it."""
        if self._context.current_parallelism() > 1 and not self._options.follow:
            extent = self._formats.of(info.path).extent(info, start)
            if isinstance(extent, Extent) and extent.length - start > extent.step:
                plan = Plan(start, extent.length, extent.step)
                yield from replace(split, plan=plan).siblings()
                return
        yield split

    def _continued(self, info: FileInfo, current: Sequence[tuple[FileSplit, SplitState]]) -> Iterator[FileSplit]:
        """What is unfinished of a known file, and what was added to it."""
        states = {split.split_id: state for split, state in current}
        known: dict[str, FileSplit] = {}
        for split, _ in current:
            known |= {sibling.split_id: sibling for sibling in split.siblings()}
        for split in known.values():
            state = states.get(split.split_id)
            grown = replace(split, size=info.size, mtime_ns=info.mtime_ns)
            unread = state is None or not state.finished
            if unread or (split.end is None and self._goes_on(info, split, state)):
                yield grown

    def _goes_on(self, info: FileInfo, split: FileSplit, state: SplitState | None) -> bool:
        """Whether a file that was read to its end has been added to."""
        text = self._formats.of(info.path)
        if not text.grows or not isinstance(text, TextFormat) or state is None or state.position is None:
            return False
        if not has_grown(info, state.position):
            return self._options.follow and text.follows(split.path)
        check_complete(text, info.path, state.position)
        return True

    def _settled(self, found: Sequence[FileSplit]) -> Types:
        """Names and types of the source's columns: those of earlier runs, else of the first file that has records."""
        if self._types is None:
            infos = (FileInfo(split.path, split.size, split.mtime_ns) for split in found)
            self._types = types_of(self._formats, infos)
        return self._types or ()

    def _check_present(self) -> None:
        """Refuse to lose the rest of a file that was begun and is gone."""
        for split, state in _all(self._earlier):
            begun = not state.finished and state.position is not None and not was_at_end(state.position)
            if begun and self._client.stat(split.path) is None:
                raise SourceChangedError(
                    f"{split.path}: the file is gone, and was not read to its end; put it back, or begin anew with "
                    "--from-start"
                )


def types_of(formats: Formats, infos: Iterable[FileInfo]) -> Types | None:
    """Names and types of the columns of the first file that has records; None where there is none."""
    for info in infos:
        schema = formats.of(info.path).infer(info)
        if schema is not None:
            return tuple((item.name, text) for item in schema if (text := _named(item)) is not None)
    return None


def _named(item: pa.Field) -> str | None:
    """The type as text; None for types without a name, which are passed on as each file has them."""
    try:
        return type_text(item.type, nullable=item.nullable)
    except SchemaError:
        return None


def _by_path(restored: Mapping[str, SplitState]) -> dict[str, list[tuple[FileSplit, SplitState]]]:
    paths: dict[str, list[tuple[FileSplit, SplitState]]] = {}
    for state in restored.values():
        split = from_json(state.split)
        paths.setdefault(split.path, []).append((split, state))
    return paths


def _all(paths: Mapping[str, Sequence[tuple[FileSplit, SplitState]]]) -> Iterator[tuple[FileSplit, Any]]:
    for pairs in paths.values():
        yield from pairs


__all__ = ["FileEnumerator", "types_of"]
