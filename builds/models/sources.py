"""Sources: where a base image's Dockerfile lives, and how it is built."""

import uuid6
from django.conf import settings
from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import Q


class Source(models.Model):
    """A git repository, a ref rule, a directory, a Dockerfile, arguments, platforms: one line of builds of a version.

    ``owner`` proposes what is built from it, so reviews none of it.
    """

    class Builder(models.TextChoices):
        BUILDAH = "buildah", "buildah"
        BUILDKIT = "buildkit", "BuildKit"
        EXTERNAL = "external", "a pipeline elsewhere"  # submits digest and provenance; nothing is built here

    class Network(models.TextChoices):
        NONE = "none", "none"
        LISTED = "listed", "listed hosts"  # through a proxy that knows ``allowed_hosts``

    id = models.UUIDField(primary_key=True, default=uuid6.uuid7, editable=False)
    name = models.CharField(max_length=100)
    version = models.ForeignKey("catalog.Version", on_delete=models.PROTECT, related_name="sources")
    owner = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    url = models.CharField(max_length=1000)  # https://, ssh://, or an absolute path below a listed directory
    ref_rule = models.CharField(max_length=200)  # "main", "refs/tags/v1.2", or a tag pattern "v1.*": the newest
    directory = models.CharField(max_length=500, blank=True)  # the context, relative; "" = the whole tree
    dockerfile = models.CharField(max_length=500, default="Dockerfile")  # relative to ``directory``
    arguments = models.JSONField(default=dict, blank=True)  # name to text
    target = models.CharField(max_length=100, blank=True)
    platforms = ArrayField(models.CharField(max_length=100), default=list)
    builder = models.CharField(max_length=10, choices=Builder, default=Builder.BUILDAH)
    network = models.CharField(max_length=10, choices=Network, default=Network.NONE)
    allowed_hosts = ArrayField(models.CharField(max_length=255), default=list, blank=True)  # "host" or "host:port"
    # Where candidates are pushed, on the source side; none: they stay in Goldgate's own store until certified.
    candidate_repository = models.ForeignKey(
        "registry.Repository", null=True, blank=True, on_delete=models.PROTECT, related_name="+"
    )
    # The platform team's own base recipes may stand on adopted upstream images; all others on certified ones alone.
    is_base_recipe = models.BooleanField(default=False)
    is_signature_required = models.BooleanField(default=False)
    allowed_signers = models.TextField(blank=True, max_length=20_000)  # ssh-keygen's ALLOWED SIGNERS lines
    gpg_keys = models.TextField(blank=True, max_length=100_000)  # armoured public keys
    known_hosts = models.TextField(blank=True, max_length=20_000)  # of an ssh address: its host's public keys
    renew_every_days = models.PositiveIntegerField(default=7)
    is_paused = models.BooleanField(default=False)
    last_commit = models.CharField(max_length=64, blank=True)
    last_fetched_at = models.DateTimeField(null=True, blank=True)
    last_failure = models.TextField(blank=True)  # of the last fetch; "" = it went well
    next_due_at = models.DateTimeField(null=True, blank=True)  # of the next renewal by schedule, jitter included
    created_at = models.DateTimeField()
    created_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")

    class Meta:
        ordering = ["name"]
        indexes = [models.Index(fields=["next_due_at", "id"], name="source_next_due")]
        constraints = [
            models.UniqueConstraint(fields=["name"], name="source_name_once"),
            # Two sources of one version would take turns in replacing each other's builds.
            models.UniqueConstraint(fields=["version"], condition=Q(is_paused=False), name="source_one_a_version"),
            models.CheckConstraint(
                condition=Q(builder__in=["buildah", "buildkit", "external"]), name="source_builder_known"
            ),
            models.CheckConstraint(condition=Q(network__in=["none", "listed"]), name="source_network_known"),
            models.CheckConstraint(
                condition=Q(is_signature_required=False) | ~Q(allowed_signers="", gpg_keys=""),
                name="source_signature_by_somebody",
            ),
            models.CheckConstraint(
                condition=Q(renew_every_days__gte=1, renew_every_days__lte=365), name="source_renewal_days"
            ),
        ]

    def __str__(self) -> str:
        return self.name
