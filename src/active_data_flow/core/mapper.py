"""Calls a function with every message of a batch and makes a batch of what it returns."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterable, Iterator, Mapping
from dataclasses import replace
from itertools import repeat
from pathlib import PurePath
from typing import Any, cast

import pyarrow as pa

from active_data_flow.core.batch import Batch, Reject
from active_data_flow.core.columns import Columns, UnknownFieldError, collector_paused, records_of
from active_data_flow.core.errors import ActiveDataFlowError, SchemaError, Then
from active_data_flow.core.rebuild import OutputTypes, Rebuilt, rebuild
from active_data_flow.core.row import ROW, Message, Origin, Typed, Untyped, bare_row, columns_of, place_of, row_at

MessageFunction = Callable[[Any], Any]


class MessageMapper:
    """Maps the batches of a lane, one after the other, through a function on messages.

    The function gets a message and returns it (changed or not), another mapping, a list or an iterator of them, or None
    to drop it. A mapping that is not the message itself stands for all its fields: columns that it lacks are null.
    Columns that the function doesn't touch keep their exact Arrow values and cost next to nothing.

    New columns, and those that get values of another type, take their type from the first batch in which the type can
    be told, and keep it in later batches; columns once put out are put out always. What the function raises makes a
    reject of the message, unless it is an error of ours that says to retry or to stop.

    Args:
        function: The function.
        schema: A `Schema` class: messages are of this class, and what is written to its fields is converted to their
            types. None: `Untyped` messages.
        output_schema: Columns and types of the result. None: told from the data.
        source: Name of the source, for the messages' metadata.

    Example:
        >>> mapper = MessageMapper(lambda message: message | {"total": message["price"] * message["count"]})
        >>> batch = Batch(pa.RecordBatch.from_pylist([{"price": 2.5, "count": 2}]), "prices.csv", 0)
        >>> mapper.map(batch).data.to_pylist()
        [{'price': 2.5, 'count': 2, 'total': 5.0}]
    """

    def __init__(
        self,
        function: MessageFunction,
        *,
        schema: type[Typed] | None = None,
        output_schema: pa.Schema | None = None,
        source: str = "",
    ) -> None:
        self._function = function
        self._kind: type[Message] = schema or Untyped
        self._types = OutputTypes(output_schema, getattr(schema, "__arrow__", None))
        self._source = source

    def map(self, batch: Batch) -> Batch:
        """The batch of what the function returned.

        Raises:
            ActiveDataFlowError: The function raised one that says to retry or to stop.
        """
        columns = Columns(batch.data, Origin(batch, self._source))
        with collector_paused():
            messages, failures = self._call(columns)
            rebuilt = rebuild(columns, messages, self._types)
        return _assemble(batch, rebuilt, failures)

    def _call(self, columns: Columns) -> tuple[list[Message], dict[int, Exception]]:
        function, kind = self._function, self._kind
        messages: list[Message] = []
        failures: dict[int, Exception] = {}
        add = messages.append
        count = 0 if columns.data is None else columns.data.num_rows
        for index, message in enumerate(map(bare_row, repeat(kind, count))):
            message._columns = columns  # noqa: SLF001  # `rows_of`, written out: this loop is what a transform costs  # pyright: ignore[reportPrivateUsage]  # likewise
            message._index = index  # noqa: SLF001  # likewise  # pyright: ignore[reportPrivateUsage]  # likewise
            message[ROW] = None
            try:
                result = function(message)
                if result is message or (result.__class__ is kind and columns_of(result).root is columns):
                    add(result)
                elif result is not None:
                    messages.extend(list(_messages(result, message)))  # nothing of it where it raises half way
            except Exception as error:  # whatever user code raises concerns this one message
                if isinstance(error, ActiveDataFlowError) and error.then is not Then.REJECT:
                    raise
                failures[index] = error
        return messages, failures


def _messages(result: Any, message: Message) -> Iterator[Message]:
    """What a function returned for a message, as messages that look into the same batch."""
    if isinstance(result, Mapping):
        yield _message(cast("Mapping[str, Any]", result), message)
    elif isinstance(result, (list, tuple, Generator, Iterator)):
        for item in cast("Iterable[Any]", result):
            if item is None:
                continue
            if not isinstance(item, Mapping):
                raise _not_a_message(item)
            made = _message(cast("Mapping[str, Any]", item), message)
            yield made.copy() if made is item else made  # an iterator may go on to change what it has given
    else:
        raise _not_a_message(result)


def _not_a_message(result: Any) -> TypeError:
    what = "the message, a mapping, a list of them, or None to drop it"
    return TypeError(f"the function returned {type(result).__name__} ({result!r:.60}); it returns {what}")


def _message(result: Mapping[str, Any], message: Message) -> Message:
    columns, index = place_of(message)
    root = columns.root
    if isinstance(result, Message) and place_of(result)[0].root is root:
        return result
    strange = next((key for key in result if not isinstance(key, str)), None)  # pyright: ignore[reportUnnecessaryIsInstance]  # user code
    if strange is not None:
        raise TypeError(f"names of fields are texts (given: {strange!r})")
    return row_at(root.bare(), index, Untyped, result.items())


def _assemble(batch: Batch, rebuilt: Rebuilt, failures: dict[int, Exception]) -> Batch:
    metadata = batch.metadata
    if metadata is not None and rebuilt.rows is not None:
        metadata = metadata.take(rebuilt.rows)
    rejects = _rejects(batch, rebuilt, failures) if failures or rebuilt.faults else ()
    return replace(batch, data=rebuilt.data, metadata=metadata, rejects=batch.rejects + rejects)


def _rejects(batch: Batch, rebuilt: Rebuilt, failures: dict[int, Exception]) -> tuple[Reject, ...]:
    rows = sorted({*failures, *rebuilt.faults})
    records = records_of(batch.data, rows)
    rejects: list[Reject] = []
    first = min(failures, default=None)  # one traceback is enough, and keeps little alive
    for row, record in zip(rows, records, strict=True):
        if row in failures:
            error = failures[row]
            reason, kind, field = _reason(error), type(error).__name__, _field(error)
        else:
            fault = rebuilt.faults[row]
            reason, kind, field = fault.text, SchemaError.__name__, fault.field
        rejects.append(
            Reject(
                record,
                reason,
                kind,
                "transform",
                batch.split_id,
                batch.position,
                field,
                failures[row] if row == first else None,
            )
        )
    return tuple(rejects)


def _reason(error: Exception) -> str:
    """The exception's text, and the line of the function that raised it."""
    text = str(error) or type(error).__name__
    trace = error.__traceback__
    while trace is not None and trace.tb_next is not None and trace.tb_frame.f_code.co_filename == __file__:
        trace = trace.tb_next
    if trace is None or trace.tb_frame.f_code.co_filename == __file__:
        return text
    return f"{text} (at {PurePath(trace.tb_frame.f_code.co_filename).name}:{trace.tb_lineno})"


def _field(error: Exception) -> str | None:
    name = error.args[0] if isinstance(error, UnknownFieldError) else getattr(error, "field", None)
    return name if isinstance(name, str) else None


__all__ = ["MessageFunction", "MessageMapper"]
