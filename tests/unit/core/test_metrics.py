from __future__ import annotations

import builtins
import sys

import pytest
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import InMemoryMetricReader

from active_data_flow.core.errors import PluginError
from active_data_flow.core.events import Checkpointed, Events, Retrying, RunFinished
from active_data_flow.core.metrics import record_metrics


@pytest.fixture
def measured():
    reader = InMemoryMetricReader()
    provider = MeterProvider([reader])
    events = Events()
    record_metrics(events, provider)
    yield events, lambda: _points(reader)
    provider.shutdown()


def _points(reader):
    data = reader.get_metrics_data()
    metrics = [m for part in data.resource_metrics for scope in part.scope_metrics for m in scope.metrics]
    return {
        metric.name: (metric.unit, [(dict(point.attributes), _value(point)) for point in metric.data.data_points])
        for metric in metrics
    }


def _value(point):
    return point.value if hasattr(point, "value") else (point.count, round(point.sum, 3))


def commit(flow: str, read: int, written: int, rejected: int, taken: int, seconds: float) -> Checkpointed:
    return Checkpointed(
        flow=flow,
        run_id="r",
        records_read=read,
        records_written=written,
        records_rejected=rejected,
        bytes_read=taken,
        seconds=seconds,
    )


def test_commits_are_counted_by_flow(measured):
    events, points = measured
    events.emit(commit("a", 10, 8, 2, 100, 0.5))
    events.emit(commit("a", 5, 5, 0, 50, 0.25))
    events.emit(commit("b", 1, 1, 0, 10, 0.1))
    found = points()
    assert found["adf.records.read"] == ("{record}", [({"adf.flow": "a"}, 15), ({"adf.flow": "b"}, 1)])
    assert found["adf.records.written"][1] == [({"adf.flow": "a"}, 13), ({"adf.flow": "b"}, 1)]
    assert found["adf.records.rejected"][1] == [({"adf.flow": "a"}, 2), ({"adf.flow": "b"}, 0)]
    assert found["adf.bytes.read"] == ("By", [({"adf.flow": "a"}, 150), ({"adf.flow": "b"}, 10)])
    assert found["adf.checkpoint.duration"] == ("s", [({"adf.flow": "a"}, (2, 0.75)), ({"adf.flow": "b"}, (1, 0.1))])


def test_retries_and_runs_are_counted(measured):
    events, points = measured
    events.emit(Retrying(flow="a", run_id="r", attempt=1, pause=0.1, error="gone"))
    events.emit(RunFinished(flow="a", run_id="r", result={"status": "failed", "seconds": 1.5}))
    found = points()
    assert found["adf.retries"][1] == [({"adf.flow": "a"}, 1)]
    assert found["adf.run.duration"] == ("s", [({"adf.flow": "a", "adf.status": "failed"}, (1, 1.5))])


def test_a_missing_extra_names_the_command_that_installs_it(monkeypatch):
    real = builtins.__import__

    def without(name, *rest):
        if name.startswith("opentelemetry"):
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)
        return real(name, *rest)

    for name in [name for name in sys.modules if name.startswith("opentelemetry")]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setattr(builtins, "__import__", without)
    with pytest.raises(PluginError, match=r"pip install active-data-flow\[otel\]"):
        record_metrics(Events())
