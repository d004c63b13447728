"""The shape of every error."""

from __future__ import annotations

from typing import Annotated

from pydantic import BaseModel, Field


class PartAtFault(BaseModel):
    """What is wrong with one part of what was sent."""

    path: Annotated[str, Field(description="Where it is, as `configuration.source.path`.")]
    message: str


class Problem(BaseModel):
    """An error, after RFC 9457."""

    status: Annotated[int, Field(description="HTTP status.")]
    title: Annotated[str, Field(description="The status in words.")]
    code: Annotated[str, Field(description="The reason, for programs, as `not_found`.")]
    detail: Annotated[str, Field(description="The reason and the remedy, for people.")]
    errors: Annotated[list[PartAtFault], Field(description="Of what is not valid: what is wrong where.")] = []


__all__ = ["PartAtFault", "Problem"]
