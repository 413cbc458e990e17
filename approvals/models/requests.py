"""What teams ask for."""

from django.conf import settings
from django.db import models
from django.db.models import Q

from catalog.models import IMAGE_NAME, VERSION_NAME


class Request(models.Model):
    """ "We need debian/12." One open request a version; others join it instead of asking again."""

    class State(models.TextChoices):
        OPEN = "open", "open"
        ANSWERED = "answered", "answered"
        WITHDRAWN = "withdrawn", "withdrawn"

    # Requests count up, so that people can say the number.
    id = models.BigAutoField(primary_key=True)
    image_name = models.CharField(max_length=100)
    version_name = models.CharField(max_length=128)
    team = models.ForeignKey("accounts.Team", null=True, blank=True, on_delete=models.PROTECT, related_name="+")
    asked_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="requests")
    reason = models.TextField(max_length=4000)
    state = models.CharField(max_length=10, choices=State.choices, default=State.OPEN)
    asked_at = models.DateTimeField()
    closed_at = models.DateTimeField(null=True, blank=True)
    answer = models.TextField(blank=True, max_length=4000)
    answered_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.PROTECT, related_name="+"
    )
    subversion = models.ForeignKey(
        "catalog.Subversion", null=True, blank=True, on_delete=models.PROTECT, related_name="answered_requests"
    )

    class Meta:
        ordering = ["-id"]
        constraints = [
            models.UniqueConstraint(
                fields=["image_name", "version_name"], condition=Q(state="open"), name="request_open_once"
            ),
            models.CheckConstraint(
                condition=Q(state="open", closed_at=None)
                | Q(state="withdrawn", closed_at__isnull=False)
                | Q(state="answered", closed_at__isnull=False) & ~Q(answer=""),
                name="request_state_told",
            ),
            models.CheckConstraint(condition=Q(image_name__regex=IMAGE_NAME), name="request_image_grammar"),
            models.CheckConstraint(condition=Q(version_name__regex=VERSION_NAME), name="request_version_grammar"),
            models.CheckConstraint(condition=~Q(reason=""), name="request_reason_given"),
        ]

    def __str__(self) -> str:
        return f"#{self.pk} {self.image_name}/{self.version_name}"


class RequestJoin(models.Model):
    """Somebody else who needs the same."""

    request = models.ForeignKey(Request, on_delete=models.PROTECT, related_name="joins")
    person = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    team = models.ForeignKey("accounts.Team", null=True, blank=True, on_delete=models.PROTECT, related_name="+")
    reason = models.TextField(blank=True, max_length=4000)
    joined_at = models.DateTimeField()

    class Meta:
        ordering = ["joined_at", "pk"]
        constraints = [models.UniqueConstraint(fields=["request", "person"], name="request_joined_once")]

    def __str__(self) -> str:
        return f"{self.person} joined {self.request}"
