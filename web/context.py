"""What every page's shell needs: the ways through the product, the chosen colours, and what waits."""

from dataclasses import dataclass
from typing import Any

from django.conf import settings
from django.http import HttpRequest
from django.urls import reverse

THEMES = ("system", "light", "dark")
THEME_COOKIE = "goldgate_theme"


@dataclass(frozen=True, slots=True)
class Item:
    """One way in the navigation."""

    label: str
    icon: str
    url: str
    is_current: bool
    count: int = 0


@dataclass(frozen=True, slots=True)
class Group:
    """Ways that belong together, under a title."""

    title: str
    items: tuple[Item, ...]


# title -> (label, icon, view name, the view names that belong under it)
NAVIGATION: tuple[tuple[str, tuple[tuple[str, str, str, tuple[str, ...]], ...]], ...] = (
    (
        "",
        (
            ("Home", "home", "home", ("home", "find", "try")),
            ("Catalog", "category", "catalog", ("catalog", "image", "subversion", "artifact")),
            ("Reviews", "checklist", "reviews", ("reviews", "review")),
            ("Requests", "message-question", "requests", ("requests", "request")),
            ("Imports", "download", "imports", ("imports", "import")),
        ),
    ),
    (
        "How images come to be",
        (
            ("Sources", "git-branch", "sources", ("sources", "source", "pipeline")),
            ("Recipes", "file-code", "recipes", ("recipes", "recipe")),
            ("Builds", "hammer", "builds", ("builds", "build")),
            ("Waves", "wave-sine", "waves", ("waves", "wave")),
            ("Upstream tags", "radar", "watches", ("watches", "watch")),
            ("Starter set", "seedling", "starter", ("starter", "host")),
            ("Compare", "git-compare", "difference-ask", ("difference",)),
        ),
    ),
    (
        "What was decided",
        (
            ("Waivers", "ticket", "waivers", ("waivers", "waiver")),
            ("Decisions", "gavel", "decisions", ("decisions", "decision")),
            ("Record", "book-2", "record", ("record",)),
        ),
    ),
    (
        "What it runs on",
        (
            ("Clusters", "affiliate", "clusters", ("clusters", "cluster")),
            ("Registries", "server", "registries", ("registries", "registry")),
            ("Inventory signers", "signature", "inventory-signers", ("inventory",)),
            ("Certified side", "target", "promotion", ("promotion", "drift")),
            ("Feeds", "rss", "feeds", ("feeds", "feed", "schedules", "schedule")),
            ("Jobs", "list-check", "jobs", ("jobs", "job")),
        ),
    ),
    (
        "Who",
        (
            ("People", "users", "people", ("people", "person", "teams", "team")),
            ("Tokens", "key", "tokens", ("tokens", "token")),
        ),
    ),
)


def shell(request: HttpRequest) -> dict[str, Any]:
    """Context processor. Asks the database nothing: a page that counts what waits hands it over itself."""
    return {
        "shell": {
            "theme": chosen_theme(request),
            # What a page of an error stands in: who is signed in keeps the ways through the product.
            "layout": "base.html" if _is_signed_in(request) else "plain.html",
            "is_demo": settings.GOLDGATE_DEMO,
            "nav": _navigation(request),
        }
    }


def chosen_theme(request: HttpRequest) -> str:
    """The person's choice of colours; "system" follows their machine."""
    theme = request.COOKIES.get(THEME_COOKIE, "system")
    return theme if theme in THEMES else "system"


def _is_signed_in(request: HttpRequest) -> bool:
    user = getattr(request, "user", None)
    return user is not None and user.is_authenticated


def _navigation(request: HttpRequest) -> tuple[Group, ...]:
    if not _is_signed_in(request):
        return ()
    match = request.resolver_match
    current = match.url_name if match is not None and match.app_name == "web" else ""
    family = (current or "").split("-")[0]
    return tuple(
        Group(
            title,
            tuple(
                Item(label, icon, reverse(f"web:{name}"), is_current=family in members)
                for label, icon, name, members in items
            ),
        )
        for title, items in NAVIGATION
    )
