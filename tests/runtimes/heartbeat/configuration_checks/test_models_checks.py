"""Models that records may name."""

from __future__ import annotations

import pytest

from django_project.setup import app_settings_of, set_up_django

set_up_django()

from active_data_flow.connectors.active_record import ActiveRecordSink, ActiveRecordSource  # noqa: E402  # needs Django
from active_data_flow.core.data_flow import DataFlow  # noqa: E402
from active_data_flow.core.errors import ConfigurationError  # noqa: E402
from active_data_flow.runtimes.heartbeat.configuration_checks import check_flow  # noqa: E402


def flow_of(source: str, sink: str) -> DataFlow:
    return DataFlow(name="users", source=ActiveRecordSource(model=source), sink=ActiveRecordSink(model=sink))


def test_without_models_a_record_names_none():
    with pytest.raises(ConfigurationError, match="records may not name this model; add it to MODELS") as error:
        check_flow("users", flow_of("auth.Group", "auth.User"))
    assert [fault.path for fault in error.value.faults] == [("source",), ("sink",)]


@pytest.mark.parametrize("allowed", [["auth.Group", "auth.User"], ["auth.*"], ["AUTH.group", "Auth.USER"]])
def test_models_that_are_allowed(allowed):
    with app_settings_of(MODELS=allowed):
        check_flow("users", flow_of("auth.Group", "auth.User"))


def test_a_model_beside_those_that_are_allowed():
    with (
        app_settings_of(MODELS=["auth.Group", "authentic.*"]),
        pytest.raises(ConfigurationError, match=r"auth\.User: records may not name this model") as error,
    ):
        check_flow("users", flow_of("auth.Group", "auth.User"))
    assert [fault.path for fault in error.value.faults] == [("sink",)]


def test_models_that_code_names_are_the_developers_choice():
    code = flow_of("auth.Group", "auth.User")
    check_flow("users", flow_of("auth.User", "auth.Group"), code)
    with pytest.raises(ConfigurationError, match=r"auth\.Permission"):
        check_flow("users", flow_of("auth.Permission", "auth.Group"), code)


@pytest.mark.parametrize("name", ["User", "auth.", "auth.User.name", "*"])
def test_what_is_no_model_is_no_setting(name):
    with pytest.raises(ConfigurationError, match=r"models\.0: String should match"), app_settings_of(MODELS=[name]):
        check_flow("users", flow_of("auth.Group", "auth.User"))
