"""First rows, in a time."""

from __future__ import annotations

import time

import pytest

from active_data_flow.core.data_flow import DataFlow
from active_data_flow.engine.preview import preview
from active_data_flow.testing import MemorySink, ScriptedSource


def flow(transform=lambda message: message) -> DataFlow:
    class Slow(DataFlow):
        source = ScriptedSource(script={"a": [{"n": number} for number in range(100)]})
        sink = MemorySink()

        def transform(self, message):
            return transform(message)

    return Slow()


def test_as_many_rows_as_wanted():
    (found,) = preview(flow(), 3)
    assert found.table.to_pylist() == [{"n": 0}, {"n": 1}, {"n": 2}]
    assert not found.timed_out


def test_when_the_time_is_over_no_more_is_read():
    def slow(message):
        time.sleep(0.05)

    (found,) = preview(flow(slow), 3, seconds=0.1)
    assert found.timed_out
    assert 0 < found.rows_read < 100


@pytest.mark.parametrize("seconds", [60, float("inf")])
def test_time_that_is_not_over_is_no_reason(seconds):
    (found,) = preview(flow(lambda message: None), 3, seconds=seconds)
    assert (found.rows_read, found.timed_out) == (100, False)
