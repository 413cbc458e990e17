"""What must hold in every database at every moment, asked of the rows and of nothing else.

Used after races and by the state machine: ``illegal_certificates()`` is empty, or the product is broken.
"""

from django.db import connection

# k distinct identities approved this very packet, none of them its proposer or author; each held a role that
# counts when judging and when it was finalised; signed and sent; not after a revocation; mirrored in the catalog.
_ILLEGAL = """
SELECT certification.id, problem.text
FROM approvals_certification certification
JOIN approvals_proposal proposal ON proposal.id = certification.proposal_id
JOIN policies_policy policy ON policy.id = certification.policy_id
JOIN signing_publication publication ON publication.id = certification.publication_id
JOIN catalog_subversion subversion ON subversion.id = certification.subversion_id
LEFT JOIN approvals_revocation revocation ON revocation.subversion_id = subversion.id
CROSS JOIN LATERAL (
    SELECT count(DISTINCT review.reviewer_identity) AS approvals,
           bool_or(review.outcome <> 'approve') AS has_other_outcome,
           bool_or(review.packet_id <> certification.packet_id) AS has_other_packet,
           bool_or(review.reviewer_identity IN (proposal.proposer_identity, proposal.author_identity)
                   OR review.reviewer_id = proposal.proposed_by_id) AS has_own,
           bool_or(NOT EXISTS (
               SELECT 1 FROM accounts_rolegrant g WHERE g.person_id = review.reviewer_id
                 AND g.role IN ('reviewer', 'security_reviewer')
                 AND g.starts_at <= review.decided_at AND (g.ends_at IS NULL OR g.ends_at > review.decided_at)
           )) AS has_review_without_role,
           bool_or(NOT EXISTS (
               SELECT 1 FROM accounts_rolegrant g WHERE g.person_id = review.reviewer_id
                 AND g.role IN ('reviewer', 'security_reviewer')
                 AND g.starts_at <= certification.finalised_at
                 AND (g.ends_at IS NULL OR g.ends_at > certification.finalised_at)
           )) AS has_role_gone
    FROM approvals_certificationreview consumed
    JOIN approvals_review review ON review.id = consumed.review_id
    WHERE consumed.certification_id = certification.id
) stood
CROSS JOIN LATERAL (VALUES
    (stood.approvals < (policy.document -> 'certify' ->> 'reviewers')::int AND NOT certification.is_one_person,
     'too few persons'),
    (publication.kind <> 'certification', 'stands on what was attested, not certified'),
    (stood.has_other_outcome, 'stands on what is no approval'),
    (stood.has_other_packet, 'stands on another packet'),
    (stood.has_own AND NOT certification.is_one_person, 'stands on an own review'),
    (stood.has_review_without_role, 'a reviewer had no role when judging'),
    (certification.finalised_at IS NOT NULL AND stood.has_role_gone, 'a reviewer had no role when it was finalised'),
    (certification.finalised_at IS NOT NULL AND publication.sent_at IS NULL, 'not signed'),
    (certification.finalised_at IS NOT NULL AND certification.ended_at IS NULL
     AND publication.withdrawal_begun_at IS NOT NULL, 'in force, and its signature is being taken back'),
    (certification.finalised_at IS NOT NULL AND certification.ended_at IS NULL AND revocation.id IS NOT NULL,
     'in force after its revocation'),
    (certification.failed_at IS NULL AND certification.finalised_at IS NULL AND revocation.id IS NOT NULL,
     'under way after its revocation'),
    (certification.finalised_at IS NOT NULL AND certification.ended_at IS NULL
     AND (certification.starts_at, certification.ends_at)
         IS DISTINCT FROM (subversion.certified_from, subversion.certified_until), 'the catalog says otherwise'),
    (certification.finalised_at IS NOT NULL AND proposal.state <> 'certified', 'its proposal says otherwise'),
    (certification.failed_at IS NOT NULL AND publication.withdrawal_begun_at IS NULL,
     'failed, and its signature is not being taken back')
) AS problem(holds, text)
WHERE problem.holds
"""

# The other way round: no subversion reads as certified without a certificate, nor usable after its revocation.
_UNBACKED = """
SELECT subversion.id, 'certified in the catalog alone' FROM catalog_subversion subversion
WHERE subversion.certified_from IS NOT NULL AND NOT EXISTS (
    SELECT 1 FROM approvals_certification c WHERE c.subversion_id = subversion.id AND c.finalised_at IS NOT NULL)
UNION ALL
SELECT subversion.id, 'revoked, and the catalog does not say so' FROM catalog_subversion subversion
JOIN approvals_revocation revocation ON revocation.subversion_id = subversion.id
WHERE subversion.revoked_at IS NULL
UNION ALL
SELECT subversion.id, 'certifying without a certification' FROM catalog_subversion subversion
WHERE subversion.certifying_since IS NOT NULL AND NOT EXISTS (
    SELECT 1 FROM approvals_certification c
    WHERE c.subversion_id = subversion.id AND c.failed_at IS NULL AND c.finalised_at IS NULL)
"""


def illegal_certificates() -> list[tuple[str, str]]:
    """Every row that breaks an invariant, with what is wrong with it."""
    with connection.cursor() as cursor:
        cursor.execute(_ILLEGAL)
        found = cursor.fetchall()
        cursor.execute(_UNBACKED)
        return [(str(row), text) for row, text in [*found, *cursor.fetchall()]]
