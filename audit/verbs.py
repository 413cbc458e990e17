"""Every deed that the record knows, as ``noun.past_participle``."""

from enum import StrEnum


class Verb(StrEnum):
    """The verb is the event: ``portal/pipeline.py`` maps it to the jobs that follow."""

    # audit
    RECORD_EXPORTED = "record.exported"
    # jobs
    JOB_CANCELLED = "job.cancelled"
    JOB_FAILED = "job.failed"
    JOB_RETRIED = "job.retried"
    SCHEDULE_CHANGED = "schedule.changed"
    # accounts
    PERSON_CREATED = "person.created"
    PERSON_CHANGED = "person.changed"
    PERSON_DEACTIVATED = "person.deactivated"
    PASSWORD_CHANGED = "password.changed"  # noqa: S105
    SIGNED_IN = "session.started"
    SIGNED_OUT = "session.ended"
    SIGN_IN_REFUSED = "session.refused"
    TEAM_CREATED = "team.created"
    MEMBER_ADDED = "member.added"
    MEMBER_REMOVED = "member.removed"
    ROLE_GRANTED = "role.granted"
    ROLE_ENDED = "role.ended"
    TOKEN_CREATED = "token.created"  # noqa: S105
    TOKEN_ENDED = "token.ended"  # noqa: S105
    # policies
    POLICY_ADOPTED = "policy.adopted"
    # registry
    REGISTRY_ADDED = "registry.added"
    REGISTRY_CHANGED = "registry.changed"
    REGISTRY_TEST_ASKED = "registry.test_asked"
    REGISTRY_TESTED = "registry.tested"
    IMPORT_ASKED = "import.asked"
    ARTIFACT_IMPORTED = "artifact.imported"
    ARTIFACT_COPIED = "artifact.copied"
    # catalog
    IMAGE_CREATED = "image.created"
    VERSION_CREATED = "version.created"
    SUBVERSION_ADDED = "subversion.added"
    # signing
    KEY_CREATED = "key.created"
    KEY_RETIRED = "key.retired"
    ATTESTATION_BEGUN = "attestation.begun"
    PUBLICATION_BEGUN = "publication.begun"
    PUBLICATION_REFUSED = "publication.refused"
    PUBLICATION_COPIED = "publication.copied"
    PUBLICATION_SIGNED = "publication.signed"
    PUBLICATION_SENT = "publication.sent"
    PUBLICATION_WITHDRAWAL_BEGUN = "publication.withdrawal_begun"
    PUBLICATION_WITHDRAWN = "publication.withdrawn"
    # scans
    SCAN_ASKED = "scan.asked"
    ARTIFACT_INVENTORIED = "artifact.inventoried"
    ARTIFACT_SCANNED = "artifact.scanned"
    INVENTORY_SIGNER_TRUSTED = "inventory_signer.trusted"
    INVENTORY_SIGNER_ENDED = "inventory_signer.ended"
    SBOM_ATTESTED = "sbom.attested"  # by a signer in force; what follows from it is a job's
    SBOM_ATTESTATION_REFUSED = "sbom.attestation_refused"
    FEED_ADDED = "feed.added"
    FEED_CHANGED = "feed.changed"
    FEED_UPLOADED = "feed.uploaded"
    FEED_SYNC_ASKED = "feed.sync_asked"
    FEED_SYNCED = "feed.synced"
    FEED_FAILED = "feed.failed"
    FINDINGS_CHANGED = "findings.changed"
    # builds
    SOURCE_ADDED = "source.added"
    SOURCE_CHANGED = "source.changed"
    SOURCE_FETCH_ASKED = "source.fetch_asked"
    SOURCE_FETCHED = "source.fetched"
    SOURCE_FETCH_FAILED = "source.fetch_failed"
    RECIPE_FOUND = "recipe.found"
    RECIPE_CHECKED = "recipe.checked"
    RECIPE_REVIEWED = "recipe.reviewed"
    RECIPE_APPROVED = "recipe.approved"
    RECIPE_WITHDRAWN = "recipe.withdrawn"
    CAUSE_NOTED = "cause.noted"
    CAUSE_HELD = "cause.held"  # by the breaker
    BUILD_ASKED = "build.asked"
    BUILD_STARTED = "build.started"
    BUILD_MADE = "build.made"
    BUILD_SUCCEEDED = "build.succeeded"
    BUILD_UNCHANGED = "build.unchanged"
    BUILD_FAILED = "build.failed"
    BUILD_STOPPED = "build.stopped"
    BUILD_ATTESTED = "build.attested"  # who built it is written down; signing follows
    BUILD_COMPARED = "build.compared"
    BUILD_SUBMITTED = "build.submitted"
    BUILD_SUBMISSION_REFUSED = "build.submission_refused"
    PIPELINE_TRUSTED = "pipeline.trusted"
    PIPELINE_ENDED = "pipeline.ended"
    INSPECTION_ASKED = "inspection.asked"
    ARTIFACT_INSPECTED = "artifact.inspected"
    WATCH_ADDED = "watch.added"
    WATCH_CHANGED = "watch.changed"
    WATCH_MOVED = "watch.moved"
    WATCH_STOPPED = "watch.stopped"
    CANDIDATE_ADOPTED = "candidate.adopted"  # imported because a watched tag moved
    WAVE_OPENED = "wave.opened"
    WAVE_CLOSED = "wave.closed"
    DRIFT_FOUND = "drift.found"
    DRIFT_CLOSED = "drift.closed"
    TAG_FOLLOWED = "tag.followed"  # a tag of others, on the certified side, moved on to what was certified later
    PULL_FAILED = "pull.failed"
    PULL_RESTORED = "pull.restored"
    DEFINITION_ADOPTED = "definition.adopted"
    HOST_SYSTEM_ADDED = "host_system.added"
    # grants
    GRANT_ASKED = "grant.asked"
    GRANT_GIVEN = "grant.given"
    GRANT_REFUSED = "grant.refused"
    GRANT_ENDED = "grant.ended"
    # approvals
    REQUEST_ASKED = "request.asked"
    REQUEST_JOINED = "request.joined"
    REQUEST_ANSWERED = "request.answered"
    REQUEST_WITHDRAWN = "request.withdrawn"
    PROPOSAL_OPENED = "proposal.opened"
    PROPOSAL_WITHDRAWN = "proposal.withdrawn"
    PACKET_FROZEN = "packet.frozen"
    PROPOSAL_REVIEWED = "proposal.reviewed"
    PROPOSAL_REJECTED = "proposal.rejected"
    CERTIFICATION_BEGUN = "certification.begun"
    CERTIFICATION_COMPLETED = "certification.completed"
    CERTIFICATION_FAILED = "certification.failed"
    SUBVERSION_SUSPENDED = "subversion.suspended"
    SUSPENSION_LIFTED = "suspension.lifted"
    SUBVERSION_REVOKED = "subversion.revoked"
    # admission
    CLUSTER_ADDED = "cluster.added"
    GATE_TOKEN_CREATED = "gate_token.created"  # noqa: S105
    GATE_ENROLLED = "gate.enrolled"
    GATE_RETIRED = "gate.retired"
    SNAPSHOT_PUBLISHED = "snapshot.published"
