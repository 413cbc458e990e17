"""Which pipelines elsewhere a source believes: added and ended by platform administrators, with no secret kept."""

import re
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import SplitResult, urlsplit
from uuid import UUID

from django.db import IntegrityError, transaction
from django.db.models import Q

from accounts.models import Person
from audit.actor import Actor
from audit.services import record
from audit.verbs import Verb
from builds.adapters.jwks import fetch_key_set
from builds.errors import IssuerUnavailable, PipelineExists, PipelineInvalid, PipelineMissing
from builds.models import Source, TrustedPipeline
from builds.selectors.sources import source_subject
from core.errors import FieldError
from registry.adapters.settings import authority_of

KEYS_LAST = timedelta(hours=1)  # before they are fetched again
BETWEEN_TRIES = timedelta(seconds=60)  # for a key that is not among them: whoever sends tokens must not make us ask
BETWEEN_FAILURES = timedelta(seconds=10)
_SUBJECTS = {
    "github": re.compile(r"repo:[A-Za-z0-9_.-]+(@\d+)?/[A-Za-z0-9_.-]+(@\d+)?:[^\s*?]+"),
    "gitlab": re.compile(r"project_path:[A-Za-z0-9_.-]+(/[A-Za-z0-9_.-]+)+:ref_type:(branch|tag):ref:[^\s*?]+"),
}
_KEYS_AT = {"github": "/.well-known/jwks", "gitlab": "/oauth/discovery/keys"}
_MAX_TEXT = 500


@dataclass(frozen=True, slots=True)
class PipelineFields:
    """What an administrator enters."""

    kind: str
    issuer: str
    audience: str
    subject: str
    jwks_url: str = ""  # "" = where that kind of issuer publishes its keys
    ca_pem: str = ""
    is_private_allowed: bool = False


@transaction.atomic
def trust_pipeline(
    *, source: Source, fields: PipelineFields, by: Person, now: datetime, actor: Actor | None = None
) -> TrustedPipeline:
    """Let ``source`` believe this pipeline from now on. Raises: PipelineInvalid; PipelineExists."""
    jwks_url = fields.jwks_url or fields.issuer + _KEYS_AT.get(fields.kind, "")
    if wrong := _wrong(source, fields, jwks_url):
        raise PipelineInvalid(" ".join(one.detail for one in wrong), cure="Nothing was changed.", errors=wrong)
    try:
        with transaction.atomic():
            pipeline = TrustedPipeline.objects.create(
                source=source,
                kind=fields.kind,
                issuer=fields.issuer,
                audience=fields.audience,
                subject=fields.subject,
                jwks_url=jwks_url,
                ca_pem=fields.ca_pem,
                is_private_allowed=fields.is_private_allowed,
                created_at=now,
                created_by=by,
            )
    except IntegrityError as error:
        raise PipelineExists(f"{source} trusts {fields.subject} already.", cure="End that one first.") from error
    data = {
        "pipeline": str(pipeline.pk),
        "kind": fields.kind,
        "issuer": fields.issuer,
        "audience": fields.audience,
        "subject": fields.subject,
        "is_private_allowed": fields.is_private_allowed,
    }
    record(Verb.PIPELINE_TRUSTED, actor=actor or by.as_actor(), subject=source_subject(source), at=now, data=data)
    return pipeline


@transaction.atomic
def end_pipeline(*, pipeline_id: UUID | str, by: Person, now: datetime, actor: Actor | None = None) -> TrustedPipeline:
    """Believe this pipeline no longer, from this moment. What it submitted stays. Raises PipelineMissing."""
    rows = TrustedPipeline.objects.select_for_update(of=("self",)).select_related("source")
    pipeline = rows.filter(pk=pipeline_id).first()
    if pipeline is None:
        raise PipelineMissing("There is no such pipeline.", cure="See the pipelines of its source.")
    if pipeline.ended_at is None:
        pipeline.ended_at = now
        pipeline.save(update_fields=["ended_at"])
        data = {"pipeline": str(pipeline.pk), "subject": pipeline.subject}
        subject = source_subject(pipeline.source)
        record(Verb.PIPELINE_ENDED, actor=actor or by.as_actor(), subject=subject, at=now, data=data)
    return pipeline


def key_set_of(pipeline: TrustedPipeline, *, now: datetime, key_id: str) -> dict[str, Any]:
    """The keys of a pipeline's issuer, no older than an hour; fetched again where ``key_id`` is not among them.

    A key that is not among fresh ones is looked for once a minute, however many ask.
    Raises: IssuerUnavailable, where they are too old and cannot be had.
    """
    is_fresh = pipeline.jwks_fetched_at is not None and now - pipeline.jwks_fetched_at <= KEYS_LAST
    if is_fresh and any(key.get("kid") == key_id for key in pipeline.jwks.get("keys", [])):
        return dict(pipeline.jwks)
    if not _take_turn(pipeline, now, BETWEEN_TRIES if is_fresh else BETWEEN_FAILURES):
        if is_fresh:
            return dict(pipeline.jwks)
        raise IssuerUnavailable("The issuer's keys were asked for a moment ago.", cure="Try again in ten seconds.")
    found = fetch_key_set(pipeline.jwks_url, ca_pem=pipeline.ca_pem, is_private_allowed=pipeline.is_private_allowed)
    TrustedPipeline.objects.filter(pk=pipeline.pk).update(jwks=found, jwks_fetched_at=now)
    return found


def _take_turn(pipeline: TrustedPipeline, now: datetime, between: timedelta) -> bool:
    """Whether it is ours to ask the issuer now. One of many at once has it."""
    is_free = Q(jwks_tried_at=None) | Q(jwks_tried_at__lte=now - between)
    return TrustedPipeline.objects.filter(is_free, pk=pipeline.pk).update(jwks_tried_at=now) == 1


def _wrong(source: Source, fields: PipelineFields, jwks_url: str) -> list[FieldError]:
    wrong: list[FieldError] = []
    if source.builder != Source.Builder.EXTERNAL:
        wrong.append(
            FieldError("", "built_here", f"{source} is built here; only what is built elsewhere is submitted.")
        )
    if fields.kind not in _SUBJECTS:
        return [*wrong, FieldError("/kind", "invalid", "The kind is github or gitlab.")]
    wrong += _wrong_address(fields.issuer, "/issuer", fields.is_private_allowed)
    wrong += _wrong_address(jwks_url, "/jwks_url", fields.is_private_allowed)
    if not wrong and _authority(fields.issuer) != _authority(jwks_url):
        wrong.append(FieldError("/jwks_url", "other_host", "The keys are on the issuer's own host, or not believed."))
    if not _SUBJECTS[fields.kind].fullmatch(fields.subject) or len(fields.subject) > _MAX_TEXT:
        example = {
            "github": "repo:OWNER/NAME:ref:refs/heads/main",
            "gitlab": "project_path:GROUP/NAME:ref_type:branch:ref:main",
        }[fields.kind]
        wrong.append(FieldError("/subject", "invalid", f"The subject is exact, without patterns, like {example}."))
    if fields.kind == "github" and fields.subject.endswith(":pull_request"):
        detail = "Pull requests hold what nobody merged: name a branch, a tag or an environment."
        wrong.append(FieldError("/subject", "unmerged", detail))
    if not fields.audience or len(fields.audience) > _MAX_TEXT or any(one.isspace() for one in fields.audience):
        wrong.append(FieldError("/audience", "invalid", "The audience is one word, best this Goldgate's address."))
    return wrong


def _wrong_address(url: str, pointer: str, is_private_allowed: bool) -> list[FieldError]:
    try:
        parts = urlsplit(url)
        authority_of(parts)
    except ValueError:
        return [FieldError(pointer, "invalid", f"{url[:100]!r} is no address.")]
    if parts.scheme != "https" and not (parts.scheme == "http" and is_private_allowed):
        return [FieldError(pointer, "not_https", f"{url[:100]!r} is not https.")]
    if not _is_plain(parts) or len(url) > _MAX_TEXT or any(one.isspace() for one in url):
        return [FieldError(pointer, "invalid", f"{url[:100]!r} has more than host and path, or no host.")]
    return []


def _is_plain(parts: SplitResult) -> bool:
    return bool(parts.hostname) and "@" not in parts.netloc and not parts.query and not parts.fragment


def _authority(url: str) -> tuple[str, str]:
    parts = urlsplit(url)
    return parts.scheme, authority_of(parts)
