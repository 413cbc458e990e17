"""Who built it: what is kept and signed about the build of one digest."""

from dataclasses import dataclass
from typing import Any

from audit.models import Record
from audit.verbs import Verb
from builds.domain.provenance import PREDICATE_TYPE
from builds.errors import ProvenanceMissing
from builds.models import Build, Submission
from registry.models import Artifact
from signing.models import Publication


@dataclass(frozen=True, slots=True)
class ProvenanceView:
    """One build, who approved what it was built from, and where that stands signed."""

    digest: str
    build: Build
    submission: Submission | None  # of what was built elsewhere
    commit: str
    source_uri: str
    ref: str
    approved_by: tuple[str, ...]
    predicate_type: str
    predicate: dict[str, Any]
    publications: list[Publication]
    reproductions: list[Build]


def provenance_of(artifact: Artifact) -> ProvenanceView:
    """What is known of who built ``artifact``, of an image in an index what is known of the index.

    Raises: ProvenanceMissing, with what to do about it.
    """
    rows = Build.objects.select_related("source__version__image", "recipe", "artifact", "subversion")
    built = rows.filter(purpose=Build.Purpose.RENEWAL).exclude(provenance={}).order_by("-asked_at", "-pk")
    indexes = [link.index_id for link in artifact.parent_links.all()]
    build = built.filter(artifact=artifact).first() or built.filter(artifact_id__in=indexes).first()
    if build is None or build.artifact is None:
        raise ProvenanceMissing(
            f"Who built {artifact.digest} is not known.",
            cure="Only what is built here, or submitted by a pipeline that a source trusts, has provenance.",
        )
    # What a pipeline elsewhere stated may say less than ours.
    definition = build.provenance.get("buildDefinition") or {}
    source = (definition.get("externalParameters") or {}).get("source") or {}
    publications = Publication.objects.filter(
        artifact=build.artifact, kind=Publication.Kind.ATTESTATION, predicate_type=PREDICATE_TYPE
    )
    return ProvenanceView(
        digest=artifact.digest,
        build=build,
        submission=build.submissions.select_related("pipeline").first(),
        commit=_commit(definition),
        source_uri=str(source.get("uri", "")),
        ref=str(source.get("ref", "")),
        approved_by=_approved_by(build),
        predicate_type=PREDICATE_TYPE,
        predicate=build.provenance,
        publications=list(publications.select_related("target_repository__registry").order_by("begun_at", "pk")),
        reproductions=list(build.reproductions.exclude(comparison={}).order_by("finished_at", "pk")),
    )


def _commit(definition: dict[str, Any]) -> str:
    for one in definition.get("resolvedDependencies") or []:
        if commit := (one.get("digest") or {}).get("gitCommit"):
            return str(commit)
    return ""


def _approved_by(build: Build) -> tuple[str, ...]:
    """Whoever approved the recipe; nobody when it was not approved when the build began."""
    if build.recipe_id is None or not build.is_reviewed:
        return ()
    approvals = Record.objects.filter(
        verb=Verb.RECIPE_APPROVED, subject_kind="recipe", subject_id=str(build.recipe_id)
    ).order_by("-id")
    found = approvals.first()
    return tuple(str(name) for name in found.data.get("reviewers", ())) if found else ()
