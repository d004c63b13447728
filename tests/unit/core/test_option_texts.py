from __future__ import annotations

from pydantic import BaseModel

from active_data_flow.core.option_texts import option_texts


class Parent(BaseModel):
    host: str
    """Where it is,
    in words."""
    port: int = 1
    """Its number."""
    silent: bool = False


class Child(Parent):
    port: int = 2
    """Its own number."""

    def method(self) -> None:
        """No option."""

    extra: str = ""

    """After an empty line."""


def test_texts_are_those_under_the_fields_and_a_child_overrides_its_parents():
    assert option_texts(Child) == {
        "host": "Where it is,\nin words.",
        "port": "Its own number.",
        "extra": "After an empty line.",
    }


def test_a_class_without_source_has_no_texts():
    made: dict[str, type[BaseModel]] = {}
    exec("class Made(BaseModel):\n    a: int\n    'text'", {"BaseModel": BaseModel, "__name__": "console"}, made)
    assert option_texts(made["Made"]) == {}
