from __future__ import annotations

import json
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from django_project.setup import app_settings_of, set_up_django

set_up_django()

from django.core.handlers.wsgi import WSGIRequest  # noqa: E402  # needs Django
from django.test import RequestFactory  # noqa: E402

from active_data_flow.runtimes.heartbeat.security.json_bodies import JsonError, parse_json, read_json  # noqa: E402
from active_data_flow.runtimes.heartbeat.security.problems import RefusedError  # noqa: E402


def post(body, **headers):
    return RequestFactory().post("/", body, content_type="application/json", **headers)


@pytest.mark.parametrize(
    ("body", "message"),
    [
        ('{"name": "a\\u0000b"}', "name has a NUL character"),
        ('{"a\\u0000": 1}', "a name has a NUL character"),
        ('{"a": [{"b": "\\u0000"}]}', r"a\.0\.b has a NUL character"),
        ('{"a": "\\ud800"}', "half of a surrogate pair"),
        ('{"a": "\0"}', "Invalid control character"),
        (b'{"a": "\xff"}', "not UTF-8 at byte 7"),
        ('{"a": 1', "line 1, column 8"),
        ('{"a": 1, "a": 2}', "'a' stands twice"),
        ("[1, 2]", "no JSON object"),
        ('"text"', "no JSON object"),
        ('{"a": NaN}', "NaN is no number"),
        ('{"a": -Infinity}', "-Infinity is no number"),
        ('{"a": 1e999}', "is too large"),
        ('{"a": ' + "9" * 5000 + "}", "more than 308 digits"),
        ('{"a": ' + "[" * 100_000, "nested deeper than 32"),
        ('{"a": ' * 40 + "1" + "}" * 40, "nested deeper than 32"),
        ('{"prcie": 1}', "unknown key 'prcie'; did you mean price"),
    ],
)
def test_what_is_no_json_that_we_take_is_named(body, message):
    with pytest.raises(RefusedError, match=message) as refused:
        read_json(post(body), {"price", "a", "name"})
    assert refused.value.status == 400


def test_no_body_is_no_mistake():
    assert read_json(post("")) == {}
    assert read_json(post(" \n")) == {}


def test_brackets_inside_texts_are_not_nesting():
    body = json.dumps({"a": "[{" * 100 + '\\"[[' * 50})
    assert read_json(post(body)) == json.loads(body)


def test_a_huge_body_is_refused_and_not_read():
    class Untouchable:
        def read(self, *_):
            raise AssertionError("was read")

        readline = read

    environ = RequestFactory()._base_environ(
        REQUEST_METHOD="POST", CONTENT_LENGTH="100000000000", **{"wsgi.input": Untouchable()}
    )
    with pytest.raises(RefusedError, match="larger than 1048576 bytes") as refused:
        read_json(WSGIRequest(environ))
    assert refused.value.status == 413


def test_the_largest_body_is_a_setting():
    with app_settings_of(MAX_BODY="1kB"):
        assert read_json(post(json.dumps({"a": "x" * 900})))
        with pytest.raises(RefusedError, match="larger than 1000 bytes"):
            read_json(post(json.dumps({"a": "x" * 1000})))


@pytest.mark.parametrize("length", ["-1", "many", "1.5"])
def test_a_length_that_is_none_is_refused(length):
    with pytest.raises(RefusedError) as refused:
        read_json(post("{}", CONTENT_LENGTH=length))
    assert refused.value.status == 413


def test_a_body_can_be_read_twice():
    request = post('{"a": 1}')
    assert read_json(request) == read_json(request) == {"a": 1}
    assert request.body == b'{"a": 1}'


_texts = st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), max_size=8)
_values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(10**20), 10**20)
    | st.floats(allow_nan=False, allow_infinity=False)
    | _texts,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(_texts, inner, max_size=4),
    max_leaves=12,
)


@given(_values)
def test_all_other_json_comes_through_as_it_is(value):
    assert parse_json(json.dumps(value)) == value


@given(st.binary(max_size=60))
def test_any_bytes_are_json_or_refused(body):
    with suppress(JsonError):
        parse_json(body)
