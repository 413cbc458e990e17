"""What pipelines elsewhere submit: a digest and a provenance, believed for a short-lived token of their issuer.

First the token, before anything else of the request is read. Then what is submitted: its registry must be listed, its
provenance must be about the digest and name the commit that the token names. Then a job imports it, by digest, and it
becomes a candidate like what is built here. Every refusal is counted, and the first few of each kind in an hour are
recorded: whoever has no credential can send them.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256
from typing import Any
from uuid import UUID

from django.db import IntegrityError, transaction
from django.db.models import F

from audit.actor import Actor
from audit.services import record
from audit.verbs import Verb
from builds.domain import oidc
from builds.domain.oidc import Pinned, Refusal, Token, TokenRefused
from builds.domain.statements import MAX_STATEMENT_BYTES, NamedBase, StatementRefused, require_about, statement_in
from builds.errors import BaseNotCertified, SourcePaused, SubmissionRefused
from builds.models import Build, RefusedSubmissions, Source, Submission, TrustedPipeline
from builds.selectors.builds import build_by_id
from builds.selectors.sources import source_subject
from builds.services.causes import locked_source, new_build, subject_of
from builds.services.pipelines import key_set_of
from builds.services.taking_in import add_candidate, end_unchanged
from catalog import selectors as catalog
from core.canonical import canonical_json
from core.errors import FieldError, GoldgateError
from oci.digest import Digest
from oci.errors import MalformedDigest
from registry import selectors as registry_selectors
from registry import services as registry
from registry.blobs import kept_blobs
from registry.models import Artifact
from registry.services.progress import Report, silent

RECORDED_AN_HOUR = 5  # refusals of one kind at one source; all are counted
MAX_SHOWN = 200  # characters of what a refused token claims


@dataclass(frozen=True, slots=True)
class VerifiedToken:
    """A token that was verified, and the pipeline that it comes from. It was not used up yet."""

    pipeline: TrustedPipeline
    token: Token

    @property
    def token_id(self) -> str:
        """Hex SHA-256 over issuer and ``jti``: an id is an issuer's own."""
        return sha256(f"{self.pipeline.issuer}\0{self.token.token_id}".encode()).hexdigest()

    def as_actor(self) -> Actor:
        """How the record names a pipeline."""
        return Actor(kind="system", id=f"pipeline {self.pipeline.pk}", name=self.pipeline.subject[:200])


@dataclass(frozen=True, slots=True)
class SubmittedImage:
    """What a pipeline submits."""

    repository: str  # "host/path"
    digest: str
    provenance: Mapping[str, Any]


def verify_token(*, source: Source, text: str, now: datetime) -> VerifiedToken:
    """Whose token it is. A refusal is counted and recorded.

    Raises: TokenRefused; IssuerUnavailable, where it cannot be told now.
    """
    token: Token | None = None
    try:
        token = oidc.read_token(text)
        pipelines = list(source.pipelines.filter(ended_at=None).order_by("created_at", "pk"))
        pinned = oidc.choose_pinned(token, [_pinned(one) for one in pipelines])
        pipeline = next(one for one in pipelines if _pinned(one) == pinned)
        oidc.require_current(token, now)
        oidc.require_claims(token, pipeline.kind)
        # Only now is anybody asked for keys: what names no trusted pipeline costs nothing.
        oidc.require_signed(token, key_set_of(pipeline, now=now, key_id=token.key_id))
        found = VerifiedToken(pipeline, token)
        if Submission.objects.filter(token_id=found.token_id).exists():
            raise TokenRefused(Refusal.REPLAYED, "The token was used before.")
        if first := pipeline.submissions.order_by("at", "pk").first():
            oidc.require_same_repository(token, pipeline.kind, first.claims)
    except TokenRefused as refused:
        note_refusal(source=source, code=str(refused.refusal), detail=refused.detail, claims=_claimed(token), now=now)
        raise
    return found


def submit(*, source: Source, verified: VerifiedToken, image: SubmittedImage, now: datetime) -> Build:
    """Take a submission on; a job imports it. A refusal is counted and recorded, and uses up no token.

    Raises: TokenRefused (a token that another request used up meanwhile); SubmissionRefused; SourcePaused.
    """
    try:
        statement_bytes, bases = _read(image, oidc.commit_of(verified.token.claims))
        return _accept(source, verified, image, statement_bytes, bases, now)
    except (SubmissionRefused, TokenRefused) as refused:
        code = str(refused.refusal) if isinstance(refused, TokenRefused) else refused.errors[0].code
        claims = _claimed(verified.token)
        note_refusal(source=source, code=code, detail=refused.detail, claims=claims, now=now)
        raise


def take_submission(*, build_id: UUID | str, now: datetime, progress: Report = silent) -> Build:
    """Import what was submitted and make it a candidate. Again, after any death, it is one.

    Raises: what importing raises; BaseNotCertified.
    """
    build = build_by_id(build_id)
    submission = build.submissions.select_related("import_asked").get()
    if build.state != Build.State.BUILT:
        return build
    artifact = registry.run_import(import_id=submission.import_asked_id, now=now, progress=progress)
    if known := catalog.subversion_by_digest(artifact.digest):
        return end_unchanged(build, known, now=now)
    if not build.source.is_base_recipe:
        _require_certified_base(artifact, now)
    return add_candidate(build, artifact, now=now, progress=progress)


@transaction.atomic
def note_refusal(*, source: Source, code: str, detail: str, claims: Mapping[str, str], now: datetime) -> None:
    """Count a refused submission; record it if it is one of the first of its kind in this hour."""
    hour = now.replace(minute=0, second=0, microsecond=0)
    row, _ = RefusedSubmissions.objects.get_or_create(source=source, code=code, hour=hour)
    RefusedSubmissions.objects.filter(pk=row.pk).update(count=F("count") + 1)
    row.refresh_from_db()
    if row.count > RECORDED_AN_HOUR:
        return
    data = {"code": code, "detail": detail[:500], "claimed": dict(claims)}
    if row.count == RECORDED_AN_HOUR:
        data["more"] = "Further ones of this kind are only counted until the next full hour."
    actor = Actor.system("submissions")
    record(Verb.BUILD_SUBMISSION_REFUSED, actor=actor, subject=source_subject(source), at=now, data=data)


def _pinned(pipeline: TrustedPipeline) -> Pinned:
    return Pinned(pipeline.kind, pipeline.issuer, pipeline.audience, pipeline.subject)


def _claimed(token: Token | None) -> dict[str, str]:
    """What a token says of itself, cut: nothing of it is proven."""
    if token is None:
        return {}
    return {name: str(token.claims[name])[:MAX_SHOWN] for name in ("iss", "aud", "sub", "jti") if name in token.claims}


def _read(image: SubmittedImage, commit: str) -> tuple[bytes, list[NamedBase]]:
    """The provenance as it is kept, and the bases that it names. Raises SubmissionRefused."""
    try:
        Digest.parse(image.digest)
        body = canonical_json(dict(image.provenance))
        if len(body) > MAX_STATEMENT_BYTES:
            raise StatementRefused("statement_too_large", f"The provenance is larger than {MAX_STATEMENT_BYTES} bytes.")
        return body, require_about(statement_in(image.provenance), digest=image.digest, commit=commit)
    except StatementRefused as error:
        raise _refused(error.code, error.detail, "/provenance") from error
    except MalformedDigest as error:
        raise _refused(error.code, error.detail, "/digest") from error
    except (ValueError, RecursionError) as error:
        raise _refused("statement_malformed", "The provenance is no plain JSON.", "/provenance") from error


def _accept(
    source: Source,
    verified: VerifiedToken,
    image: SubmittedImage,
    statement: bytes,
    bases: list[NamedBase],
    now: datetime,
) -> Build:
    kept = kept_blobs().put(statement)
    pipeline, claims = verified.pipeline, verified.token.claims
    try:
        with transaction.atomic():
            source = locked_source(source)
            if source.builder != Source.Builder.EXTERNAL:
                # Its pipelines were trusted while it was built elsewhere.
                raise _refused("built_here", f"{source} is built here; nothing is submitted to it.", "")
            if source.is_paused:
                raise SourcePaused(f"{source} is paused.", cure="Whoever is responsible for it resumes it.")
            if not TrustedPipeline.objects.filter(pk=pipeline.pk, ended_at=None).exists():
                raise TokenRefused(Refusal.ISSUER, "The source trusts this pipeline no longer.")
            reference = f"{image.repository}@{image.digest}"
            asked = _import(reference, source, verified.as_actor(), now)
            build = new_build(
                source,
                now=now,
                state=Build.State.BUILT,
                started_at=now,
                builder_id=oidc.builder_of(pipeline.kind, pipeline.issuer, claims)[:500],
                builder_version="",
                isolation=f"{pipeline.kind} {claims.get('runner_environment', '')}".strip()[:500],
                output_digest=image.digest,
            )
            Submission.objects.create(
                pipeline=pipeline,
                token_id=verified.token_id,
                claims=dict(claims),
                reference=reference,
                import_asked=asked,
                statement_digest=str(kept),
                source_uri=oidc.source_uri_of(pipeline.kind, pipeline.issuer, claims)[:1000],
                commit=oidc.commit_of(claims),
                bases=[one.as_json() for one in bases],
                build=build,
                at=now,
            )
            data = {"reference": reference, "pipeline": str(pipeline.pk), "commit": oidc.commit_of(claims)}
            record(Verb.BUILD_SUBMITTED, actor=verified.as_actor(), subject=subject_of(build), at=now, data=data)
    except IntegrityError as error:
        if "submission_token_once" not in str(error):
            raise
        raise TokenRefused(Refusal.REPLAYED, "The token was used before.") from error
    return build


def _import(reference: str, source: Source, actor: Actor, now: datetime) -> Any:
    try:
        return registry.import_reference(reference=reference, requested_by=source.owner, now=now, actor=actor)
    except GoldgateError as error:
        raise _refused(error.code, error.detail, "/repository") from error


def _require_certified_base(artifact: Artifact, now: datetime) -> None:
    """Raises BaseNotCertified unless the layers of each image are those of a certified one, and more.

    What the provenance names as its base is a claim; the layers are the proof. Where several have them, the worst
    decides.
    """
    for image in registry_selectors.runnable_images(artifact):
        nearest = {str(one.pk) for one in registry_selectors.lineage_of(image).nearest}
        if not nearest or not nearest <= set(catalog.usable_holding(nearest, now)):
            raise BaseNotCertified(
                f"{image.digest} stands on nothing that is certified.", cure="Build it FROM a certified image."
            )


def _refused(code: str, detail: str, pointer: str) -> SubmissionRefused:
    return SubmissionRefused(
        detail, cure="Correct it and submit it with a new token.", errors=[FieldError(pointer, code, detail)]
    )
