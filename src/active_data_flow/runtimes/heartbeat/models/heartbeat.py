"""What each heartbeat did."""

from __future__ import annotations

from django.db import models
from django.utils.translation import gettext_lazy as _


class Heartbeat(models.Model):
    """A heartbeat: what it triggered, what it skipped and why."""

    started_at = models.DateTimeField(_("started"), db_index=True)
    ended_at = models.DateTimeField(_("ended"), null=True, blank=True)
    source = models.CharField(_("sent by"), max_length=128, blank=True, help_text=_("A command, or a token's name."))
    flows_due = models.PositiveIntegerField(_("flows due"), default=0)
    flows_triggered = models.PositiveIntegerField(_("flows triggered"), default=0)
    flows_remaining = models.PositiveIntegerField(_("flows remaining"), default=0)
    runs_lost = models.PositiveIntegerField(_("runs lost"), default=0)
    triggered = models.JSONField(_("triggered"), default=list, blank=True)
    skipped = models.JSONField(_("skipped"), default=list, blank=True)
    error = models.TextField(_("error"), blank=True)

    class Meta:
        verbose_name = _("heartbeat")
        verbose_name_plural = _("heartbeats")
        ordering = ("-id",)

    def __str__(self) -> str:
        return f"{self.started_at:%Y-%m-%d %H:%M:%S}"


__all__ = ["Heartbeat"]
