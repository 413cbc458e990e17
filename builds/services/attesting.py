"""Who built it, written down once and signed: beside the candidate, and beside what was certified.

The words are made once, from the rows as they are when the build has succeeded, and kept on the build; what is signed
and sent is what is kept. Sending is ``signing``'s: stored before it is sent, and never a signature of the image.
"""

import hashlib
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from django.conf import settings
from django.db import transaction

from audit.actor import Actor
from audit.services import record
from audit.verbs import Verb
from builds.domain import provenance
from builds.domain.provenance import BaseUsed, BuildFacts, ByProduct
from builds.errors import InventoryOutstanding
from builds.models import Build, LogChunk, Recipe, Submission
from builds.services.causes import subject_of
from catalog.models import Subversion
from core.canonical import canonical_json
from registry.models import Artifact, Repository
from registry.selectors import runnable_images
from scans import selectors as scans
from signing import selectors as signing
from signing import services as signing_services
from signing.models import Publication

WORKER = Actor.system("worker")
# A build's inventory is one of its by-products. One that never comes does not hold up who built it.
WAITS_FOR_INVENTORY = timedelta(minutes=3)


def attest_build(build_id: UUID | str, now: datetime) -> Build:
    """Write down who built it, and begin to publish that wherever the image lies. Again, it says the same words.

    A build that left no candidate has nothing to attest. Raises: InventoryOutstanding (tried again).
    """
    build = _loaded(build_id)
    if build.state != Build.State.SUCCEEDED or build.artifact is None or build.purpose != Build.Purpose.RENEWAL:
        return build
    if not build.provenance:
        _keep(build.pk, slsa_predicate_of(build, now), now=now)
        build = _loaded(build_id)
    for repository in _places(build):
        _publish(build, repository, now=now)
    return build


def attest_certified(subversion_id: UUID | str, now: datetime) -> None:
    """Publish who built a certified subversion beside its packet. Raises: InventoryOutstanding (tried again)."""
    subversion = Subversion.objects.filter(pk=subversion_id).first()
    if subversion is None:
        return
    for build_id in Build.objects.filter(subversion=subversion).order_by("number").values_list("pk", flat=True):
        attest_build(build_id, now)


def slsa_predicate_of(build: Build, now: datetime) -> dict[str, Any]:
    """The SLSA provenance of a build that has its artifact. Raises: InventoryOutstanding."""
    if build.artifact is None:
        raise ValueError("a build without an artifact has nothing to say")
    submission = build.submissions.select_related("pipeline").first() if build.recipe is None else None
    facts: dict[str, Any] = {
        "builder_id": build.builder_id or provenance.builder_uri(settings.GOLDGATE_URL, build.source.builder),
        "invocation_id": f"{settings.GOLDGATE_URL}/builds/{build.pk}",
        "started_at": build.started_at or build.asked_at,
        "finished_at": build.finished_at,
        "byproducts": [*_log(build), *_inventories(build.artifact, build.finished_at or now, now)],
    }
    if submission is not None:
        return provenance.slsa_predicate(BuildFacts(**facts, **_submitted(submission)))
    if build.recipe is None:
        raise ValueError("a build made here has a recipe")
    return provenance.slsa_predicate(BuildFacts(**facts, **_from_recipe(build, build.recipe)))


def _from_recipe(build: Build, recipe: Recipe) -> dict[str, Any]:
    # Nothing is read from the source: it may have been changed since.
    builder = build.builder_id.rpartition("/")[2]
    return {
        "build_type": provenance.DOCKERFILE_BUILD,
        "builder_version": {builder: build.builder_version} if build.builder_version else {},
        "source_uri": recipe.url,
        "ref": recipe.ref,
        "commit": recipe.commit,
        "commit_annotations": _signature(recipe),
        "parameters": {
            "directory": recipe.directory,
            "dockerfile": recipe.dockerfile_path,
            "arguments": recipe.arguments,
            "target": recipe.target,
            "platforms": list(recipe.platforms),
        },
        "internal": {
            "recipe": {"sha256": recipe.sha256, "number": recipe.number, "isApproved": build.is_reviewed},
            "isolation": build.isolation,
            "network": {
                "policy": "listed" if recipe.allowed_hosts else "none",
                "allowedHosts": list(recipe.allowed_hosts),
            },
            "causes": sorted(set(build.causes.values_list("reason", flat=True))),
        },
        "bases": [_base(entry) for entry in recipe.bases if entry.get("kind") in ("certified", "adopted")],
    }


def _submitted(submission: Submission) -> dict[str, Any]:
    """What the token proves, and what the pipeline's own statement says, by its digest."""
    claims, pipeline = submission.claims, submission.pipeline
    return {
        "build_type": provenance.SUBMITTED_BUILD,
        "builder_version": {},
        "source_uri": str(submission.source_uri),
        "ref": str(claims.get("ref", "")),
        "commit": submission.commit,
        "parameters": {},
        "internal": {
            "token": {"issuer": pipeline.issuer, "subject": pipeline.subject, "kind": pipeline.kind},
            "statement": {
                "digest": provenance.digest_set(submission.statement_digest),
                "signature": "not verified",
            },
        },
        "bases": [_base(entry) for entry in submission.bases],
    }


def _signature(recipe: Recipe) -> dict[str, Any]:
    state = str(recipe.signature.get("state", "none"))
    return {"signature": state} if state != "none" else {}


def _base(entry: dict[str, Any]) -> BaseUsed:
    names = ("asked", "stage", "line", "kind")
    told = {name: entry[name] for name in names if entry.get(name) not in (None, "")}
    return BaseUsed(str(entry.get("reference") or entry.get("asked", "")), str(entry["digest"]), told)


def _log(build: Build) -> list[ByProduct]:
    digest = hashlib.sha256()
    for text in LogChunk.objects.filter(build=build).order_by("number").values_list("text", flat=True).iterator():
        digest.update(text.encode())
    return [ByProduct("log", f"sha256:{digest.hexdigest()}", "text/plain")] if build.log_bytes else []


def _inventories(artifact: Artifact, since: datetime, now: datetime) -> list[ByProduct]:
    found = []
    images = runnable_images(artifact)
    for image in images:
        inventory = scans.latest_inventory(image)
        if inventory is not None:
            of = {"platform": image.platform, "image": image.digest} if len(images) > 1 else {}
            found.append(ByProduct("sbom", inventory.sbom_digest, "application/vnd.cyclonedx+json", of))
        elif scans.latest_scan(image) is None and now - since < WAITS_FOR_INVENTORY:
            raise InventoryOutstanding(f"The inventory of {image.digest} is not made yet.")
    return found


@transaction.atomic
def _keep(build_id: UUID, predicate: dict[str, Any], *, now: datetime) -> None:
    """Whoever writes first wins: the words that were kept are the words that are signed."""
    canonical_json(predicate)
    build = Build.objects.select_for_update(of=("self",)).get(pk=build_id)
    if build.provenance:
        return
    build.provenance = predicate
    build.save(update_fields=["provenance"])
    data = {"artifact": str(build.artifact_id), "builder": predicate["runDetails"]["builder"]["id"]}
    record(Verb.BUILD_ATTESTED, actor=WORKER, subject=subject_of(build), at=now, data=data)


def _places(build: Build) -> list[Repository]:
    """Where the image lies and may be asked about: among the candidates, and where it was certified."""
    found = [build.source.candidate_repository] if build.source.candidate_repository else []
    if build.artifact is not None:
        found += [one for one in signing.certified_places(build.artifact) if one not in found]
    return found


@transaction.atomic
def _publish(build: Build, repository: Repository, *, now: datetime) -> Publication:
    if build.artifact is None:
        raise ValueError("a build without an artifact has nothing to publish")
    publication = signing_services.begin_attestation(
        artifact=build.artifact,
        target=repository,
        predicate_type=provenance.PREDICATE_TYPE,
        predicate=build.provenance,
        actor=WORKER,
        now=now,
    )
    Build.objects.filter(pk=build.pk, publication=None).update(publication=publication)
    return publication


def _loaded(build_id: UUID | str) -> Build:
    rows = Build.objects.select_related("source__candidate_repository__registry", "recipe", "artifact", "subversion")
    return rows.get(pk=build_id)
