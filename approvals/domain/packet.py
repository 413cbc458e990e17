"""The packet: frozen evidence as one JSON value, whose SHA-256 a reviewer signs off.

What moves without meaning anything (when the last sync was that changed nothing) is in the packet, and
does not make a new one: ``says_the_same`` leaves it out.
"""

import copy
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from approvals.domain.evidence import (
    ArtifactEvidence,
    BrokenRule,
    BuildEvidence,
    Evidence,
    FilesEvidence,
    Finding,
    InventoryWaiver,
    counts,
)
from core.canonical import canonical_json, sha256_of
from policies.domain.grants import INVENTORY_RULE

SCHEMA = "goldgate.packet/v1"


@dataclass(frozen=True, slots=True)
class PacketSubject:
    """What the packet is about."""

    image: str
    version: str
    subversion: str
    digest: str
    media_type: str
    kind: str
    purpose: str
    size_bytes: int
    proposed_by: str
    source_author: str
    lineage: tuple[tuple[str, str], ...]  # digest, certainty; nearest first
    policy: dict[str, Any]  # name, version, sha256, is_demo


def packet_document(subject: PacketSubject, evidence: Evidence) -> dict[str, Any]:
    """The packet of ``subject`` on ``evidence``, ready for canonical JSON."""
    every = tuple(finding for artifact in evidence.artifacts for finding in artifact.findings)
    return {
        "schema": SCHEMA,
        "subject": {
            "image": subject.image,
            "version": subject.version,
            "subversion": subject.subversion,
            "digest": subject.digest,
            "media_type": subject.media_type,
            "kind": subject.kind,
            "purpose": subject.purpose,
            "size_bytes": subject.size_bytes,
        },
        "proposed_by": subject.proposed_by,
        "source_author": subject.source_author,
        "policy": subject.policy,
        "lineage": [{"digest": digest, "certainty": certainty} for digest, certainty in subject.lineage],
        "artifacts": [_artifact(one) for one in sorted(evidence.artifacts, key=lambda one: one.digest)],
        "build": _build(evidence.build),
        "knowledge": {
            "known_exploited_at": _time(evidence.known_exploited_at),
            "end_of_life_at": _time(evidence.end_of_life_at),
        },
        "unfixed": counts([one for one in every if not one.fixed_version]),
        "fixable": counts([one for one in every if one.fixed_version]),
    }


def _artifact(one: ArtifactEvidence) -> dict[str, Any]:
    rows = [_finding(finding) for finding in sorted(one.findings, key=_order)]
    return {
        "digest": one.digest,
        "platform": one.platform,
        "config": {**(one.config or {}), "user": one.user},
        "inventory": {
            "id": one.inventory_id,
            "sbom_digest": one.inventory_digest,
            "component_count": one.component_count,
            "tool": one.tool,
            "coverage": one.coverage or {},
            **_attested(one),
            **_waiver(one.inventory_waiver),
        },
        "scan": {
            "id": one.scan_id,
            "state": one.scan_state,
            "scanned_at": _time(one.scanned_at),
            "feed": {
                "name": one.feed_name,
                "snapshot_at": _time(one.feed_snapshot_at),
                "is_frozen": one.is_feed_frozen,
            },
        },
        "release": {
            "name": one.release,
            "support": one.support,
            "ends_on": one.support_ends_on.isoformat() if one.support_ends_on else None,
        },
        "findings": {
            "count": len(rows),
            "fixable": counts([finding for finding in one.findings if finding.fixed_version]),
            "unfixed": counts([finding for finding in one.findings if not finding.fixed_version]),
            "known_exploited": sum(finding.is_known_exploited for finding in one.findings),
            "list_sha256": sha256_of(rows),
            "list": rows,
        },
        "files": _files(one.files),
    }


def _attested(one: ArtifactEvidence) -> dict[str, Any]:
    # As with a waiver: only where somebody's word is in it.
    return {"basis": one.basis, "attested_by": one.attested_by} if one.attested_by else {}


def _waiver(waiver: InventoryWaiver | None) -> dict[str, Any]:
    # No member where there is none: what other images' packets say, and their hashes, do not move by it.
    if waiver is None:
        return {}
    told = {
        "rule": INVENTORY_RULE,
        "scope_kind": waiver.scope_kind,
        "scope": waiver.scope,
        "waived_until": _time(waiver.ends_at),
        "waived_by": waiver.given_by,
        "waiver_reason": waiver.reason,
        "is_one_person": waiver.is_one_person,
    }
    return {"waiver": told}


def _files(files: FilesEvidence) -> dict[str, Any]:
    return {
        "state": files.state,
        "failure": files.failure,
        "list_digest": files.files_digest,
        "profile": files.profile or {},
        "errors": [
            _rule(rule) for rule in sorted(files.errors, key=lambda rule: (rule.rule, rule.where, rule.message))
        ],
        "warnings": files.warnings,
        "notes": files.notes,
    }


def _build(build: BuildEvidence | None) -> dict[str, Any] | None:
    if build is None:
        return None
    return {
        "source": build.source,
        "number": build.number,
        "builder": build.builder,
        "builder_id": build.builder_id,
        "isolation": build.isolation,
        "commit": build.commit,
        "submitted_by": build.submitted_by,
        "recipe": {
            "sha256": build.recipe_sha256,
            "number": build.recipe_number,
            "is_approved": build.is_recipe_approved,
            "approved_by": sorted(build.recipe_approved_by),
            "errors": [_rule(rule) for rule in sorted(build.errors, key=lambda rule: (rule.rule, rule.where))],
            "warnings": build.warnings,
        },
        "provenance_sha256": build.provenance_sha256,
        "is_reproduced": build.is_reproduced,
    }


def _rule(rule: BrokenRule) -> dict[str, Any]:
    return {
        "rule": rule.rule,
        "message": rule.message,
        "where": rule.where,
        "waived_until": _time(rule.waived_until),
        "waived_by": rule.waived_by,
        "waiver_reason": rule.waiver_reason,
    }


def _order(finding: Finding) -> tuple[str, str, str, str]:
    return finding.vulnerability_id, finding.package, finding.installed, finding.fixed_version


def _finding(finding: Finding) -> dict[str, Any]:
    return {
        "vulnerability_id": finding.vulnerability_id,
        "package": finding.package,
        "installed": finding.installed,
        "fixed_version": finding.fixed_version,
        "severity": finding.severity,
        "is_known_exploited": finding.is_known_exploited,
        "fix_since": _time(finding.fix_since),
        "is_comparable": finding.is_comparable,
    }


def _time(moment: datetime | None) -> str | None:
    return f"{moment:%Y-%m-%dT%H:%M:%SZ}" if moment else None


def canonical_text(document: dict[str, Any]) -> str:
    """The RFC 8785 text whose bytes are hashed."""
    return canonical_json(document).decode()


def says_the_same(left: dict[str, Any], right: dict[str, Any]) -> bool:
    """Whether two packets differ in nothing but when the last sync was that changed nothing."""
    return _without_times(left) == _without_times(right)


def _without_times(document: dict[str, Any]) -> dict[str, Any]:
    kept = copy.deepcopy(document)
    kept.pop("knowledge", None)
    for artifact in kept.get("artifacts", []):
        artifact["scan"].pop("scanned_at", None)
        artifact["scan"]["feed"].pop("snapshot_at", None)
    return kept


@dataclass(frozen=True, slots=True)
class Movement:
    """What came to or went from a digest's findings since a packet."""

    vulnerability_id: str
    severity: str
    fixed_version: str
    is_known_exploited: bool


@dataclass(frozen=True, slots=True)
class Delta:
    """What moved since the packet that was signed, by vulnerability, worst first."""

    added: tuple[Movement, ...] = ()
    removed: tuple[Movement, ...] = ()

    @property
    def is_empty(self) -> bool:
        """Whether nothing moved."""
        return not self.added and not self.removed
