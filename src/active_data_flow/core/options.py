"""Options of a component, read off its class."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterable
from enum import Enum
from types import NoneType, UnionType
from typing import Annotated, Any, Literal, NamedTuple, Union, get_args, get_origin

from pydantic import BaseModel
from pydantic_core import PydanticUndefined

from active_data_flow.core.configuration import Secret, Url
from active_data_flow.core.option_texts import option_texts


class Option(NamedTuple):
    """One option.

    Attributes:
        name: As it is written.
        type: What it takes, as people read it.
        required: Whether it has to be given.
        default: What it is where it isn't given, as people read it.
        text: What it says, from its docstring.
    """

    name: str
    type: str
    required: bool
    default: str
    text: str


def options_of(component: Any) -> list[Option]:
    """All options of a component class: fields of a configuration, else arguments of its constructor."""
    if isinstance(component, type) and issubclass(component, BaseModel):
        texts = option_texts(component)
        return [
            _from_field(field.alias or name, field, texts.get(name, ""))
            for name, field in component.model_fields.items()
        ]
    return [_from_parameter(parameter) for parameter in inspect.signature(component).parameters.values()]


def json_schema(component: Any) -> dict[str, Any] | None:
    """The JSON schema of a component's options; None where it has no configuration class."""
    if isinstance(component, type) and issubclass(component, BaseModel):
        return component.model_json_schema()
    return None


def type_text(annotation: Any) -> str:
    """A type as people read it: ``text, list of numbers or none``."""
    if annotation in _WORDS:
        return _WORDS[annotation]
    origin, arguments = get_origin(annotation), get_args(annotation)
    if origin is Annotated:
        return type_text(arguments[0])
    if origin is Literal:
        return _or(str(value) for value in arguments)
    if origin in (Union, UnionType):
        return _or(dict.fromkeys(type_text(inner) for inner in arguments))
    return _class_text(annotation) if origin is None else _container(origin, arguments)


def _container(origin: Any, arguments: tuple[Any, ...]) -> str:
    if origin in _CALLABLES:
        return "function"
    inner = [type_text(part) for part in arguments if part is not Ellipsis]
    if isinstance(origin, type) and hasattr(origin, "keys"):
        return f"mapping of {' to '.join(inner)}"
    if isinstance(origin, type) and issubclass(origin, type):
        return f"class {inner[0]}"
    if isinstance(origin, type) and issubclass(origin, Iterable):
        return f"list of {_or(dict.fromkeys(inner))}"
    return str(origin)


def _class_text(kind: Any) -> str:
    if not isinstance(kind, type):
        return str(kind)
    if issubclass(kind, Enum):
        return _or(str(member.value) for member in kind)
    if issubclass(kind, BaseModel):
        return "{" + ", ".join(kind.model_fields) + "}"
    return _WORDS.get(kind, kind.__name__)


def _from_field(name: str, field: Any, text: str) -> Option:
    required = field.is_required()
    default = "" if required or field.default is PydanticUndefined else _shown(field.default)
    return Option(name, type_text(field.annotation), required, default, " ".join(text.replace("``", "").split()))


def _from_parameter(parameter: inspect.Parameter) -> Option:
    required = parameter.default is inspect.Parameter.empty
    return Option(
        parameter.name, str(parameter.annotation), required, "" if required else _shown(parameter.default), ""
    )


def _shown(value: Any) -> str:
    for kind, text in _SHOWN:
        if isinstance(value, kind):
            return text(value)
    return str(value)


def _or(texts: Iterable[str]) -> str:
    known = list(texts)
    return " or ".join([", ".join(known[:-1]), known[-1]] if len(known) > 1 else known)


_SHOWN: tuple[tuple[type | tuple[type, ...], Callable[[Any], str]], ...] = (
    (NoneType, lambda _: "none"),
    (Enum, lambda value: str(value.value)),
    (bool, lambda value: str(value).lower()),
    (str, lambda value: value if value.isprintable() and value.strip() else repr(value)),
    (BaseModel, lambda value: ", ".join(f"{name}: {_shown(inner)}" for name, inner in value)),
    ((tuple, list), lambda value: f"[{', '.join(_shown(part) for part in value)}]"),
)
_CALLABLES = (Callable, get_origin(Callable[[], None]))
_WORDS: dict[Any, str] = {
    str: "text",
    int: "integer",
    float: "number",
    bool: "true or false",
    bytes: "bytes",
    Url: "address, or env:NAME",
    Secret: "env:NAME",
    NoneType: "none",
    Any: "anything",
}

__all__ = ["Option", "json_schema", "options_of", "type_text"]
