"""Lists, a page at a time: by a cursor that says where the page before ended, and without counting."""

from __future__ import annotations

from typing import Annotated, Any, Generic, TypeVar

from django.db.models import QuerySet
from django.http import HttpRequest, QueryDict
from pydantic import BaseModel, ConfigDict, Field, ValidationInfo, model_validator

from active_data_flow.core.near_names import near_names

Item = TypeVar("Item")
Row = TypeVar("Row")
_LARGEST = 2**63 - 1


class Page(BaseModel, Generic[Item]):
    """A part of a list."""

    items: list[Item]
    next: Annotated[
        str | None, Field(description="Give it as `cursor` to get the next page; null: this was the last.")
    ] = None


class Filters(BaseModel):
    """Parameters of a list; unknown ones are refused, so that a misspelt filter does not list everything."""

    model_config = ConfigDict(extra="forbid")

    limit: Annotated[int, Field(ge=1, le=200, description="Items on a page, at most.")] = 50
    cursor: Annotated[str | None, Field(pattern=r"^[0-9]{1,18}$", description="The `next` of the page before.")] = None

    @model_validator(mode="before")
    @classmethod
    def _known(cls, values: Any, info: ValidationInfo) -> Any:
        request: HttpRequest = (info.context or {})["request"]
        check_parameters(request.GET, cls)
        return values

    @property
    def before(self) -> int:
        """The id that a list of newest first goes on below."""
        return _LARGEST if self.cursor is None else int(self.cursor)

    @property
    def after(self) -> int:
        """The id that a list of oldest first goes on above."""
        return 0 if self.cursor is None else int(self.cursor)


def check_parameters(given: QueryDict, known: type[BaseModel]) -> None:
    """Refuse parameters that are unknown, given twice, or hold what no database can.

    Raises:
        ValueError: There is such a one.
    """
    for name, values in given.lists():
        if name not in known.model_fields:
            raise ValueError(f"unknown parameter {name[:100]!r}{near_names(name, set(known.model_fields))}")
        if len(values) > 1:
            raise ValueError(f"parameter {name} is given {len(values)} times")
        if "\0" in str(values[0]):
            raise ValueError(f"parameter {name} has a NUL character")


def newest_first(rows: QuerySet[Any], filters: Filters) -> tuple[list[Any], str | None]:
    """A page of rows by id, newest first, and the cursor of the next."""
    found = list(rows.filter(pk__lt=filters.before).order_by("-pk")[: filters.limit + 1])
    return cut(found, filters.limit, lambda row: str(row.pk))


def cut(found: list[Row], limit: int, cursor_of: Any) -> tuple[list[Row], str | None]:
    """The page, of which one more than its items was read, and the cursor of the next."""
    page = found[:limit]
    return page, (cursor_of(page[-1]) if len(found) > limit else None)


__all__ = ["Filters", "Page", "check_parameters", "cut", "newest_first"]
