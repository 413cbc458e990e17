"""The starter set as it stands here: what is adopted, until when each version is supported, what keeps one away."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from builds.models import Watch
from catalog.definitions import DefinedVersion, Definition, Kind, definitions
from catalog.models import HostSystem, Version
from catalog.selectors import host_systems
from oci.reference import Reference
from registry.models import Registry
from scans.domain.support import Support, SupportDates, support_on
from scans.selectors.feeds import support_dates


@dataclass(frozen=True, slots=True)
class StarterVersion:
    """One version of a definition, and what became of it here."""

    defined: DefinedVersion
    version: Version | None  # in the catalog
    watch: Watch | None
    dates: SupportDates | None  # None: nobody publishes dates, or the feed does not know it
    support: Support
    is_host_trusted: bool  # its registry is listed on the source side, and trusted
    releases: tuple[HostSystem, ...] = ()  # of a host system, newest first


@dataclass(frozen=True, slots=True)
class StarterEntry:
    """One definition with its versions."""

    definition: Definition
    versions: tuple[StarterVersion, ...]

    @property
    def is_adopted(self) -> bool:
        """Whether anything of it is in the catalog."""
        return any(one.version or one.releases for one in self.versions)


@dataclass(frozen=True, slots=True)
class _Facts:
    at: datetime
    versions: dict[tuple[str, str], Version]
    watches: dict[tuple[UUID, str], Watch]
    dates: dict[tuple[str, str], SupportDates]
    trusted: frozenset[str]
    releases: list[HostSystem]


def starter_set(at: datetime, *, only: Sequence[Definition] | None = None) -> list[StarterEntry]:
    """Every definition, or ``only`` those, by name. Five queries, however many there are."""
    chosen = definitions() if only is None else only
    facts = _facts(at, chosen)
    return [StarterEntry(each, tuple(_row(each, one, facts) for one in each.versions)) for each in chosen]


def _facts(at: datetime, chosen: Sequence[Definition]) -> _Facts:
    names = [each.name for each in chosen]
    keys = {
        (one.end_of_life.product, one.end_of_life.cycle)
        for each in chosen
        for one in each.versions
        if one.end_of_life is not None
    }
    versions = Version.objects.filter(image__name__in=names).select_related("image")
    watches = Watch.objects.filter(version__image__name__in=names).select_related(
        "repository__registry", "version__image"
    )
    trusted = Registry.objects.filter(side=Registry.Side.SOURCE, is_trusted=True)
    return _Facts(
        at=at,
        versions={(one.image.name, one.name): one for one in versions},
        watches={(one.version_id, str(one)): one for one in watches},
        dates=support_dates(keys),
        trusted=frozenset(trusted.values_list("host", flat=True)),
        releases=list(host_systems().filter(name__in=names)),
    )


def _row(definition: Definition, defined: DefinedVersion, facts: _Facts) -> StarterVersion:
    key = defined.end_of_life
    dates = facts.dates.get((key.product, key.cycle)) if key else None
    version = facts.versions.get((definition.name, defined.name))
    watch = facts.watches.get((version.pk, defined.reference)) if version else None
    is_trusted = definition.kind is Kind.IMAGE and Reference.parse(defined.reference).registry in facts.trusted
    releases = [one for one in facts.releases if (one.name, one.version) == (definition.name, defined.name)]
    return StarterVersion(defined, version, watch, dates, support_on(dates, facts.at), is_trusted, tuple(releases))
