"""What stands behind a publication: asked by the signer and by triggers of ``signing`` (docs/adr/0055)."""

from django.db import migrations

# Asked before anything is signed, and again by the triggers when it is stored. It reads what it is asked about once more
# from the beginning, the reviews themselves among it, rather than trusting that a certification's row was counted.
#
# That a certification failed or ended is not asked: its publication's withdrawal begins in the same transaction, and is
# never taken back.
AUTHORISED = """
CREATE FUNCTION publication_is_authorised(asked uuid) RETURNS boolean LANGUAGE plpgsql STABLE AS $$
DECLARE
    publication signing_publication%ROWTYPE;
BEGIN
    SELECT * INTO publication FROM signing_publication WHERE id = asked;
    IF NOT FOUND OR cardinality(publication.covered_digests) = 0 THEN
        RETURN false;
    END IF;

    -- What it covers is the artifact, and of an index its runnable images; nothing else is let in under its name.
    PERFORM 1 FROM unnest(publication.covered_digests) AS covered(digest)
      WHERE covered.digest NOT IN (
        WITH RECURSIVE images(id) AS (
            SELECT publication.artifact_id
            UNION
            SELECT link.child_id FROM registry_artifactchild link JOIN images ON link.index_id = images.id
              WHERE link.kind = 'runnable'
        )
        SELECT artifact.digest FROM registry_artifact artifact JOIN images ON artifact.id = images.id
      );
    IF FOUND THEN
        RETURN false;
    END IF;

    IF publication.kind = 'attestation' THEN
        RETURN publication.predicate_type = 'https://slsa.dev/provenance/v1' AND EXISTS (
            SELECT 1 FROM builds_build build
             WHERE build.artifact_id = publication.artifact_id AND build.state = 'succeeded'
               AND build.purpose = 'renewal' AND build.provenance = publication.predicate
        );
    END IF;

    RETURN publication.predicate_type = 'https://goldgate.dev/packet/v1' AND EXISTS (
        SELECT 1
          FROM approvals_certification certification
          JOIN approvals_packet packet ON packet.id = certification.packet_id
          JOIN approvals_proposal proposal
            ON proposal.id = certification.proposal_id AND proposal.id = packet.proposal_id
          JOIN catalog_subversion subversion
            ON subversion.id = certification.subversion_id AND subversion.id = proposal.subversion_id
          JOIN registry_artifact artifact ON artifact.id = subversion.artifact_id
          JOIN registry_repository repository ON repository.id = publication.target_repository_id
          JOIN registry_registry registry ON registry.id = repository.registry_id
          JOIN policies_policy policy ON policy.id = certification.policy_id
         WHERE certification.publication_id = asked
           AND registry.side = 'certified'
           AND artifact.id = publication.artifact_id
           AND packet.sha256 = encode(sha256(convert_to(packet.canonical, 'UTF8')), 'hex')
           AND packet.canonical::jsonb #>> '{subject,digest}' = artifact.digest
           AND publication.predicate ->> 'packet_sha256' = packet.sha256
           AND publication.predicate -> 'packet' = packet.canonical::jsonb
           AND (
               SELECT count(DISTINCT review.reviewer_identity)
                 FROM approvals_certificationreview consumed
                 JOIN approvals_review review ON review.id = consumed.review_id
                WHERE consumed.certification_id = certification.id
                  AND review.outcome = 'approve'
                  AND review.packet_id = packet.id AND review.packet_sha256 = packet.sha256
                  AND (certification.is_one_person OR NOT review.is_own)
           ) >= GREATEST(
               certification.reviewers_needed,
               CASE WHEN certification.is_one_person THEN 1
                    ELSE (policy.document -> 'certify' ->> 'reviewers')::int END
           )
    );
END
$$
"""


class Migration(migrations.Migration):
    dependencies = [
        ("approvals", "0002_recipe_reviews"),
        ("builds", "0001_initial"),
        ("catalog", "0001_initial"),
        ("policies", "0001_initial"),
        ("registry", "0001_initial"),
        ("signing", "0003_authorised_publications"),
    ]

    operations = [
        migrations.RunSQL(AUTHORISED, "DROP FUNCTION publication_is_authorised(uuid)"),
    ]
