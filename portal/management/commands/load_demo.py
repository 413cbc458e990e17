"""``manage.py load_demo``: three people, four real images, real advisories frozen at their date, one
image certified and one refused. Runs beside a started demo, whose workers do the work. Refused elsewhere.
"""

import secrets
import time
from argparse import ArgumentParser
from collections.abc import Callable
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone

from accounts import services as accounts
from accounts.models import Person
from accounts.roles import Role
from admission import selectors as admission
from approvals import services as approvals
from approvals.models import Certification, Proposal, Review
from audit.actor import Actor
from builds.models import Inspection
from catalog import services as catalog
from catalog.models import Subversion, Version
from core.errors import GoldgateError
from portal.local.options import PROJECT
from registry import services as registry
from registry.models import Artifact, Import, Registry
from scans import services as scans
from scans.models import Scan

DATA = PROJECT / "demo" / "data"
PUBLIC_NAME = "images.demo.example"
WAIT_SECONDS = 180
PEOPLE = (
    ("pat", "Pat Platform", "asks, imports and proposes", [Role.PLATFORM_ADMIN, Role.REQUESTER, Role.AUDITOR]),
    ("rita", "Rita Reviewer", "reviews", [Role.REVIEWER, Role.VIEWER]),
    ("sam", "Sam Security", "reviews for security, suspends and revokes", [Role.SECURITY_REVIEWER, Role.VIEWER]),
)
FEEDS = (
    "advisories/debian-stable-changelogs.jsonl.gz",
    "advisories/debian-12-unfixed-rated.jsonl.gz",
    "ratings/nvd-debian-12-old.json",
    "kev/known_exploited_vulnerabilities.json.gz",
    "endoflife/endoflife.json.gz",
)


class Command(BaseCommand):
    help = "Fill a demo that script/server --demo has started."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--people-file", type=Path, required=True, help="where names and passwords are kept, 0600")

    def handle(self, *args: Any, **options: Any) -> None:
        if not settings.GOLDGATE_DEMO:
            raise CommandError("This is no demo. Start one with script/server --demo; it never touches a real home.")
        if Person.objects.exists():
            raise CommandError(
                "People exist already: the demo is loaded, or an earlier load was cut off. Remove its home."
            )
        try:
            people = self._people(options["people_file"])
            self._feeds()
            self._images(people)
        except GoldgateError as error:
            raise CommandError(f"{error.code}: {error}") from error
        options["people_file"].with_suffix(".loading").rename(options["people_file"])

    def _people(self, path: Path) -> dict[str, Person]:
        now, made, lines = timezone.now(), {}, ["People of the demo:"]
        for name, display_name, deed, roles in PEOPLE:
            password = "-".join(secrets.token_hex(2) for _ in range(4))
            made[name] = accounts.create_person(
                username=name, display_name=display_name, password=password, now=now
            ).person
            for role in roles:
                accounts.grant_role(person=made[name], role=role, now=now)
            lines.append(f"  {name:5} {password}  ({deed})")
        team = accounts.create_team(name="payments", by=None, now=now)
        accounts.add_member(team=team, person=made["pat"], by=None, now=now)
        loading = path.with_suffix(
            ".loading"
        )  # renamed once everything is there: a cut-off load is not taken for whole
        loading.touch(mode=0o600)
        loading.write_text("\n".join(lines) + "\n", encoding="utf-8")
        return made

    def _feeds(self) -> None:
        for name in FEEDS:
            scans.import_feed_file(path=DATA / name, actor=Actor.system("demo"), now=timezone.now(), is_frozen=True)

    def _images(self, people: dict[str, Person]) -> None:
        pat, now = people["pat"], timezone.now()
        layout = registry.RegistryFields(
            name="certified images", kind=Registry.Kind.LAYOUT, side=Registry.Side.CERTIFIED, is_trusted=True,
            layout_path=str(settings.GOLDGATE_HOME / "certified"), public_name=PUBLIC_NAME, host=PUBLIC_NAME,
        )  # fmt: skip
        registry.add_registry(wanted=layout, actor=pat.as_actor(), now=now)
        debian = catalog.create_image(
            name="debian", created_by=pat, now=now, description="Debian 12, minimal, for services that need a shell."
        )
        version = catalog.create_version(image=debian, name="12", created_by=pat, now=now)
        approvals.ask_request(
            image_name="python", version_name="3.12", reason="Our billing service moves to Python 3.12 in January.",
            asked_by=pat, now=now,
        )  # fmt: skip
        artifacts = {name: self._import(name, pat) for name in ("debian-12-old", "debian-12-rebuilt", "hello-1")}
        self._refuse(self._place(version, artifacts["debian-12-old"], "12-old", pat), people)
        self._certify(self._place(version, artifacts["debian-12-rebuilt"], "12-rebuilt", pat), people)

    def _import(self, name: str, person: Person) -> Artifact:
        with (DATA / "images" / f"{name}.oci.tar").open("rb") as archive:
            chunks = iter(lambda: archive.read(1 << 16), b"")
            asked = registry.import_archive(chunks=chunks, requested_by=person, now=timezone.now())
        _wait(lambda: Import.objects.get(pk=asked.pk).artifact_id, f"the import of {name}")
        artifact = Artifact.objects.get(digest=asked.resolved_digest)
        _wait(lambda: Scan.objects.filter(artifact=artifact, state="complete").exists(), f"the scan of {name}")
        return artifact

    def _place(self, version: Version, artifact: Artifact, name: str, person: Person) -> Subversion:
        placed = catalog.add_subversion(
            version=version, artifact=artifact, created_by=person, name=name, now=timezone.now()
        )
        # Its files are read once it has a place; a packet that is frozen before that moves under its reviewers.
        _wait(lambda: Inspection.objects.filter(artifact=artifact).exists(), f"the look into the files of {name}")
        return placed

    def _refuse(self, subversion: Subversion, people: dict[str, Person]) -> None:
        proposal = self._propose(subversion, people["pat"])
        approvals.reject(
            proposal_id=proposal.pk, reviewer=people["sam"], packet_sha256=_packet(proposal), now=timezone.now(),
            reason="Five critical and ten high findings have a fix: take the rebuilt one.",
        )  # fmt: skip

    def _certify(self, subversion: Subversion, people: dict[str, Person]) -> None:
        proposal = self._propose(subversion, people["pat"])
        for name in ("rita", "sam"):
            approvals.review_packet(
                proposal_id=proposal.pk, reviewer=people[name], outcome=Review.Outcome.APPROVE,
                reason="Nothing with a fix is left; the twelve without one are known and accepted.",
                packet_sha256=_packet(proposal), now=timezone.now(),
            )  # fmt: skip
        _wait(
            lambda: Certification.objects.filter(proposal=proposal, finalised_at__isnull=False).exists(),
            f"the certification of {subversion}",
        )
        _wait(lambda: _is_at_every_gate(subversion), f"the gate to learn of {subversion}")

    def _propose(self, subversion: Subversion, person: Person) -> Proposal:
        return approvals.propose(
            subversion=subversion, proposed_by=person, note="For services that need a shell.", now=timezone.now()
        )


def _packet(proposal: Proposal) -> str:
    current = Proposal.objects.select_related("current_packet").get(pk=proposal.pk).current_packet
    if current is None:
        raise CommandError(f"{proposal} has no packet.")
    return current.sha256


def _is_at_every_gate(subversion: Subversion) -> bool:
    """Whether every deed about ``subversion`` is published, and every gate says that it has the newest snapshot."""
    if not admission.is_published(subversion):
        return False
    return all(one.versions_behind == 0 for one in admission.gate_health(timezone.now()))


def _wait(done: Callable[[], Any], what: str) -> None:
    """Until the workers have done it. Raises CommandError when they do not."""
    deadline = time.monotonic() + WAIT_SECONDS
    while not done():
        if time.monotonic() > deadline:
            raise CommandError(f"{what} did not end within {WAIT_SECONDS} s; the page Jobs says why.")
        time.sleep(0.2)
