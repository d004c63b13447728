"""CloudEvents 1.0 in structured JSON form, in and out of messages."""

from __future__ import annotations

import base64
import binascii
import json
import re
import uuid
from collections.abc import Iterator, Mapping
from datetime import UTC, date, datetime, time
from decimal import Decimal
from typing import Any, cast

from active_data_flow.core.errors import RecordError
from active_data_flow.core.row import Message, Metadata, Untyped, standing_alone

CONTENT_TYPE = "application/cloudevents+json"
"""Media type of one event."""
BATCH_CONTENT_TYPE = "application/cloudevents-batch+json"
"""Media type of a JSON array of events."""

_HEADER = "ce_"
_BARE = "bare_data"
_OWN = frozenset(("specversion", "source", "time", "data", "data_base64"))
_ATTRIBUTE = re.compile(r"[a-z0-9]+")


def read_events(text: str | bytes) -> Iterator[Untyped]:
    """The messages of a JSON text with one event, or with an array of events.

    Raises:
        RecordError: The text is no JSON, or an event is not valid; names the attribute.

    Example:
        >>> text = '{"specversion": "1.0", "id": "1", "source": "/shop", "type": "order", "data": {"sku": "a1"}}'
        >>> [message["sku"] for message in read_events(text)]
        ['a1']
    """
    try:
        value: Any = json.loads(text)
    except ValueError as error:
        raise RecordError(f"a CloudEvent is a JSON object: {error}") from error
    for event in cast("list[Any]", value) if isinstance(value, list) else [value]:
        yield from_event(event)


def from_event(event: Mapping[str, Any]) -> Untyped:
    """The message that an event carries.

    The event's data are the message's fields; data that are no object are its only field, ``data`` (bytes where they
    came as ``data_base64``). ``source`` and ``time`` are metadata ``source`` and ``event_time``, ``partitionkey`` is
    ``key``, and every other attribute is among the headers, as ``ce_id``, ``ce_type``, ``ce_subject`` …

    Raises:
        RecordError: A required attribute is missing, or one is not valid.
    """
    if not isinstance(event, Mapping):  # pyright: ignore[reportUnnecessaryIsInstance]  # comes from outside
        raise RecordError(f"a CloudEvent is a JSON object (given: {event!r:.80})")
    for name in ("id", "source", "type"):
        if not isinstance(event.get(name), str) or not event[name]:
            raise RecordError(f"CloudEvent: {name}: is required, a text (given: {event.get(name)!r:.80})", field=name)
    if event.get("specversion") != "1.0":
        given = event.get("specversion")
        raise RecordError(f"CloudEvent: specversion: is 1.0 (given: {given!r})", field="specversion")
    fields, bare = _fields(event)
    headers = {_HEADER + name: value for name, value in event.items() if name not in _OWN and value is not None}
    metadata = Metadata(
        source=event["source"],
        key=event.get("partitionkey"),
        event_time=_time(event.get("time")),
        headers=headers | ({_BARE: True} if bare else {}),
    )
    return cast("Untyped", standing_alone(Untyped, fields, metadata))


def to_event(
    message: Message,
    *,
    id: str | None = None,  # noqa: A002  # the standard's name
    source: str | None = None,
    type: str | None = None,  # noqa: A002  # likewise
) -> dict[str, Any]:
    """A message as an event, JSON-safe.

    Args:
        message: The message; its fields are the event's data.
        id: Unique among the events of the source. Default: the message's header ``ce_id``, else a random one; give one
            of the record's own where an event may be sent again.
        source: Where it comes from. Default: the message's metadata.
        type: What kind of event it is. Default: the message's header ``ce_type``.

    Raises:
        RecordError: Source or type is not known, or a value has no JSON form.
    """
    metadata = message.metadata
    known = {name.removeprefix(_HEADER): value for name, value in metadata.headers.items() if name.startswith(_HEADER)}
    event: dict[str, Any] = {
        "specversion": "1.0",
        "id": id or known.get("id") or str(uuid.uuid4()),
        "source": source or metadata.source or metadata.split,
        "type": type or known.get("type"),
    }
    for name in ("source", "type"):
        if not event[name]:
            raise RecordError(f"CloudEvent: {name}: is not known of this message; give {name}=…", field=name)
    if metadata.event_time is not None:
        event["time"] = _rfc3339(metadata.event_time)
    if metadata.key is not None:
        event["partitionkey"] = str(metadata.key)
    event |= {name: value for name, value in known.items() if name not in event and _ATTRIBUTE.fullmatch(name)}
    return event | _data(message, bare=bool(metadata.headers.get(_BARE)))


def write_event(message: Message, **attributes: str) -> str:
    """A message as the JSON text of one event; see `to_event`."""
    return json.dumps(to_event(message, **attributes), ensure_ascii=False)


def _fields(event: Mapping[str, Any]) -> tuple[dict[str, Any], bool]:
    if "data_base64" in event:
        if event.get("data") is not None:
            raise RecordError("CloudEvent: data and data_base64 exclude each other", field="data_base64")
        try:
            return {"data": base64.b64decode(event["data_base64"], validate=True)}, True
        except (binascii.Error, TypeError, ValueError) as error:
            raise RecordError(f"CloudEvent: data_base64: {error}", field="data_base64") from error
    data = event.get("data")
    if data is None:
        return {}, False
    return (cast("dict[str, Any]", data), False) if isinstance(data, dict) else ({"data": data}, True)


def _data(message: Message, *, bare: bool) -> dict[str, Any]:
    value = message.get("data") if bare else dict(message)
    if isinstance(value, bytes):
        return {"data_base64": base64.b64encode(value).decode()}
    return {"datacontenttype": "application/json", "data": _json(value, "data")} if value not in (None, {}) else {}


def _json(value: Any, path: str) -> Any:  # noqa: PLR0911  # one return a kind of value
    if value is None or isinstance(value, (bool, int, float, str)):
        return value
    if isinstance(value, Mapping):
        items = cast("Mapping[Any, Any]", value).items()
        return {str(name): _json(item, f"{path}.{name}") for name, item in items}
    if isinstance(value, (list, tuple)):
        return [_json(item, path) for item in cast("list[Any]", value)]
    if isinstance(value, datetime):
        return _rfc3339(value) if value.tzinfo is not None else value.isoformat()
    if isinstance(value, (date, time)):
        return value.isoformat()
    if isinstance(value, Decimal):
        return str(value)
    if isinstance(value, bytes):
        return base64.b64encode(value).decode()
    raise RecordError(f"CloudEvent: {path}: {type(value).__name__} has no JSON form", field=path.partition(".")[2])


def _time(text: Any) -> datetime | None:
    if text is None:
        return None
    try:
        moment = datetime.fromisoformat(text)
    except (TypeError, ValueError) as error:
        message = f"CloudEvent: time: is a time as RFC 3339 has it, 2024-05-01T12:00:00Z (given: {text!r:.80})"
        raise RecordError(message, field="time") from error
    if moment.tzinfo is None:
        raise RecordError(f"CloudEvent: time: has no offset, as Z or +01:00 (given: {text!r})", field="time")
    return moment


def _rfc3339(moment: datetime) -> str:
    return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).isoformat().replace("+00:00", "Z")


__all__ = ["BATCH_CONTENT_TYPE", "CONTENT_TYPE", "from_event", "read_events", "to_event", "write_event"]
