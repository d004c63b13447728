"""A table that is replaced as a whole: filled beside the old one, and put in its place when it is complete."""

from __future__ import annotations

from active_data_flow.connectors.sql.dialects import Dialect
from active_data_flow.connectors.sql.positions import Positions
from active_data_flow.connectors.sql.sink_configuration import Target


class Replacement:
    """The new table of a flow whose sink replaces, together with the positions that say what is in it already."""

    def __init__(self, dialect: Dialect, target: Target, positions: Positions) -> None:
        self._dialect = dialect
        self._session = dialect.session
        self._positions = positions
        self._old = (target.namespace, target.table)
        self._new = (target.namespace, target.written)

    def reconcile(self) -> None:
        """Make the new table and the positions agree.

        Both are there: an abandoned run is continued. Only the table: its run committed nothing, or was reset; it is
        dropped. Only the positions: the table was swapped in (or dropped by someone); they are forgotten.
        """
        filled = self._dialect.columns(*self._new) is not None
        if self._positions.load():
            if not filled:
                self._positions.clear()
        elif filled:
            self.drop()

    def drop(self) -> None:
        """Drop the new table, if it is there."""
        self._session.execute(f"DROP TABLE IF EXISTS {self._session.quote(*self._new)}")

    def finish(self, epoch: int) -> None:
        """Put the new table in the place of the old one and forget the positions: the next run begins anew.

        A run without a single row leaves no new table; then the old one is emptied.

        Raises:
            FencedError: A newer run has taken over.
        """
        self._session.begin()
        self._positions.check_fence(epoch)
        if self._dialect.columns(*self._new) is not None:
            self._dialect.swap(self._new, self._old)
        elif self._dialect.columns(*self._old) is not None:
            self._session.execute(f"DELETE FROM {self._session.quote(*self._old)}")  # noqa: S608  # names are quoted
        if not self._session.in_transaction:
            self._session.begin()
        self._positions.clear()
        self._session.commit()


__all__ = ["Replacement"]
