"""Bodies of requests as JSON, read strictly: what no database or person could make sense of is refused."""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping
from typing import Any, NoReturn, cast

from django.http import HttpRequest
from django.http.request import RawPostDataException, UnreadablePostError

from active_data_flow.core.near_names import near_names
from active_data_flow.runtimes.heartbeat.security.problems import RefusedError
from active_data_flow.runtimes.heartbeat.settings import app_settings

DEEPEST = 32
"""Mappings and lists inside each other, at most."""
_DIGITS = 308


class JsonError(ValueError):
    """A text is not the JSON that is taken; says where and why."""


def read_json(request: HttpRequest, known: Collection[str] | None = None) -> dict[str, Any]:
    """The body of a request, which is a JSON object; empty where there is no body.

    Args:
        request: The request.
        known: Names that may stand in it; None: any.

    Raises:
        RefusedError: 413 it is larger than the setting ``MAX_BODY``; 400 it is not JSON in UTF-8, has NUL characters,
            a name twice, an unknown name, numbers that are none, or is nested too deep.
    """
    body = read_body(request)
    if not body.strip():
        return {}
    try:
        value = parse_json(body)
    except JsonError as error:
        raise RefusedError(400, "json_invalid", str(error)) from error
    if not isinstance(value, dict):
        raise RefusedError(400, "json_invalid", "the body is no JSON object, as {…}")
    return _with_known(cast("dict[str, Any]", value), known)


def read_body(request: HttpRequest) -> bytes:
    """The body of a request, which is not too large; what is larger is not read.

    Raises:
        RefusedError: 413 it is larger than the setting ``MAX_BODY``; 400 it could not be read.
    """
    most = app_settings().max_body
    length: str = request.META.get("CONTENT_LENGTH") or "0"
    if not length.isdecimal() or int(length) > most:
        raise RefusedError(413, "body_too_large", f"the body is larger than {most} bytes; see MAX_BODY")
    try:
        body = request.body if hasattr(request, "_body") else request.read(most + 1)
    except (UnreadablePostError, RawPostDataException) as error:
        raise RefusedError(400, "body_unreadable", "the body could not be read to its end") from error
    if len(body) > most:
        raise RefusedError(413, "body_too_large", f"the body is larger than {most} bytes; see MAX_BODY")
    request._body = body  # pyright: ignore[reportAttributeAccessIssue]  # noqa: SLF001  # what Django itself does when it reads it
    return body


def parse_json(text: bytes | str) -> Any:
    """The value of a JSON text.

    Raises:
        JsonError: See `read_json`.
    """
    try:
        decoded = text.decode() if isinstance(text, bytes) else text
    except UnicodeDecodeError as error:
        raise JsonError(f"is not UTF-8 at byte {error.start}") from error
    _check_depth(decoded)
    try:
        value = json.loads(
            decoded, object_pairs_hook=_unique, parse_constant=_refuse_constant, parse_int=_integer, parse_float=_float
        )
    except json.JSONDecodeError as error:
        raise JsonError(f"is not JSON: line {error.lineno}, column {error.colno}: {error.msg}") from error
    refuse_nul(value)
    return value


def refuse_nul(value: Any, path: str = "") -> None:
    """Refuse a value that holds a character that PostgreSQL can't: NUL, or half of a pair.

    Raises:
        JsonError: It does; says where.
    """
    if isinstance(value, str):
        if "\0" in value:
            raise JsonError(f"{path or 'the text'} has a NUL character")
        if any("\ud800" <= letter <= "\udfff" for letter in value):
            raise JsonError(f"{path or 'the text'} has half of a surrogate pair, which is no character")
    elif isinstance(value, Mapping):
        for name, inner in cast("Mapping[str, Any]", value).items():
            refuse_nul(name, f"a name in {path}" if path else "a name")
            refuse_nul(inner, f"{path}.{name}" if path else name)
    elif isinstance(value, list):
        for number, inner in enumerate(cast("list[Any]", value)):
            refuse_nul(inner, f"{path}.{number}" if path else str(number))


def _with_known(value: dict[str, Any], known: Collection[str] | None) -> dict[str, Any]:
    for name in value:
        if known is not None and name not in known:
            raise RefusedError(400, "key_unknown", f"unknown key {name!r}{near_names(name, known)}")
    return value


def _check_depth(text: str) -> None:
    """Before it is parsed: the parser itself goes down with the depth."""
    depth = 0
    inside = escaped = False
    for letter in text:
        if inside:
            inside = escaped or letter != '"'
            escaped = not escaped and letter == "\\"
        elif letter == '"':
            inside = True
        elif letter in "[{":
            depth += 1
            if depth > DEEPEST:
                raise JsonError(f"is nested deeper than {DEEPEST} levels")
        elif letter in "]}":
            depth -= 1


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    value: dict[str, Any] = {}
    for name, inner in pairs:
        if name in value:
            raise JsonError(f"the name {name!r} stands twice in one object")
        value[name] = inner
    return value


def _refuse_constant(text: str) -> NoReturn:
    raise JsonError(f"{text} is no number of JSON")


def _integer(text: str) -> int:
    if len(text) > _DIGITS:
        raise JsonError(f"a number has more than {_DIGITS} digits")
    return int(text)


def _float(text: str) -> float:
    value = float(text)
    if value in (float("inf"), float("-inf")):
        raise JsonError(f"the number {text[:40]} is too large")
    return value


__all__ = ["DEEPEST", "JsonError", "parse_json", "read_body", "read_json", "refuse_nul"]
