"""CSV to Arrow by `pyarrow.csv.open_csv` in blocks of 1 MB, typed: python -m benchmarks.references.open_csv PATH."""

import sys

import pyarrow as pa
import pyarrow.csv as pacsv

from benchmarks.columns import COLUMNS
from benchmarks.taking import take


def open_csv(path: str, **types: pa.DataType) -> pacsv.CSVStreamingReader:
    """The made table as a stream of batches, with other types where they are given; an empty field is null."""
    convert = pacsv.ConvertOptions(column_types=COLUMNS | types, null_values=[""], strings_can_be_null=True)
    return pacsv.open_csv(path, read_options=pacsv.ReadOptions(block_size=2**20), convert_options=convert)


if __name__ == "__main__":
    take(open_csv(sys.argv[1]))
