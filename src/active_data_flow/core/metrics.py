"""Events as OpenTelemetry metrics; needs the extra ``otel``, imported when it is asked for."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from active_data_flow.core.errors import PluginError
from active_data_flow.core.events import Checkpointed, Event, Events, Retrying, RunFinished
from active_data_flow.version import VERSION

if TYPE_CHECKING:
    from opentelemetry.metrics import Meter, MeterProvider


def record_metrics(events: Events, provider: MeterProvider | None = None) -> None:
    """Count and time what runs do, with OpenTelemetry.

    Counters ``adf.records.read``, ``adf.records.written``, ``adf.records.rejected`` (``{record}``), ``adf.bytes.read``
    (``By``) and ``adf.retries``; histograms ``adf.checkpoint.duration`` and ``adf.run.duration`` (``s``). Only what was
    committed is counted. Each carries the attribute ``adf.flow``, runs also ``adf.status``.

    Args:
        events: Where runs emit.
        provider: Where the metrics go; None: the global provider, as set by ``opentelemetry-instrument`` or by
            the application.

    Raises:
        PluginError: The extra is not installed; names the command that installs it.
    """
    try:
        from opentelemetry.metrics import get_meter
    except ImportError as error:
        message = "metrics need OpenTelemetry: pip install active-data-flow[otel]"
        raise PluginError(message) from error
    events.subscribe(_Metrics(get_meter("active_data_flow", VERSION, meter_provider=provider)))


class _Metrics:
    def __init__(self, meter: Meter) -> None:
        self._read = meter.create_counter("adf.records.read", "{record}", "Records read, rejected ones included")
        self._written = meter.create_counter("adf.records.written", "{record}", "Records that sinks have committed")
        self._rejected = meter.create_counter("adf.records.rejected", "{record}", "Records set aside")
        self._bytes = meter.create_counter("adf.bytes.read", "By", "Bytes read from sources")
        self._retries = meter.create_counter("adf.retries", "{retry}", "Attempts that were repeated")
        self._checkpoint = meter.create_histogram("adf.checkpoint.duration", "s", "Time to commit data and positions")
        self._run = meter.create_histogram("adf.run.duration", "s", "Wall time of runs")

    def __call__(self, event: Event) -> None:
        flow: dict[str, Any] = {"adf.flow": event.flow}
        if isinstance(event, Checkpointed):
            self._read.add(event.records_read, flow)
            self._written.add(event.records_written, flow)
            self._rejected.add(event.records_rejected, flow)
            self._bytes.add(event.bytes_read, flow)
            self._checkpoint.record(event.seconds, flow)
        elif isinstance(event, Retrying):
            self._retries.add(1, flow)
        elif isinstance(event, RunFinished):
            status = str(event.result.get("status", ""))
            self._run.record(float(event.result.get("seconds", 0.0)), flow | {"adf.status": status})


__all__ = ["record_metrics"]
