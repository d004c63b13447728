from __future__ import annotations

import pytest

from active_data_flow.core.errors import ConfigurationError
from django_project.setup import app_settings_of, set_up_django

set_up_django()

from active_data_flow.runtimes.heartbeat.settings import app_settings  # noqa: E402  # needs Django


def test_defaults_are_there_without_any_setting():
    settings = app_settings()
    assert (settings.budget, settings.lease, settings.max_flows) == (20.0, 60.0, 100)


def test_a_change_counts_at_once_and_while_it_lasts():
    with app_settings_of(BUDGET="5s", ALLOWED_NETWORKS=["10.0.0.0/8"], TOKEN="env:ADF_TOKEN"):
        assert app_settings().budget == 5.0
        assert app_settings().allowed_networks == ("10.0.0.0/8",)
    assert app_settings().budget == 20.0


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"BUGDET": "5s"}, "unknown key 'BUGDET'; did you mean BUDGET"),
        ({"budget": "5s"}, "unknown key 'budget'"),
        ({"BUDGET": "soon"}, "budget: is a time"),
        ({"TOKEN": "hunter2"}, "never in clear"),
        ({"ALLOWED_NETWORKS": ["10.0.0.1/8"]}, "has host bits set"),
        ({"LEASE": 0}, "greater than 0"),
        ({"ENDPOINT": "/beat/"}, "pattern"),
    ],
)
def test_what_is_wrong_is_named(options, message):
    with app_settings_of(**options), pytest.raises(ConfigurationError, match=message):
        app_settings()
