from __future__ import annotations

import sys
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from active_data_flow import DataFlow, FileSource, RerunPolicy, Schedule, SqlSink, cron, every
from active_data_flow.core.errors import ConfigurationError
from active_data_flow.testing import MemorySink, ScriptedSource

OSLO = ZoneInfo("Europe/Oslo")
ZONES = ["Europe/Oslo", "America/New_York", "Australia/Lord_Howe", "Asia/Kolkata", "Africa/Casablanca", "UTC"]
START = datetime(2019, 1, 1)  # noqa: DTZ001  # hypothesis adds the zone
moments = st.datetimes(START, START + timedelta(days=4380), timezones=st.just(UTC))


def oslo(*parts: int, fold: int = 0) -> datetime:
    return datetime(*parts, fold=fold, tzinfo=OSLO).astimezone(UTC)


def of_month(schedule: Schedule, start: datetime, days: int) -> list[datetime]:
    times = [schedule.next_after(start)]
    while times[-1] < start + timedelta(days=days):
        times.append(schedule.next_after(times[-1]))
    return times[:-1]


@given(st.integers(1, 10**6), moments, st.integers(-(10**9), 10**9))
def test_an_interval_keeps_its_anchor_and_comes_once_however_late(seconds, slot, late):
    interval = timedelta(seconds=seconds)
    moment = slot + timedelta(milliseconds=late)
    following = every(seconds=seconds).next_after(moment, slot)
    assert moment < following <= moment + interval
    assert (following - slot) % interval == timedelta(0)


@given(st.sampled_from(ZONES), moments, st.integers(0, 59), st.integers(0, 23))
def test_a_daily_time_comes_once_on_each_date_through_all_changes_of_the_clock(zone, start, minute, hour):
    times = of_month(cron(f"{minute} {hour} * * *", time_zone=zone), start, 40)
    dates = [time.astimezone(ZoneInfo(zone)).date() for time in times]
    assert all(later - earlier == timedelta(days=1) for earlier, later in pairwise(dates))
    for time in times:
        local = time.astimezone(ZoneInfo(zone))
        skipped = (local.hour, local.minute) != (hour, minute)
        assert not skipped or local.utcoffset() != (local - timedelta(hours=3)).astimezone(ZoneInfo(zone)).utcoffset()


@given(st.sampled_from(ZONES), st.sampled_from(["*/20 * * * *", "5 */3 * * *", "0 2 * * *", "30 2 * * 0"]), moments)
def test_it_is_always_later_and_the_same_from_anywhere_before(zone, expression, moment):
    schedule = cron(expression, time_zone=zone)
    following = schedule.next_after(moment)
    assert following > moment
    between = moment + (following - moment) / 2
    assert schedule.next_after(between) == following


def test_a_time_in_an_hour_that_is_skipped_is_not_lost():
    # on 29 March 2026 Oslo's clocks go from 2:00 to 3:00
    assert cron("30 2 * * *", time_zone="Europe/Oslo").next_after(oslo(2026, 3, 29, 1)) == oslo(2026, 3, 29, 3)


def test_a_time_in_an_hour_that_comes_twice_comes_once():
    schedule = cron("30 2 * * *", time_zone="Europe/Oslo")  # on 25 October 2026 they go from 3:00 back to 2:00
    assert schedule.next_after(oslo(2026, 10, 25, 1)) == oslo(2026, 10, 25, 2, 30)
    assert schedule.next_after(oslo(2026, 10, 25, 2, 30)) == oslo(2026, 10, 26, 2, 30)
    assert schedule.next_after(oslo(2026, 10, 25, 2, 10, fold=1)) == oslo(2026, 10, 26, 2, 30)


def test_every_quarter_of_an_hour_counts_both_of_the_hours():
    times = of_month(cron("*/15 * * * *", time_zone="Europe/Oslo"), oslo(2026, 10, 25), 1)
    assert {later - earlier for earlier, later in pairwise(times)} == {timedelta(minutes=15)}


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (Schedule, "either every or cron"),
        (lambda: Schedule(every="5m", cron="0 3 * * *"), "either every or cron"),
        (lambda: Schedule(every="5m", time_zone="Europe/Oslo"), "time_zone belongs to cron"),
        (lambda: every(seconds=1.5), "whole number of seconds"),
        (every, "greater than or equal to 1"),
        (lambda: every(days=10_000), "less than or equal to"),
        (lambda: Schedule(every="soon"), "is a time"),
        (lambda: cron("0 3 * *"), "minute, hour, day, month and weekday"),
        (lambda: cron("0 0 3 * * *"), "minute, hour, day, month and weekday"),
        (lambda: cron("61 3 * * *"), "bad minute"),
        (lambda: cron("0 3 31 2 *"), "bad day"),
        (lambda: cron("0 3 * * *", time_zone="Europe/Olso"), "no time zone 'Europe/Olso'"),
        (lambda: cron("0 3 * * *", time_zone="Europe"), "no time zone 'Europe'"),
        (lambda: cron("0 3 * * *", time_zone="../etc"), "no time zone"),
    ],
)
def test_what_is_no_schedule_is_refused(make, message):
    with pytest.raises(ConfigurationError, match=message):
        make()


def flow(**options) -> DataFlow:
    return DataFlow(name="timed", source=ScriptedSource(script={}), sink=MemorySink(place="timed"), **options)


def test_a_flow_has_its_schedule_in_code_and_in_its_document():
    class Nightly(DataFlow):
        source = FileSource(path="prices.csv")
        sink = SqlSink(url="sqlite:///shop.db", table="prices")
        schedule = cron("0 3 * * *", time_zone="Europe/Oslo")
        queue = "slow"
        rerun = RerunPolicy(attempts=5)

    document = Nightly().to_document()
    assert document["schedule"] == {"cron": "0 3 * * *", "time_zone": "Europe/Oslo"}
    assert DataFlow.from_document(document).settings == Nightly().settings
    assert flow(schedule={"every": "5m"}).schedule == every(minutes=5)
    assert flow().schedule is None


@pytest.mark.parametrize(
    ("option", "message"),
    [
        ({"queue": "q" * 33}, "at most 32"),
        ({"queue": "no spaces"}, "pattern"),
        ({"priority": 1000}, "less than or equal to 100"),
        ({"concurrency": 0}, "greater than or equal to 1"),
        ({"schedule": {"evry": "5m"}}, "did you mean every"),
        ({"rerun": {"attempts": 0}}, "greater than or equal to 1"),
    ],
)
def test_settings_of_a_runtime_are_checked(option, message):
    with pytest.raises(ConfigurationError, match=message):
        flow(**option)


def test_schedules_in_words():
    assert [s.describe() for s in (every(days=2), every(hours=36), every(minutes=90), every(seconds=61))] == [
        "every 2 d",
        "every 36 h",
        "every 90 min",
        "every 61 s",
    ]
    assert cron("0 3 * * *").describe() == "0 3 * * * UTC"


def test_without_the_package_a_flow_runs_but_is_never_due(monkeypatch):
    monkeypatch.setitem(sys.modules, "cronsim", None)
    schedule = cron("0 3 * * *")
    with pytest.raises(ConfigurationError, match=r"active-data-flow\[django\]"):
        schedule.next_after(datetime.now(UTC))


def test_pauses_double_up_to_the_longest():
    policy = RerunPolicy(backoff=10, max_backoff=60)
    for attempt, longest in {1: 10, 2: 20, 3: 40, 4: 60, 400: 60}.items():
        pauses = {policy.pause_after(attempt) for _ in range(100)}
        assert longest / 2 <= min(pauses) < max(pauses) <= longest
