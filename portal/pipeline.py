"""What happens when: from a verb of the record to the jobs that follow from it.

A service writes its record; the rows named here are written in that same transaction. There is no
other way to start work, apart from the schedule.
"""

import importlib
import importlib.util
from dataclasses import dataclass

from audit import pipeline
from audit.models import Record
from audit.verbs import Verb
from jobs.handlers import handler_of
from jobs.services import enqueue

# The rooms that may have handlers (their ``tasks`` module), in import order.
ROOMS = ["accounts", "policies", "registry", "catalog", "signing", "scans", "builds", "approvals", "admission"]


@dataclass(frozen=True, slots=True)
class JobRule:
    """One job that follows from a verb.

    Its subject is the record's subject, unless ``subject`` names a member of the record's data. With
    ``is_once``, a job that is queued for the same subject already will do.
    """

    kind: str
    subject: str = ""
    is_once: bool = False


PIPELINE: dict[Verb, list[JobRule]] = {
    # registry
    Verb.IMPORT_ASKED: [JobRule("registry.import")],
    Verb.REGISTRY_TEST_ASKED: [JobRule("registry.test", is_once=True)],
    # scans
    Verb.ARTIFACT_IMPORTED: [
        JobRule("scans.inventory", is_once=True),
        JobRule("scans.find_attestations", is_once=True),
        JobRule("builds.adopt", is_once=True),
    ],
    Verb.SCAN_ASKED: [JobRule("scans.inventory", is_once=True), JobRule("scans.find_attestations", is_once=True)],
    Verb.SBOM_ATTESTED: [JobRule("scans.compose", is_once=True)],
    Verb.INVENTORY_SIGNER_TRUSTED: [JobRule("scans.judge_signer")],
    Verb.INVENTORY_SIGNER_ENDED: [JobRule("scans.judge_signer")],
    Verb.ARTIFACT_INVENTORIED: [JobRule("scans.match", is_once=True)],
    Verb.FEED_SYNC_ASKED: [JobRule("scans.sync_feed", is_once=True)],
    # signing
    Verb.PUBLICATION_BEGUN: [JobRule("signing.copy")],
    Verb.ATTESTATION_BEGUN: [JobRule("signing.sign")],
    Verb.PUBLICATION_COPIED: [JobRule("signing.sign")],
    Verb.PUBLICATION_SIGNED: [JobRule("signing.send")],
    Verb.PUBLICATION_WITHDRAWAL_BEGUN: [JobRule("signing.withdraw")],
    # builds
    Verb.SOURCE_FETCH_ASKED: [JobRule("builds.fetch", is_once=True)],
    Verb.SUBVERSION_ADDED: [
        JobRule("builds.inspect_subversion", is_once=True),
        JobRule("scans.judge_subversion", is_once=True),
    ],
    Verb.INSPECTION_ASKED: [JobRule("builds.inspect", is_once=True)],
    Verb.BUILD_ASKED: [JobRule("builds.begin", is_once=True)],
    Verb.BUILD_MADE: [JobRule("builds.take_in")],
    Verb.BUILD_SUBMITTED: [JobRule("builds.take_submission", is_once=True)],
    Verb.BUILD_ATTESTED: [JobRule("approvals.refresh", subject="artifact", is_once=True)],
    Verb.BUILD_UNCHANGED: [JobRule("builds.advance_waves", is_once=True)],
    Verb.BUILD_FAILED: [JobRule("builds.advance_waves", is_once=True)],
    Verb.BUILD_STOPPED: [JobRule("builds.advance_waves", is_once=True)],
    # approvals
    Verb.PUBLICATION_SENT: [JobRule("approvals.finalise")],
    Verb.ARTIFACT_SCANNED: [
        JobRule("approvals.refresh", is_once=True),
        JobRule("builds.look_for_fixes", is_once=True),
    ],
    Verb.FINDINGS_CHANGED: [
        JobRule("approvals.refresh", is_once=True),
        JobRule("builds.look_for_fixes", is_once=True),
    ],
    Verb.ARTIFACT_INSPECTED: [
        JobRule("approvals.refresh", is_once=True),
        JobRule("builds.name_files", is_once=True),
    ],
    Verb.BUILD_SUCCEEDED: [
        JobRule("approvals.propose_candidate", subject="subversion"),
        JobRule("builds.advance_waves", is_once=True),
        JobRule("builds.attest", is_once=True),
    ],
    Verb.CANDIDATE_ADOPTED: [
        JobRule("approvals.propose_candidate", subject="subversion"),
        JobRule("builds.advance_waves", is_once=True),
    ],
    Verb.CERTIFICATION_COMPLETED: [
        JobRule("builds.base_certified", is_once=True),
        JobRule("builds.attest_certified", is_once=True),
        JobRule("builds.guard_certified", is_once=True),
    ],
    Verb.PROPOSAL_WITHDRAWN: [JobRule("builds.advance_waves", is_once=True)],
    Verb.PROPOSAL_REJECTED: [JobRule("builds.advance_waves", is_once=True)],
    Verb.CERTIFICATION_FAILED: [JobRule("builds.advance_waves", is_once=True)],
    Verb.SUBVERSION_REVOKED: [
        JobRule("builds.advance_waves", is_once=True),
        JobRule("builds.check_recipes_on", is_once=True),
    ],
    Verb.RECIPE_APPROVED: [JobRule("approvals.refresh_recipe"), JobRule("builds.recipe_approved", is_once=True)],
    Verb.RECIPE_WITHDRAWN: [JobRule("approvals.refresh_recipe")],
    Verb.GRANT_GIVEN: [JobRule("approvals.refresh_waived", is_once=True)],
    Verb.GRANT_ENDED: [JobRule("approvals.refresh_waived", is_once=True)],
}


def connect() -> None:
    """Load every room's handlers and register every rule with the record.

    Raises RuntimeError for a job kind that no room handles: the process must not start.
    """
    for room in ROOMS:
        if importlib.util.find_spec(f"{room}.tasks"):
            importlib.import_module(f"{room}.tasks")
    for verb, rules in PIPELINE.items():
        for rule in rules:
            if handler_of(rule.kind) is None:
                raise RuntimeError(f"{verb} starts {rule.kind!r}, which no room handles")
            pipeline.subscribe(verb, _Starter(rule))


@dataclass(frozen=True, slots=True)
class _Starter:
    """Writes one rule's job for a record. Equal rules are equal: connecting twice starts nothing twice."""

    rule: JobRule

    def __call__(self, record: Record) -> None:
        subject_id = str(record.data[self.rule.subject]) if self.rule.subject else record.subject_id
        enqueue(
            self.rule.kind,
            subject_id=subject_id,
            now=record.at,
            key=f"{self.rule.kind}:{subject_id}" if self.rule.is_once else None,
            caused_by=record.pk,
        )
