"""What the database itself refuses, in its own words: a service with a bug, or a hand with psql, cannot.

- A review counts for one identity, on the packet that is current, of a proposal that is open, and never
  by the proposer or the source's author, unless the row says so itself (``is_own``).
- A certification stands, when its transaction ends, on as many consumed approvals by distinct persons as
  its policy asks for, all of them on its own packet and none of them ``is_own``. The exception is a house
  of one person, which the row states (``is_one_person``).
- It is finalised only with its publication sent and not withdrawn, and never after a revocation.
- A recipe's review judges the very bytes that its hash names, before they are approved, and never by the account or
  identity that wrote the commit, answers for the source or added it, unless the row says so itself.
- A recipe's approval stands on as many consumed reviews by distinct persons as its policy asks for.

Each function locks the rows that it judges by, so that two transactions cannot both be right alone.
"""

REVIEW_IS_LEGAL = """
    SELECT * INTO proposal FROM approvals_proposal WHERE id = NEW.proposal_id FOR NO KEY UPDATE;
    SELECT * INTO packet FROM approvals_packet WHERE id = NEW.packet_id;
    IF proposal.state <> 'open' THEN
        RAISE EXCEPTION 'a closed proposal is not reviewed' USING ERRCODE = 'check_violation';
    END IF;
    IF packet.proposal_id <> NEW.proposal_id OR proposal.current_packet_id IS DISTINCT FROM NEW.packet_id
       OR packet.sha256 <> NEW.packet_sha256 THEN
        RAISE EXCEPTION 'a review judges the current packet' USING ERRCODE = 'check_violation';
    END IF;
    IF NEW.is_own <> (NEW.reviewer_id = proposal.proposed_by_id
                      OR NEW.reviewer_id IS NOT DISTINCT FROM proposal.source_author_id
                      OR NEW.reviewer_identity IN (proposal.proposer_identity, proposal.author_identity)) THEN
        RAISE EXCEPTION 'nobody reviews an own proposal unsaid' USING ERRCODE = 'check_violation';
    END IF;
    RETURN NEW;
"""

CERTIFICATION_IS_BACKED = """
    SELECT (document -> 'certify' ->> 'reviewers')::int INTO needed FROM policies_policy WHERE id = NEW.policy_id;
    SELECT count(DISTINCT review.reviewer_identity),
           count(*) FILTER (WHERE review.outcome <> 'approve'
                            OR review.packet_id <> NEW.packet_id
                            OR (review.is_own AND NOT NEW.is_one_person))
      INTO approvals, illegal
      FROM approvals_certificationreview consumed
      JOIN approvals_review review ON review.id = consumed.review_id
     WHERE consumed.certification_id = NEW.id;
    IF NEW.is_one_person THEN
        needed := 1;
    END IF;
    IF NEW.reviewers_needed < needed OR approvals < NEW.reviewers_needed OR illegal > 0 THEN
        RAISE EXCEPTION 'a certification stands on % approvals by distinct persons, found %',
            GREATEST(needed, NEW.reviewers_needed), approvals USING ERRCODE = 'check_violation';
    END IF;
    PERFORM 1 FROM approvals_packet packet JOIN approvals_proposal proposal ON proposal.id = packet.proposal_id
      WHERE packet.id = NEW.packet_id AND proposal.id = NEW.proposal_id
        AND proposal.subversion_id = NEW.subversion_id;
    IF NOT FOUND THEN
        RAISE EXCEPTION 'a certification is of its own proposal and packet' USING ERRCODE = 'check_violation';
    END IF;
    RETURN NULL;
"""

CERTIFICATION_IS_FINALISED_LEGALLY = """
    PERFORM 1 FROM catalog_subversion WHERE id = NEW.subversion_id FOR NO KEY UPDATE;
    PERFORM 1 FROM approvals_revocation WHERE subversion_id = NEW.subversion_id;
    IF FOUND THEN
        RAISE EXCEPTION 'a revoked subversion is not certified' USING ERRCODE = 'check_violation';
    END IF;
    PERFORM 1 FROM signing_publication
      WHERE id = NEW.publication_id AND sent_at IS NOT NULL AND withdrawal_begun_at IS NULL;
    IF NOT FOUND THEN
        RAISE EXCEPTION 'a certificate has its signature sent' USING ERRCODE = 'check_violation';
    END IF;
    RETURN NEW;
"""

# Locks what finalising locks: whichever comes second sees the other.
REVOCATION_ENDS = """
    PERFORM 1 FROM catalog_subversion WHERE id = NEW.subversion_id FOR NO KEY UPDATE;
    PERFORM 1 FROM approvals_certification
      WHERE subversion_id = NEW.subversion_id AND failed_at IS NULL AND ended_at IS NULL;
    IF FOUND THEN
        RAISE EXCEPTION 'a revocation ends what it revokes first' USING ERRCODE = 'check_violation';
    END IF;
    RETURN NEW;
"""

RECIPE_REVIEW_IS_LEGAL = """
    SELECT * INTO recipe FROM builds_recipe WHERE id = NEW.recipe_id FOR NO KEY UPDATE;
    IF recipe.sha256 <> NEW.recipe_sha256 THEN
        RAISE EXCEPTION 'a review judges the bytes that were read' USING ERRCODE = 'check_violation';
    END IF;
    IF recipe.approved_at IS NOT NULL THEN
        RAISE EXCEPTION 'an approved recipe is not reviewed again' USING ERRCODE = 'check_violation';
    END IF;
    SELECT EXISTS (
        SELECT 1 FROM builds_source source
          JOIN accounts_person person
            ON person.id IN (source.owner_id, source.created_by_id, recipe.author_id)
          JOIN accounts_person root ON root.id = COALESCE(person.same_person_as_id, person.id)
         WHERE source.id = recipe.source_id
           AND (person.id = NEW.reviewer_id
                OR NEW.reviewer_identity = COALESCE(NULLIF(root.identity, ''), 'person:' || root.id))
    ) INTO own;
    IF own AND NOT NEW.is_own THEN
        RAISE EXCEPTION 'nobody reviews an own recipe unsaid' USING ERRCODE = 'check_violation';
    END IF;
    RETURN NEW;
"""

RECIPE_APPROVAL_IS_BACKED = """
    SELECT (document -> 'certify' ->> 'reviewers')::int INTO needed FROM policies_policy WHERE id = NEW.policy_id;
    SELECT count(DISTINCT review.reviewer_identity),
           count(*) FILTER (WHERE review.outcome <> 'approve'
                            OR review.recipe_id <> NEW.recipe_id
                            OR (review.is_own AND NOT NEW.is_one_person))
      INTO approvals, illegal
      FROM approvals_recipeapprovalreview consumed
      JOIN approvals_recipereview review ON review.id = consumed.review_id
     WHERE consumed.approval_id = NEW.id;
    IF NEW.is_one_person THEN
        needed := 1;
    END IF;
    IF NEW.reviewers_needed < needed OR approvals < NEW.reviewers_needed OR illegal > 0 THEN
        RAISE EXCEPTION 'an approval stands on % reviews by distinct persons, found %',
            GREATEST(needed, NEW.reviewers_needed), approvals USING ERRCODE = 'check_violation';
    END IF;
    RETURN NULL;
"""
