"""Whatever goes wrong, as an answer of one shape."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from typing import Any

from django.core.exceptions import RequestDataTooBig
from django.core.signals import got_request_exception
from django.db import InterfaceError, OperationalError
from django.http import HttpRequest, HttpResponse
from ninja import NinjaAPI
from ninja.errors import HttpError, ValidationError

from active_data_flow.core.errors import (
    ActiveDataFlowError,
    AlreadyRunningError,
    CheckpointError,
    ConfigurationError,
    Fault,
    Then,
)
from active_data_flow.runtimes.heartbeat.security import RefusedError, problem
from active_data_flow.runtimes.heartbeat.security.json_bodies import JsonError
from active_data_flow.runtimes.heartbeat.security.problems import database_down
from active_data_flow.runtimes.heartbeat.texts import shown

_logger = logging.getLogger("django.request")


def not_valid(faults: Sequence[Fault], detail: str) -> RefusedError:
    """What was sent is understood, but not valid: 422, with what is wrong part by part."""
    errors = [{"path": ".".join(map(str, fault.path)), "message": fault.message} for fault in faults]
    return RefusedError(422, "not_valid", detail, errors=errors)


def conflict(code: str, detail: str) -> RefusedError:
    """What is asked for does not go with how things stand: 409."""
    return RefusedError(409, code, detail)


def missing(what: str, name: object) -> RefusedError:
    """There is no such thing: 404."""
    return RefusedError(404, "not_found", f"there is no {what} {name!r}")


def add_handlers(api: NinjaAPI) -> None:
    """Have all errors answered."""
    for error, make in _ANSWERS.items():
        api.add_exception_handler(error, _handler(make))
    api.add_exception_handler(Exception, _unexpected)


def _handler(make: Callable[[Any], RefusedError]) -> Callable[[HttpRequest, Any], HttpResponse]:
    def answer(request: HttpRequest, error: Any) -> HttpResponse:
        return problem(make(error))

    return answer


def _unexpected(request: HttpRequest, error: Any) -> HttpResponse:
    """A fault of ours, or the project's: logged and reported as Django does; the answer gives nothing away."""
    _logger.error(
        "Internal Server Error: %s", request.path, exc_info=error, extra={"status_code": 500, "request": request}
    )
    got_request_exception.send(sender=None, request=request)
    return problem(RefusedError(500, "internal_error", "something went wrong on the server, whose log says what"))


def _of_ninja(error: HttpError) -> RefusedError:
    """Ninja wraps what a parser raises."""
    cause = error.__cause__
    if isinstance(cause, RefusedError):
        return cause
    if isinstance(cause, JsonError):
        return RefusedError(400, "json_invalid", f"the body {cause}")
    return RefusedError(error.status_code, "refused", str(error))


def _of_validation(error: ValidationError) -> RefusedError:
    faults = [Fault(_path(fault["loc"]), fault["msg"].removeprefix("Value error, ")) for fault in error.errors]
    return not_valid(faults, "what was sent is not valid: " + "; ".join(map(str, faults))[:2000])


def _path(steps: Sequence[Any]) -> tuple[str | int, ...]:
    """Without what ninja puts first: where it was sent, and the name of the function's argument."""
    return tuple(steps[2:] if steps[0] == "body" else [step for step in steps[1:] if step != "filters"])


_ANSWERS: dict[type[Exception], Callable[[Any], RefusedError]] = {
    RefusedError: lambda error: error,
    HttpError: _of_ninja,
    ValidationError: _of_validation,
    RequestDataTooBig: lambda _: RefusedError(413, "body_too_large", "the body is too large"),
    ConfigurationError: lambda error: not_valid(error.faults, error.message),
    AlreadyRunningError: lambda error: conflict("already_running", error.message),
    CheckpointError: lambda error: database_down() if error.then is Then.RETRY else conflict("failed", shown(error)),
    ActiveDataFlowError: lambda error: conflict("failed", shown(error)),
    OperationalError: lambda _: database_down(),
    InterfaceError: lambda _: database_down(),
}

__all__ = ["add_handlers", "conflict", "missing", "not_valid"]
