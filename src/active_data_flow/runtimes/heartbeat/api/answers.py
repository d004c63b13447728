"""Answers that are well."""

from __future__ import annotations

from django.http import HttpResponse
from pydantic import BaseModel


def answer(body: BaseModel, status: int = 200, **headers: str) -> HttpResponse:
    """A JSON answer; headers are named with underscores."""
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return HttpResponse(body.model_dump_json(), status=status, content_type="application/json", headers=named)


def no_content() -> HttpResponse:
    """It is done, and there is nothing to say."""
    response = HttpResponse(status=204)
    del response["Content-Type"]
    return response


__all__ = ["answer", "no_content"]
