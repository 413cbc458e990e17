"""What the API says of one source and its recipes, for the command's samples."""

from typing import Any

from tests.client.stand_in import Answer
from tests.client.test_statuses import API

SOURCE = "01980000-0000-7000-8000-000000000001"


def source(**changes: Any) -> dict[str, Any]:
    """A source that was fetched well."""
    return {
        "id": SOURCE,
        "name": "debian-base",
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
    recipes = [
        {"number": 2, "sha256": "ef" * 32, "is_approved": False, "withdrawn_at": None},
        {"number": 1, "sha256": "cd" * 32, "is_approved": True, "withdrawn_at": None},
    ]
    return {
        f"GET {API}/sources": Answer({"next": None, "results": [one]}),
        f"GET {API}/sources/{SOURCE}": Answer(one),
        f"GET {API}/sources/{SOURCE}/recipes": Answer({"next": None, "results": recipes}),
        f"POST {API}/sources/{SOURCE}/fetch": Answer(one, 202, headers={"Location": f"{API}/jobs/j1"}),
    }
