"""Keys, and what was made with them: publications, signatures, attestations."""

import pgtrigger
import uuid6
from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import F, Q

# What is signed stands on something: ``publication_is_authorised`` is a function of the database that the rooms above
# keep, since what it looks at, reviews and builds, is theirs (docs/adr/0055).
#
# A signature says "certified". Whatever a candidate's provenance is signed with, this must not come of it.
SIGNATURE_IS_OF_A_CERTIFICATION = """
    PERFORM 1 FROM signing_publication publication
      JOIN registry_repository repository ON repository.id = publication.target_repository_id
      JOIN registry_registry registry ON registry.id = repository.registry_id
      WHERE publication.kind = 'certification' AND NEW.digest::text = ANY(publication.covered_digests::text[])
        AND registry.host || '/' || repository.path = NEW.repository_name
        AND publication_is_authorised(publication.id) LIMIT 1;
    IF NOT FOUND THEN
        RAISE EXCEPTION 'no certification covers %', NEW.digest USING ERRCODE = 'check_violation';
    END IF;
    RETURN NEW;
"""

ATTESTATION_IS_AUTHORISED = """
    PERFORM 1 FROM signing_publication publication
      WHERE publication.id = NEW.publication_id AND NEW.digest::text = ANY(publication.covered_digests::text[])
        AND publication.predicate_type = NEW.predicate_type AND publication_is_authorised(publication.id);
    IF NOT FOUND THEN
        RAISE EXCEPTION 'nothing stands behind an attestation of %', NEW.digest USING ERRCODE = 'check_violation';
    END IF;
    RETURN NEW;
"""

# Asked of the row as it stands, not as it would be: one that is written signed at once has nothing behind it yet.
SIGNED_IS_AUTHORISED = """
    IF NOT publication_is_authorised(NEW.id) THEN
        RAISE EXCEPTION 'nothing stands behind publication %', NEW.id USING ERRCODE = 'check_violation';
    END IF;
    RETURN NEW;
"""


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

    An *attestation* only says something about a digest that lies in a repository already, of either side: nothing
    is copied, no signature of the image is made, no tag is moved.
    """

    class Kind(models.TextChoices):
        CERTIFICATION = "certification", "certification"  # copy, signature, attestation, tag
        ATTESTATION = "attestation", "attestation"  # an attestation, nothing else

    id = models.UUIDField(primary_key=True, default=uuid6.uuid7, editable=False)
    kind = models.CharField(max_length=13, choices=Kind, default=Kind.CERTIFICATION)
    artifact = models.ForeignKey("registry.Artifact", on_delete=models.PROTECT, related_name="publications")
    target_repository = models.ForeignKey("registry.Repository", on_delete=models.PROTECT, related_name="publications")
    tag = models.CharField(max_length=128, blank=True)  # a moving name beside the digest; "" = none
    predicate_type = models.CharField(max_length=300)
    predicate = models.JSONField()
    predicate_sha256 = models.CharField(max_length=64, blank=True)  # of its canonical bytes; attestations only
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
                condition=Q(signed_at__isnull=True) | Q(copied_at__isnull=False) | Q(kind="attestation"),
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
            models.CheckConstraint(
                condition=Q(kind="certification") | Q(kind="attestation", copied_at=None, tag=""),
                name="publication_kind_known",
            ),
            # The same words about the same digest in the same place are said once.
            models.UniqueConstraint(
                fields=["artifact", "target_repository", "predicate_type", "predicate_sha256"],
                condition=Q(kind="attestation", withdrawal_begun_at=None),
                name="publication_attested_once",
            ),
        ]
        triggers = [
            # What was authorised is what is signed.
            pgtrigger.Protect(
                name="publication_claim_fixed",
                operation=pgtrigger.Update,
                condition=pgtrigger.AnyChange(
                    "kind",
                    "artifact",
                    "target_repository",
                    "tag",
                    "predicate_type",
                    "predicate",
                    "predicate_sha256",
                    "covered_digests",
                ),
            ),
            pgtrigger.Protect(
                name="publication_withdrawal_stays",
                operation=pgtrigger.Update,
                condition=pgtrigger.Condition(
                    "OLD.withdrawal_begun_at IS NOT NULL"
                    " AND NEW.withdrawal_begun_at IS DISTINCT FROM OLD.withdrawal_begun_at"
                ),
            ),
            pgtrigger.Trigger(
                name="publication_born_unsigned",
                operation=pgtrigger.Insert,
                when=pgtrigger.Before,
                condition=pgtrigger.Condition("NEW.signed_at IS NOT NULL"),
                func=SIGNED_IS_AUTHORISED,
            ),
            pgtrigger.Trigger(
                name="publication_signed_is_authorised",
                operation=pgtrigger.Update,
                when=pgtrigger.Before,
                condition=pgtrigger.Condition("NEW.signed_at IS NOT NULL AND OLD.signed_at IS NULL"),
                func=SIGNED_IS_AUTHORISED,
            ),
        ]

    def __str__(self) -> str:
        return f"{self.target_repository}@{self.artifact.digest}"

    @property
    def is_attestation(self) -> bool:
        """Whether it only says something about a digest, and certifies nothing."""
        return self.kind == self.Kind.ATTESTATION


class Signature(models.Model):
    """A cosign signature: these bytes say, signed with this key, that the digest belongs to the repository.

    Made once for digest, repository and key, stored before it is sent anywhere: ECDSA gives other bytes each
    time, and the registry must never see two. It says "certified", so the database keeps none of a digest that no
    certification covers.
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
        triggers = [
            pgtrigger.Trigger(
                name="signature_of_a_certification",
                operation=pgtrigger.Insert,
                when=pgtrigger.Before,
                func=SIGNATURE_IS_OF_A_CERTIFICATION,
            ),
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
        triggers = [
            pgtrigger.Trigger(
                name="attestation_is_authorised",
                operation=pgtrigger.Insert,
                when=pgtrigger.Before,
                func=ATTESTATION_IS_AUTHORISED,
            ),
        ]

    def __str__(self) -> str:
        return f"{self.predicate_type} of {self.digest}"
