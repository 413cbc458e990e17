"""Images, their versions, and the builds of each: what the approved list is made of."""

import pgtrigger
import uuid6
from django.conf import settings
from django.db import models
from django.db.models import F, Q

# One path component of the distribution grammar, so that a name can stand in a reference.
IMAGE_NAME = r"^[a-z0-9]+((\.|_|__|-+)[a-z0-9]+)*$"
# The tag grammar of the same spec.
VERSION_NAME = r"^[A-Za-z0-9_][A-Za-z0-9._-]{0,127}$"


def _window(start: str, end: str, *, is_empty_allowed: bool = False) -> Q:
    """Both ends or none. IS NOT NULL is written out: a comparison with NULL would pass a CHECK."""
    comparison = "__gte" if is_empty_allowed else "__gt"
    both = Q(**{f"{start}__isnull": False, f"{end}__isnull": False, f"{end}{comparison}": F(start)})
    return Q(**{start: None, end: None}) | both


class Image(models.Model):
    """What people call it: ``debian``. A variant (``python-slim``) is an image of its own."""

    class Purpose(models.TextChoices):
        RUNTIME = "runtime", "runtime"  # may be the base of what runs
        BUILD = "build", "build"  # compilers, root: good in earlier stages of a Dockerfile

    id = models.UUIDField(primary_key=True, default=uuid6.uuid7, editable=False)
    name = models.CharField(max_length=100)
    purpose = models.CharField(max_length=10, choices=Purpose.choices, default=Purpose.RUNTIME)
    owner = models.ForeignKey("accounts.Team", null=True, blank=True, on_delete=models.PROTECT, related_name="+")
    description = models.TextField(blank=True, max_length=2000)
    created_at = models.DateTimeField()
    created_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")

    class Meta:
        ordering = ["name"]
        constraints = [
            models.UniqueConstraint(fields=["name"], name="image_name_once"),
            models.CheckConstraint(condition=Q(name__regex=IMAGE_NAME), name="image_name_grammar"),
            models.CheckConstraint(condition=Q(purpose__in=["runtime", "build"]), name="image_purpose_known"),
        ]

    def __str__(self) -> str:
        return self.name


class Version(models.Model):
    """A line of an image that teams build on: ``debian/12``."""

    id = models.UUIDField(primary_key=True, default=uuid6.uuid7, editable=False)
    image = models.ForeignKey(Image, on_delete=models.PROTECT, related_name="versions")
    name = models.CharField(max_length=128)
    created_at = models.DateTimeField()
    created_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")

    class Meta:
        ordering = ["image", "name"]
        constraints = [
            models.UniqueConstraint(fields=["image", "name"], name="version_name_once"),
            models.CheckConstraint(condition=Q(name__regex=VERSION_NAME), name="version_name_grammar"),
        ]

    def __str__(self) -> str:
        return f"{self.image.name}/{self.name}"


class Subversion(models.Model):
    """One build of a version, pinned by digest and never moved to another.

    The validity columns are facts that ``approvals/`` writes through ``catalog.services``; the state
    is computed from them (``catalog.domain.state``) and stored nowhere.
    """

    id = models.UUIDField(primary_key=True, default=uuid6.uuid7, editable=False)
    version = models.ForeignKey(Version, on_delete=models.PROTECT, related_name="subversions")
    name = models.CharField(max_length=128)
    artifact = models.OneToOneField("registry.Artifact", on_delete=models.PROTECT, related_name="subversion")
    created_at = models.DateTimeField()
    created_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")

    certifying_since = models.DateTimeField(null=True, blank=True)  # reviews complete, copy or signature outstanding
    certified_from = models.DateTimeField(null=True, blank=True)
    certified_until = models.DateTimeField(null=True, blank=True)
    retiring_from = models.DateTimeField(null=True, blank=True)
    retiring_until = models.DateTimeField(null=True, blank=True)
    suspended_from = models.DateTimeField(null=True, blank=True)
    suspended_until = models.DateTimeField(null=True, blank=True)
    revoked_at = models.DateTimeField(null=True, blank=True)
    rejected_at = models.DateTimeField(null=True, blank=True)
    reason = models.TextField(blank=True)  # of the latest suspension, revocation or rejection
    certified_repository = models.CharField(max_length=400, blank=True)  # "host/path" that teams pull from
    certified_digest = models.CharField(max_length=80, blank=True)

    class Meta:
        ordering = ["-created_at", "-id"]
        indexes = [
            models.Index(fields=["version", "-certified_from"], name="subversion_current"),
            models.Index(fields=["certified_until"], name="subversion_ending"),
        ]
        constraints = [
            models.UniqueConstraint(fields=["version", "name"], name="subversion_name_once"),
            models.CheckConstraint(condition=Q(name__regex=VERSION_NAME), name="subversion_name_grammar"),
            models.CheckConstraint(
                condition=_window("certified_from", "certified_until"),
                name="subversion_certified_window",
            ),
            models.CheckConstraint(
                condition=Q(certified_from=None, certified_repository="", certified_digest="")
                | Q(certified_from__isnull=False) & ~Q(certified_repository="") & Q(certified_digest__startswith="sha"),
                name="subversion_certified_somewhere",
            ),
            models.CheckConstraint(
                condition=_window("retiring_from", "retiring_until")
                & (Q(retiring_from=None) | Q(certified_from__isnull=False)),
                name="subversion_retiring_window",
            ),
            models.CheckConstraint(
                condition=_window("suspended_from", "suspended_until", is_empty_allowed=True)
                & (Q(suspended_from=None) | Q(certified_from__isnull=False)),
                name="subversion_suspended_window",
            ),
            models.CheckConstraint(
                condition=Q(rejected_at=None) | Q(certified_from=None, certifying_since=None),
                name="subversion_rejected_never_certified",
            ),
            models.CheckConstraint(
                condition=Q(revoked_at=None, rejected_at=None, suspended_from=None) | ~Q(reason=""),
                name="subversion_refused_with_reason",
            ),
        ]
        triggers = [
            pgtrigger.Protect(name="subversion_kept", operation=pgtrigger.Delete),
            # A name that moved to another digest would change what people approved.
            pgtrigger.Protect(
                name="subversion_digest_fixed",
                operation=pgtrigger.Update,
                condition=pgtrigger.AnyChange("artifact", "version", "name", "created_by", "created_at"),
            ),
            # Revoked and rejected are ends: no row comes back from them.
            pgtrigger.Protect(
                name="subversion_ends_stay",
                operation=pgtrigger.Update,
                condition=pgtrigger.Condition(
                    "((OLD.revoked_at IS NOT NULL AND (NEW.revoked_at IS DISTINCT FROM OLD.revoked_at"
                    " OR NEW.certified_from IS DISTINCT FROM OLD.certified_from"
                    " OR NEW.certified_until IS DISTINCT FROM OLD.certified_until"
                    " OR NEW.certifying_since IS NOT NULL))"
                    " OR (OLD.rejected_at IS NOT NULL AND NEW.rejected_at IS DISTINCT FROM OLD.rejected_at))"
                ),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.version} {self.name}"


class HostSystem(models.Model):
    """A release of an operating system that machines boot: named by release and checksum, where images have a digest.

    Recorded by a person who verified it, and never changed: another checksum is another release.
    """

    class Algorithm(models.TextChoices):
        SHA256 = "sha256", "SHA-256"
        SHA512 = "sha512", "SHA-512"

    id = models.UUIDField(primary_key=True, default=uuid6.uuid7, editable=False)
    name = models.CharField(max_length=100)  # the definition's: "flatcar"
    version = models.CharField(max_length=128)  # the definition's line of releases: "stable"
    release = models.CharField(max_length=128)
    architecture = models.CharField(max_length=32)  # as OCI names them: amd64, arm64
    artifact = models.CharField(max_length=300)  # the file's name that the checksum is over
    algorithm = models.CharField(max_length=6, choices=Algorithm)
    checksum = models.CharField(max_length=128)  # lower-case hex
    signature = models.TextField(max_length=2000)  # how its signature was verified, and with which key
    reason = models.TextField(max_length=4000)
    recorded_at = models.DateTimeField()
    recorded_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")

    class Meta:
        ordering = ["name", "-recorded_at", "-id"]
        constraints = [
            models.UniqueConstraint(
                fields=["name", "release", "architecture", "artifact"], name="host_system_release_once"
            ),
            models.CheckConstraint(condition=Q(name__regex=IMAGE_NAME), name="host_system_name_grammar"),
            models.CheckConstraint(condition=Q(release__regex=VERSION_NAME), name="host_system_release_grammar"),
            models.CheckConstraint(
                condition=Q(algorithm="sha256", checksum__regex=r"^[0-9a-f]{64}$")
                | Q(algorithm="sha512", checksum__regex=r"^[0-9a-f]{128}$"),
                name="host_system_checksum_hex",
            ),
            models.CheckConstraint(condition=~Q(reason="") & ~Q(signature=""), name="host_system_told"),
        ]
        triggers = [
            pgtrigger.Protect(name="host_system_never_changed", operation=pgtrigger.Update | pgtrigger.Delete),
        ]

    def __str__(self) -> str:
        return f"{self.name} {self.release} {self.architecture}"
