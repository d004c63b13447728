"""The database's clock: one for all workers, so that theirs need not agree."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from django.db.models import DateTimeField, ExpressionWrapper, Value
from django.db.models.functions import Now


class DatabaseNow(Now):
    """The time in UTC, whatever the time zone of the database's session."""

    def as_mysql(self, compiler: Any, connection: Any, **extra: Any) -> Any:
        """MariaDB's and MySQL's CURRENT_TIMESTAMP is in the session's time zone, which Django leaves as it is."""
        return self.as_sql(compiler, connection, template="UTC_TIMESTAMP(6)", **extra)


def in_seconds(seconds: float) -> ExpressionWrapper:
    """A moment from now, by the database's clock."""
    return ExpressionWrapper(DatabaseNow() + Value(timedelta(seconds=seconds)), output_field=DateTimeField())


__all__ = ["DatabaseNow", "in_seconds"]
