"""One execution of a flow: the truth about who works on it, until when, and what came of it."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, ClassVar, Self

from django.db import models
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from active_data_flow.runtimes.heartbeat.models.data_flow import DataFlow
from active_data_flow.runtimes.heartbeat.models.database_now import DatabaseNow


class RunStatus(models.TextChoices):
    """Where a run is."""

    PENDING = "pending", _("pending")
    IN_PROGRESS = "in_progress", _("in progress")
    SUCCESS = "success", _("success")
    FAILED = "failed", _("failed")


class FailureReason(models.TextChoices):
    """Why a run failed."""

    ERROR = "error", _("error")
    LOST = "lost", _("worker lost")
    CANCELLED = "cancelled", _("cancelled")
    TIMEOUT = "timeout", _("timed out")


class Trigger(models.TextChoices):
    """What began a run."""

    SCHEDULE = "schedule", _("schedule")
    MANUAL = "manual", _("by hand")
    API = "api", _("API")
    RETRY = "retry", _("run again")
    REPLAY = "replay", _("replay of rejected records")


class StopRequest(models.TextChoices):
    """What a run is asked to do at its next checkpoint."""

    CANCEL = "cancel", _("cancel")
    PAUSE = "pause", _("pause")


class DataFlowRunQuerySet(models.QuerySet["DataFlowRun"]):
    """Questions about runs."""

    def active(self) -> Self:
        """Runs that are pending or in progress."""
        return self.filter(status__in=(RunStatus.PENDING, RunStatus.IN_PROGRESS))

    def ended(self) -> Self:
        """Runs that succeeded or failed."""
        return self.filter(status__in=(RunStatus.SUCCESS, RunStatus.FAILED))

    def due_to_go_on(self) -> Self:
        """Pending runs whose time has come: to begin, to go on after a budget was used up, or to be tried again.

        Those of disabled flows wait, unless someone asked for them.
        """
        wanted = Q(flow__enabled=True) | ~Q(trigger=Trigger.SCHEDULE)
        return self.filter(wanted, status=RunStatus.PENDING, next_attempt_at__lte=DatabaseNow())

    def stale(self) -> Self:
        """Runs in progress whose lease has run out, or which go on beyond their deadline."""
        over = Q(lease_expires_at__lte=DatabaseNow()) | Q(deadline_at__lte=DatabaseNow())
        return self.filter(over, status=RunStatus.IN_PROGRESS)

    def count_up_to(self, most: int) -> int:
        """How many there are, but no further than so many: counting a million takes its time."""
        return self.order_by()[:most].count()


class DataFlowRun(models.Model):
    """A run of a flow. It begins as pending, may be worked on in several goes, and ends as success or failed.

    A pending run without `next_attempt_at` is paused: it goes on when someone resumes it.
    """

    flow = models.ForeignKey(
        DataFlow, verbose_name=_("flow"), on_delete=models.CASCADE, related_name="runs", db_index=False
    )
    run_id = models.CharField(_("run id"), max_length=32, unique=True)
    status = models.CharField(_("status"), max_length=16, choices=RunStatus.choices, default=RunStatus.PENDING)
    reason = models.CharField(_("why it failed"), max_length=16, choices=FailureReason.choices, blank=True)
    trigger = models.CharField(_("trigger"), max_length=16, choices=Trigger.choices, default=Trigger.SCHEDULE)

    created_at = models.DateTimeField(_("created"), default=timezone.now)
    started_at = models.DateTimeField(_("started"), null=True, blank=True)
    ended_at = models.DateTimeField(_("ended"), null=True, blank=True)
    next_attempt_at = models.DateTimeField(_("next attempt"), null=True, blank=True)
    attempt = models.PositiveSmallIntegerField(_("attempt"), default=1)
    max_attempts = models.PositiveSmallIntegerField(_("attempts at most"), default=1)

    fence = models.PositiveBigIntegerField(_("fencing number"), help_text=_("The flow's claim version of this run."))
    lease_owner = models.CharField(_("worker"), max_length=128, blank=True)
    lease_expires_at = models.DateTimeField(_("lease expires"), null=True, blank=True)
    deadline_at = models.DateTimeField(_("deadline"), null=True, blank=True)
    stop_requested = models.CharField(_("asked to"), max_length=16, choices=StopRequest.choices, blank=True)

    records_read = models.BigIntegerField(_("records read"), default=0)
    records_written = models.BigIntegerField(_("records written"), default=0)
    records_rejected = models.BigIntegerField(_("records rejected"), default=0)
    bytes_read = models.BigIntegerField(_("bytes read"), default=0)
    result = models.JSONField(_("result"), default=dict, blank=True)

    error_type = models.CharField(_("kind of error"), max_length=128, blank=True)
    error = models.TextField(_("error"), blank=True)
    traceback = models.TextField(_("traceback"), blank=True)

    queue = models.CharField(_("queue"), max_length=32, default="default")
    priority = models.SmallIntegerField(_("priority"), default=0)
    task_id = models.CharField(_("task id"), max_length=128, blank=True)

    objects: ClassVar[DataFlowRunQuerySet] = DataFlowRunQuerySet.as_manager()  # pyright: ignore[reportAssignmentType, reportIncompatibleVariableOverride]  # as far as a caller can tell
    if TYPE_CHECKING:
        flow_id: int

    class Meta:
        verbose_name = _("run")
        verbose_name_plural = _("runs")
        ordering = ("-id",)
        constraints = (models.UniqueConstraint(fields=["flow", "fence"], name="adf_run_fence"),)
        indexes = (
            # each list of runs is a walk through one of these, newest first
            models.Index(fields=["flow", "-id"], name="adf_run_flow"),
            models.Index(fields=["status", "-id"], name="adf_run_status"),
            models.Index(fields=["flow", "status", "-id"], name="adf_run_flow_status"),
            models.Index(fields=["trigger", "-id"], name="adf_run_trigger"),
            models.Index(fields=["error_type", "-id"], name="adf_run_error"),
            models.Index(fields=["created_at"], name="adf_run_created"),
            models.Index(fields=["status", "next_attempt_at"], name="adf_run_next"),
            models.Index(fields=["status", "lease_expires_at"], name="adf_run_lease"),
        )

    def __str__(self) -> str:
        return f"{self.flow.name} {self.run_id}"

    @property
    def duration(self) -> timedelta | None:
        """How long it took, waits between its goes included; so far, where it has not ended; None before it started."""
        return None if self.started_at is None else (self.ended_at or timezone.now()) - self.started_at

    @property
    def is_active(self) -> bool:
        """Whether it is pending or in progress."""
        return self.status in (RunStatus.PENDING, RunStatus.IN_PROGRESS)

    @property
    def is_paused(self) -> bool:
        """Whether it waits until someone resumes it."""
        return self.status == RunStatus.PENDING.value and self.next_attempt_at is None


class RunLogLine(models.Model):
    """A log line of a run; so many are kept as the setting ``LOG_LINES`` says."""

    run = models.ForeignKey(DataFlowRun, verbose_name=_("run"), on_delete=models.CASCADE, related_name="log_lines")
    at = models.DateTimeField(_("time"))
    level = models.CharField(_("level"), max_length=8)
    text = models.TextField(_("text"))
    values = models.JSONField(_("values"), default=dict, blank=True)

    class Meta:
        verbose_name = _("log line")
        verbose_name_plural = _("log lines")
        ordering = ("id",)

    def __str__(self) -> str:
        return self.text


__all__ = ["DataFlowRun", "DataFlowRunQuerySet", "FailureReason", "RunLogLine", "RunStatus", "StopRequest", "Trigger"]
