from __future__ import annotations

import json
import pickle
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import Field

from active_data_flow.core.configuration import Configuration, Secret, Url, password_in, redact_url
from active_data_flow.core.errors import ConfigurationError
from active_data_flow.core.policies import CheckpointPolicy, Drift, ErrorPolicy, RetryPolicy, SchemaContract


class Paging(Configuration):
    size: int = Field(default=100, ge=1)
    order: str = "id"


class Service(Configuration):
    url: Url
    token: Secret | None = None
    paging: Paging = Paging()
    pages: list[Paging] = Field(default=[])


def fault(kind: type[Configuration], **options: Any) -> str:
    with pytest.raises(ConfigurationError) as caught:
        kind(**options)
    return caught.value.message


def test_a_fault_names_path_expectation_and_what_was_given() -> None:
    text = fault(Service, url="https://a", paging={"size": "ten"})
    assert text.startswith("Service: paging.size: Input should be a valid integer")
    assert text.endswith("(given: 'ten')")
    assert fault(Service, url="https://a", pages=[{}, {"size": 0}]).startswith("Service: pages.1.size: ")


def test_several_faults_are_told_at_once() -> None:
    text = fault(Service, paging={"size": "ten"})
    assert text.splitlines()[0] == "Service: 2 faults:"
    assert "  url: is required" in text.splitlines()


def test_an_unknown_option_suggests_near_names_or_lists_them() -> None:
    assert fault(Paging, siez=3) == "Paging: siez: unknown option; did you mean size?"
    assert fault(Paging, qqqqq=3) == "Paging: qqqqq: unknown option; there are order, size"


def test_an_unknown_option_of_a_nested_configuration_suggests_its_near_names() -> None:
    assert (
        fault(Service, url="https://a", paging={"siez": 3})
        == "Service: paging.siez: unknown option; did you mean size?"
    )
    assert (
        fault(Service, url="https://a", pages=[{"siez": 3}])
        == "Service: pages.0.siez: unknown option; did you mean size?"
    )


def test_options_are_given_by_name() -> None:
    with pytest.raises(ConfigurationError, match=r"takes its options by name: Paging\(size=5\)"):
        Paging(5)


def test_a_label_takes_the_place_of_the_class_name() -> None:
    class Labelled(Configuration):
        label = "flow prices"
        size: int

    assert fault(Labelled, size="x").startswith("flow prices: size: ")


def test_configurations_are_immutable_equal_by_value_and_pickle() -> None:
    service = Service(url="https://a", paging={"size": 5})
    with pytest.raises(Exception, match="frozen"):
        service.url = "x"  # type: ignore[misc,assignment]
    assert pickle.loads(pickle.dumps(service)) == service == Service.build(service.to_options())


def test_options_are_written_without_defaults_and_json_safe() -> None:
    service = Service(url="https://a", paging={"size": 5})
    assert json.loads(json.dumps(service.to_options())) == {"url": "https://a", "paging": {"size": 5}}


@given(
    st.builds(
        ErrorPolicy,
        reject=st.booleans(),
        max_rejects=st.none() | st.integers(0, 10**9),
        max_reject_share=st.none() | st.floats(0, 1),
    )
    | st.builds(
        SchemaContract, table=st.sampled_from(Drift), column=st.sampled_from(Drift), type=st.sampled_from(Drift)
    )
    | st.builds(RetryPolicy, attempts=st.integers(1, 99), backoff=st.floats(0, 1e6), max_backoff=st.floats(0, 1e6))
    | st.builds(CheckpointPolicy, every=st.floats(0, 1e6), bytes=st.integers(1, 2**50))
)
def test_every_policy_is_built_again_from_its_options(policy: Configuration) -> None:
    assert type(policy).build(json.loads(json.dumps(policy.to_options()))) == policy


@pytest.mark.parametrize(
    ("option", "value", "expected"),
    [
        ("every", "30s", 30.0),
        ("every", "5m", 300.0),
        ("every", 2, 2.0),
        ("bytes", "64MB", 64_000_000),
        ("bytes", "1GiB", 2**30),
    ],
)
def test_times_and_sizes_are_read(option: str, value: Any, expected: float) -> None:
    assert getattr(CheckpointPolicy(**{option: value}), option) == expected


@pytest.mark.parametrize(("option", "value"), [("every", "soon"), ("every", -1), ("bytes", "big"), ("bytes", 0)])
def test_bad_times_and_sizes_are_named(option: str, value: Any) -> None:
    assert fault(CheckpointPolicy, **{option: value}).startswith(f"CheckpointPolicy: {option}: ")


# ---------- secrets


def test_a_secret_is_a_reference_and_is_resolved_when_needed(monkeypatch: pytest.MonkeyPatch) -> None:
    service = Service(url="https://a", token="env:SHOP_TOKEN")
    assert "env:SHOP_TOKEN" in repr(service)
    assert service.token is not None
    with pytest.raises(ConfigurationError, match="environment variable SHOP_TOKEN is not set"):
        service.token.resolve()
    monkeypatch.setenv("SHOP_TOKEN", "hush")
    assert service.token.resolve() == "hush"
    assert "hush" not in repr(service) + str(service.to_options())


def test_a_secret_in_clear_is_refused_without_being_shown() -> None:
    text = fault(Service, url="https://a", token="s3cr3t-value")
    assert "env:NAME" in text
    assert "s3cr3t-value" not in text


@pytest.mark.parametrize(
    "address",
    [
        "postgresql://me:s3cr3t@host/db",
        "postgresql://me:s3c@r3t@host/db",
        "mysql://:s3cr3t@host/db",
        "https://me:s3cr3t@host:99999999/x",
        "postgresql+psycopg://me:s3cr3t@[::1]:5432/db?sslmode=require",
    ],
)
def test_an_address_with_a_password_is_refused_without_showing_it(address: str) -> None:
    text = fault(Service, url=address)
    assert "password stands in clear" in text
    assert "s3c" not in text


@pytest.mark.parametrize(
    "address",
    [
        "postgresql://host/db?password=s3cr3t",
        "postgresql://host/db?user=me&password=s3cr3t&x=1",
        "https://host/?PWD=s3cr3t",
    ],
)
def test_a_password_among_the_parameters_of_an_address_is_refused_too(address: str) -> None:
    text = fault(Service, url=address)
    assert "password stands in clear" in text
    assert "s3cr3t" not in text


def test_other_faults_never_show_passwords() -> None:
    text = fault(Paging, size="postgresql://me:s3cr3t@host/db")
    assert "s3cr3t" not in text
    assert "********" in text


def test_an_address_may_be_a_reference(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SHOP_URL", "postgresql://me:s3cr3t@host/db")
    url = Service(url="env:SHOP_URL").url
    assert (url.resolve(), url.redacted, repr(url)) == (
        "postgresql://me:s3cr3t@host/db",
        "env:SHOP_URL",
        "'env:SHOP_URL'",
    )
    assert Service(url="sqlite:///a.db").url.resolve() == "sqlite:///a.db"


@given(
    st.text(st.characters(codec="ascii", categories=["L", "N"]), min_size=1),
    st.text(st.characters(codec="ascii", min_codepoint=33), min_size=6),
)
def test_no_password_of_an_address_is_ever_shown(user: str, password: str) -> None:
    address = f"postgresql://{user}:x{password}@db.example.org:5432/shop"
    assert password_in(address)
    assert (
        redact_url(f"no way to {address} now") == f"no way to postgresql://{user}:********@db.example.org:5432/shop now"
    )


@pytest.mark.parametrize(
    "address",
    [
        "http://host:8080/@me",
        "s3://bucket/a:b@c",
        "sqlite:////tmp/a:b@c.db",
        "postgresql://me@host:5432/db",
        "https://a/?page=2",
    ],
)
def test_addresses_without_a_password_are_left_alone(address: str) -> None:
    assert not password_in(address)
    assert redact_url(address) == address
    assert Service(url=address).url.redacted == address


def test_redacting_keeps_the_rest() -> None:
    text = "from a://u:p1@h/x to b://u@h/y and c://:p2@h"
    assert redact_url(text) == "from a://u:********@h/x to b://u@h/y and c://:********@h"
