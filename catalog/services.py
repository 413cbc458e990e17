"""Writes of the catalog: names, the validity that approvals decide on, and host systems."""

import re
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from django.db import IntegrityError, transaction

from accounts.models import Person, Team
from audit.actor import Actor, Subject
from audit.services import record
from audit.verbs import Verb
from catalog import selectors
from catalog.definitions import Definition, Kind
from catalog.domain.state import State, state_at
from catalog.errors import (
    BadName,
    DefinitionMissing,
    DigestTaken,
    HostSystemTaken,
    HostSystemWrong,
    IllegalStep,
    NameTaken,
    NotRunnable,
)
from catalog.models import IMAGE_NAME, VERSION_NAME, HostSystem, Image, Subversion, Version
from core.errors import FieldError
from registry.models import Artifact

# How long a superseded subversion may still be used, unless its certificate ends earlier.
RETIRING_DAYS = 30
# What stands behind an image's name in addresses.
RESERVED = frozenset({"versions", "new"})
ARCHITECTURES = frozenset({"amd64", "arm64", "ppc64le", "s390x", "riscv64"})
CHECKSUM = r"sha256:[0-9a-f]{64}|sha512:[0-9a-f]{128}"


@transaction.atomic
def create_image(
    *,
    name: str,
    created_by: Person,
    now: datetime,
    actor: Actor | None = None,
    purpose: str = Image.Purpose.RUNTIME,
    owner: Team | None = None,
    description: str = "",
) -> Image:
    """Name a new image. Raises: BadName, NameTaken."""
    _require_name(name, IMAGE_NAME, limit=100, what="image")
    try:
        with transaction.atomic():
            image = Image.objects.create(
                name=name,
                purpose=Image.Purpose(purpose),
                owner=owner,
                description=description,
                created_at=now,
                created_by=created_by,
            )
    except IntegrityError as error:
        raise NameTaken(f"There is an image {name} already.", cure="Add a version to it.") from error
    subject = Subject(kind="image", id=str(image.pk), label=name)
    record(Verb.IMAGE_CREATED, actor=actor or created_by.as_actor(), subject=subject, at=now)
    return image


@transaction.atomic
def create_version(
    *, image: Image, name: str, created_by: Person, now: datetime, actor: Actor | None = None
) -> Version:
    """Name a new version of ``image``. Raises: BadName, NameTaken."""
    _require_name(name, VERSION_NAME, limit=128, what="version")
    if name in RESERVED:
        raise BadName(f"{name!r} cannot be the name of a version.", cure="It has a meaning in addresses.")
    try:
        with transaction.atomic():
            version = Version.objects.create(image=image, name=name, created_at=now, created_by=created_by)
    except IntegrityError as error:
        raise NameTaken(f"There is {image.name}/{name} already.", cure="Add a subversion to it.") from error
    subject = Subject(kind="version", id=str(version.pk), label=str(version))
    record(Verb.VERSION_CREATED, actor=actor or created_by.as_actor(), subject=subject, at=now)
    return version


@transaction.atomic
def add_subversion(
    *,
    version: Version,
    artifact: Artifact,
    created_by: Person,
    now: datetime,
    name: str = "",
    actor: Actor | None = None,
) -> Subversion:
    """Give ``artifact`` its place in the catalog. Without a name it is called by the day and a number.

    Raises: BadName, NameTaken, DigestTaken, NotRunnable.
    """
    if artifact.kind not in ("image", "index"):
        raise NotRunnable(f"{artifact.digest} is {artifact.kind}, no image.", cure="Choose an image or an index.")
    taken = selectors.subversion_by_digest(artifact.digest)
    if taken is not None and taken.artifact_id == artifact.pk:
        raise DigestTaken(f"{artifact.digest} is {taken} already.", cure="Propose that one.")
    # Locked: two people on one day must not both be number 1.
    Version.objects.select_for_update().get(pk=version.pk)
    name = name or _next_name(version, now)
    _require_name(name, VERSION_NAME, limit=128, what="subversion")
    try:
        with transaction.atomic():
            subversion = Subversion.objects.create(
                version=version, name=name, artifact=artifact, created_at=now, created_by=created_by
            )
    except IntegrityError as error:
        raise NameTaken(f"{version} {name} exists, or the digest has a place.", cure="Choose another name.") from error
    record(
        Verb.SUBVERSION_ADDED,
        actor=actor or created_by.as_actor(),
        subject=subject_of(subversion),
        at=now,
        data={"digest": artifact.digest},
    )
    return subversion


def subject_of(subversion: Subversion) -> Subject:
    """How the record names a subversion."""
    return Subject(kind="subversion", id=str(subversion.pk), label=str(subversion))


def lock(subversion_id: UUID | str) -> Subversion:
    """The row, locked until the transaction ends: every decision about one subversion takes its turn."""
    Subversion.objects.select_for_update(of=("self",)).get(pk=subversion_id)
    return selectors.subversion_by_id(subversion_id)


# What follows writes validity. approvals/ calls it inside its own transaction, under ``lock``, with its
# own record; nobody else does.


def set_certifying(*, subversion: Subversion, since: datetime | None) -> None:
    """Reviews are complete and copy or signature outstanding; None: no longer. Raises IllegalStep."""
    if since is not None:
        _require_not_ended(subversion)
    _write(subversion, certifying_since=since)


def set_certified(
    *, subversion: Subversion, starts_at: datetime, ends_at: datetime, repository: str
) -> list[Subversion]:
    """It may be used in ``[starts_at, ends_at)``. Older builds of its version start retiring and are returned.

    Where a newer build is certified already, this one retires itself: renewing an old build, or certifying it late,
    does not push out its successor.
    Raises: IllegalStep when revoked or rejected.
    """
    _require_not_ended(subversion)
    others = (
        Subversion.objects.select_for_update(of=("self",))
        .filter(selectors.usable_at(starts_at), version_id=subversion.version_id, retiring_from=None)
        .exclude(pk=subversion.pk)
    )
    age = (subversion.created_at, subversion.pk)
    found = [((one.created_at, one.pk), one) for one in others.order_by("pk")]
    is_superseded = any(other > age for other, _ in found)
    older = [one for other, one in found if other < age]
    _write(
        subversion,
        certifying_since=None,
        certified_from=starts_at,
        certified_until=ends_at,
        retiring_from=starts_at if is_superseded else None,
        retiring_until=_retiring_until(starts_at, ends_at) if is_superseded else None,
        certified_repository=repository,
        certified_digest=subversion.artifact.digest,
    )
    for one in older:
        _write(one, retiring_from=starts_at, retiring_until=_retiring_until(starts_at, one.certified_until))
    return older


def _retiring_until(starts_at: datetime, certified_until: datetime | None) -> datetime:
    end = starts_at + timedelta(days=RETIRING_DAYS)
    return min(end, certified_until) if certified_until is not None else end


def set_suspended(*, subversion: Subversion, starts_at: datetime, ends_at: datetime, reason: str) -> None:
    """It must not be used in ``[starts_at, ends_at)``; lifting writes an earlier end."""
    _write(subversion, suspended_from=starts_at, suspended_until=ends_at, reason=reason)


def set_revoked(*, subversion: Subversion, at: datetime, reason: str) -> None:
    """It must not be used any more, for good. Raises IllegalStep when it was revoked before."""
    _require_not_ended(subversion)
    _write(subversion, revoked_at=at, reason=reason, certifying_since=None)


def set_rejected(*, subversion: Subversion, at: datetime, reason: str) -> None:
    """It is never allowed. Raises IllegalStep for anything but a candidate."""
    if state_at(selectors.facts_of(subversion), at).state is not State.CANDIDATE or subversion.certified_from:
        raise IllegalStep(f"{subversion} was certified; it can be revoked, not rejected.", cure="Revoke it.")
    _write(subversion, rejected_at=at, reason=reason, certifying_since=None)


def _require_not_ended(subversion: Subversion) -> None:
    if subversion.revoked_at is not None:
        raise IllegalStep(f"{subversion} is revoked, for good.", cure="Certify another subversion.")
    if subversion.rejected_at is not None:
        raise IllegalStep(f"{subversion} is rejected, for good.", cure="Certify another subversion.")


def _write(subversion: Subversion, **columns: Any) -> None:
    for name, value in columns.items():
        setattr(subversion, name, value)
    subversion.save(update_fields=list(columns))


def _next_name(version: Version, now: datetime) -> str:
    day = f"{version.name}-{now:%Y%m%d}"
    taken = set(version.subversions.filter(name__startswith=f"{day}.").values_list("name", flat=True))
    return next(name for number in range(1, len(taken) + 2) if (name := f"{day}.{number}") not in taken)


def _require_name(name: str, grammar: str, *, limit: int, what: str) -> None:
    # fullmatch: "$" alone would let a final line break through.
    if len(name) > limit or not re.fullmatch(grammar, name):
        cure = "Use lower-case letters, digits, and . _ - between them." if what == "image" else "Use a tag's letters."
        detail = f"{name[:80]!r} cannot be the name of a {what}."
        raise BadName(detail, cure=cure, errors=[FieldError("/name", "bad_name", cure)])


@dataclass(frozen=True, slots=True)
class HostSystemFields:
    """What a person says of a release that they verified. ``checksum`` is ``sha256:…`` or ``sha512:…``."""

    version: str
    release: str
    architecture: str
    artifact: str
    checksum: str
    signature: str
    reason: str


@transaction.atomic
def add_host_system(
    *, definition: Definition, fields: HostSystemFields, recorded_by: Person, now: datetime, actor: Actor | None = None
) -> HostSystem:
    """Record a release of a host system with the checksum that somebody verified. It is never changed.

    Raises: DefinitionMissing (no host system, or not that version of it); HostSystemWrong, naming each field;
    HostSystemTaken.
    """
    if definition.kind is not Kind.HOST_SYSTEM or definition.version(fields.version) is None:
        raise DefinitionMissing(
            f"{definition.name} {fields.version[:80]} is no host system of the starter set.",
            cure="See the definitions of kind host_system.",
        )
    wrong = _wrong_fields(fields)
    if wrong:
        raise HostSystemWrong(" ".join(row.detail for row in wrong), cure="Correct these fields.", errors=wrong)
    algorithm, _, checksum = fields.checksum.partition(":")
    try:
        with transaction.atomic():
            found = HostSystem.objects.create(
                name=definition.name,
                version=fields.version,
                release=fields.release,
                architecture=fields.architecture,
                artifact=fields.artifact.strip(),
                algorithm=algorithm,
                checksum=checksum,
                signature=fields.signature.strip(),
                reason=fields.reason.strip(),
                recorded_at=now,
                recorded_by=recorded_by,
            )
    except IntegrityError as error:
        detail = f"{definition.name} {fields.release} {fields.architecture} is recorded already."
        raise HostSystemTaken(detail, cure="Look at it; what was recorded is not changed.") from error
    data = {"version": found.version, "artifact": found.artifact, "checksum": fields.checksum, "reason": found.reason}
    subject = Subject(kind="host_system", id=str(found.pk), label=str(found))
    record(Verb.HOST_SYSTEM_ADDED, actor=actor or recorded_by.as_actor(), subject=subject, at=now, data=data)
    return found


def _wrong_fields(fields: HostSystemFields) -> list[FieldError]:
    checks = {
        "release": (bool(re.fullmatch(VERSION_NAME[1:-1], fields.release)), "Name the release, such as 4081.2.0."),
        "architecture": (fields.architecture in ARCHITECTURES, f"One of {', '.join(sorted(ARCHITECTURES))}."),
        "artifact": (0 < len(fields.artifact.strip()) <= 300, "Name the file that the checksum is over."),
        "checksum": (bool(re.fullmatch(CHECKSUM, fields.checksum)), "Write sha256: or sha512: and lower-case hex."),
        "signature": (0 < len(fields.signature.strip()) <= 2000, "Say how its signature was verified, by which key."),
        "reason": (0 < len(fields.reason.strip()) <= 4000, "Say in words why it is taken."),
    }
    return [FieldError(f"/{name}", "invalid", cure) for name, (is_good, cure) in checks.items() if not is_good]
