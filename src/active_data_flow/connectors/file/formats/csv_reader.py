"""Arrow's CSV parser, for blocks of whole records."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import pyarrow as pa
import pyarrow.csv as pacsv

from active_data_flow.connectors.file.configuration import FileSourceConfiguration
from active_data_flow.connectors.file.formats.csv_scan import Dialect

_WHOLE = 2**30
"""More than any block has: a block is never cut again."""


class CsvReader:
    """Parses blocks with options that are made once: making them costs as much as parsing a thousand fields.

    Args:
        names: Columns of the records, in their order.
        dialect: How they are written.
        options: What means null, true, false, and a time.
        types: Types of columns; the others get one by their values.
        quoted_nulls: Whether null values may stand in quotes.
        null_texts: Whether a text may be null.
        skip_ragged: Whether records with a wrong number of fields are passed over.
    """

    def __init__(
        self,
        names: Sequence[str],
        dialect: Dialect,
        options: FileSourceConfiguration,
        types: Mapping[str, pa.DataType],
        *,
        quoted_nulls: bool = False,
        null_texts: bool = True,
        skip_ragged: bool = False,
    ) -> None:
        self._reading = pacsv.ReadOptions(column_names=names, block_size=_WHOLE, use_threads=False)
        self._parsing = pacsv.ParseOptions(
            delimiter=dialect.delimiter.decode(),
            quote_char=dialect.quote.decode() if dialect.quote else False,
            escape_char=dialect.escape.decode() if dialect.escape else False,
            newlines_in_values=True,
            invalid_row_handler=(lambda _: "skip") if skip_ragged else None,
        )
        self._converting = pacsv.ConvertOptions(
            column_types=dict(types),
            null_values=options.null_values,
            true_values=options.true_values,
            false_values=options.false_values,
            strings_can_be_null=null_texts,
            quoted_strings_can_be_null=quoted_nulls,
            timestamp_parsers=[*options.timestamp_formats, pacsv.ISO8601] if options.timestamp_formats else None,
            decimal_point=options.decimal_point,
        )

    def read(self, data: bytes | memoryview) -> pa.RecordBatch:
        """The rows of whole records.

        Raises:
            pyarrow.ArrowInvalid: A record is bad.
        """
        table = pacsv.read_csv(pa.BufferReader(data), self._reading, self._parsing, self._converting)
        arrays = [column.chunk(0) if column.num_chunks == 1 else column.combine_chunks() for column in table.columns]
        return pa.RecordBatch.from_arrays(arrays, schema=table.schema)


def parser_type(wanted: pa.DataType) -> pa.DataType:
    """The type to parse a column as: itself, or text where the CSV parser doesn't know it."""
    kinds = pa.types
    nested = kinds.is_nested(wanted) or kinds.is_dictionary(wanted) or kinds.is_duration(wanted)
    other = kinds.is_float16(wanted) or kinds.is_decimal256(wanted) or isinstance(wanted, pa.BaseExtensionType)
    views = str(wanted) in ("string_view", "binary_view")
    return pa.string() if nested or other or views else wanted


__all__ = ["CsvReader", "parser_type"]
