from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from enum import Enum
from typing import Annotated, Any, Literal

import pytest
from pydantic import Field

from active_data_flow.core.configuration import Configuration, Secret, Url
from active_data_flow.core.options import json_schema, options_of, type_text
from active_data_flow.core.policies import ErrorPolicy


class Colour(Enum):
    RED = "red"
    BLUE = "blue"


class Example(Configuration):
    url: Url
    """Where it is,
    as ``sqlite:///x.db``."""
    colour: Colour = Colour.RED
    names: tuple[str, ...] = ("a", "b")
    flag: bool = False
    note: str | None = None
    quote: str = "\t"
    policy: ErrorPolicy = ErrorPolicy(max_rejects=3)
    headers: dict[str, str] = Field(default_factory=dict)


@pytest.mark.parametrize(
    ("annotation", "text"),
    [
        (str, "text"),
        (int | None, "integer or none"),
        (Annotated[float, Field(ge=0)], "number"),
        (Literal["csv", "parquet", "arrow"], "csv, parquet or arrow"),
        (Sequence[str | int], "list of text or integer"),
        (Mapping[str, float], "mapping of text to number"),
        (Callable[[int], int], "function"),
        (type[Example], "class {url, colour, names, flag, note, quote, policy, headers}"),
        (Colour, "red or blue"),
        (ErrorPolicy, "{reject, max_rejects, max_reject_share}"),
        (Secret, "env:NAME"),
        (Any, "anything"),
    ],
)
def test_types_are_as_people_read_them(annotation, text):
    assert type_text(annotation) == text


def test_options_have_type_default_and_text():
    found = {option.name: option for option in options_of(Example)}
    assert found["url"] == ("url", "address, or env:NAME", True, "", "Where it is, as sqlite:///x.db.")
    defaults = {name: option.default for name, option in found.items() if not option.required}
    assert defaults == {
        "colour": "red",
        "names": "[a, b]",
        "flag": "false",
        "note": "none",
        "quote": r"'\t'",
        "policy": "reject: false, max_rejects: 3, max_reject_share: none",
        "headers": "",
    }


def test_a_plain_class_has_the_arguments_of_its_constructor():
    class Plain:
        def __init__(self, directory: str, wait: float = 0.5) -> None: ...

    assert [(option.name, option.required, option.default) for option in options_of(Plain)] == [
        ("directory", True, ""),
        ("wait", False, "0.5"),
    ]
    assert json_schema(Plain) is None
    assert json_schema(Example)["required"] == ["url"]
