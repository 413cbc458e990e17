"""What the API says of who built an image."""

from typing import Any

from tests.client.stand_in import DIGEST, Answer

COMMIT = "7d1f3c5b9a0e2468ace013579bdf02468ace1357"
BASE = "cd" * 32


def provenance(**changes: Any) -> dict[str, Any]:
    """A candidate that was built here from an approved recipe, and reproduced."""
    return {
        "digest": DIGEST, "build": "0199-b", "number": 7, "source": "0199-s", "source_name": "debian-base",
        "version": "debian/12", "built_by": "https://goldgate.example/builders/buildah",
        "started_at": "2026-11-24T12:00:00Z", "finished_at": "2026-11-24T12:01:00Z",
        "source_uri": "https://git.example/base.git", "ref": "refs/heads/main", "commit": COMMIT,
        "recipe": {"id": "0199-r", "number": 3, "sha256": "12" * 32}, "is_recipe_approved": True,
        "approved_by": ["rita", "sam"], "submitted_by": None, "predicate_type": "https://slsa.dev/provenance/v1",
        "predicate": {
            "buildDefinition": {"resolvedDependencies": [
                {"uri": "git+https://git.example/base.git@refs/heads/main", "digest": {"gitCommit": COMMIT}},
                {"uri": "pkg:oci/debian@sha256%3A" + BASE, "digest": {"sha256": BASE}},
            ]},
        },
        "places": [
            {"repository": "source.example/builds/debian", "begun_at": "2026-11-24T12:01:00Z", "sent_at":
             "2026-11-24T12:01:09Z", "signed_at": "2026-11-24T12:01:08Z", "withdrawal_begun_at": None},
            {"repository": "registry.example/golden/debian", "begun_at": "2026-11-24T12:09:00Z", "sent_at": None,
             "signed_at": None, "withdrawal_begun_at": None},
        ],
        "reproductions": [
            {"build": "0199-c", "number": 8, "finished_at": "2026-11-24T13:00:00Z",
             "comparison": {"layers": 2, "equal": 2, "is_reproduced": True}},
        ],
        **changes,
    }  # fmt: skip


def answer() -> Answer:
    return Answer(provenance())
