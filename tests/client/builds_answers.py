"""What the API says of one source and its build, for the command's samples."""

from typing import Any

from tests.client.stand_in import DIGEST, Answer

SOURCE = "01980000-0000-7000-8000-000000000001"
BUILD = "01980000-0000-7000-8000-000000000002"
SECOND = "01980000-0000-7000-8000-000000000005"
SUBMISSION = {
    "id": "01980000-0000-7000-8000-000000000006",
    "build": BUILD,
    "state": "built",
    "kind": "github",
    "subject": "repo:acme/base:ref:refs/heads/main",
    "reference": f"ghcr.io/acme/debian@{DIGEST}",
    "commit": "4f2a9c1e5b7d8f0a1b2c3d4e5f60718293a4b5c6",
}


def build(**changes: Any) -> dict[str, Any]:
    """A build that made a candidate because of a fix."""
    return {
        "id": BUILD,
        "source": SOURCE,
        "source_name": "debian-base",
        "version": "debian/12",
        "number": 7,
        "purpose": "renewal",
        "state": "succeeded",
        "commit": "4f2a9c1e5b7d8f0a1b2c3d4e5f60718293a4b5c6",
        "is_reviewed": True,
        "asked_at": "2026-11-24T12:00:00Z",
        "builder_version": "buildah 1.28.2",
        "subversion_name": "12-20261124.1",
        "artifact": DIGEST,
        "causes": [{"reason": "fix_available"}],
        "failure": "",
        "failed_line": None,
        **changes,
    }


def answers(**changes: Any) -> dict[str, Answer]:
    """By method and path."""
    api = "/api/v1"
    one = build(**changes)
    log = {"state": one["state"], "text": "STEP 1/3: FROM debian:12\nSTEP 2/3: RUN apt-get update\n", "next": 1}
    compared = {"layers": 3, "equal": 3, "is_reproduced": True}
    second = build(id=SECOND, number=8, purpose="reproduction", causes=[], subversion_name=None, comparison=compared)
    return {
        f"POST {api}/builds/{BUILD}/reproductions": Answer(second, 202),
        f"GET {api}/builds/{SECOND}": Answer(second),
        f"GET {api}/builds/{SECOND}/log": Answer({**log, "is_end": True}),
        f"POST {api}/sources/{SOURCE}/submissions": Answer(SUBMISSION, 202),
        f"GET {api}/builds": Answer({"next": None, "results": [one]}),
        f"GET {api}/builds/{BUILD}": Answer(one),
        f"GET {api}/builds/{BUILD}/log": Answer({**log, "is_end": True}),
        f"GET {api}/sources": Answer({"next": None, "results": [{"id": SOURCE, "name": "debian-base"}]}),
        f"POST {api}/sources/{SOURCE}/builds": Answer(one, 202),
    }
