"""Registries: added, changed, tested."""

from collections.abc import Sequence
from dataclasses import dataclass, field, fields
from datetime import datetime
from pathlib import Path
from typing import Any

from django.conf import settings
from django.db import IntegrityError, transaction

from audit.actor import Actor, Subject
from audit.services import record
from audit.verbs import Verb
from jobs.services import ensure_schedule
from registry import credentials
from registry.adapters.check import Step, check_layout, check_registry
from registry.adapters.sides import settings_of
from registry.domain import settings as rules
from registry.errors import RegistryTaken, RegistryUnknown
from registry.models import Registry, Repository

PRUNE_JOB = "registry.prune"
PRUNE_EVERY_SECONDS = 3600


@dataclass(frozen=True, slots=True)
class RegistryFields:
    """What a person says of a registry. ``secret`` None keeps what is stored; "" removes it."""

    name: str
    host: str = ""
    base_url: str = ""
    kind: str = Registry.Kind.REMOTE
    side: str = Registry.Side.SOURCE
    path_prefix: str = ""
    layout_path: str = ""
    public_name: str = ""
    is_trusted: bool = False
    allow_private: bool = False
    listed_hosts: Sequence[str] = ()
    ca_pem: str = ""
    proxy_url: str = ""
    username: str = ""
    secret: str | None = field(default=None, repr=False)

    def columns(self) -> dict[str, Any]:
        """Everything but the secret, as the row has it."""
        found = {one.name: getattr(self, one.name) for one in fields(self) if one.name != "secret"}
        return found | {"listed_hosts": list(self.listed_hosts)}


def add_registry(*, wanted: RegistryFields, actor: Actor, now: datetime) -> Registry:
    """List a registry. Raises RegistryInvalid, naming each field; RegistryTaken; CredentialsUnreadable."""
    registry = Registry(created_at=now, **_checked(wanted))
    registry.secret_encrypted = credentials.encrypt(wanted.secret or "", registry_id=registry.pk)
    with _names_taken(), transaction.atomic():
        registry.save(force_insert=True)
        _record(Verb.REGISTRY_ADDED, registry, actor=actor, now=now, changed=sorted(wanted.columns()))
        ensure_schedule("Prune the layer cache", PRUNE_JOB, every_seconds=PRUNE_EVERY_SECONDS)
    return registry


def change_registry(*, registry: Registry, wanted: RegistryFields, actor: Actor, now: datetime) -> Registry:
    """Change a registry; its stored password goes when its address changes and none is given.

    Raises RegistryInvalid, naming each field; RegistryTaken; CredentialsUnreadable.
    """
    columns = _checked(wanted)
    with _names_taken(), transaction.atomic():
        row = Registry.objects.select_for_update().get(pk=registry.pk)
        changed = sorted(name for name, value in columns.items() if getattr(row, name) != value)
        for name, value in columns.items():
            setattr(row, name, value)
        if wanted.secret is not None:
            row.secret_encrypted = credentials.encrypt(wanted.secret, registry_id=row.pk)
            changed.append("secret")
        elif {"base_url", "host", "proxy_url", "username"} & set(changed) and row.has_secret:
            # Else whoever may change an address could have our password sent to theirs.
            row.secret_encrypted = b""
            changed.append("secret")
        row.save()
        _record(Verb.REGISTRY_CHANGED, row, actor=actor, now=now, changed=changed)
    return row


@transaction.atomic
def ask_test(*, registry: Registry, actor: Actor, now: datetime) -> None:
    """Have a job find out whether the registry works."""
    _record(Verb.REGISTRY_TEST_ASKED, registry, actor=actor, now=now, changed=[])


def test_registry(*, registry: Registry, now: datetime) -> list[Step]:
    """Try DNS, TLS, login, pull and referrers, in this order, and keep the answer in words.

    Raises CredentialsUnreadable. A registry that does not work is an answer, not an error.
    """
    if registry.is_layout:
        steps = check_layout(Path(registry.layout_path))
    else:
        repository = registry.repositories.order_by("-created_at").first()
        steps = check_registry(settings_of(registry), repo=repository.path if repository else "")
    failure = next((step.text for step in steps if step.outcome == "failed"), "")
    with transaction.atomic():
        row = Registry.objects.select_for_update().get(pk=registry.pk)
        row.last_tested_at, row.last_failure = now, failure
        row.last_test = [{"name": step.name, "outcome": step.outcome, "text": step.text} for step in steps]
        row.reachable_since = None if failure else row.reachable_since or now
        row.save(update_fields=["last_tested_at", "last_failure", "last_test", "reachable_since"])
        data = {"failure": failure}
        subject = Subject("registry", str(row.pk), row.name)
        record(Verb.REGISTRY_TESTED, actor=Actor.system("worker"), subject=subject, at=now, data=data)
    return steps


def ensure_repository(*, registry: Registry, path: str, now: datetime) -> Repository:
    """The repository of that path, written down if it is new. Raises RegistryInvalid."""
    rules.require_path(path)
    found, _ = Repository.objects.get_or_create(registry=registry, path=path, defaults={"created_at": now})
    return found


def certified_repository(*, image_name: str, now: datetime, registry: Registry | None = None) -> Repository:
    """Where certified builds of an image go: ``<prefix>/<image>`` of the certified side.

    Raises RegistryUnknown when no registry is on the certified side.
    """
    chosen = registry or Registry.objects.filter(side=Registry.Side.CERTIFIED).order_by("created_at", "pk").first()
    if chosen is None:
        raise RegistryUnknown(
            "No registry is on the certified side.",
            cure="Add one: a registry of yours, or a directory (OCI layout) with a public name.",
        )
    path = f"{chosen.path_prefix}/{image_name}" if chosen.path_prefix else image_name
    return ensure_repository(registry=chosen, path=path, now=now)


def _checked(wanted: RegistryFields) -> dict[str, Any]:
    """The columns, completed and checked. Raises RegistryInvalid."""
    return rules.checked(wanted.columns(), layouts_below=Path(settings.GOLDGATE_HOME))


class _names_taken:  # noqa: N801
    """Turns a lost race for a name into the refusal that the loser would have had."""

    def __enter__(self) -> None:
        return None

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: object) -> None:
        if isinstance(error, IntegrityError) and "registry_" in str(error) and "unique" in str(error):
            taken = "name" if "registry_name_unique" in str(error) else "host, prefix and side"
            raise RegistryTaken(
                f"Another registry has this {taken}.", cure="Change that one, or choose another."
            ) from error


def _record(verb: Verb, registry: Registry, *, actor: Actor, now: datetime, changed: list[str]) -> None:
    subject = Subject("registry", str(registry.pk), registry.name)
    data = {"host": registry.host, "side": registry.side, "changed": changed}
    record(verb, actor=actor, subject=subject, at=now, data=data)
