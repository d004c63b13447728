"""Collects what is wrong with the parts of a configuration, so that all of it is told at once."""

from __future__ import annotations

from collections.abc import Generator
from contextlib import contextmanager

from active_data_flow.core.errors import ConfigurationError


class Faults:
    """Errors of the parts of one configuration.

    Example:
        >>> faults = Faults()
        >>> with faults.at("source"):
        ...     source = build("source", {"type": "fiel"})
        >>> with faults.at("sink"):
        ...     sink = build("sink", {"type": "file"})
        >>> faults.raise_all()  # names both
    """

    def __init__(self) -> None:
        self._errors: list[ConfigurationError] = []

    def __bool__(self) -> bool:
        return bool(self._errors)

    @contextmanager
    def at(self, *path: str | int) -> Generator[None]:
        """Whatever is not valid inside is kept, as being below this path."""
        try:
            yield
        except ConfigurationError as error:
            self._errors.append(error.below(*path) if path else error)

    def raise_all(self) -> None:
        """Raise what was kept; does nothing where all was in order.

        Raises:
            ConfigurationError: The one error that there is, as it was; of several one that tells them all.
        """
        if not self._errors:
            return
        if len(self._errors) == 1:
            raise self._errors[0]
        faults = [fault for error in self._errors for fault in error.faults]
        message = f"{len(faults)} faults:" + "".join(f"\n  {fault}" for fault in faults)
        raise ConfigurationError(message, faults=faults) from self._errors[0]


__all__ = ["Faults"]
