"""The store behind a source, as the suite sees it."""

from __future__ import annotations

from abc import ABC, abstractmethod

import pyarrow as pa

from active_data_flow.core.source import Source


class SourceHarness(ABC):
    r"""Writes to a store behind the source's back, and makes the sources that read it.

    Every table that the suite hands over has a column ``id``: int64, unique, growing. Other columns have the types that
    the suite's capabilities allow: text, int64, float64 and bool always.

    Example:
        >>> class LinesHarness(SourceHarness):
        ...     def __init__(self, folder: Path) -> None:
        ...         self.folder = folder
        ...
        ...     def store(self, *parts: pa.Table) -> None:
        ...         for path in self.folder.glob("*.txt"):
        ...             path.unlink()
        ...         for number, part in enumerate(parts):
        ...             lines = "".join(json.dumps(row) + "\n" for row in part.to_pylist())
        ...             (self.folder / f"{number}.txt").write_text(lines)
        ...
        ...     def source(self, *, poll_rows: int | None = None, endless: bool = False) -> Lines:
        ...         return Lines(folder=str(self.folder), batch_size=poll_rows or 1000)
        ...
        ...     def lose(self) -> None:
        ...         shutil.rmtree(self.folder)
    """

    @abstractmethod
    def store(self, *parts: pa.Table) -> None:
        """Fill the store; what it held is gone, and sources made from now on read this.

        Args:
            *parts: Records, at least one table. Each part becomes a split where the source is splittable; parts may be
                empty, and with capability ``evolving`` they may differ in their columns.
        """

    @abstractmethod
    def source(self, *, poll_rows: int | None = None, endless: bool = False) -> Source:
        """A source of all that is stored.

        Args:
            poll_rows: Records that a batch has at most; None: as many as the source likes. What counts is that
                small numbers make small batches. Of a source that only has `each` the suite makes the batches.
            endless: Whether it waits for more at its end (asked for with capability ``endless`` only); it should look
                for more after a few milliseconds.
        """

    @abstractmethod
    def lose(self) -> None:
        """Take the store away: delete the file, drop the table, stop answering. `store` brings it back."""

    def append(self, table: pa.Table) -> None:
        """Add records behind those stored; asked for with capability ``incremental`` only."""
        raise NotImplementedError(f"{type(self).__name__} declares incremental, and does not override append")


__all__ = ["SourceHarness"]
