"""Options declared once: parsing, errors, forms and documentation come from the same annotated class."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar, Self, get_args

from pydantic import BaseModel, ConfigDict, GetCoreSchemaHandler, GetJsonSchemaHandler, ValidationError
from pydantic_core import CoreSchema, core_schema

from active_data_flow.core.errors import ConfigurationError, Fault
from active_data_flow.core.near_names import near_names
from active_data_flow.core.option_texts import option_texts

REDACTED = "********"
_PORT = r"\d{1,5}(?:[/?#\s'\"]|$)"
# up to the last @: a password may hold any sign, and rather too much is hidden than too little
_PASSWORD = re.compile(rf"(\w[\w+.-]*://[^\s:/@]*):(?!{_PORT})[^\s]+@")
_PASSWORD_PARAMETER = re.compile(
    r"([?&;](?:\w*password|passwd|pwd|\w*token|\w*secret|\w*secret_key))=[^&\s'\"]+", re.IGNORECASE
)
_REFERENCE = re.compile(r"env:[A-Za-z_][A-Za-z0-9_]*")


class Configuration(BaseModel):
    """A validated, immutable set of options.

    Subclass it with annotated fields. Unknown options are refused with near names; each error names the path of the
    field, what was expected and what was given.

    Raises:
        ConfigurationError: At construction, for any bad option.

    Example:
        >>> class Paging(Configuration):
        ...     page_size: int = 100
        >>> Paging(page_size="ten")
        Traceback (most recent call last):
        ...
        active_data_flow.core.errors.ConfigurationError: Paging: page_size: Input should be a valid integer, \
unable to parse string as an integer (given: 'ten')
    """

    model_config = ConfigDict(
        extra="forbid",
        frozen=True,
        validate_default=False,
        hide_input_in_errors=True,  # pydantic cuts values in the middle, where a secret is not known as one any more
    )

    label: ClassVar[str] = ""

    def __init__(self, *values: Any, **options: Any) -> None:
        name = self.label or type(self).__name__
        if values:
            first = next(iter(type(self).model_fields), "option")
            message = f"{name} takes its options by name: {type(self).__name__}({first}={_shown(values[0])})"
            raise ConfigurationError(message)
        try:
            super().__init__(**options)
        except ValidationError as error:
            faults = faults_of(error, type(self))
            raise ConfigurationError(describe(faults, name), faults=faults) from error

    # so that nested configurations report their faults to the one that holds them, with the whole path
    __init__.__pydantic_base_init__ = True  # pyright: ignore[reportFunctionMemberAccess]  # read by pydantic

    @classmethod
    def __get_pydantic_json_schema__(cls, core_schema: CoreSchema, handler: GetJsonSchemaHandler) -> dict[str, Any]:
        schema = handler(core_schema)
        properties = handler.resolve_ref_schema(schema).get("properties", {})
        for name, text in option_texts(cls).items():
            properties[cls.model_fields[name].alias or name]["description"] = text
        return schema

    @classmethod
    def build(cls, options: Mapping[str, Any]) -> Self:
        """Build from a mapping, as it comes from a document."""
        return cls(**{str(name): value for name, value in options.items()})

    def to_options(self) -> dict[str, Any]:
        """The options that differ from their defaults, JSON-safe, from which `build` makes an equal object."""
        return self.model_dump(mode="json", exclude_defaults=True, by_alias=True)


class Secret(str):
    """A value that is given by reference and never shown.

    In configuration it is ``env:NAME``; `resolve` reads the environment when the value is needed. A literal is refused.
    """

    __slots__ = ()

    def resolve(self) -> str:
        """The value itself.

        Raises:
            ConfigurationError: The environment variable is not set.
        """
        return resolve_reference(str(self))

    @classmethod
    def __get_pydantic_core_schema__(cls, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        return core_schema.no_info_after_validator_function(cls._check, core_schema.str_schema())

    @classmethod
    def _check(cls, value: str) -> Secret:
        if not _REFERENCE.fullmatch(value):
            raise ValueError("a secret is given by reference, as env:NAME, never in clear")
        return cls(value)


class Url(str):
    """An address; either in clear without a password, or a reference ``env:NAME`` to the whole of it.

    Its `repr` and `redacted` never show a password.
    """

    __slots__ = ()

    def resolve(self) -> str:
        """The address itself, read from the environment where it is a reference.

        Raises:
            ConfigurationError: The environment variable is not set.
        """
        return resolve_reference(str(self)) if _REFERENCE.fullmatch(self) else str(self)

    @property
    def redacted(self) -> str:
        """The address as it may be shown: a reference as it is, else without password."""
        return redact_url(str(self))

    def __repr__(self) -> str:
        return repr(self.redacted)

    @classmethod
    def __get_pydantic_core_schema__(cls, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        return core_schema.no_info_after_validator_function(cls._check, core_schema.str_schema(min_length=1))

    @classmethod
    def _check(cls, value: str) -> Url:
        if not _REFERENCE.fullmatch(value) and password_in(value):
            raise ValueError(
                "the password stands in clear; put the whole address into an environment variable and give env:NAME"
            )
        return cls(value)


def resolve_reference(reference: str) -> str:
    """Value of a reference ``env:NAME``.

    Raises:
        ConfigurationError: The variable is not set; names it, never a value.
    """
    name = reference.removeprefix("env:")
    try:
        return os.environ[name]
    except KeyError:
        message = f"environment variable {name} is not set; it is referred to as env:{name}"
        raise ConfigurationError(message) from None


def is_reference(text: str) -> bool:
    """Whether a text refers to an environment variable, as ``env:NAME``."""
    return bool(_REFERENCE.fullmatch(text))


def password_in(url: str) -> bool:
    """Whether an address carries a password in clear: before its host, or among its parameters."""
    return bool(_PASSWORD.search(url) or _PASSWORD_PARAMETER.search(url))


def redact_url(text: str) -> str:
    """`text` with the passwords of all addresses in it replaced."""
    text = _PASSWORD.sub(rf"\1:{REDACTED}@", text)
    return _PASSWORD_PARAMETER.sub(rf"\1={REDACTED}", text)


def describe(faults: Sequence[Fault], name: str) -> str:
    """One line for one fault, several lines for several: path, what was expected, what was given."""
    if len(faults) == 1:
        return f"{name}: {faults[0]}"
    return f"{name}: {len(faults)} faults:" + "".join(f"\n  {fault}" for fault in faults)


def faults_of(error: ValidationError, model: type[BaseModel]) -> list[Fault]:
    """What pydantic has found, one fault a field."""
    return [Fault(tuple(fault["loc"]), _message(fault, model)) for fault in _one_a_field(error)]


def _one_a_field(error: ValidationError) -> list[Mapping[str, Any]]:
    """Of the ways in which a field that may be several things is none of them, the last is told."""
    by_field: dict[tuple[Any, ...], Mapping[str, Any]] = {}
    for fault in error.errors(include_url=False, include_context=True):
        path = tuple(step for step in fault["loc"] if not _names_a_type(step))
        by_field[path] = {**fault, "loc": path}
    return list(by_field.values())


def _names_a_type(step: Any) -> bool:
    """Pydantic puts the members of a union into the path, as ``literal['auto']`` or ``list[str]``."""
    return isinstance(step, str) and ("[" in step or step in {"str", "int", "float", "bool", "none"})


def _message(fault: Mapping[str, Any], model: type[BaseModel]) -> str:
    if fault["type"] == "missing":
        return "is required"
    if fault["type"] == "extra_forbidden":
        where = _model_at(model, fault["loc"][:-1])
        near = "" if where is None else near_names(str(fault["loc"][-1]), set(where.model_fields))
        return f"unknown option{near}"
    message = str(fault["msg"]).removeprefix("Value error, ")
    if "in clear" in message or not fault["loc"]:
        return message
    return f"{message} (given: {_shown(fault['input'])})"


def _model_at(model: type[BaseModel], path: Sequence[str | int]) -> type[BaseModel] | None:
    """The model of the options at a path, where it is plain which one that is."""
    found: type[BaseModel] | None = model
    for step in path:
        if isinstance(step, int):  # of a list
            continue
        field = found.model_fields.get(step) if found is not None else None
        found = None if field is None else _model_in(field.annotation)
    return found


def _model_in(hint: Any) -> type[BaseModel] | None:
    if isinstance(hint, type) and issubclass(hint, BaseModel):
        return hint
    models = [model for part in get_args(hint) if (model := _model_in(part)) is not None]
    return models[0] if len(models) == 1 else None


def _shown(value: Any) -> str:
    shown = redact_url(repr(value))
    return shown if len(shown) <= 80 else shown[:77] + "..."


__all__ = [
    "REDACTED",
    "Configuration",
    "Secret",
    "Url",
    "describe",
    "faults_of",
    "is_reference",
    "password_in",
    "redact_url",
    "resolve_reference",
]
