from __future__ import annotations

import json

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from active_data_flow.core.documents import parse_document, parse_value, read_document
from active_data_flow.core.errors import ConfigurationError


def json_values(text):
    return st.recursive(
        st.none() | st.booleans() | st.integers(-(10**12), 10**12) | st.floats(allow_nan=False) | text,
        lambda inner: st.lists(inner, max_size=4) | st.dictionaries(text, inner, max_size=4),
        max_leaves=12,
    )


_JSON = json_values(st.text(max_size=20))
# the YAML writer folds line separators away, and leaves numbers of newer YAML, as 0E0, without quotes
_LETTERS = st.text(st.characters(exclude_categories=["Cc", "Cs", "Zl", "Zp"]), max_size=20)
_PLAIN = json_values(_LETTERS.filter(lambda text: not text[:2].strip("+-.")[:1].isdecimal()))


def test_yaml_has_the_types_of_json_and_no_surprises():
    text = """
    country: NO
    answers: [yes, off, true, "true", null, ~]
    day: 2013-01-01
    time: 12:30
    zip: 00501
    number: 1e3
    hex: 0x1F
    half: .5
    delimiter: =
    12: a key is a text
    secret: env:DATABASE_URL
    """
    assert parse_document(text).value == {
        "country": "NO",
        "answers": ["yes", "off", True, "true", None, None],
        "day": "2013-01-01",
        "time": "12:30",
        "zip": "00501",
        "number": 1000.0,
        "hex": 31,
        "half": 0.5,
        "delimiter": "=",
        "12": "a key is a text",
        "secret": "env:DATABASE_URL",
    }


@given(st.dictionaries(st.text(max_size=8), _JSON, max_size=5))
def test_a_json_document_says_what_json_says(value):
    assert parse_document(json.dumps(value), format="json").value == value


@given(_PLAIN)
def test_what_yaml_writes_is_read_back(value):
    document = {"value": value}
    assert parse_document(yaml.safe_dump(document, allow_unicode=True)).value == document


@pytest.mark.parametrize(
    ("text", "error"),
    [
        ("a: 1\nb: 2\na: 3\n", r"f\.yaml, line 3, column 1: the key 'a' stands twice here"),
        ("a:\n  b: [1, 2\nc: 3\n", r"f\.yaml, line 3, column 2: .*expected"),
        ("a: *nowhere\n", r"f\.yaml, line 1, column 4: .*undefined alias"),
        ("a: !!python/object/apply:os.system ['true']\n", r"f\.yaml, line 1, column 4: could not determine"),
        ("? [a]\n: b\n", r"f\.yaml, line 1, column 3: a key is a text"),
        ("a: \x00\n", r"f\.yaml: unacceptable character"),
        ("- a\n- b\n", r"f\.yaml: a flow's document is a mapping"),
        ("", r"f\.yaml: a flow's document is a mapping"),
    ],
)
def test_a_fault_in_yaml_names_file_line_and_column(tmp_path, monkeypatch, text, error):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "f.yaml").write_text(text)
    with pytest.raises(ConfigurationError, match=error):
        read_document("f.yaml")


@pytest.mark.parametrize(
    ("text", "error"),
    [
        ('{"a": 1,\n "b" 2}', r"line 2, column 6: Expecting ':'"),
        ('{"a": {"b": 1, "b": 2}}', r"the key 'b' stands twice in one mapping"),
        ("[]", "is a mapping"),
    ],
)
def test_a_fault_in_json_names_its_place(text, error):
    with pytest.raises(ConfigurationError, match=error):
        parse_document(text, name="f.json", format="json")


def test_a_file_that_cannot_be_read_says_why(tmp_path):
    with pytest.raises(ConfigurationError, match="No such file"):
        read_document(tmp_path / "none.yaml")
    (tmp_path / "latin.yaml").write_bytes(b"name: caf\xe9\n")
    with pytest.raises(ConfigurationError, match="is not UTF-8 at byte 9"):
        read_document(tmp_path / "latin.yaml")


def test_a_byte_order_mark_is_passed_over(tmp_path):
    (tmp_path / "f.yaml").write_bytes(b"\xef\xbb\xbfname: a\n")
    assert read_document(tmp_path / "f.yaml").value == {"name": "a"}


def test_a_place_is_the_line_of_the_innermost_part_that_is_there():
    document = parse_document("name: a\nsource:\n  type: file\n  path: x\nsteps:\n  - one\n  - two\n", name="f.yaml")
    assert document.place(["source", "path"]) == "f.yaml, line 4"
    assert document.place(["source", "pth"]) == "f.yaml, line 3"
    assert document.place(["steps", 1]) == "f.yaml, line 7"
    assert document.place([]) == "f.yaml, line 1"
    assert parse_document("{}", name="f.json", format="json").place(["a"]) == "f.json"


def test_values_are_parsed_as_in_documents():
    assert [parse_value(text) for text in ("5", "[a, 1]", "{a: no}", "x > 1", "", "'5'")] == [
        5,
        ["a", 1],
        {"a": "no"},
        "x > 1",
        None,
        "5",
    ]
    with pytest.raises(ConfigurationError, match="line 1, column"):
        parse_value("[a")
