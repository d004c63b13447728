"""Lanes in processes: a flow's Python code runs in workers, batches travel as Arrow IPC over pipes."""

from __future__ import annotations

import multiprocessing
import queue
from collections import deque
from collections.abc import Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import replace
from multiprocessing.connection import Connection
from typing import TYPE_CHECKING, Any

import pyarrow as pa

from active_data_flow.core.batch import Batch
from active_data_flow.core.errors import ActiveDataFlowError, ExecutionError, Then, TransformError
from active_data_flow.engine.chain import own_code, ready_made
from active_data_flow.engine.crash_points import crash_point
from active_data_flow.engine.stage import Stage

if TYPE_CHECKING:
    from active_data_flow.core.data_flow import DataFlow

_WINDOW = 2


class Worker:
    """A process that runs the Python part of a flow's transforms, and the pipe to it."""

    def __init__(self, flow: DataFlow, number: int) -> None:
        context = multiprocessing.get_context("spawn")
        self._pipe, other = context.Pipe()
        self._process = context.Process(
            target=_work, args=(other, flow, number), name=f"adf-{flow.name}-{number}", daemon=True
        )
        self._process.start()
        other.close()

    def apply(self, batch: Batch) -> Batch:
        """The batch after the Python code.

        Raises:
            TransformError: The code failed as a whole.
            ExecutionError: The process is gone; the run goes on from its checkpoint with a new one.
        """
        try:
            send(self._pipe, batch)
            answer = self._pipe.recv()
            if isinstance(answer, ActiveDataFlowError):
                raise answer
            return receive_data(self._pipe, answer)
        except (EOFError, BrokenPipeError, ConnectionResetError) as error:
            self._process.join(5)
            message = f"worker process {self._process.pid} has ended (exit code {self._process.exitcode})"
            raise ExecutionError(f"{message}; was it out of memory?", split=batch.split_id, then=Then.RETRY) from error

    def close(self) -> None:
        """End the process."""
        self._pipe.close()
        self._process.join(5)
        if self._process.is_alive():
            self._process.kill()
            self._process.join()


class WorkerPool:
    """Worker processes shared by all lanes of a run.

    Args:
        flow: The flow; it is pickled to the workers.
        size: Number of processes.
    """

    def __init__(self, flow: DataFlow, size: int) -> None:
        self.size = size
        self._workers = [Worker(flow, number) for number in range(size)]
        self._free: queue.SimpleQueue[Worker] = queue.SimpleQueue()
        for worker in self._workers:
            self._free.put(worker)
        self._threads = ThreadPoolExecutor(size, thread_name_prefix="adf-worker")

    def submit(self, batch: Batch) -> Future[Batch]:
        """Have a batch transformed by whichever worker is free."""
        return self._threads.submit(self._apply, batch)

    def close(self) -> None:
        """End all workers."""
        self._threads.shutdown(cancel_futures=True)
        for worker in self._workers:
            worker.close()

    def _apply(self, batch: Batch) -> Batch:
        worker = self._free.get()
        try:
            return worker.apply(batch)
        finally:
            self._free.put(worker)


class InProcesses(Stage):
    """Ready-made transforms run in the lane's thread, Python code in the pool; order is kept."""

    def __init__(self, flow: DataFlow, lane: int, pool: WorkerPool) -> None:
        self._chain = ready_made(flow, lane)
        self._pool = pool

    def stream(self, batches: Iterable[Batch | None]) -> Iterator[Batch | None]:
        """Keep the workers busy with a few batches, and give them out in order."""
        under_way: deque[Future[Batch]] = deque()
        for batch in batches:
            if batch is None:
                yield from _drain(under_way, keep=0)
                yield None
                continue
            crash_point("after-read")
            under_way.append(self._pool.submit(self._chain.apply(batch)))
            yield from _drain(under_way, keep=self._pool.size + _WINDOW)
        yield from _drain(under_way, keep=0)

    def committed(self) -> None:
        """Tell the transforms in this process."""
        self._chain.committed()

    def close(self) -> None:
        """Close the transforms in this process; the pool belongs to the run."""
        self._chain.close()


def _drain(under_way: deque[Future[Batch]], *, keep: int) -> Iterator[Batch]:
    while len(under_way) > keep:
        batch = under_way.popleft().result()
        crash_point("after-transform")
        yield batch


def send(pipe: Connection, batch: Batch) -> None:
    """Send a batch: its place as a small message, its rows as Arrow IPC."""
    empty = batch.data.slice(0, 0)
    rejects = tuple(replace(reject, cause=None) for reject in batch.rejects)  # user exceptions need not pickle
    pipe.send(replace(batch, data=empty, rejects=rejects))
    pipe.send_bytes(_to_ipc(batch.data))


def receive_data(pipe: Connection, place: Batch) -> Batch:
    """The batch that `send` sent, whose place has been received."""
    return replace(place, data=_from_ipc(pipe.recv_bytes()))


def _work(pipe: Connection, flow: DataFlow, number: int) -> None:
    chain = own_code(flow, number)
    while True:
        try:
            batch = receive_data(pipe, pipe.recv())
        except (EOFError, KeyboardInterrupt):
            return
        try:
            done: Any = chain.apply(batch)
        except ActiveDataFlowError as error:
            done = TransformError(str(error.message), connector=error.connector, split=error.split, then=error.then)
        if isinstance(done, ActiveDataFlowError):
            pipe.send(done)
        else:
            send(pipe, done)


def _to_ipc(data: pa.RecordBatch) -> pa.Buffer:
    stream = pa.BufferOutputStream()
    with pa.ipc.new_stream(stream, data.schema) as writer:
        writer.write_batch(data)
    return stream.getvalue()


def _from_ipc(data: bytes) -> pa.RecordBatch:
    with pa.ipc.open_stream(data) as reader:
        return reader.read_next_batch()


__all__ = ["InProcesses", "Worker", "WorkerPool"]
