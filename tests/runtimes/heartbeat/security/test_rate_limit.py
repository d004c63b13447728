from __future__ import annotations

import datetime as dt
from concurrent.futures import ThreadPoolExecutor

import pytest

from django_project.setup import set_up_django

set_up_django()

from django.db import connections  # noqa: E402  # needs Django

from active_data_flow.runtimes.heartbeat.models import RateLimitCounter  # noqa: E402
from active_data_flow.runtimes.heartbeat.security import rate_limit  # noqa: E402
from active_data_flow.runtimes.heartbeat.security.problems import RefusedError  # noqa: E402
from active_data_flow.runtimes.heartbeat.security.rate_limit import count_request  # noqa: E402

MINUTE = dt.datetime(2026, 3, 1, 12, 0, 20, tzinfo=dt.UTC)


@pytest.fixture
def clock(monkeypatch):
    """The time of day, which a test would else have to wait for."""
    now = {"now": MINUTE}
    monkeypatch.setattr(rate_limit.timezone, "now", lambda: now["now"])
    return now


def test_more_than_the_limit_has_to_wait_for_the_next_minute(database, clock):
    for _ in range(3):
        count_request("pinger", 3)
    with pytest.raises(RefusedError, match="more than 3 requests in this minute; try again in 40 s") as refused:
        count_request("pinger", 3)
    assert (refused.value.status, refused.value.headers) == (429, {"Retry-After": "40"})
    count_request("other", 3)
    clock["now"] += dt.timedelta(seconds=40)
    count_request("pinger", 3)
    assert RateLimitCounter.objects.count() == 3


def test_however_many_come_at_once_no_more_than_the_limit_get_in(database, clock):
    def ask(_):
        try:
            count_request("pinger", 10)
        except RefusedError:
            return False
        finally:
            connections.close_all()
        return True

    with ThreadPoolExecutor(8) as threads:
        assert sum(threads.map(ask, range(40))) == 10
    assert RateLimitCounter.objects.get().requests == 40
