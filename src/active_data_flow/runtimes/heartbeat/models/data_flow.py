"""A flow as a record: where its code is, what is changed of it, and when it is due."""

from __future__ import annotations

from typing import Self

from django.core.validators import RegexValidator
from django.db import models
from django.utils.translation import gettext_lazy as _

from active_data_flow.runtimes.heartbeat.models.database_now import DatabaseNow


class DataFlowQuerySet(models.QuerySet["DataFlow"]):
    """Questions about flows."""

    def due_to_run(self) -> Self:
        """Enabled flows whose time has come, by the database's clock, and of which no run goes on."""
        return self.filter(enabled=True, busy=False, next_run_at__lte=DatabaseNow())


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
    claim_version = models.PositiveBigIntegerField(_("claim version"), default=0, editable=False)
    losses = models.PositiveSmallIntegerField(_("runs lost in a row"), default=0, editable=False)
    next_run_at = models.DateTimeField(_("next run"), null=True, blank=True, editable=False)
    last_run_at = models.DateTimeField(_("last run"), null=True, blank=True, editable=False)
    last_status = models.CharField(_("last status"), max_length=16, blank=True, editable=False)
    created_at = models.DateTimeField(_("created"), auto_now_add=True)
    updated_at = models.DateTimeField(_("updated"), auto_now=True)

    objects = DataFlowQuerySet.as_manager()

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
