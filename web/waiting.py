"""What waits for a person, what is missing to begin, and what moved: the parts of the start page."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from django.urls import reverse

from accounts import selectors as accounts
from accounts.roles import Role
from approvals import selectors as approvals
from audit import selectors as audit
from audit.verbs import Verb
from builds.selectors import lists
from catalog import selectors as catalog
from catalog.models import Subversion
from registry import selectors as registry
from scans.models import Feed
from scans.selectors.feeds import FeedAge
from web.viewer import Viewer

ENDING_SOON = timedelta(days=14)
MOVED_LOOKED_AT = 100  # of the newest records of changed findings


@dataclass(frozen=True, slots=True)
class Gap:
    """Something without which nothing can be certified, and how to get it."""

    title: str
    why: str
    url: str
    action: str
    cli: str


def gaps(viewer: Viewer, ages: list[FeedAge], usable: int) -> list[Gap]:
    """What is missing to begin, in the order in which it is needed. Three queries; ``usable`` builds may be used."""
    found: list[Gap] = []
    if not any(one.feed.kind == Feed.Kind.OSV and one.feed.snapshot_at for one in ages):
        found.append(
            Gap(
                "There are no advisories",
                "Nothing can be scanned without them, and what is not scanned is never certified.",
                reverse("web:feeds"),
                "Add a feed, or upload a file",
                "script/manage feed import advisories.jsonl.gz --snapshot-at 2026-11-24T06:00:00Z",
            )
        )
    reviewers = accounts.holders_of(Role.REVIEWER, viewer.now) | accounts.holders_of(Role.SECURITY_REVIEWER, viewer.now)
    if not accounts.is_one_person() and reviewers.distinct().count() < 2:
        found.append(
            Gap(
                "There are not two reviewers",
                "A certificate needs two persons, neither of whom proposed the image.",
                reverse("web:people"),
                "Make accounts and give the role",
                "script/manage person add NAME --role reviewer",
            )
        )
    # What may be used was published somewhere.
    if not usable and registry.default_certified_registry() is None:
        found.append(
            Gap(
                "There is nowhere to publish what is certified",
                "What is certified is copied and signed there: a registry of yours, or a directory.",
                reverse("web:registry-new") + "?preset=layout",
                "Add a certified registry",
                "goldgate registry add golden --side certified --layout golden --public-name registry.example/golden",
            )
        )
    return found


@dataclass(frozen=True, slots=True)
class MovedAgainst:
    """A usable build, and what a sync changed in its findings since."""

    subversion: Subversion
    at: datetime
    words: str


def moved_against_certified(at: datetime) -> list[MovedAgainst]:
    """The newest changes of findings of what may be used, one a build. Two queries."""
    records = list(audit.records(verb=Verb.FINDINGS_CHANGED)[:MOVED_LOOKED_AT])
    usable = catalog.usable_holding({record.subject_id for record in records}, at) if records else {}
    found: dict[object, MovedAgainst] = {}
    for record in records:
        subversion = usable.get(record.subject_id)
        if subversion is None or (subversion.certified_from and record.at < subversion.certified_from):
            continue
        found.setdefault(subversion.pk, MovedAgainst(subversion, record.at, change_words(record.data)))
    return list(found.values())[:10]


def change_words(data: dict[str, object]) -> str:
    """A record of changed findings as words: "2 new, 1 now fixable"."""
    labels = {
        "added": "new",
        "removed": "gone",
        "now_fixable": "now fixable",
        "no_longer_fixable": "no longer fixable",
        "exploited": "now known exploited",
        "rerated": "rated anew",
    }
    parts = []
    for key, word in labels.items():
        value = data.get(key)
        count = value.get("count") if isinstance(value, dict) else len(value) if isinstance(value, list) else value
        if count:
            parts.append(f"{count} {word}")
    return ", ".join(parts) or "its findings changed"


def ending_soon(at: datetime) -> list[Subversion]:
    """Certificates that end within two weeks, the soonest first. One query."""
    return list(catalog.certified_ending_before(at + ENDING_SOON, at)[:10])


# What supply may wait for: the tone of its badge, its word and shape, and what it says.
ALERTS = {
    "drift": ("moved", "A certified tag moved behind our back"),
    "pull": ("not_pullable", "A certified digest cannot be pulled"),
    "build": ("failed", "Does not build"),
    "watch": ("stopped", "An upstream tag is no longer followed"),
    "recipe": ("unreviewed", "A recipe waits for approval"),
}


@dataclass(frozen=True, slots=True)
class Alert:
    """Something of supply that waits for a person."""

    word: str
    title: str
    label: str
    url: str
    at: datetime


def supply_alerts(viewer: Viewer) -> list[Alert]:
    """What of supply waits for a person, the gravest first: everything for platform people, recipes for reviewers.

    One query.
    """
    if not (viewer.is_admin or viewer.is_reviewer):
        return []
    kinds = tuple(ALERTS) if viewer.is_admin else ("recipe",)
    rows = [row for row in lists.alerts() if row.kind in kinds]
    rows.sort(key=lambda row: (kinds.index(row.kind), row.at))
    return [Alert(*ALERTS[row.kind], row.label, _url_of(row), row.at) for row in rows]


def _url_of(row: lists.Alert) -> str:
    match row.kind:
        case "drift" | "pull":
            return reverse("web:promotion")
        case "watch":
            return reverse("web:watches")
        case kind:
            return reverse(f"web:{kind}", args=[row.key])


def my_requests(viewer: Viewer) -> list[object]:
    """What the person asked for or joined and waits for, and the newest answers. One query."""
    return list(approvals.requests_of(viewer.person).exclude(state="withdrawn")[:5])
