"""Versions of the policy document."""

import pgtrigger
import uuid6
from django.conf import settings
from django.db import models


class Policy(models.Model):
    """One adopted version of the policy; it holds until the next one is adopted. Never changed."""

    id = models.UUIDField(primary_key=True, default=uuid6.uuid7, editable=False)
    version = models.PositiveIntegerField()
    name = models.CharField(max_length=100)
    document = models.JSONField()
    sha256 = models.CharField(max_length=64)
    is_demo = models.BooleanField()
    adopted_at = models.DateTimeField()
    # Nobody: it came with Goldgate.
    adopted_by = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, on_delete=models.PROTECT, related_name="+")

    class Meta:
        ordering = ["-version"]
        constraints = [
            models.UniqueConstraint(fields=["version"], name="policy_version_once"),
            models.CheckConstraint(condition=models.Q(version__gte=1), name="policy_version_from_one"),
            models.CheckConstraint(condition=models.Q(sha256__regex=r"^[0-9a-f]{64}$"), name="policy_sha256_hex"),
        ]
        triggers = [
            pgtrigger.Protect(name="policy_never_changed", operation=pgtrigger.Update | pgtrigger.Delete),
        ]

    def __str__(self) -> str:
        return f"{self.name} v{self.version}"
