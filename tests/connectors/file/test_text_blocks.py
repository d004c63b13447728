"""How text is read and cut before it is parsed."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from active_data_flow.connectors.file import FileSource
from active_data_flow.connectors.file.client import LocalFiles
from active_data_flow.connectors.file.formats.blocks import count_breaks
from active_data_flow.connectors.file.formats.csv_scan import CsvScan, Dialect
from active_data_flow.connectors.file.formats.streams import open_stream

DIALECTS = [
    Dialect(b",", b'"', None),
    Dialect(b",", b'"', b"\\"),
    Dialect(b",", b'"', None, newlines_in_values=False),
    Dialect(b",", None, b"\\"),
]
LINES = st.lists(st.integers(0, 9000), max_size=40).map(lambda sizes: b"".join(b"x" * size + b"\n" for size in sizes))


@pytest.mark.parametrize("dialect", DIALECTS)
@given(text=st.text('a,"\\', max_size=12), end=st.sampled_from(["", "\n", "\r\n"]))
@example(text='a,b"c,"d', end="\n")
@example(text='a,"b"', end="\n")
@example(text='a,"b""', end="\n")
def test_a_line_opens_a_quote_exactly_where_the_whole_scan_says_so(dialect, text, end):
    line = (text + end).encode()
    assert dialect.opens_quote(line) == CsvScan(line, dialect).open


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(text=LINES, size=st.integers(1, 20_000), rest=st.binary(max_size=5000))
def test_a_file_is_read_whole_and_by_lines_where_they_are_short(tmp_path, text, size, rest):
    path = tmp_path / "lines.csv"
    path.write_bytes(text + rest)
    stream = open_stream(LocalFiles(), FileSource(path=str(path)), str(path))
    pieces: list[bytes] = []
    while piece := stream.read(size):
        pieces.append(piece)
    stream.close()
    start = 3 if (text + rest).startswith(b"\xef\xbb\xbf") else 0
    assert b"".join(pieces) == (text + rest)[start:]
    assert max(map(len, pieces), default=0) <= size
    if size > 4096 and pieces:
        assert all(piece.endswith(b"\n") or b"\n" not in piece[-4096:] for piece in pieces if len(piece) == size)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    names=st.lists(st.text('ab"\n,', max_size=400), min_size=1, max_size=120),
    block_size=st.sampled_from([4097, 5000, 8192, 20_000]),
)
def test_positions_are_exact_for_blocks_that_end_with_lines(tmp_path: Path, names, block_size):
    path = tmp_path / "names.csv"
    lines = ['{},"{}"\n'.format(number, name.replace('"', '""')) for number, name in enumerate(names)]
    path.write_text("id,name\n" + "".join(lines), encoding="utf-8", newline="")
    source = FileSource(path=str(path), schema={"id": "int64", "name": "string"}, block_size=block_size)
    at = len("id,name\n")
    read = 0
    for batch in source.batches():
        assert batch.data.column("id").to_pylist() == list(range(read, read + batch.num_rows))
        at += sum(len(line.encode()) for line in lines[read : read + batch.num_rows])
        read += batch.num_rows
        assert batch.position["offset"] == at
    assert read == len(names)


@given(st.binary(max_size=3), st.integers(0, 300_000))
def test_line_breaks_are_counted_in_any_length(sign, size):
    data = (sign * size)[:size]
    assert count_breaks(data) == data.count(b"\n")
