"""How many requests a sender may send, counted in the database, which all server processes share."""

from __future__ import annotations

from datetime import datetime

from django.db import transaction
from django.db.models import F
from django.utils import timezone

from active_data_flow.runtimes.heartbeat.database import database
from active_data_flow.runtimes.heartbeat.models import RateLimitCounter
from active_data_flow.runtimes.heartbeat.security.problems import RefusedError


def count_request(key: str, limit: int) -> None:
    """Count a request of a sender.

    Args:
        key: The sender.
        limit: Requests that it may send within one minute of the clock.

    Raises:
        RefusedError: It has sent more: 429, with how long to wait. Refused requests are counted too.
    """
    now = timezone.now()
    requests = _count(key, now.replace(second=0, microsecond=0))
    if requests > limit:
        wait = 60 - now.second
        message = f"more than {limit} requests in this minute; try again in {wait} s"
        raise RefusedError(429, "too_many_requests", message, headers={"Retry-After": str(wait)})


def _count(key: str, minute: datetime) -> int:
    counters = RateLimitCounter.objects.using(database())
    mine = counters.filter(key=key, minute=minute)
    with transaction.atomic(using=database()):  # the row stays locked until its count is read
        if not mine.update(requests=F("requests") + 1):
            counters.bulk_create([RateLimitCounter(key=key, minute=minute)], ignore_conflicts=True)
            mine.update(requests=F("requests") + 1)
        return mine.values_list("requests", flat=True).get()


__all__ = ["count_request"]
