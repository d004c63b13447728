"""How far pipelines have read, and the records that they set aside."""

from __future__ import annotations

from django.db import models
from django.utils.translation import gettext_lazy as _


class Pipeline(models.Model):
    """A source and a sink of a flow; its epoch fences off older runs.

    Positions and records are kept as JSON texts: the database must give them back exactly as they were.
    """

    name = models.CharField(_("name"), max_length=255, unique=True)
    flow_name = models.CharField(_("flow"), max_length=128, db_index=True)
    epoch = models.PositiveBigIntegerField(_("epoch"), default=0)
    fence = models.PositiveBigIntegerField(_("newest run"), default=0)

    class Meta:
        verbose_name = _("pipeline")
        verbose_name_plural = _("pipelines")

    def __str__(self) -> str:
        return self.name


class CheckpointSplit(models.Model):
    """A split and its committed position."""

    pipeline = models.ForeignKey(
        Pipeline, verbose_name=_("pipeline"), on_delete=models.CASCADE, related_name="splits", db_index=False
    )
    key = models.CharField(_("hash of the split's id"), max_length=64)
    split_id = models.TextField(_("split"))
    state = models.TextField(_("state"))
    updated_at = models.DateTimeField(_("updated"), auto_now=True)

    class Meta:
        verbose_name = _("position")
        verbose_name_plural = _("positions")
        constraints = (models.UniqueConstraint(fields=["pipeline", "key"], name="adf_split_key"),)

    def __str__(self) -> str:
        return self.split_id


class CheckpointCommittable(models.Model):
    """What a writer of a two-phase sink has prepared, and whether it was carried out."""

    pipeline = models.ForeignKey(
        Pipeline, verbose_name=_("pipeline"), on_delete=models.CASCADE, related_name="committables", db_index=False
    )
    writer = models.PositiveIntegerField(_("writer"))
    items = models.TextField(_("committables"))
    done = models.BooleanField(_("carried out"), default=False)

    class Meta:
        verbose_name = _("committable")
        verbose_name_plural = _("committables")
        constraints = (models.UniqueConstraint(fields=["pipeline", "writer"], name="adf_committable_writer"),)

    def __str__(self) -> str:
        return f"{self.pipeline.name} {self.writer}"


class RejectStatus(models.TextChoices):
    """What has become of a rejected record."""

    STAGED = "staged", _("not yet committed")
    OPEN = "open", _("open")
    REPLAYED = "replayed", _("replayed")
    DISCARDED = "discarded", _("discarded")


class RejectedRecord(models.Model):
    """A record that a flow could not use and has set aside."""

    pipeline = models.ForeignKey(
        Pipeline, verbose_name=_("pipeline"), on_delete=models.CASCADE, related_name="rejects", db_index=False
    )
    run_id = models.CharField(_("run id"), max_length=32, db_index=True)
    flow_version = models.CharField(_("version of the flow"), max_length=255)
    split_id = models.TextField(_("split"))
    split_key = models.CharField(_("hash of the split's id"), max_length=64)
    sequence = models.BigIntegerField(_("commit"))
    status = models.CharField(_("status"), max_length=16, choices=RejectStatus.choices)
    at = models.DateTimeField(_("time"))
    record = models.TextField(_("record"))
    error = models.TextField(_("error"))
    error_type = models.CharField(_("kind of error"), max_length=128)
    stage = models.CharField(_("stage"), max_length=128)
    position = models.TextField(_("position"))
    field = models.TextField(_("field"), null=True)  # noqa: DJ001  # none is no empty name
    passed = models.PositiveIntegerField(_("steps passed"), default=0)
    arrow = models.BinaryField(_("record with its types"), null=True)

    class Meta:
        verbose_name = _("rejected record")
        verbose_name_plural = _("rejected records")
        ordering = ("id",)
        indexes = (
            models.Index(fields=["pipeline", "status", "id"], name="adf_reject_status"),
            models.Index(fields=["pipeline", "split_key", "status"], name="adf_reject_split"),
        )

    def __str__(self) -> str:
        return self.error


__all__ = ["CheckpointCommittable", "CheckpointSplit", "Pipeline", "RejectStatus", "RejectedRecord"]
