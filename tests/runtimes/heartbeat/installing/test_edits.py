from __future__ import annotations

import ast

import pytest
from hypothesis import given
from hypothesis import strategies as st

from active_data_flow.runtimes.heartbeat.installing import add_assignment, append_to_list, import_names


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("A = []\n", "A = ['x']\n"),
        ("A = ['a']\n", "A = ['a', 'x']\n"),
        ("A = ['a', ]\n", "A = ['a', 'x']\n"),
        ("A: list[str] = ['a']\n", "A: list[str] = ['a', 'x']\n"),
        ("A = [\n    'a',\n]\n", "A = [\n    'a',\n    'x',\n]\n"),
        ("A = [\n    'a'\n]\n", "A = [\n    'a',\n    'x',\n]\n"),
        ("A = [\n    'a',  # one, two\n    # more\n]\n", "A = [\n    'a',  # one, two\n    # more\n    'x',\n]\n"),
        ("A = [\n    'a'  # no comma, here\n]\n", "A = [\n    'a',  # no comma, here\n    'x',\n]\n"),
        ("A = ['å',\n     'b']\n", "A = ['å',\n     'b', 'x']\n"),
        ("A = [f('y'), *rest]\n", "A = [f('y'), *rest, 'x']\n"),
        ("if True:\n    A = ['no']\nA = ['a']\n", "if True:\n    A = ['no']\nA = ['a', 'x']\n"),
    ],
)
def test_an_element_is_put_at_the_end(before, after):
    assert append_to_list(before, "A", "'x'") == after
    assert append_to_list(after, "A", '"x"') == after  # the second time nothing changes


@pytest.mark.parametrize(
    "source",
    [
        "",
        "B = []\n",
        "A = ['a'] + ['b']\n",
        "A = get()\n",
        "A = ('a',)\n",
        "A = ['a']\nA = ['b']\n",
        "from base import *\nA += ['a']\n",
        "if x:\n    A = ['a']\n",
        "A = [\n",
        "A = ['\0']\n",
    ],
)
def test_what_is_not_plain_is_left_alone(source):
    assert append_to_list(source, "A", "'x'") is None


_texts = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0\r"), max_size=8).map(repr)
_elements = st.lists(_texts, max_size=4)


@given(_elements, st.booleans(), st.booleans(), st.sampled_from(["", "  # a, b", "  # 'x'"]))
def test_any_list_keeps_its_elements(elements, lines, comma, comment):
    inside = f",{comment if lines else ''}\n    ".join(elements) if lines else ", ".join(elements)
    end = ("," if comma and elements else "") + (f"{comment}\n" if lines else "")
    source = f"first = 1\nA = [{inside}{end}]\nlast = 2\n"
    edited = append_to_list(source, "A", "'new element'")
    assert edited is not None
    values = {node.targets[0].id: ast.literal_eval(node.value) for node in ast.parse(edited).body}
    assert values == {"first": 1, "A": [*map(ast.literal_eval, elements), "new element"], "last": 2}
    assert append_to_list(edited, "A", "'new element'") == edited


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("from django.urls import path\n", "from django.urls import include, path\n"),
        ("from django.urls import include, path\n", "from django.urls import include, path\n"),
        (
            "from django.urls import (\n    path,\n)\n",
            "from django.urls import (\n    path,\n)\nfrom django.urls import include\n",
        ),
        (
            "from django.urls import path  # noqa\n",
            "from django.urls import path  # noqa\nfrom django.urls import include\n",
        ),
        ('"""Doc."""\nx = 1\n', '"""Doc."""\nfrom django.urls import include, path\nx = 1\n'),
        ("import os\nx = 1\n", "import os\nfrom django.urls import include, path\nx = 1\n"),
        (
            "from django.urls import path as p\n",
            "from django.urls import path as p\nfrom django.urls import include, path\n",
        ),
    ],
)
def test_names_are_imported_once(before, after):
    assert import_names(before, "django.urls", ["path", "include"]) == after
    assert import_names(after, "django.urls", ["path", "include"]) == after


def test_an_assignment_is_put_at_the_end_once():
    assert add_assignment("x = 1\n\n\n", "A", "\nA = {}\n") == "x = 1\n\nA = {}\n"
    assert add_assignment("if y:\n    A = 2\n", "A", "A = {}") == "if y:\n    A = 2\n"
    assert add_assignment("x = (\n", "A", "A = {}") is None
