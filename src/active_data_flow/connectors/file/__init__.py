"""Files: CSV, JSON lines, JSON arrays, Parquet and Arrow, read and written exactly once.

What the source promises:

- **Splits.** A file is a split; a large one is several (byte ranges of CSV without quoted newlines and of JSON lines,
  row groups of Parquet) when the flow has several lanes. ``adf explain`` says into what, and why not into more.
- **Positions.** A byte offset (row group and row for Parquet, batch for Arrow): resuming never reads again what was
  read, except that a compressed file has to be decompressed up to the offset.
- **Run again, read what is new.** New files are read; a file that grew goes on at its end. A file that was rewritten
  is a `SourceChangedError`, unless ``on_change: reread`` says to read it as a new one.
- **Bad records** are rejected one by one and name file, line, byte, field and value; whether that fails the run is the
  flow's policy. A file that can't be read at all is a `SourceError`.
- **Types** are the schema's, or are inferred over the first block of the first file and stay so.
- **Memory** is bounded by the block size and the largest record, never by the file.

What the sink promises is told by `FileSink`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from active_data_flow.core.lazy_names import lazy_names

if TYPE_CHECKING:
    from active_data_flow.connectors.file.sink import FileSink
    from active_data_flow.connectors.file.source import FileSource
    from active_data_flow.connectors.file.splits import FileSplit

__getattr__ = lazy_names(__name__, {"FileSink": "sink", "FileSource": "source", "FileSplit": "splits"})

__all__ = ["FileSink", "FileSource", "FileSplit"]
