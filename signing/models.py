"""Keys, and what was made with them: publications, signatures, attestations."""

import uuid6
from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import F, Q


class SigningKey(models.Model):
    """A public key that we sign with, or signed with. The private half is a file that only the signer reads.

    Retired keys stay: signatures made before ``retired_at`` are verified with the key of their time.
    """

    key_id = models.CharField(max_length=64, primary_key=True)  # hex SHA-256 over the DER public key
    public_pem = models.TextField()
    purpose = models.CharField(max_length=32, default="certification")
    created_at = models.DateTimeField()
    retired_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ["-created_at", "key_id"]
        constraints = [
            models.CheckConstraint(condition=Q(purpose__in=["certification"]), name="signing_key_purpose_known"),
            models.CheckConstraint(
                condition=Q(retired_at__isnull=True) | Q(retired_at__gte=F("created_at")),
                name="signing_key_retired_after_created",
            ),
            # Two keys in use at once would leave a verifier to guess which one to ask for.
            models.UniqueConstraint(
                fields=["purpose"], condition=Q(retired_at__isnull=True), name="signing_key_one_in_use"
            ),
        ]

    def __str__(self) -> str:
        return self.key_id[:12]


class Publication(models.Model):
    """One digest put into a certified repository: copied, signed, its packet attached, perhaps withdrawn again.

    The steps are times: begun, copied, signed, sent; withdrawal begun, withdrawn. ``predicate`` is what the
    attestation says, kept as given. ``covered_digests`` are the digests that are signed: the artifact's own,
    and for an index each runnable child's.
    """

    id = models.UUIDField(primary_key=True, default=uuid6.uuid7, editable=False)
    artifact = models.ForeignKey("registry.Artifact", on_delete=models.PROTECT, related_name="publications")
    target_repository = models.ForeignKey("registry.Repository", on_delete=models.PROTECT, related_name="publications")
    tag = models.CharField(max_length=128, blank=True)  # a moving name beside the digest; "" = none
    predicate_type = models.CharField(max_length=300)
    predicate = models.JSONField()
    covered_digests = ArrayField(models.CharField(max_length=200), default=list)
    begun_at = models.DateTimeField()
    copied_at = models.DateTimeField(null=True, blank=True)
    signed_at = models.DateTimeField(null=True, blank=True)
    sent_at = models.DateTimeField(null=True, blank=True)
    withdrawal_begun_at = models.DateTimeField(null=True, blank=True)
    withdrawn_at = models.DateTimeField(null=True, blank=True)
    # What could not be taken back, in words, one sentence each.
    remains = ArrayField(models.CharField(max_length=500), default=list)

    class Meta:
        ordering = ["-begun_at", "-id"]
        constraints = [
            models.CheckConstraint(
                condition=Q(signed_at__isnull=True) | Q(copied_at__isnull=False),
                name="publication_signed_after_copied",
            ),
            models.CheckConstraint(
                condition=Q(sent_at__isnull=True) | Q(signed_at__isnull=False),
                name="publication_sent_after_signed",
            ),
            models.CheckConstraint(
                condition=Q(withdrawn_at__isnull=True) | Q(withdrawal_begun_at__isnull=False),
                name="publication_withdrawn_after_begun",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.target_repository}@{self.artifact.digest}"


class Signature(models.Model):
    """A cosign signature: these bytes say, signed with this key, that the digest belongs to the repository.

    Made once for digest, repository and key, stored before it is sent anywhere: ECDSA gives other bytes each
    time, and the registry must never see two.
    """

    id = models.UUIDField(primary_key=True, default=uuid6.uuid7, editable=False)
    digest = models.CharField(max_length=200)
    repository_name = models.CharField(max_length=512)  # host/path, as in docker-reference
    key = models.ForeignKey(SigningKey, on_delete=models.PROTECT, related_name="signatures")
    payload = models.BinaryField()  # simple signing JSON, the signed bytes
    signature = models.BinaryField()  # ECDSA over SHA-256, ASN.1 DER
    created_at = models.DateTimeField()

    class Meta:
        ordering = ["created_at", "id"]
        constraints = [
            models.UniqueConstraint(
                fields=["digest", "repository_name", "key"], name="signature_once_per_digest_repository_key"
            )
        ]

    def __str__(self) -> str:
        return f"{self.repository_name}@{self.digest}"


class Attestation(models.Model):
    """A packet signed as an in-toto Statement in a DSSE envelope, for one digest that a publication covers."""

    id = models.UUIDField(primary_key=True, default=uuid6.uuid7, editable=False)
    publication = models.ForeignKey(Publication, on_delete=models.CASCADE, related_name="attestations")
    digest = models.CharField(max_length=200)
    key = models.ForeignKey(SigningKey, on_delete=models.PROTECT, related_name="attestations")
    predicate_type = models.CharField(max_length=300)
    envelope = models.BinaryField()  # the DSSE envelope as it is sent
    created_at = models.DateTimeField()

    class Meta:
        ordering = ["created_at", "id"]
        constraints = [
            models.UniqueConstraint(
                fields=["publication", "digest", "predicate_type"], name="attestation_once_per_publication_digest"
            )
        ]

    def __str__(self) -> str:
        return f"{self.predicate_type} of {self.digest}"
