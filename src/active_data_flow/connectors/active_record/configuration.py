"""Options that source and sink have in common, and those of the source."""

from __future__ import annotations

import re
from typing import Annotated, Literal, Self

from pydantic import AfterValidator, Field, model_validator

from active_data_flow.core.policies import Seconds
from active_data_flow.source_support.source import SplitSource

DATABASES = ("postgresql", "sqlite", "mysql")
_LABEL = re.compile(r"[A-Za-z_]\w*\.[A-Za-z_]\w*")


def _label(value: str) -> str:
    if not _LABEL.fullmatch(value):
        raise ValueError("a model is named by its app and class, as shop.Price")
    return value


ModelLabel = Annotated[str, AfterValidator(_label)]
"""Name of a model: ``app.Model``."""


def dialect_of_model(label: str, database: str | None, side: Literal["read", "write"]) -> str:
    """Which kind of database a model is in; it is not connected to.

    Raises:
        ConfigurationError: Django is not set up, or there is no such model or database.
    """
    from active_data_flow.connectors.active_record.client.project import alias_for, dialect_name, model_named

    return dialect_name(alias_for(model_named(label), database, side))


Plain = bool | int | float | str | None


class ActiveRecordSourceConfiguration(SplitSource):
    """What to read, in what order, and how far."""

    model: ModelLabel
    """The model, as ``shop.Price``."""
    manager: str | None = None
    """Name of the model's manager that is asked; default: its default manager."""
    queryset: str | None = None
    """Name of a function registered with `register_queryset`, whose rows are read."""
    parameters: dict[str, Plain] = Field(default_factory=dict)
    """What the queryset's function is called with, by name."""
    filters: dict[str, Plain | list[Plain]] = Field(default_factory=dict)
    """Django's lookups that rows must fulfil: ``{price__gte: 100, supplier__name: Acme}``."""
    columns: list[str] | None = Field(default=None, min_length=1)
    """Fields to read; ``supplier__name`` is a field of another model; default: the model's own."""
    select_related: list[str] = Field(default_factory=list[str])
    """Foreign keys whose row is read with all of its fields, as a nested value."""
    splits: int | None = Field(default=None, ge=1, le=256)
    """Number of primary key ranges; default: as `rows_per_split` and the flow's parallelism ask for."""
    rows_per_split: int = Field(default=500_000, ge=1)
    """Rows that a range should have, where `splits` is not given."""
    cursor: str | None = None
    """Field that grows with every new or changed row; a run then reads only what is new since the last."""
    cursor_nulls: Literal["read", "skip"] = "read"
    """Whether rows without a cursor value are read, each once, in the order of their key, or left out."""
    settle: Seconds = 0.0
    """Seconds that a cursor's time must lie back: set it above the length of the longest writing transaction."""
    follow: bool = False
    """Never end: ask for new rows again and again. Needs a cursor."""
    poll_interval: float = Field(default=1.0, gt=0)
    """Seconds between two questions for new rows, where the source follows."""
    database: str | None = None
    """Name of the database in ``settings.DATABASES``; default: the one that the project's routers read from."""
    batch_size: int = Field(default=16_384, ge=1)
    """Rows that are asked for at once, and that a batch has at most."""
    timeout: Seconds = 30.0
    """Seconds to wait for locks."""

    @model_validator(mode="after")
    def _fits(self) -> Self:
        faults = {
            "give either a manager or a queryset": self.manager is not None and self.queryset is not None,
            "parameters belong to a queryset": bool(self.parameters) and self.queryset is None,
            "splits are of the primary key; a cursor is read as one split": bool(self.splits and self.cursor),
            "follow needs a cursor, by which new rows are found": self.follow and self.cursor is None,
            "settle needs a cursor": self.settle > 0 and self.cursor is None,
        }
        for fault, there in faults.items():
            if there:
                raise ValueError(fault)
        return self


__all__ = [
    "DATABASES",
    "ActiveRecordSourceConfiguration",
    "ModelLabel",
    "dialect_of_model",
]
