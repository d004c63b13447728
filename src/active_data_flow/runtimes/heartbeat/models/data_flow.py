"""A flow as a record: where its code is, what is changed of it, and when it is due."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import TYPE_CHECKING, Any, ClassVar, Self

from django.core.exceptions import ValidationError
from django.core.validators import RegexValidator
from django.db import models
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from active_data_flow.core.data_flow import FlowSettings
from active_data_flow.core.errors import ConfigurationError
from active_data_flow.core.schedule import Schedule
from active_data_flow.runtimes.heartbeat.models.database_now import DatabaseNow

if TYPE_CHECKING:
    from active_data_flow.runtimes.heartbeat.models.data_flow_run import DataFlowRun

# taken from the flow, so that the database can be asked by them
_SETTINGS = frozenset(
    {
        "interval",
        "cron",
        "time_zone",
        "queue",
        "priority",
        "concurrency_group",
        "concurrency",
        "max_attempts",
        "backoff",
        "max_backoff",
    }
)
# written by runs and by `sync`, with conditions of their own
_OF_RUNS = frozenset(
    {"busy", "code_missing", "claim_version", "losses", "next_run_at", "last_run_at", "last_status", "last_error"}
)


class DataFlowQuerySet(models.QuerySet["DataFlow"]):
    """Questions about flows."""

    def due_to_run(self) -> Self:
        """Enabled flows whose time has come, by the database's clock, and of which no run goes on."""
        return self.filter(enabled=True, busy=False, code_missing=False, next_run_at__lte=DatabaseNow())


class DataFlow(models.Model):
    """A flow that the heartbeat runs.

    What it does is told by `configuration`: of a flow with code (`reference`) what differs from the code, else the
    whole document. The fields from `interval` to `max_backoff` are taken from there when the record is saved, so that
    the database can be asked for them.
    """

    name = models.CharField(
        _("name"),
        max_length=128,
        unique=True,
        validators=[
            RegexValidator(r"^[A-Za-z][A-Za-z0-9_.-]*\Z", _("Letters, digits, '_', '.', '-'; a letter first."))
        ],
    )
    description = models.TextField(_("description"), blank=True)
    enabled = models.BooleanField(_("enabled"), default=True)
    reference = models.CharField(
        _("code"), max_length=255, blank=True, help_text=_("Class of the flow, as shop.flows:PriceSync; blank: none.")
    )
    configuration = models.JSONField(
        _("configuration"), default=dict, blank=True, help_text=_("The flow's document, or what differs from the code.")
    )

    interval = models.PositiveIntegerField(_("seconds between runs"), null=True, editable=False)
    cron = models.CharField(_("cron"), max_length=128, blank=True, editable=False)
    time_zone = models.CharField(_("time zone"), max_length=64, default="UTC", editable=False)
    queue = models.CharField(_("queue"), max_length=32, default="default", editable=False)
    priority = models.SmallIntegerField(_("priority"), default=0, editable=False)
    concurrency_group = models.CharField(_("concurrency group"), max_length=64, blank=True, editable=False)
    concurrency = models.PositiveSmallIntegerField(_("runs of its group at once"), default=1, editable=False)
    max_attempts = models.PositiveSmallIntegerField(_("attempts"), default=3, editable=False)
    backoff = models.FloatField(_("seconds before the first retry"), default=30.0, editable=False)
    max_backoff = models.FloatField(_("longest pause before a retry"), default=3600.0, editable=False)

    busy = models.BooleanField(
        _("busy"), default=False, editable=False, help_text=_("A run is pending or in progress.")
    )
    code_missing = models.BooleanField(
        _("code missing"), default=False, editable=False, help_text=_("No installed app has its code any more.")
    )
    claim_version = models.PositiveBigIntegerField(_("claim version"), default=0, editable=False)
    losses = models.PositiveSmallIntegerField(_("runs lost in a row"), default=0, editable=False)
    next_run_at = models.DateTimeField(_("next run"), null=True, blank=True, editable=False)
    last_run_at = models.DateTimeField(_("last run"), null=True, blank=True, editable=False)
    last_status = models.CharField(_("last status"), max_length=16, blank=True, editable=False)
    last_error = models.TextField(_("last error"), blank=True, editable=False)
    created_at = models.DateTimeField(_("created"), auto_now_add=True)
    updated_at = models.DateTimeField(_("updated"), auto_now=True)

    objects: ClassVar[DataFlowQuerySet] = DataFlowQuerySet.as_manager()  # pyright: ignore[reportAssignmentType, reportIncompatibleVariableOverride]  # as far as a caller can tell
    _saved: tuple[Any, ...] | None = None

    class Meta:
        verbose_name = _("data flow")
        verbose_name_plural = _("data flows")
        ordering = ("name",)
        indexes = (
            models.Index(fields=["enabled", "busy", "next_run_at"], name="adf_flow_due"),
            models.Index(fields=["concurrency_group", "busy"], name="adf_flow_group"),
        )
        permissions = (("run_dataflow", "Can run data flow"),)

    def __str__(self) -> str:
        return self.name

    def save(self, *args: Any, update_fields: Iterable[str] | None = None, **options: Any) -> None:
        """Save what people may change; a changed configuration is checked first.

        What runs write (`busy`, `claim_version`, `next_run_at` …) is left as it is in the database, however long ago
        this record was read.

        Raises:
            ConfigurationError: The configuration does not make a flow; nothing was saved.
        """
        derived: frozenset[str] = frozenset()
        if self._saved != self._definition():
            derived = self.take_settings() | {"updated_at"}
        if not self._state.adding:
            names = {field.name for field in self._meta.concrete_fields if not field.primary_key}
            update_fields = {*(names - _OF_RUNS if update_fields is None else update_fields), *derived}
        super().save(*args, update_fields=update_fields, **options)
        self._saved = self._definition()

    @classmethod
    def from_db(cls, db: str | None, field_names: Iterable[str], values: Iterable[Any], **options: Any) -> Self:
        """Remember what the record says of the flow, to know whether it has changed when it is saved."""
        names = list(field_names)
        record = super().from_db(db, names, list(values), **options)  # Django 6.1 has more of them
        if {"name", "reference", "configuration"} <= {*names}:
            record._saved = record._definition()  # noqa: SLF001  # its own
        return record

    @property
    def schedule(self) -> Schedule | None:
        """When it is due; None: only when asked to."""
        if self.interval:
            return Schedule(every=self.interval)
        return Schedule.build({"cron": self.cron, "time_zone": self.time_zone}) if self.cron else None

    def clean(self) -> None:
        """Check the configuration, for forms and APIs.

        Raises:
            ValidationError: It does not make a flow; the message says what is wrong.
        """
        try:
            self.take_settings()
        except ConfigurationError as error:
            raise ValidationError({"configuration": str(error)}) from error

    def take_settings(self) -> frozenset[str]:
        """Take the fields that the database is asked by from the flow; the names of those taken.

        Raises:
            ConfigurationError: The record does not make a flow.
        """
        from active_data_flow.runtimes.heartbeat.loading import load

        settings = load(self).settings
        before = self.schedule
        for name, value in _columns(settings).items():
            setattr(self, name, value)
        if self.schedule == before and not (self._state.adding and self.next_run_at is None):
            return _SETTINGS
        self.next_run_at = _first_time(settings.schedule, self.last_run_at)
        return _SETTINGS | {"next_run_at"}

    def trigger_run(self, *, trigger: str = "manual", wait: bool = True) -> DataFlowRun:
        """Run the flow now, whether or not it is due or enabled.

        Args:
            trigger: Who asks, as a `Trigger`.
            wait: Work on it here and now, or enqueue it where the job runtime is installed; false: leave it to the
                next heartbeat.

        Returns:
            The run as it is then; one that failed says so in its record.

        Raises:
            AlreadyRunningError: A run of it is pending or in progress, or its group is full.
        """
        from active_data_flow.runtimes.heartbeat.execution import trigger_run

        return trigger_run(self, trigger, wait=wait)

    def _definition(self) -> tuple[Any, ...]:
        return self.name, self.reference, repr(self.configuration)


def _columns(settings: FlowSettings) -> dict[str, Any]:
    schedule = settings.schedule
    return {
        "interval": int(schedule.every) if schedule is not None and schedule.every else None,
        "cron": (schedule.cron or "") if schedule is not None else "",
        "time_zone": schedule.time_zone if schedule is not None else "UTC",
        "queue": settings.queue,
        "priority": settings.priority,
        "concurrency_group": settings.concurrency_group,
        "concurrency": settings.concurrency,
        "max_attempts": settings.rerun.attempts,
        "backoff": settings.rerun.backoff,
        "max_backoff": settings.rerun.max_backoff,
    }


def _first_time(schedule: Schedule | None, last_run_at: datetime | None) -> datetime | None:
    """When a flow with a new schedule is due: an interval counts from the last run, and begins at once without one."""
    now = timezone.now()
    if schedule is None:
        return None
    if schedule.every is None:
        return schedule.next_after(now)
    return now if last_run_at is None else schedule.next_after(last_run_at)


class ConcurrencyGroup(models.Model):
    """Flows that share something scarce. Claiming one of them changes the version: two can't count at once."""

    name = models.CharField(_("name"), max_length=64, unique=True)
    version = models.PositiveBigIntegerField(_("version"), default=0)

    class Meta:
        verbose_name = _("concurrency group")
        verbose_name_plural = _("concurrency groups")

    def __str__(self) -> str:
        return self.name


__all__ = ["ConcurrencyGroup", "DataFlow", "DataFlowQuerySet"]
