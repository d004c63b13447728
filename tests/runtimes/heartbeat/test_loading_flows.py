from __future__ import annotations

import pytest
from django.conf import settings
from django.core.exceptions import ValidationError
from django.test import override_settings

from active_data_flow import every
from active_data_flow.core.errors import ConfigurationError
from django_project.setup import set_up_django

set_up_django()


from active_data_flow.runtimes.heartbeat.discovery import discover  # noqa: E402
from active_data_flow.runtimes.heartbeat.loading import build_flow, load  # noqa: E402
from active_data_flow.runtimes.heartbeat.models import DataFlow  # noqa: E402
from django_project.memory_flows import document  # noqa: E402
from django_project.memory_flows import record as record_of  # noqa: E402

CODE = "django_project.shop.flows:PriceSync"


def test_complete_flows_of_installed_apps_are_found():
    found = discover()
    assert sorted(found.flows) == [CODE, "django_project.shop.flows:Unscheduled"]
    assert found.broken == {}


def test_a_broken_module_costs_the_others_nothing(tmp_path, monkeypatch):
    (tmp_path / "broken_app").mkdir()
    (tmp_path / "broken_app" / "__init__.py").touch()
    (tmp_path / "broken_app" / "flows.py").write_text("1 / 0")
    monkeypatch.syspath_prepend(tmp_path)
    with override_settings(INSTALLED_APPS=[*settings.INSTALLED_APPS, "broken_app"]):
        found = discover()
    assert CODE in found.flows
    with pytest.raises(ConfigurationError, match=r"app broken_app: .*flows\.py, line 1: ZeroDivisionError"):
        found.find("broken_app.flows:Prices")


def test_code_that_is_gone_is_named_and_nothing_is_imported():
    with pytest.raises(ConfigurationError, match="no installed app has the flow os:path"):
        build_flow("one", "os:path", {})
    with pytest.raises(ConfigurationError, match=r"did you mean .*PriceSync"):
        build_flow("one", "django_project.shop.flows:PriceSink", {})


def test_what_differs_is_put_over_the_code():
    flow = build_flow(
        "prices",
        CODE,
        {
            "source": {"path": "other.csv"},
            "schedule": {"every": "10m"},
            "lowest": 5,
            "transforms": [{"type": "filter", "where": "price > 1"}],
        },
    )
    assert (flow.name, flow.source.path, flow.schedule, flow.lowest) == (
        "prices",
        ["other.csv"],
        every(minutes=10),
        5.0,
    )
    assert flow.transforms[0].where == "price > 1"
    assert flow.has_code
    assert flow.reference == CODE


def test_a_component_with_a_type_replaces_that_of_the_code():
    flow = build_flow("prices", CODE, {"sink": {"type": "memory", "place": "elsewhere"}})
    assert flow.sink.place == "elsewhere"


def test_a_document_alone_is_a_flow():
    flow = build_flow("alone", "", document("alone"))
    assert (flow.name, flow.schedule) == ("alone", every(minutes=5))


@pytest.mark.parametrize(
    ("configuration", "message"),
    [
        ({"sourc": {"path": "x"}}, "did you mean source"),
        ({"source": {"pathh": "x"}}, "did you mean path"),
        ({"source": {"type": "fil"}}, "unknown source 'fil'; did you mean file"),
        ({"source": "other.csv"}, "source: is a mapping of options"),
        ({"transforms": {"type": "filter"}}, "transforms: is a list"),
        ({"schedule": {"every": "soon"}}, "is a time"),
        ({"sink": {"url": "postgresql://me:secret@host/x"}}, "never in clear"),
        ({"lowest": "much"}, "valid number"),
        ({"name": "other"}, "has another name, 'other'"),
        ({"description": "a\0b"}, "NUL character"),
        ({"source": {"path": ["a\0b"]}}, "NUL character"),
        ([], "is a mapping"),
    ],
)
def test_what_is_wrong_with_a_change_is_named(configuration, message):
    with pytest.raises(ConfigurationError, match=message) as caught:
        build_flow("prices", CODE, configuration)
    assert "--set" not in str(caught.value)
    assert "secret@" not in str(caught.value)


def test_a_record_is_checked_before_it_is_saved_and_asked_by_what_its_flow_says(sqlite_database):
    record = record_of("one", schedule={"cron": "0 3 * * *", "time_zone": "Europe/Oslo"}, queue="slow", priority=5)
    record = DataFlow.objects.get(pk=record.pk)
    assert (record.cron, record.time_zone, record.queue, record.priority) == ("0 3 * * *", "Europe/Oslo", "slow", 5)
    record.configuration = record.configuration | {"queue": "q" * 33}
    with pytest.raises(ConfigurationError, match="at most 32"):
        record.save()
    with pytest.raises(ValidationError, match="at most 32"):
        record.full_clean()
    assert DataFlow.objects.get(pk=record.pk).queue == "slow"


def test_saving_an_old_copy_leaves_alone_what_runs_have_written(sqlite_database):
    old = record_of("one")
    DataFlow.objects.filter(pk=old.pk).update(busy=True, claim_version=7, last_status="in_progress")
    old.enabled = False
    old.description = "changed"
    old.save()
    now = DataFlow.objects.get(pk=old.pk)
    assert (now.enabled, now.description) == (False, "changed")
    assert (now.busy, now.claim_version, now.last_status) == (True, 7, "in_progress")


def test_a_flow_whose_code_is_gone_can_still_be_disabled(sqlite_database):
    DataFlow.objects.bulk_create([DataFlow(name="gone", reference="shop.flows:Gone")])
    record = DataFlow.objects.get()
    record.enabled = False
    record.save()
    assert not DataFlow.objects.get().enabled
    with pytest.raises(ConfigurationError, match="no installed app has the flow"):
        load(record)


def test_a_new_schedule_counts_from_the_last_run(sqlite_database):
    record = record_of("one")
    first = record.next_run_at
    record.last_run_at = first
    record.configuration = record.configuration | {"schedule": {"every": "1h"}}
    record.save()
    assert (DataFlow.objects.get().next_run_at - first).total_seconds() == 3600
    record.configuration = {name: value for name, value in record.configuration.items() if name != "schedule"}
    record.save(update_fields=["configuration"])
    assert DataFlow.objects.get().next_run_at is None
    assert DataFlow.objects.get().interval is None
