"""Looks for new splits take a part of the time only, however long each is."""

from __future__ import annotations

import time

from active_data_flow.engine.discovery import Discovery
from active_data_flow.testing import FakeClock


def moments(seconds_of_a_look: float, interval: float | None = None) -> list[float]:
    """When looks begin within six seconds, where it is asked every quarter of a second."""
    clock, found = FakeClock(), list[float]()
    discovery = Discovery(lambda: time.sleep(seconds_of_a_look), 1.0, clock)
    while clock.monotonic() < 6:
        if discovery.look_if_due(interval):
            found.append(clock.monotonic())
        clock.advance(0.25)
    return found


def test_short_looks_come_at_the_interval():
    assert moments(0.0) == [1.0, 2.0, 3.0, 4.0, 5.0]


def test_long_looks_are_a_tenth_of_the_time():
    first, second, *rest = moments(0.2)
    assert first == 1.0
    assert second >= 3.0
    assert len(rest) <= 1


def test_where_nothing_else_is_to_be_done_they_come_as_soon_as_wanted():
    assert moments(0.05, interval=0.5)[:4] == [0.5, 1.0, 1.5, 2.0]
