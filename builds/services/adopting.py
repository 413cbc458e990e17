"""Adopting from the starter set: an image and a version of the catalog whose upstream tag is followed from then on.

The tag is looked at by a job at once, imported by the digest that it names, and becomes a candidate before reviewers:
adopting certifies nothing. Twice is once.
"""

from dataclasses import dataclass
from datetime import datetime

from django.db import transaction

from accounts.models import Person
from audit.actor import Actor
from audit.services import record
from audit.verbs import Verb
from builds.errors import NoImageToAdopt, UpstreamNotListed
from builds.models import Watch
from builds.services.watches import WatchFields, add_watch, subject_of
from catalog import services as catalog
from catalog.definitions import DefinedVersion, Definition, Kind
from catalog.errors import DefinitionMissing
from catalog.models import Image, Version
from oci.reference import Reference
from registry import selectors as registry
from registry.errors import RegistryUnknown
from registry.models import Registry


@dataclass(frozen=True, slots=True)
class Adoption:
    """What came of it. ``is_new`` is False where it was followed already."""

    version: Version
    watch: Watch
    is_new: bool


@transaction.atomic
def adopt_definition(
    *,
    definition: Definition,
    version_name: str,
    adopted_by: Person,
    now: datetime,
    actor: Actor | None = None,
) -> Adoption:
    """Give a definition's version its place in the catalog, and follow its upstream tag.

    Raises: NoImageToAdopt (a host system, a note); DefinitionMissing; UpstreamNotListed; and what the catalog raises
    for names that are not free.
    """
    chosen = _require_image(definition, version_name)
    reference = Reference.parse(chosen.reference)
    host = _require_listed(reference, definition)
    version = _version(definition, chosen, adopted_by=adopted_by, now=now, actor=actor)
    watch = Watch.objects.filter(
        version=version, repository__registry=host, repository__path=reference.repository, tag=reference.tag
    ).first()
    if watch is not None:
        return Adoption(version, watch, is_new=False)
    watch = add_watch(
        version=version,
        fields=WatchFields(reference=chosen.reference, platforms=chosen.platforms),
        owner=adopted_by,
        now=now,
        actor=actor,
    )
    data = {"definition": definition.name, "version": str(version), "reference": chosen.reference}
    doer = actor or adopted_by.as_actor()
    record(Verb.DEFINITION_ADOPTED, actor=doer, subject=subject_of(watch), at=now, data=data)
    return Adoption(version, watch, is_new=True)


def _require_image(definition: Definition, version_name: str) -> DefinedVersion:
    match definition.kind:
        case Kind.HOST_SYSTEM:
            raise NoImageToAdopt(
                f"{definition.title} is a host system: it has no image.",
                cure="Record a release of it with the checksum that you verified (host systems).",
            )
        case Kind.NOTE:
            raise NoImageToAdopt(f"{definition.title}: there is nothing to adopt.", cure=definition.inventory.rule)
        case Kind.IMAGE:
            pass
    chosen = definition.version(version_name)
    if chosen is None:
        known = ", ".join(one.name for one in definition.versions)
        detail = f"{definition.name} has no version {version_name[:100]!r}."
        raise DefinitionMissing(detail, cure=f"There are {known}.")
    return chosen


def _require_listed(reference: Reference, definition: Definition) -> Registry:
    host = reference.registry
    add = f"--preset {definition.registry}" if definition.registry else host
    try:
        found = registry.registry_for_host(host)
    except RegistryUnknown as error:
        raise UpstreamNotListed(
            f"No registry with the host {host} is listed here.",
            cure=f"A platform admin adds it: goldgate registry add {host} {add} --trusted.",
        ) from error
    if found.side != Registry.Side.SOURCE:
        detail = f"{host} is where certified images go here, not where images come from."
        raise UpstreamNotListed(detail, cure="List it on the source side too, or adopt from a mirror of yours.")
    if not found.is_trusted:
        raise UpstreamNotListed(
            f"The registry {found.name} ({host}) is listed, and not trusted.",
            cure="A platform admin marks it as trusted on its page, or adopts from one that is.",
        )
    return found


def _version(
    definition: Definition, chosen: DefinedVersion, *, adopted_by: Person, now: datetime, actor: Actor | None
) -> Version:
    image = Image.objects.filter(name=definition.name).first() or catalog.create_image(
        name=definition.name,
        created_by=adopted_by,
        now=now,
        actor=actor,
        purpose=definition.purpose,
        description=definition.summary,
    )
    return Version.objects.select_related("image").filter(image=image, name=chosen.name).first() or (
        catalog.create_version(image=image, name=chosen.name, created_by=adopted_by, now=now, actor=actor)
    )
