"""Whether a record makes a flow: what saving checks, told part by part."""

from __future__ import annotations

from django.core.exceptions import ValidationError

from active_data_flow.core.errors import ConfigurationError, Fault
from active_data_flow.runtimes.heartbeat.api.failures import not_valid
from active_data_flow.runtimes.heartbeat.models import DataFlow


def validate(record: DataFlow) -> None:
    """Check a record that is about to be saved.

    Raises:
        RefusedError: It is not valid: 422, with what is wrong where.
    """
    faults = faults_of(record)
    if faults:
        raise not_valid(faults, "; ".join(map(str, faults))[:2000])


def faults_of(record: DataFlow) -> list[Fault]:
    """What is wrong with a record, part by part."""
    try:
        record.clean_fields(exclude={"configuration"})
        record.take_settings()
    except ValidationError as error:
        return [Fault((name,), text) for name, texts in error.message_dict.items() for text in texts]
    except ConfigurationError as error:
        faults = error.faults or (Fault((), error.message),)
        return [Fault(("configuration", *fault.path), fault.message) for fault in faults]
    return []


__all__ = ["faults_of", "validate"]
