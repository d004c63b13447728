"""Options of the file source."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field, model_validator

from active_data_flow.connectors.file.option_types import TextEncoding, Texts
from active_data_flow.core.policies import Bytes, Seconds
from active_data_flow.source_support import SplitSource

FormatName = Literal["auto", "csv", "json_lines", "json_array", "parquet", "arrow"]
Compression = Literal["auto", "none", "gzip", "zstd", "bz2"]


def _types_of(value: Any) -> Any:
    """The schema as names and types, whichever way it was given."""
    if value is None:
        return None
    from active_data_flow.core.schema import fields_of

    return fields_of(value)


Character = Annotated[str, Field(min_length=1, max_length=1, pattern=r"^[\x01-\x7f]$")]


class FileSourceConfiguration(SplitSource):
    """Options of `FileSource`; what is not given is told by the files themselves."""

    path: Annotated[Texts, Field(min_length=1)]
    """A file, a directory (all files below it), or a pattern as ``data/flights-*.csv`` or ``data/**/*.parquet``;
    or a list of these."""
    format: FormatName = "auto"
    """How the files are written; ``auto``: by the ending of their names."""
    compression: Compression = "auto"
    """How the files are compressed; ``auto``: by the ending of their names, else by their first bytes."""
    types: Annotated[dict[str, str] | None, BeforeValidator(_types_of)] = Field(default=None, alias="schema")
    """Names and types of columns, as ``{id: int64, day: date?}``; others are inferred over the first block."""
    encoding: TextEncoding = "utf-8"
    """Encoding of text files; a byte order mark is passed over."""
    delimiter: Character | None = None
    """CSV: what stands between fields; default: a comma, or a tab where the name ends with ``.tsv``."""
    quote: Character | None = '"'
    """CSV: what encloses fields; null: nothing does."""
    escape: Character | None = None
    """CSV: what takes the meaning from the next character; default: nothing, a quote is written twice."""
    header: bool = True
    """CSV: whether the first line holds the names of the columns."""
    columns: list[str] | None = Field(default=None, min_length=1)
    """CSV: names of the columns, in place of the header's."""
    skip_rows: int = Field(default=0, ge=0)
    """CSV: lines to pass over before the header."""
    null_values: list[str] = Field(default=[""])
    """CSV: texts that mean null."""
    true_values: list[str] = Field(default=["true", "True", "TRUE", "1"])
    """CSV: texts that mean true."""
    false_values: list[str] = Field(default=["false", "False", "FALSE", "0"])
    """CSV: texts that mean false."""
    timestamp_formats: list[str] = Field(default=[])
    """CSV: forms of timestamps besides ISO 8601, as ``%d.%m.%Y %H:%M``."""
    decimal_point: Character = "."
    """CSV: what stands before the decimals."""
    newlines_in_values: bool = True
    """CSV: whether quoted fields may hold line breaks; without them a large file can be read in ranges."""
    ragged_rows: Literal["reject", "fill"] = "reject"
    """CSV: what to do with a row that has too few fields: reject it, or fill it up with nulls."""
    unterminated: Literal["read", "leave"] | None = None
    """What to do with a last line that has no line break: read it, or leave it for a later run because it may not
    be complete; default: read it, except while following."""
    max_record_bytes: Bytes = 64 * 2**20
    """A record larger than this is rejected, so that memory stays bounded."""
    block_size: Bytes = 2**20
    """How much is read at once; a block becomes a batch."""
    split_size: Bytes = 64 * 10**6
    """A larger file is read in several splits, where that is sound and there are several lanes."""
    on_change: Literal["fail", "reread"] = "fail"
    """What to do with a file that was rewritten since it was read: fail, or read it again as a new one."""
    allow_empty: bool = False
    """Whether it is fine that nothing matches the path."""
    follow: bool = False
    """Read without end: wait for new files and for files that grow."""
    poll_interval: Seconds = 1.0
    """While following: how often to look."""

    @model_validator(mode="after")
    def _agree(self) -> FileSourceConfiguration:
        if self.delimiter is not None and self.delimiter == self.quote:
            raise ValueError("delimiter and quote are the same character")
        if self.columns is not None and len(set(self.columns)) < len(self.columns):
            raise ValueError("columns: a name is given twice")
        if self.follow and self.unterminated == "read":
            raise ValueError(
                "unterminated: while following, a line without a line break may still be growing: leave it"
            )
        return self

    @property
    def leaves_unterminated(self) -> bool:
        """Whether a last line without line break is left for later."""
        return self.follow if self.unterminated is None else self.unterminated == "leave"


__all__ = ["Compression", "FileSourceConfiguration", "FormatName"]
