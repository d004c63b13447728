"""Flow documents as text: YAML and JSON, read strictly, with the line of each part kept for errors."""

from __future__ import annotations

import json
import re
from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

import yaml

from active_data_flow.core.errors import ConfigurationError


@dataclass(frozen=True, slots=True)
class Document:
    """A document with the place it came from.

    Attributes:
        name: The file, as the user gave it.
        value: What stands in it; only JSON types.
        root: The parsed nodes, which know their lines; None for JSON.
    """

    name: str
    value: dict[str, Any]
    root: yaml.Node | None = None

    def place(self, path: Sequence[str | int]) -> str:
        """The file, with the line of the innermost part of `path` that is there: ``flights.yaml, line 3``."""
        if self.root is None:
            return self.name
        return f"{self.name}, line {_innermost(self.root, path).start_mark.line + 1}"


def read_document(path: str | Path) -> Document:
    """Read a flow's document from a file.

    Raises:
        ConfigurationError: There is no such file, it is not UTF-8, or what stands in it is not a valid document; names
            file, line and column.
    """
    try:
        text = Path(path).read_text(encoding="utf-8-sig")
    except OSError as error:
        raise ConfigurationError(f"{path}: can't be read: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise ConfigurationError(f"{path}: is not UTF-8 at byte {error.start}; save it as UTF-8") from error
    return parse_document(text, name=str(path), format="json" if str(path).endswith(".json") else "yaml")


def parse_document(text: str, *, name: str = "document", format: str = "yaml") -> Document:  # noqa: A002  # the one word for it everywhere
    """Parse a document.

    YAML is read with the types of JSON: ``no`` and ``off`` are texts (not false), ``2013-01-01`` and ``12:30`` too, and
    a number with leading zeros stays as it is written. A key is a text, and may stand only once.

    Raises:
        ConfigurationError: The text is not a valid document; names the line and column.
    """
    root, value = (None, _parse_json(text, name)) if format == "json" else _parse_yaml(text, name)
    if not isinstance(value, dict):
        raise ConfigurationError(f"{name}: a flow's document is a mapping, as {{name: …, source: {{type: …}}, …}}")
    return Document(name, cast("dict[str, Any]", value), root)


def parse_value(text: str) -> Any:
    """One value, as it stands in a document: ``5`` a number, ``[a, b]`` a list, everything else a text.

    Raises:
        ConfigurationError: The text is not valid YAML.
    """
    return _parse_yaml(text, repr(text))[1]


def _parse_yaml(text: str, name: str) -> tuple[yaml.Node | None, Any]:
    try:
        loader = _Loader(text)
        root = loader.get_single_node()
        return root, None if root is None else loader.construct_document(root)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        where = f"{name}, line {mark.line + 1}, column {mark.column + 1}" if mark else name
        raise ConfigurationError(f"{where}: {error.problem or error.context}") from error
    except yaml.YAMLError as error:
        raise ConfigurationError(f"{name}: {error}") from error


def _parse_json(text: str, name: str) -> Any:
    def unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        value: dict[str, Any] = {}
        for key, part in pairs:
            if key in value:
                raise ConfigurationError(f"{name}: the key {key!r} stands twice in one mapping")
            value[key] = part
        return value

    try:
        return json.loads(text, object_pairs_hook=unique)
    except json.JSONDecodeError as error:
        raise ConfigurationError(f"{name}, line {error.lineno}, column {error.colno}: {error.msg}") from error


def _innermost(node: yaml.Node, path: Sequence[str | int]) -> yaml.Node:
    for step in path:
        inner = _child(node, step)
        if inner is None:
            break
        node = inner
    return node


def _child(node: yaml.Node, step: str | int) -> yaml.Node | None:
    if isinstance(node, yaml.MappingNode):
        pairs = cast("list[tuple[yaml.Node, yaml.Node]]", node.value)
        return next((value for key, value in pairs if key.value == str(step)), None)
    if isinstance(node, yaml.SequenceNode) and isinstance(step, int) and step < len(node.value):
        return cast("yaml.Node", node.value[step])
    return None


class _Loader(yaml.SafeLoader):
    """The safe loader with the types of JSON, and with keys that may stand only once."""

    yaml_implicit_resolvers: dict[str, list[tuple[str, re.Pattern[str]]]] = {}  # noqa: RUF012  # the library's own shape

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Hashable, Any]:  # noqa: FBT001, FBT002  # the library's signature
        seen: set[Any] = set()
        for key, _ in cast("list[tuple[yaml.Node, yaml.Node]]", node.value):
            if not isinstance(key, yaml.ScalarNode):
                raise yaml.MarkedYAMLError(None, None, "a key is a text", key.start_mark)
            if key.tag == _MERGE:
                continue
            if key.value in seen:
                raise yaml.MarkedYAMLError(None, None, f"the key {key.value!r} stands twice here", key.start_mark)
            seen.add(key.value)
            key.tag = _TEXT  # as in JSON
        return super().construct_mapping(node, deep=deep)


_MERGE = "tag:yaml.org,2002:merge"
_TEXT = "tag:yaml.org,2002:str"
_FLOAT = r"[-+]?(?:[0-9]+\.[0-9]*|\.[0-9]+)(?:[eE][-+]?[0-9]+)?|[-+]?[0-9]+[eE][-+]?[0-9]+|[-+]?\.inf|\.nan"
_TYPES: Mapping[str, tuple[str, str]] = {
    "bool": ("true|True|TRUE|false|False|FALSE", "tTfF"),
    "int": (r"[-+]?(?:0|[1-9][0-9]*)|0x[0-9a-fA-F]+", "-+0123456789"),
    "float": (_FLOAT, "-+.0123456789"),
    "null": ("~|null|Null|NULL|", "~nN"),
    "merge": ("<<", "<"),
}
for _type, (_pattern, _first) in _TYPES.items():
    _letters = [*_first, *([""] if _type == "null" else [])]
    _Loader.add_implicit_resolver(f"tag:yaml.org,2002:{_type}", re.compile(f"^(?:{_pattern})$"), _letters)


__all__ = ["Document", "parse_document", "parse_value", "read_document"]
