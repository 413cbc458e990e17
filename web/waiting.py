"""What waits for a person, what is missing to begin, and what moved: the parts of the start page."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db.models import OuterRef, QuerySet, UUIDField
from django.db.models.functions import Cast
from django.urls import reverse

from accounts import selectors as accounts
from accounts.roles import Role
from approvals import selectors as approvals
from approvals.selectors.recipes import recipes_due
from audit import selectors as audit
from audit.verbs import Verb
from builds.models import Recipe
from builds.selectors import alerts as supply
from builds.selectors.recipes import recipes_waiting
from catalog import selectors as catalog
from catalog.selectors import Named
from policies.models import Policy
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

    subversion: Named
    at: datetime
    words: str


def moved_against_certified(at: datetime) -> list[MovedAgainst]:
    """The newest changes of findings of what may be used, one a build. One query."""
    usable = catalog.usable_of_artifact(Cast(OuterRef("subject_id"), UUIDField()), at)
    found: dict[Named, MovedAgainst] = {}
    for record in audit.records(verb=Verb.FINDINGS_CHANGED).annotate(usable=usable)[:MOVED_LOOKED_AT]:
        if record.usable is None:
            continue
        subversion, since = catalog.read_usable(record.usable)
        if record.at >= since:
            found.setdefault(subversion, MovedAgainst(subversion, record.at, change_words(record.data)))
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


# What supply may wait for: the tone of its badge, its word and shape, and what it says.
ALERTS = {
    "drift": ("moved", "A certified tag moved behind our back"),
    "pull": ("not_pullable", "A certified digest cannot be pulled"),
    "build": ("failed", "Does not build"),
    "watch": ("stopped", "An upstream tag is no longer followed"),
    "due": ("unreviewed", "Waits for your approval"),
    "wave": ("in_review", "Others wait for its decision"),
    "recipe": ("unreviewed", "Waits for the approval of others"),
}


@dataclass(frozen=True, slots=True)
class Alert:
    """Something of supply that waits for a person."""

    word: str
    title: str
    label: str
    url: str
    at: datetime


def supply_alerts(viewer: Viewer, policy: Policy | None) -> list[Alert]:
    """What of supply waits for a person, the gravest first. One query.

    For reviewers (then ``policy`` is given) the recipes that they may judge; for platform people everything.
    """
    recipes: dict[str, QuerySet[Recipe]] = {}
    if policy is not None:
        recipes["due"] = recipes_due(viewer.person, policy, viewer.now)
    if viewer.is_admin:
        recipes["recipe"] = recipes_waiting()
    rows = supply.alerts(is_platform=viewer.is_admin, recipes=recipes)
    due = {row.key for row in rows if row.kind == "due"}
    kinds = tuple(ALERTS)
    rows = [row for row in rows if not (row.kind == "recipe" and row.key in due)]
    rows.sort(key=lambda row: (kinds.index(row.kind), row.at))
    return [Alert(ALERTS[row.kind][0], _title_of(row), row.label, _url_of(row), row.at) for row in rows]


def _title_of(row: supply.Alert) -> str:
    if row.kind != "wave":
        return ALERTS[row.kind][1]
    names = row.detail.split(", ")
    more = " and others" if len(names) == supply.MAX_NAMED else ""
    shown = names[: supply.MAX_NAMED - 1] if more else names
    verb = "waits" if len(names) == 1 else "wait"
    return f"{', '.join(shown)}{more} {verb} for the decision about it"


def _url_of(row: supply.Alert) -> str:
    match row.kind:
        case "drift" | "pull":
            return reverse("web:promotion")
        case "watch":
            return reverse("web:watches")
        case "due":
            return reverse("web:recipe", args=[row.key])
        case kind:
            return reverse(f"web:{kind}", args=[row.key])


def my_requests(viewer: Viewer) -> list[object]:
    """What the person asked for or joined and waits for, and the newest answers. One query."""
    return list(approvals.requests_of(viewer.person).exclude(state="withdrawn")[:5])
