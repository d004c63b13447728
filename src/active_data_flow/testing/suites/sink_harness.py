"""What a connector's author gives the sink's suite: places, and a look into them that doesn't pass through the sink."""

from __future__ import annotations

import base64
import datetime as dt
import json
from abc import ABC, abstractmethod
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

import pyarrow as pa

from active_data_flow.core.sink import Sink, Writer

Rows = Sequence[Mapping[str, Any]]


@dataclass(frozen=True, slots=True)
class Refusal:
    """Rows of which a place refuses some.

    Attributes:
        sink: A sink for a place that refuses them.
        rows: Good and bad ones, mixed.
        fields: Number of each bad row (from 0) -> the field at fault; None where the store does not tell.
    """

    sink: Sink
    rows: pa.RecordBatch
    fields: Mapping[int, str | None]


class SinkHarness(ABC):
    """Makes sinks for places of the test's own, and reads the places back behind the connector's back.

    Example:
        >>> class Lines(SinkHarness):
        ...     def __init__(self, folder):
        ...         self.folder, self.count = folder, 0
        ...
        ...     def sink(self, schema):
        ...         self.count += 1
        ...         return LineSink(path=f"{self.folder}/{self.count}.jsonl")
        ...
        ...     def rows(self, sink, schema):
        ...         path = Path(sink.path)
        ...         return read_as([json.loads(line) for line in path.open()] if path.exists() else [], schema)
    """

    @abstractmethod
    def sink(self, schema: pa.Schema) -> Sink:
        """A sink for a place that nothing has been written to; another place with each call.

        Args:
            schema: Columns of the rows to come, for places that the sink does not make itself; the key is ``id``.
        """

    @abstractmethod
    def rows(self, sink: Sink, schema: pa.Schema) -> Rows:
        """What a reader of the place sees now, in any order; none where there is no place yet.

        Args:
            sink: A sink that this harness has made, or an equal one.
            schema: The types that values are to have; `read_as` converts them, where the store keeps others.
        """

    def kill(self, writer: Writer) -> None:
        """What the death of its process does to a writer; the default: nothing is said to it any more.

        Cut the connection of a writer that has one, since the store would notice.
        """

    def leftovers(self, sink: Sink) -> Sequence[str]:
        """Names of what is in the place beside rows and what belongs to them, as temporary files."""
        return ()

    def refusal(self) -> Refusal:
        """Rows that are refused; for the capability ``rejects rows``."""
        raise NotImplementedError(f"{type(self).__name__} has to override refusal()")

    def secret(self, password: str) -> Sink:
        """A sink whose options lead to a password; for the capability ``secrets``."""
        raise NotImplementedError(f"{type(self).__name__} has to override secret(password)")


def read_as(rows: Iterable[Mapping[str, Any]], schema: pa.Schema) -> list[dict[str, Any]]:
    """Rows of a store that keeps fewer types, in those of a schema; columns that the schema lacks stay.

    Texts are read as ISO dates and times, JSON and base64; moments are given in UTC; a missing column is None.

    Example:
        >>> read_as([{"day": "2013-01-31"}], pa.schema({"day": pa.date32(), "n": pa.int64()}))
        [{'day': datetime.date(2013, 1, 31), 'n': None}]
    """
    return [
        {**row, **{field.name: _value(row.get(field.name), field.type) for field in schema}} for row in map(dict, rows)
    ]


def _value(value: Any, kind: pa.DataType) -> Any:  # noqa: PLR0911  # one answer a line
    is_ = pa.types
    if value is None:
        return None
    if is_.is_nested(kind):
        return _nested(json.loads(value) if isinstance(value, str) else value, kind)
    if is_.is_boolean(kind):
        return value not in (0, "0", "false", "False")
    if is_.is_integer(kind):
        return int(value)
    if is_.is_floating(kind):
        return pa.scalar(float(value), kind).as_py()
    if is_.is_decimal(kind):
        return Decimal(str(value))
    if is_.is_binary(kind):
        return base64.b64decode(value) if isinstance(value, str) else bytes(value)
    if is_.is_temporal(kind):
        return _moment(value, kind)
    return value


def _nested(value: Any, kind: pa.DataType) -> Any:
    if value is None:
        return None
    if pa.types.is_struct(kind):
        return {field.name: _value(value.get(field.name), field.type) for field in kind}
    if pa.types.is_map(kind):
        pairs = value.items() if isinstance(value, Mapping) else value
        return [(_value(key, kind.key_type), _value(item, kind.item_type)) for key, item in pairs]
    return [_value(item, kind.value_type) for item in value]


def _moment(value: Any, kind: pa.DataType) -> Any:
    if pa.types.is_date(kind):
        return dt.date.fromisoformat(str(value)[:10])
    if pa.types.is_time(kind):
        if isinstance(value, dt.timedelta):
            return (dt.datetime.min + value).time()  # noqa: DTZ901  # only its time is used
        return value if isinstance(value, dt.time) else dt.time.fromisoformat(value)
    moment = value if isinstance(value, dt.datetime) else dt.datetime.fromisoformat(value)
    if kind.tz is None:
        return moment
    return moment.replace(tzinfo=dt.UTC) if moment.tzinfo is None else moment.astimezone(dt.UTC)


__all__ = ["Refusal", "Rows", "SinkHarness", "read_as"]
