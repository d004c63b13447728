"""Positions and epochs of flows, in two small tables beside the data."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping

import pyarrow as pa

from active_data_flow.connectors.sql.dialects import Dialect
from active_data_flow.core.checkpoint import SplitState
from active_data_flow.core.errors import FencedError

POSITIONS = "_adf_positions"
EPOCHS = "_adf_epochs"
_LONGEST_KEY = 500

_MYSQL = "ENGINE=InnoDB CHARACTER SET utf8mb4 COLLATE utf8mb4_bin"
_TABLES = {
    "postgresql": (
        "(flow text PRIMARY KEY, epoch bigint NOT NULL)",
        (
            "(flow text NOT NULL, split_id text NOT NULL, state text NOT NULL, epoch bigint NOT NULL, "
            "committed_at timestamptz NOT NULL DEFAULT now(), PRIMARY KEY (flow, split_id))"
        ),
    ),
    "sqlite": (
        "(flow TEXT PRIMARY KEY, epoch INTEGER NOT NULL)",
        (
            "(flow TEXT NOT NULL, split_id TEXT NOT NULL, state TEXT NOT NULL, epoch INTEGER NOT NULL, "
            "committed_at TIMESTAMP NOT NULL DEFAULT CURRENT_TIMESTAMP, PRIMARY KEY (flow, split_id))"
        ),
    ),
    "mysql": (
        f"(flow VARCHAR(255) PRIMARY KEY, epoch BIGINT NOT NULL) {_MYSQL}",
        (
            "(flow VARCHAR(255) NOT NULL, split_id VARCHAR(500) NOT NULL, state LONGTEXT NOT NULL, "
            "epoch BIGINT NOT NULL, committed_at TIMESTAMP NOT NULL DEFAULT CURRENT_TIMESTAMP, "
            f"PRIMARY KEY (flow, split_id)) {_MYSQL}"
        ),
    ),
}


class Positions:
    """Where a flow's positions are kept; works in the transaction of its session."""

    def __init__(self, dialect: Dialect, namespace: str | None, flow: str) -> None:
        self._dialect = dialect
        self._session = dialect.session
        self._namespace = namespace
        self._flow = flow
        self._positions = self._session.quote(namespace, POSITIONS)
        self._epochs = self._session.quote(namespace, EPOCHS)

    def exist(self) -> bool:
        """Whether the tables are there."""
        return all(self._dialect.columns(self._namespace, name) is not None for name in (EPOCHS, POSITIONS))

    def create(self) -> None:
        """Make the tables, in a transaction of their own, where they are not there."""
        if self.exist():
            return
        epochs, positions = _TABLES[self._session.dialect]
        self._session.begin()
        self._dialect.lock_definitions(POSITIONS)
        self._session.execute(f"CREATE TABLE IF NOT EXISTS {self._epochs} {epochs}")
        self._session.execute(f"CREATE TABLE IF NOT EXISTS {self._positions} {positions}")
        self._session.commit()
        self._dialect.unlock_definitions()

    def epoch(self) -> int | None:
        """Epoch of the newest run; None where there was none."""
        rows = self._session.fetch(
            f"SELECT epoch FROM {self._epochs} WHERE flow = {self._session.mark(1)}",  # noqa: S608  # names are quoted
            [self._flow],
        )
        return int(rows[0][0]) if rows else None

    def claim(self, epoch: int) -> int:
        """Begin a new epoch, at least that one; from its commit on older runs are refused."""
        self._session.execute(self._dialect.claim(self._epochs), [self._flow, epoch])
        claimed = self.epoch()
        assert claimed is not None
        return claimed

    def check_fence(self, epoch: int) -> None:
        """Make sure that this epoch is the newest, and stays so until the transaction's end.

        Raises:
            FencedError: It is not.
        """
        rows = self._session.fetch(self._dialect.fence(self._epochs), [self._flow])
        self._refuse(epoch, int(rows[0][0]) if rows else None)

    def check_newest(self, epoch: int) -> None:
        """Make sure that this epoch is the newest now; a newer run need not wait for the transaction's end.

        Raises:
            FencedError: It is not.
        """
        self._refuse(epoch, self.epoch())

    def _refuse(self, epoch: int, newest: int | None) -> None:
        if newest != epoch:
            found = "there is none any more" if newest is None else f"it is {newest}"
            message = f"a newer run of the flow has taken over: the epoch was {epoch}, {found}; nothing was committed"
            raise FencedError(message, flow=self._flow)

    def load(self) -> dict[str, SplitState]:
        """State of all splits."""
        rows = self._session.fetch(
            f"SELECT state FROM {self._positions} WHERE flow = {self._session.mark(1)} ORDER BY split_id",  # noqa: S608  # names are quoted
            [self._flow],
        )
        states = [json.loads(row[0]) for row in rows]
        return {state["split_id"]: SplitState.from_json(state) for state in states}

    def save(self, splits: Mapping[str, SplitState], epoch: int) -> None:
        """Store the state of splits; always in the same order, so that two lanes can't wait for one another."""
        if not splits:
            return
        rows = sorted((_key(split_id), _state(split_id, state)) for split_id, state in splits.items())
        columns = [
            pa.array([self._flow] * len(rows), pa.string()),
            pa.array([key for key, _ in rows], pa.string()),
            pa.array([state for _, state in rows], pa.string()),
            pa.array([epoch] * len(rows), pa.int64()),
        ]
        names = ["flow", "split_id", "state", "epoch"]
        self._session.execute_many(self._dialect.save_positions(self._positions), pa.record_batch(columns, names))

    def clear(self) -> None:
        """Forget all positions of the flow; its epoch stays."""
        self._session.execute(
            f"DELETE FROM {self._positions} WHERE flow = {self._session.mark(1)}",  # noqa: S608  # names are quoted
            [self._flow],
        )


def _key(split_id: str) -> str:
    if len(split_id) <= _LONGEST_KEY:
        return split_id
    digest = hashlib.sha256(split_id.encode()).hexdigest()
    return f"{split_id[: _LONGEST_KEY - 65]}#{digest}"


def _state(split_id: str, state: SplitState) -> str:
    return json.dumps({"split_id": split_id, **state.to_json()}, separators=(",", ":"))


__all__ = ["EPOCHS", "POSITIONS", "Positions"]
