"""Where candidates are pushed: a repository of the source side, named as it stands in references."""

from datetime import datetime

from builds.errors import SourceInvalid
from core.errors import FieldError
from oci.reference import is_within
from registry import selectors as registry
from registry.errors import RegistryUnknown
from registry.models import Registry, Repository
from registry.services import ensure_repository

POINTER = "/candidate_repository"


def candidate_repository(*, name: str, now: datetime) -> Repository | None:
    """The repository ``host/path``, written down if it is new; None for "".

    Raises SourceInvalid: no such registry is listed, or it is where certified images go; RegistryInvalid for a path
    that is none.
    """
    if not name:
        return None
    host, _, path = name.partition("/")
    try:
        chosen = registry.registry_for_host(host)
    except RegistryUnknown as error:
        raise _wrong("registry_unknown", error.detail, "Name a listed registry of the source side.") from error
    if not path:
        raise _wrong("path_missing", f"{name!r} names no repository in it.", f"Write {host}/builds/NAME.")
    if chosen.side != Registry.Side.SOURCE or _is_certified_place(host, path):
        detail = f"{name} is where certified images go: nothing but certifying writes there."
        raise _wrong("side_certified", detail, "Choose a repository of the source side.")
    return ensure_repository(registry=chosen, path=path, now=now)


def require_candidate_place(repository: Repository) -> None:
    """Asked again when something is pushed: a registry may have changed sides since the source named it.

    Raises SourceInvalid.
    """
    certified = repository.registry.side != Registry.Side.SOURCE
    if certified or _is_certified_place(repository.registry.host, repository.path):
        detail = f"{repository.name} is where certified images go: nothing but certifying writes there."
        raise _wrong("side_certified", detail, "Choose a repository of the source side.")


def _is_certified_place(host: str, path: str) -> bool:
    """Whether a certified side lives at that place of a host that is listed on both sides."""
    certified = Registry.objects.filter(host=host, side=Registry.Side.CERTIFIED).values_list("path_prefix", flat=True)
    return any(not prefix or is_within(path, prefix) for prefix in certified)


def _wrong(code: str, detail: str, cure: str) -> SourceInvalid:
    return SourceInvalid(detail, cure=cure, errors=[FieldError(POINTER, code, f"{detail} {cure}")])
