"""When a flow is due: every so often, or by a cron expression; and how often a failed run is repeated."""

from __future__ import annotations

import random
from datetime import UTC, datetime, timedelta
from typing import Annotated, Any, Self
from zoneinfo import ZoneInfo

from pydantic import AfterValidator, Field, PlainSerializer, model_validator

from active_data_flow.core.configuration import Configuration
from active_data_flow.core.errors import ConfigurationError
from active_data_flow.core.policies import Seconds

_DECADE = 10 * 366 * 86_400


def _whole(seconds: float) -> float:
    if seconds != int(seconds):
        raise ValueError("is a whole number of seconds")
    return seconds


def _known_zone(name: str) -> str:
    try:
        ZoneInfo(name)
    except (KeyError, ValueError, OSError) as error:  # not there, a path, a folder
        message = f"there is no time zone {name!r}; zones are named as Europe/Oslo (their data: pip install tzdata)"
        raise ValueError(message) from error
    return name


def _cron_fields(text: str) -> str:
    """Checked as far as can be without the library, so that a flow with a schedule also runs where nothing is due."""
    if len(text.split()) != 5:
        raise ValueError('is minute, hour, day, month and weekday, as "0 3 * * *"')
    try:
        from cronsim import CronSim, CronSimError
    except ImportError:
        return text
    try:
        next(CronSim(text, datetime(2024, 1, 1, tzinfo=UTC)))
    except CronSimError as error:
        raise ValueError(f"{str(error).lower()} in a cron expression") from error
    except StopIteration:
        raise ValueError("never comes: there is no such day") from None
    return text


Interval = Annotated[Seconds, Field(ge=1, le=_DECADE), AfterValidator(_whole), PlainSerializer(int)]


class Schedule(Configuration):
    """When a flow is due; made by `every` or `cron`, or from a document: ``{every: 5m}``, ``{cron: "0 3 * * *"}``.

    Raises:
        ConfigurationError: Not one of the two ways, not a cron expression, or an unknown time zone.
    """

    every: Interval | None = None
    """Time between two runs: whole seconds, at least one."""
    cron: Annotated[str, AfterValidator(_cron_fields)] | None = None
    """Minute, hour, day of the month, month and weekday, as ``0 3 * * *``."""
    time_zone: Annotated[str, AfterValidator(_known_zone)] = "UTC"
    """Time zone of the cron expression, as ``Europe/Oslo``."""

    @model_validator(mode="after")
    def _one_way(self) -> Self:
        if (self.every is None) == (self.cron is None):
            raise ValueError("a schedule has either every or cron")
        if self.every is not None and "time_zone" in self.model_fields_set:
            raise ValueError("time_zone belongs to cron; every counts seconds")
        return self

    def next_after(self, moment: datetime, slot: datetime | None = None) -> datetime:
        """The first time that the flow is due after a moment.

        However many slots have passed meanwhile, there is one answer: what was missed is not piled up.

        Args:
            moment: The time now, with a time zone.
            slot: A time that the flow was due at, from which intervals are counted, so that they never drift;
                default: the moment.

        Returns:
            A time after the moment, in UTC. A cron time in an hour that daylight saving skips comes right after that
            hour; one in an hour that comes twice comes once.

        Raises:
            ConfigurationError: It is a cron expression, and the package that reads them is not installed.

        Example:
            >>> now, due = datetime(2026, 3, 1, 12, 17, tzinfo=UTC), datetime(2026, 3, 1, 9, tzinfo=UTC)
            >>> every(minutes=5).next_after(now, due)
            datetime.datetime(2026, 3, 1, 12, 20, tzinfo=datetime.timezone.utc)
        """
        if self.every is not None:
            return _next_slot(timedelta(seconds=self.every), moment.astimezone(UTC), slot or moment)
        return self._next_cron(moment)

    def _next_cron(self, moment: datetime) -> datetime:
        assert self.cron is not None
        try:
            from cronsim import CronSim
        except ImportError as error:
            message = 'a cron schedule needs the package cronsim; pip install "active-data-flow[django]"'
            raise ConfigurationError(message) from error
        # in an hour that comes a second time, what was due in the first comes again: it is not after the moment
        times = (time.astimezone(UTC) for time in CronSim(self.cron, moment.astimezone(ZoneInfo(self.time_zone))))
        return next(time for time in times if time > moment)

    def describe(self) -> str:
        """The schedule in words, as ``every 5 min`` or ``0 3 * * * Europe/Oslo``."""
        if self.every is None:
            return f"{self.cron} {self.time_zone}"
        seconds = int(self.every)
        size, unit = next(pair for pair in _UNITS if seconds % pair[0] == 0)
        return f"every {seconds // size} {unit}"


_UNITS = ((86_400, "d"), (3600, "h"), (60, "min"), (1, "s"))


def _next_slot(interval: timedelta, moment: datetime, slot: datetime) -> datetime:
    slot = slot.astimezone(UTC)
    return slot + ((moment - slot) // interval + 1) * interval


def every(*, days: float = 0, hours: float = 0, minutes: float = 0, seconds: float = 0) -> Schedule:
    """A schedule with a fixed time between two runs.

    Raises:
        ConfigurationError: The time is not a whole number of seconds, or less than one.

    Example:
        >>> class Prices(DataFlow):
        ...     schedule = every(minutes=5)
    """
    return Schedule(every=timedelta(days=days, hours=hours, minutes=minutes, seconds=seconds).total_seconds())


def cron(expression: str, *, time_zone: str = "UTC") -> Schedule:
    """A schedule by a cron expression: minute, hour, day of the month, month, weekday.

    Raises:
        ConfigurationError: The expression or the time zone is not one.

    Example:
        >>> class Prices(DataFlow):
        ...     schedule = cron("0 3 * * *", time_zone="Europe/Oslo")
    """
    options: dict[str, Any] = {} if time_zone == "UTC" else {"time_zone": time_zone}
    return Schedule(cron=expression, **options)


class RerunPolicy(Configuration):
    """How often, and how patiently, a runtime with a schedule repeats a run that failed."""

    attempts: int = Field(default=3, ge=1, le=1000)
    """Times that a run is tried, the first included; 1: it waits for its next time instead."""
    backoff: Seconds = 30.0
    """Pause before the first repetition; doubles with each further one, with jitter."""
    max_backoff: Seconds = 3600.0
    """The longest pause."""

    def pause_after(self, attempt: int) -> float:
        """Seconds to wait after so many attempts: the upper half is drawn, so that what failed together parts."""
        ceiling = min(self.backoff * 2 ** min(attempt - 1, 30), self.max_backoff)
        return random.uniform(ceiling / 2, ceiling)  # noqa: S311  # nobody is to be kept from guessing it


__all__ = ["RerunPolicy", "Schedule", "cron", "every"]
