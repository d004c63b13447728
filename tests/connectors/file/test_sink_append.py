"""One text file that grows."""

from __future__ import annotations

import json
from pathlib import Path

import pyarrow as pa
import pytest

from active_data_flow.connectors.file.sink import FileSink
from active_data_flow.core.errors import FencedError, SchemaError, SinkError
from active_data_flow.core.policies import Drift, SchemaContract
from active_data_flow.core.sink import TwoPhaseWriter
from file_sink_engine import Engine, ids_in, numbered_rows, rows_of


def run(sink: FileSink, start: int = 0, count: int = 3, flow: str = "flights") -> Engine:
    return Engine(sink, flow=flow).start().write(numbered_rows(start, count)).commit().stop()


def test_a_second_run_appends_without_a_second_header(tmp_path: Path) -> None:
    sink = FileSink(path=f"{tmp_path}/deep/er/out.csv")
    engine = run(sink)
    engine.start().write(numbered_rows(3, 2)).commit().stop()
    assert ids_in(sink.place) == [0, 1, 2, 3, 4]
    assert sink.place.read_text().count('"id"') == 1
    assert sink.arrow_schema() == pa.schema({"id": pa.string(), "text": pa.string(), "kind": pa.string()})


def test_a_run_without_rows_touches_nothing(tmp_path: Path) -> None:
    engine = Engine(FileSink(path=f"{tmp_path}/out.csv")).start().commit().stop()
    assert engine.stored is not None
    assert list(engine.stored.committables) == []
    assert list(tmp_path.iterdir()) == []


def test_rows_that_were_not_prepared_are_taken_back_on_close(tmp_path: Path) -> None:
    sink = FileSink(path=f"{tmp_path}/out.jsonl")
    engine = run(sink)
    before = sink.place.read_bytes()
    engine.start().write(numbered_rows(3, 50)).stop()
    assert sink.place.read_bytes() == before
    new = FileSink(path=f"{tmp_path}/new.jsonl")
    Engine(new).start().write(numbered_rows(0, 5)).stop()
    assert not new.place.exists()
    assert not (tmp_path / ".new.jsonl.adf").exists()


def test_a_torn_tail_is_cut_back_to_the_last_commit(tmp_path: Path) -> None:
    sink = FileSink(path=f"{tmp_path}/out.csv")
    engine = Engine(sink).start().write(numbered_rows(0, 3)).commit().write(numbered_rows(3, 3)).kill()
    with sink.place.open("ab") as file:
        file.write(b'99,"half a ro')
    engine.start().stop()
    assert ids_in(sink.place) == [0, 1, 2]


def test_what_someone_appends_between_two_runs_stays(tmp_path: Path) -> None:
    sink = FileSink(path=f"{tmp_path}/out.jsonl")
    engine = run(sink)
    with sink.place.open("a") as file:
        file.write('{"id": 77}')
    engine.start().write(numbered_rows(3, 1)).commit().stop()
    assert ids_in(sink.place) == [0, 1, 2, 77, 3]


def test_a_json_array_is_whole_after_each_commit(tmp_path: Path) -> None:
    sink = FileSink(path=f"{tmp_path}/out.json")
    engine = Engine(sink).start()
    for count in range(1, 5):
        engine.write(numbered_rows(engine.rows, 1)).commit()
        assert [row["id"] for row in json.loads(sink.place.read_text())] == list(range(count))
    engine.stop()


@pytest.mark.parametrize("damage", ["truncate", "remove", "remove with its ledger"])
def test_a_file_that_lost_committed_rows_is_an_error_that_names_it_and_what_to_do(tmp_path: Path, damage: str) -> None:
    sink = FileSink(path=f"{tmp_path}/out.csv")
    engine = run(sink)
    if damage == "truncate":
        sink.place.write_bytes(sink.place.read_bytes()[:10])
    else:
        sink.place.unlink()
    if damage == "remove with its ledger":
        (tmp_path / ".out.csv.adf").unlink()
    with pytest.raises(SinkError, match=r"out\.csv .*bytes.*committed.*--from-start"):
        engine.start()


def test_from_the_start_a_removed_file_is_written_anew(tmp_path: Path) -> None:
    sink = FileSink(path=f"{tmp_path}/out.csv")
    engine = run(sink)
    sink.place.unlink()
    engine.stored = None
    sink.reset("flights")
    engine.start().write(numbered_rows(0, 2)).commit().stop()
    assert ids_in(sink.place) == [0, 1]


def test_reset_cuts_the_torn_tail_and_then_takes_the_file_as_it_is(tmp_path: Path) -> None:
    sink = FileSink(path=f"{tmp_path}/out.csv")
    Engine(sink).start().write(numbered_rows(0, 3)).commit().write(numbered_rows(3, 3)).kill()
    sink.reset("flights")
    assert ids_in(sink.place) == [0, 1, 2]
    assert not (tmp_path / ".out.csv.adf").exists()


def test_a_decided_commit_whose_rows_are_gone_is_an_error(tmp_path: Path) -> None:
    sink = FileSink(path=f"{tmp_path}/out.csv")
    engine = Engine(sink).start().write(numbered_rows(0, 3)).commit("saved").kill()
    sink.place.unlink()
    with pytest.raises(SinkError, match=r"out\.csv has 0 bytes, but the commit of \d+ was decided"):
        engine.start()


def test_flows_may_take_turns_but_not_write_at_once(tmp_path: Path) -> None:
    sink = FileSink(path=f"{tmp_path}/out.csv")
    one = run(sink, 0, 2, flow="one")
    two = run(sink, 2, 2, flow="two")
    one.start().write(numbered_rows(4, 1)).commit()
    with pytest.raises(SinkError, match="is being written by the flow 'one'"):
        two.start()
    one.stop()
    two.start().write(numbered_rows(5, 1)).commit().stop()
    assert ids_in(sink.place) == [0, 1, 2, 3, 4, 5]


def test_a_run_that_was_overtaken_can_not_prepare(tmp_path: Path) -> None:
    sink = FileSink(path=f"{tmp_path}/out.csv")
    engine = Engine(sink).start().write(numbered_rows(0, 2))
    overtaken = engine.writer
    assert isinstance(overtaken, TwoPhaseWriter)
    engine.start().write(numbered_rows(0, 3))
    with pytest.raises(FencedError, match="taken over by another run"):
        overtaken.prepare()
    overtaken.close()
    engine.commit().stop()
    assert ids_in(sink.place) == [0, 1, 2]


def test_a_header_with_other_columns_names_them(tmp_path: Path) -> None:
    place = tmp_path / "out.csv"
    place.write_text("id,price\n1,2\n")
    engine = Engine(FileSink(path=str(place))).start()
    with pytest.raises(
        SchemaError, match=r"columns id, price.*has text, kind.*not; the file has price, which the data"
    ):
        engine.write(numbered_rows(0, 1))
    engine.stop()
    assert place.read_text() == "id,price\n1,2\n"


def test_columns_follow_the_order_of_the_header(tmp_path: Path) -> None:
    place = tmp_path / "out.csv"
    place.write_text("kind,text,id\n,,-1")
    run(FileSink(path=str(place)), 0, 2)
    assert ids_in(place) == [-1, 0, 1]
    assert place.read_text().startswith("kind,text,id\n,,-1\n")


@pytest.mark.parametrize("drift", [Drift.EVOLVE, Drift.FAIL])
def test_a_file_that_is_appended_to_can_not_get_a_new_column(tmp_path: Path, drift: Drift) -> None:
    engine = Engine(FileSink(path=f"{tmp_path}/out.csv"), contract=SchemaContract(column=drift)).start()
    engine.write([{"id": 1}])
    with pytest.raises(SchemaError, match="the data has new, which the file has not"):
        engine.write([{"id": 2, "new": "x"}])
    engine.stop()


def test_a_missing_column_is_null_and_json_rows_may_have_any(tmp_path: Path) -> None:
    for name in ("out.csv", "out.jsonl"):
        engine = Engine(FileSink(path=f"{tmp_path}/{name}")).start()
        engine.write([{"a": 1, "b": "x"}]).write([{"a": 2}]).commit().stop()
    assert (tmp_path / "out.csv").read_text() == '"a","b"\n1,"x"\n2,\n'
    assert (tmp_path / "out.jsonl").read_text() == '{"a":1,"b":"x"}\n{"a":2}\n'


def test_without_a_header_the_columns_of_the_last_run_are_kept(tmp_path: Path) -> None:
    sink = FileSink(path=f"{tmp_path}/out.csv", header=False)
    engine = Engine(sink).start().write([{"a": 1, "b": 2}]).commit().stop()
    engine.start().write([{"b": 4, "a": 3}]).commit().stop()
    assert sink.place.read_text() == "1,2\n3,4\n"


@pytest.mark.parametrize("encoding", ["utf-16", "latin-1", "utf-8-sig", "cp1252"])
def test_encodings_are_kept_over_runs(tmp_path: Path, encoding: str) -> None:
    sink = FileSink(path=f"{tmp_path}/out.csv", encoding=encoding)
    engine = Engine(sink).start()
    for name in ("Åse", "Øystein"):
        engine.write([{"id": 1, "navn": name}]).commit().stop().start()
    engine.stop()
    assert [row["navn"] for row in rows_of(sink.place, encoding=encoding)] == ["Åse", "Øystein"]


def test_a_record_with_a_character_that_the_encoding_has_not_is_rejected_alone(tmp_path: Path) -> None:
    sink = FileSink(path=f"{tmp_path}/out.csv", encoding="latin-1")
    engine = Engine(sink).start().write([{"a": "x"}, {"a": "日本"}, {"a": "é"}]).commit().stop()
    assert [row["a"] for row in rows_of(sink.place, encoding="latin-1")] == ["x", "é"]
    assert [reject.record for reject in engine.rejects] == [{"a": "日本"}]
    assert "is written as latin-1" in engine.rejects[0].error


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("out.json", b'{"a": 1}', "is no JSON array"),
        ("out.json", b'[{"a": 1},', "is no JSON array"),
        ("out.json.gz", b"anything", "compressed JSON array that another program"),
        ("out.csv.gz", b"this is not gzip", "is no whole gzip file"),
    ],
)
def test_files_that_nothing_can_be_appended_to_are_refused_and_left_alone(
    tmp_path: Path, name: str, content: bytes, message: str
) -> None:
    (tmp_path / name).write_bytes(content)
    with pytest.raises(SinkError, match=message):
        Engine(FileSink(path=f"{tmp_path}/{name}")).start()
    assert (tmp_path / name).read_bytes() == content


def test_an_existing_file_can_be_refused(tmp_path: Path) -> None:
    sink = FileSink(path=f"{tmp_path}/out.csv", allow_existing=False)
    engine = run(sink)
    engine.start().write(numbered_rows(3, 1)).commit().stop()
    assert ids_in(sink.place) == [0, 1, 2, 3]
    with pytest.raises(SinkError, match="exists already, and allow_existing is false"):
        run(sink, flow="another")


def test_a_missing_file_follows_the_contract_for_tables(tmp_path: Path) -> None:
    engine = Engine(FileSink(path=f"{tmp_path}/out.csv"), contract=SchemaContract(table=Drift.FAIL)).start()
    with pytest.raises(SchemaError, match="does not exist"):
        engine.write(numbered_rows(0, 1))
    engine.stop()


def test_a_damaged_ledger_says_what_to_do(tmp_path: Path) -> None:
    sink = FileSink(path=f"{tmp_path}/out.csv")
    engine = run(sink)
    (tmp_path / ".out.csv.adf").write_text("{")
    with pytest.raises(SinkError, match=r"\.out\.csv\.adf is damaged .* delete it"):
        engine.start()


def test_the_easy_way_writes_one_message_at_once(tmp_path: Path) -> None:
    sink = FileSink(path=f"{tmp_path}/out.jsonl")
    sink.write({"a": 1})
    sink.write({"a": 2})
    assert rows_of(sink.place) == [{"a": 1}, {"a": 2}]
