"""Parquet: row groups are splits; a position is a row of a row group."""

from __future__ import annotations

from collections.abc import Generator, Iterator
from contextlib import closing, contextmanager
from dataclasses import replace
from typing import Any

import pyarrow as pa

from active_data_flow.connectors.file.changes import seen
from active_data_flow.connectors.file.client import FileInfo
from active_data_flow.connectors.file.formats.columns import arrange, cast_columns, plain, settle
from active_data_flow.connectors.file.formats.format import Extent, FileFormat, columns_of
from active_data_flow.connectors.file.formats.text import empty_batch, not_readable
from active_data_flow.connectors.file.splits import FileSplit
from active_data_flow.core.batch import Batch

_ROWS = 2**16


class ParquetFormat(FileFormat):
    """Parquet files; they can't be added to."""

    name = "parquet"
    grows = False

    def infer(self, info: FileInfo) -> pa.Schema | None:
        """The file's columns; declared ones have the declared types."""
        if not info.size:
            return None
        with self._open(info.path) as file:
            return settle(plain(file.schema_arrow), self.declared)

    def extent(self, info: FileInfo, start: int) -> Extent | str:
        """The file's row groups."""
        if not info.size:
            return "it is empty"
        with self._open(info.path) as file:
            groups = file.metadata.num_row_groups
            size = sum(file.metadata.row_group(group).total_byte_size for group in range(start, groups))
        if groups < 2:
            return "it has one row group"
        return Extent(groups, max(1, groups * self.options.split_size // max(size, 1)))

    def read(self, split: FileSplit, position: Any) -> Iterator[Batch]:
        """Batches of the split's row groups."""
        group, row = (position["row_group"], position["row"]) if position else (split.start, 0)
        if not split.size:
            yield Batch(empty_batch(columns_of(split)), split.split_id, {"row_group": 0, "row": 0}, finished=True)
            return
        with self.client.open(split.path) as raw:
            witness = seen(raw, split.size, split.size, split.mtime_ns)
        with self._open(split.path) as file:
            groups = file.metadata.num_row_groups
            last = groups if split.end is None else min(split.end, groups)
            while group < last:
                yield from self._group(file, split, group, row, witness, final=group + 1 == last)
                group, row = group + 1, 0
            if last <= split.start or (position and position["row_group"] >= last):
                done = {"row_group": last, "row": 0, "seen": witness}
                yield Batch(empty_batch(columns_of(split)), split.split_id, done, finished=True)

    def _group(
        self, file: Any, split: FileSplit, group: int, row: int, witness: Any, *, final: bool
    ) -> Iterator[Batch]:
        metadata = file.metadata.row_group(group)
        share = metadata.total_byte_size / max(metadata.num_rows, 1)
        rows = max(1, min(_ROWS, int(self.options.block_size * 4 / max(share, 1))))
        done = 0
        for data in _batches(file, split.path, group, rows):
            done += data.num_rows
            if done <= row:
                continue
            fresh = data.slice(max(row - (done - data.num_rows), 0))
            ended = done == metadata.num_rows
            position = {"row_group": group + 1 if ended else group, "row": 0 if ended else done, "seen": witness}
            yield _finished(fresh, split, position, share, final=final and ended)
        if not metadata.num_rows and final:
            yield Batch(
                empty_batch(columns_of(split)),
                split.split_id,
                {"row_group": group + 1, "row": 0, "seen": witness},
                finished=True,
            )

    @contextmanager
    def _open(self, path: str) -> Generator[Any]:
        import pyarrow.parquet as pq

        with closing(self.client.open(path)) as raw:
            try:
                file = pq.ParquetFile(pa.PythonFile(raw, mode="r"), pre_buffer=False)
            except (pa.ArrowInvalid, OSError) as error:
                raise not_readable(path, f"this is no whole Parquet file: {error}") from error
            yield file


def _batches(file: Any, path: str, group: int, rows: int) -> Iterator[pa.RecordBatch]:
    try:
        yield from file.iter_batches(batch_size=rows, row_groups=[group], use_threads=False)
    except (pa.ArrowInvalid, OSError) as error:
        raise not_readable(path, f"row group {group} can't be read: {error}") from error


def _finished(data: pa.RecordBatch, split: FileSplit, position: Any, share: float, *, final: bool) -> Batch:
    columns = columns_of(split)
    wanted = plain(data.schema)
    values = data if data.schema.equals(wanted) else data.cast(wanted)
    batch = cast_columns(arrange(values, columns), columns, split.split_id)
    return located(batch, split, position, data.num_rows, int(share * data.num_rows), final=final)


def located(batch: Batch, split: FileSplit, position: Any, rows: int, size: int, *, final: bool) -> Batch:
    """A batch of this split; rejects name the file and the place.

    Args:
        batch: Rows and rejects.
        split: The split.
        position: Position behind them.
        rows: Records read.
        size: Bytes read.
        final: Whether it is the split's last one.
    """
    place = f"{split.path}: before " + ", ".join(
        f"{name} {value}" for name, value in position.items() if name != "seen"
    )
    rejects = tuple(replace(reject, error=f"{place}: {reject.error}", position=position) for reject in batch.rejects)
    return Batch(
        batch.data, split.split_id, position, finished=final, rejects=rejects, records_read=rows, bytes_read=size
    )


__all__ = ["ParquetFormat", "located"]
