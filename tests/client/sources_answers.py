"""What the API says of one source, its recipes, its causes and its pipelines, for the command's samples."""

from typing import Any

from tests.client.stand_in import DIGEST, Answer
from tests.client.test_statuses import API

SOURCE = "01980000-0000-7000-8000-000000000001"
RECIPE = "01980000-0000-7000-8000-000000000003"
CAUSES = [
    {"at": "2026-11-24T12:00:00Z", "reason": "fix_available", "detail": {"fixes": ["CVE-2026-2673"]}, "build": None},
    {
        "at": "2026-11-23T12:00:00Z",
        "reason": "by_hand",
        "detail": {"by": "pat"},
        "build": "01980000-0000-7000-8000-000000000002",
    },
]
PIPELINE = {
    "id": "01980000-0000-7000-8000-000000000004",
    "kind": "github",
    "issuer": "https://token.actions.githubusercontent.com",
    "audience": "https://goldgate.example",
    "subject": "repo:acme/base:ref:refs/heads/main",
    "created_by": "pat",
    "ended_at": None,
}


def recipe(number: int, **changes: Any) -> dict[str, Any]:
    """A recipe as a list has it; whole with ``whole``."""
    return {
        "id": RECIPE if number == 2 else RECIPE.replace("3", "9"),
        "source_name": "debian-base",
        "number": number,
        "sha256": ("ef" if number == 2 else "cd") * 32,
        "commit": "4f2a9c1e5b7d8f0a1b2c3d4e5f60718293a4b5c6",
        "author_name": "Rita R.",
        "is_approved": number == 1,
        "withdrawn_at": None,
        "withdrawn_reason": "",
        "signature": {"state": "verified", "by": "rita@example.org"},
        **changes,
    }


def whole(**changes: Any) -> dict[str, Any]:
    """The newer recipe with what is in it."""
    check = {"rule": "GG1020", "severity": "error", "line": 3, "path": "", "message": "USER root.", "remedy": ""}
    base = {"asked": "debian:12", "kind": "certified", "digest": DIGEST}
    return recipe(2) | {"files": [{}, {}], "bases": [base], "checks": [check, check | {"severity": "note"}], **changes}


def difference(**changes: Any) -> dict[str, Any]:
    """What the newer one says otherwise."""
    lines = [("@", "@ -1,2 +1,2 @@"), (" ", "FROM debian:12"), ("-", "USER 65532"), ("+", "USER root")]
    return {
        "older": RECIPE.replace("3", "9"),
        "newer": RECIPE,
        "settings": [],
        "arguments": [{"name": "SUITE", "old": "", "new": "bookworm"}],
        "bases": [],
        "files_added": ["motd"],
        "files_removed": [],
        "files_changed": ["Dockerfile"],
        "lines": [{"sign": sign, "text": text} for sign, text in lines],
        "is_cut": False,
        **changes,
    }


def source(**changes: Any) -> dict[str, Any]:
    """A source that was fetched well."""
    return {
        "id": SOURCE,
        "name": "debian-base",
        "owner": "pat",
        "builder": "buildah",
        "version": "debian/12",
        "url": "https://git.example/base.git",
        "ref_rule": "v12.*",
        "directory": "debian",
        "last_commit": "4f2a9c1e5b7d8f0a1b2c3d4e5f60718293a4b5c6",
        "last_fetched_at": "2026-11-24T12:00:00Z",
        "last_failure": "",
        "is_paused": False,
        **changes,
    }


def answers(**changes: Any) -> dict[str, Answer]:
    """By method and path."""
    one = source(**changes)
    recipes = [recipe(2), recipe(1)]
    review = {"reviewer": "sam", "outcome": "request_changes", "reason": "It runs as root."}
    return {
        f"GET {API}/sources": Answer({"next": None, "results": [one]}),
        f"GET {API}/sources/{SOURCE}": Answer(one),
        f"GET {API}/sources/{SOURCE}/recipes": Answer({"next": None, "results": recipes}),
        f"POST {API}/sources": Answer(one, 201),
        f"PATCH {API}/sources/{SOURCE}": Answer(one | {"is_paused": True}),
        f"GET {API}/sources/{SOURCE}/causes": Answer({"next": None, "results": CAUSES}),
        f"GET {API}/sources/{SOURCE}/pipelines": Answer({"next": None, "results": [PIPELINE]}),
        f"GET {API}/recipes/{RECIPE}": Answer(whole()),
        f"GET {API}/recipes/{RECIPE}/reviews": Answer({"next": None, "results": [review]}),
        f"GET {API}/recipes/{RECIPE}/difference": Answer(difference()),
        f"POST {API}/sources/{SOURCE}/fetch": Answer(one, 202, headers={"Location": f"{API}/jobs/j1"}),
    }
