"""Who may send requests, how many, and what they did."""

from __future__ import annotations

from django.db import models
from django.utils import timezone
from django.utils.translation import gettext_lazy as _


class ApiToken(models.Model):
    """A token; only hashes are kept. While it is rotated, the one before is taken too."""

    name = models.CharField(_("name"), max_length=128, unique=True)
    scopes = models.JSONField(_("scopes"), default=list)
    digest = models.CharField(_("SHA-256"), max_length=64, unique=True)
    previous_digest = models.CharField(_("SHA-256 of the one before"), max_length=64, blank=True, db_index=True)
    previous_expires_at = models.DateTimeField(_("the one before expires"), null=True, blank=True)
    enabled = models.BooleanField(_("enabled"), default=True)
    created_by = models.CharField(_("made by"), max_length=150, blank=True)
    created_at = models.DateTimeField(_("created"), auto_now_add=True)
    expires_at = models.DateTimeField(_("expires"), null=True, blank=True)
    last_used_at = models.DateTimeField(_("last used"), null=True, blank=True)

    class Meta:
        verbose_name = _("API token")
        verbose_name_plural = _("API tokens")
        ordering = ("name",)

    def __str__(self) -> str:
        return self.name


class AuditEntry(models.Model):
    """Someone did something: who, what, to what, from where."""

    at = models.DateTimeField(_("time"), default=timezone.now, db_index=True)
    actor = models.CharField(_("who"), max_length=150)
    address = models.GenericIPAddressField(_("address"), null=True, blank=True)
    action = models.CharField(_("action"), max_length=64)
    target = models.CharField(_("of"), max_length=255, blank=True)
    details = models.JSONField(_("details"), default=dict, blank=True)

    class Meta:
        verbose_name = _("audit entry")
        verbose_name_plural = _("audit log")
        ordering = ("-id",)
        indexes = (
            models.Index(fields=["action", "-id"], name="adf_audit_action"),
            models.Index(fields=["target", "-id"], name="adf_audit_target"),
        )

    def __str__(self) -> str:
        return f"{self.actor} {self.action} {self.target}"


class RateLimitCounter(models.Model):
    """Requests of one sender in one minute."""

    key = models.CharField(_("sender"), max_length=128)
    minute = models.DateTimeField(_("minute"), db_index=True)
    requests = models.PositiveIntegerField(_("requests"), default=0)

    class Meta:
        verbose_name = _("rate limit counter")
        verbose_name_plural = _("rate limit counters")
        constraints = (models.UniqueConstraint(fields=["key", "minute"], name="adf_rate_key"),)

    def __str__(self) -> str:
        return f"{self.key} {self.requests}"


__all__ = ["ApiToken", "AuditEntry", "RateLimitCounter"]
