"""Arrow IPC: the file form (also called Feather) and the stream form; a position is a batch."""

from __future__ import annotations

from collections.abc import Generator, Iterator
from contextlib import closing, contextmanager
from typing import Any

import pyarrow as pa

from active_data_flow.connectors.file.changes import seen
from active_data_flow.connectors.file.client import FileInfo
from active_data_flow.connectors.file.formats.columns import arrange, cast_columns, plain, settle
from active_data_flow.connectors.file.formats.format import FileFormat, columns_of
from active_data_flow.connectors.file.formats.parquet import located
from active_data_flow.connectors.file.formats.streams import compression_of
from active_data_flow.connectors.file.formats.text import empty_batch, not_readable
from active_data_flow.connectors.file.splits import FileSplit
from active_data_flow.core.batch import Batch
from active_data_flow.core.errors import SourceError

_MAGIC = b"ARROW1"


class ArrowFormat(FileFormat):
    """Arrow IPC files and streams; they can't be added to."""

    name = "arrow"
    grows = False

    def infer(self, info: FileInfo) -> pa.Schema | None:
        """The file's columns; declared ones have the declared types."""
        if not info.size:
            return None
        with self._open(info.path) as reader:
            return settle(plain(reader.schema), self.declared)

    def read(self, split: FileSplit, position: Any) -> Iterator[Batch]:
        """The file's batches."""
        columns = columns_of(split)
        number = position["batch"] if position else 0
        if not split.size:
            yield Batch(empty_batch(columns), split.split_id, {"batch": 0}, finished=True)
            return
        with self.client.open(split.path) as raw:
            witness = seen(raw, split.size, split.size, split.mtime_ns)
        with self._open(split.path) as reader:
            for data in _batches(reader, split.path, number):
                number += 1
                place = {"batch": number, "seen": witness}
                wanted = plain(data.schema)
                values = data if data.schema.equals(wanted) else data.cast(wanted)
                batch = cast_columns(arrange(values, columns), columns, split.split_id)
                yield located(batch, split, place, data.num_rows, data.nbytes, final=False)
        yield Batch(empty_batch(columns), split.split_id, {"batch": number, "seen": witness}, finished=True)

    @contextmanager
    def _open(self, path: str) -> Generator[Any]:
        compression = compression_of(self.client, self.options, path)
        with closing(self.client.open(path)) as raw:
            head = raw.read(len(_MAGIC))
            raw.seek(0)
            file: Any = pa.PythonFile(raw, mode="r")
            try:
                if compression != "none":
                    reader = pa.ipc.open_stream(pa.CompressedInputStream(file, compression))
                else:
                    reader = pa.ipc.open_file(file) if head == _MAGIC else pa.ipc.open_stream(file)
            except (pa.ArrowInvalid, OSError) as error:
                raise not_readable(path, f"this is no whole Arrow file: {error}") from error
            yield reader


def _batches(reader: Any, path: str, first: int) -> Iterator[pa.RecordBatch]:
    """Batches from a number on; those of a stream before it have to be passed over."""
    number = 0
    try:
        if hasattr(reader, "num_record_batches"):
            for number in range(first, reader.num_record_batches):
                yield reader.get_batch(number)
            return
        for number, data in enumerate(reader):
            if number >= first:
                yield data
    except (pa.ArrowInvalid, OSError) as error:
        raise SourceError(f"{path}: batch {number} can't be read: {error}; the file may be cut off") from error


__all__ = ["ArrowFormat"]
