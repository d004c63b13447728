"""The path of a batch: read, transform, write."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from active_data_flow.core.batch import Batch
from active_data_flow.core.clock import CLOCK, Clock
from active_data_flow.engine.budget import BudgetMeter, Stop
from active_data_flow.engine.outlet import Outlet
from active_data_flow.engine.read_ahead import ReadAhead
from active_data_flow.engine.stage import Stage


class Lane:
    """One reader, its transforms, and an outlet; runs in one thread, and reads ahead in another.

    Args:
        number: From 0.
        inlet: The reader, reading ahead.
        stage: The transforms.
        outlet: Where batches are written; other lanes may share it.
        meter: The run's budget.
        stop: Ends the lane at a checkpoint.
        on_batch: Told of each batch written.
    """

    def __init__(
        self,
        number: int,
        inlet: ReadAhead,
        stage: Stage,
        outlet: Outlet,
        meter: BudgetMeter,
        stop: Stop,
        on_batch: Callable[[int, Batch], None],
    ) -> None:
        self.number = number
        self.inlet = inlet
        self.stage = stage
        self.outlet = outlet
        self._meter = meter
        self._stop = stop
        self._on_batch = on_batch

    def run(self) -> None:
        """Carry batches from the reader to the outlet until the reader ends or the run is to stop."""
        self.inlet.start()
        for batch in self.stage.stream(self._metered()):
            committed = self.outlet.tick() if batch is None else self._write(batch)
            if committed:
                self.stage.committed()

    def close(self) -> None:
        """Release reader and transforms."""
        self.inlet.close()
        self.stage.close()

    def _write(self, batch: Batch) -> bool:
        committed = self.outlet.write(batch)
        self._on_batch(self.number, batch)
        return committed

    def _metered(self) -> Any:
        for batch in self.inlet:
            if batch is not None:
                self._meter.take(batch)
            yield batch
            if self._meter.used_up:
                self._stop.request()


class LaneContext:
    """A reader's channel to the enumerator, and the enumerator's to the readers.

    Args:
        reader: Number of the lane.
        request: Called when the reader wants a split.
        count: Called for each metric.
        configuration: Hints to the reader.
        clock: The time as the run sees it.
    """

    def __init__(
        self,
        reader: int,
        request: Callable[[int], None],
        count: Callable[[str, float], None],
        configuration: dict[str, Any],
        clock: Clock = CLOCK,
    ) -> None:
        self.reader = reader
        self.configuration = configuration
        self.clock = clock
        self._request = request
        self._count = count

    def send_split_request(self) -> None:
        """Ask for a split."""
        self._request(self.reader)

    def count(self, metric: str, value: float = 1) -> None:
        """Add to a metric of the run."""
        self._count(metric, value)


__all__ = ["Lane", "LaneContext"]
