"""Registries and the repositories in them."""

import uuid6
from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import Q


class Registry(models.Model):
    """One registry: where it answers, how we sign in, and what we hold it for.

    ``host`` is what stands in image references (``docker.io``); ``base_url`` is where the API answers
    (``https://registry-1.docker.io``). The two differ for Docker Hub and behind reverse proxies.
    """

    class Kind(models.TextChoices):
        REMOTE = "remote", "Registry"
        LAYOUT = "layout", "Directory (OCI layout)"

    class Side(models.TextChoices):
        SOURCE = "source", "Source: images come from here"
        CERTIFIED = "certified", "Certified: what is certified is copied here"

    id = models.UUIDField(primary_key=True, default=uuid6.uuid7, editable=False)
    name = models.CharField(max_length=100)
    kind = models.CharField(max_length=10, choices=Kind, default=Kind.REMOTE)
    side = models.CharField(max_length=10, choices=Side, default=Side.SOURCE)
    host = models.CharField(max_length=255)
    base_url = models.CharField(max_length=500, blank=True)
    # A path that every repository of ours in it begins with ("golden"), or "".
    path_prefix = models.CharField(max_length=200, blank=True)
    # For a layout: the directory, and the name that clusters will know it by ("registry.example/golden").
    layout_path = models.CharField(max_length=1000, blank=True)
    public_name = models.CharField(max_length=455, blank=True)
    # Images from it may run where the policy trusts registries.
    is_trusted = models.BooleanField(default=False)
    # Its host, and those of listed_hosts, may have private and loopback addresses.
    allow_private = models.BooleanField(default=False)
    # Further hosts, with ports, that its token service or its blob redirects use.
    listed_hosts = ArrayField(models.CharField(max_length=255), default=list, blank=True)
    ca_pem = models.TextField(blank=True)
    proxy_url = models.CharField(max_length=500, blank=True)
    username = models.CharField(max_length=255, blank=True)
    # AES-256-GCM under GOLDGATE_CREDENTIALS_KEY, bound to this row's id; empty = no password.
    secret_encrypted = models.BinaryField(default=bytes, blank=True)
    # What the last test said, in words; and since when it answers.
    last_tested_at = models.DateTimeField(null=True, blank=True)
    last_test = models.JSONField(default=list, blank=True)
    reachable_since = models.DateTimeField(null=True, blank=True)
    last_failure = models.TextField(blank=True)
    created_at = models.DateTimeField()

    class Meta:
        ordering = ["name", "id"]
        constraints = [
            models.UniqueConstraint(fields=["name"], name="registry_name_unique"),
            models.UniqueConstraint(fields=["host", "path_prefix", "side"], name="registry_place_unique"),
            models.CheckConstraint(condition=Q(kind__in=["remote", "layout"]), name="registry_kind_known"),
            models.CheckConstraint(condition=Q(side__in=["source", "certified"]), name="registry_side_known"),
            models.CheckConstraint(
                condition=(Q(kind="remote") & ~Q(base_url="") & Q(layout_path=""))
                | (Q(kind="layout") & Q(base_url="") & ~Q(layout_path="") & ~Q(public_name="")),
                name="registry_kind_has_its_place",
            ),
            # Credentials never travel in the clear beyond addresses that somebody listed.
            models.CheckConstraint(
                condition=Q(kind="layout") | Q(base_url__startswith="https://") | Q(allow_private=True),
                name="registry_plain_http_only_private",
            ),
        ]

    def __str__(self) -> str:
        return self.name

    @property
    def has_secret(self) -> bool:
        """Whether a password or token is stored."""
        return bool(self.secret_encrypted)

    @property
    def is_layout(self) -> bool:
        """Whether it is a directory, not a server."""
        return self.kind == self.Kind.LAYOUT


class Repository(models.Model):
    """One repository of a registry."""

    id = models.UUIDField(primary_key=True, default=uuid6.uuid7, editable=False)
    registry = models.ForeignKey(Registry, on_delete=models.PROTECT, related_name="repositories")
    path = models.CharField(max_length=255)
    created_at = models.DateTimeField()

    class Meta:
        ordering = ["path", "id"]
        constraints = [
            models.UniqueConstraint(fields=["registry", "path"], name="repository_path_unique"),
            models.CheckConstraint(condition=~Q(path=""), name="repository_path_present"),
        ]

    def __str__(self) -> str:
        return self.name

    @property
    def name(self) -> str:
        """``host/path``, as it stands in image references."""
        return f"{self.registry.host}/{self.path}"
