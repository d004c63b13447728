"""Types of single values."""

from __future__ import annotations

import json
import re
from datetime import UTC, datetime
from typing import Annotated, Any

from ninja import Path
from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, StrictBool, WithJsonSchema

from active_data_flow.core.logging import redact
from active_data_flow.engine.stores.records import dump

_MOMENT = re.compile(r"\d{4}-\d\d-\d\d[Tt]\d\d:\d\d:\d\d(\.\d+)?([Zz]|[+-]\d\d:\d\d)", re.ASCII)
_LONGEST_TEXT = 10_000


def _moment(value: Any) -> datetime:
    """Stricter than pydantic, which takes numbers and bare days too."""
    if not isinstance(value, str) or not _MOMENT.fullmatch(value):
        raise ValueError("is a time with its zone, as 2026-01-31T09:45:00Z")
    try:
        return datetime.fromisoformat(value.upper()).astimezone(UTC)
    except (ValueError, OverflowError) as error:
        raise ValueError(f"is no time: {error}") from error


def _known_switch(value: str) -> bool:
    return value == "true"


def _whole(value: Any) -> Any:
    if isinstance(value, bool | str):
        raise ValueError("is a whole number")  # noqa: TRY004  # pydantic's way
    return value


Moment = Annotated[
    datetime, BeforeValidator(_moment), WithJsonSchema({"type": "string", "format": "date-time"}, mode="validation")
]
"""A time in a query."""
Switch = Annotated[str, Field(pattern="^(true|false)$"), AfterValidator(_known_switch)]
"""``true`` or ``false`` in a query."""
FlowName = Annotated[
    str,
    Field(pattern=r"^[A-Za-z][A-Za-z0-9_.-]*$", max_length=128, description="Name of the flow.", examples=["prices"]),
]
FlowPath = Path[FlowName]
RunId = Path[Annotated[str, Field(pattern=r"^[A-Za-z0-9_.-]{1,32}$", description="Id of the run.")]]
RecordId = Path[Annotated[int, Field(ge=1, le=2**63 - 1, description="Number of the record.")]]
Text = Annotated[str, Field(max_length=_LONGEST_TEXT)]
Flag = StrictBool
WHOLE = BeforeValidator(_whole)
"""Of a number in a body: what JSON calls a whole number, and no text or switch that could be taken for one."""
Configuration = Annotated[
    dict[str, Any],
    Field(
        description="The flow's document, or, of a flow with code, what differs from the code.",
        examples=[{"source": {"type": "file", "path": "in.csv"}, "sink": {"type": "file", "path": "out.csv"}}],
    ),
]


class Input(BaseModel):
    """What is sent; unknown members are refused."""

    model_config = ConfigDict(extra="forbid")


class Nothing(Input):
    """An empty body, ``{}``; it may be left out."""


def shown_value(value: Any) -> Any:
    """A value as it may be shown: JSON, secrets redacted at any depth."""
    plain = json.loads(dump(value), parse_constant=lambda _: None)
    return redact(plain)


__all__ = [
    "WHOLE",
    "Configuration",
    "Flag",
    "FlowName",
    "FlowPath",
    "Input",
    "Moment",
    "Nothing",
    "RecordId",
    "RunId",
    "Switch",
    "Text",
    "shown_value",
]
