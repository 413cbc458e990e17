"""What the API says of waves, renewals, upstream tags, the certified side and profiles, for the command's samples."""

from typing import Any

from tests.client.stand_in import DIGEST, Answer
from tests.client.test_statuses import API, VERSION

WAVE = "01980000-0000-7000-8000-000000000007"
WATCH = "01980000-0000-7000-8000-00000000000a"
SUBVERSION = "01980000-0000-7000-8000-000000000008"


def row(version: str, outcome: str, **changes: Any) -> dict[str, Any]:
    """One image of a wave."""
    return {
        "version": version,
        "parent": None,
        "outcome": outcome,
        "sentence": "Its candidate is before its reviewers.",
        "who": "reviewers",
        "subversion_name": "12-20261124.1",
        **changes,
    }


def wave() -> dict[str, Any]:
    """One that waits for reviewers."""
    child = {"parent": "debian/12", "sentence": "It waits for its parent.", "who": "nobody", "subversion_name": None}
    return {
        "id": WAVE,
        "reason": "fix_available",
        "title": "debian/12: a fix for CVE-2026-2673",
        "opened_at": "2026-11-24T12:00:00Z",
        "closed_at": None,
        "image_count": 2,
        "done_count": 0,
        "rows": [row("debian/12", "in_review"), row("app/1", "waits", **child)],
    }


def watch(**changes: Any) -> dict[str, Any]:
    """A tag that is followed well."""
    return {
        "id": WATCH,
        "version": "debian-slim/12",
        "reference": "docker.io/library/debian:12-slim",
        "last_digest": DIGEST,
        "last_checked_at": "2026-11-24T12:00:00Z",
        "last_failure": "",
        "moved_at": None,
        "is_paused": False,
        "stopped_at": None,
        **changes,
    }


ALARM = {
    "id": "01980000-0000-7000-8000-00000000000c",
    "repository": "registry.example/base/debian",
    "tag": "12",
    "expected_digest": DIGEST,
    "found_digest": "",
    "opened_at": "2026-11-24T12:00:00Z",
}
PROBE = {
    "name": "debian/12 12.1",
    "repository": "registry.example/base/debian",
    "digest": DIGEST,
    "detail": "The registry does not know it.",
    "failing_since": "2026-11-24T12:00:00Z",
    "probed_at": "2026-11-24T13:00:00Z",
}
RENEWALS = [
    {
        "version": "app/1",
        "light": "red",
        "last_good_at": "2026-10-01T12:00:00Z",
        "sentence": "Not renewed for 54 days.",
        "next_action": "Look at its last build.",
    },
    {
        "version": "debian/12",
        "light": "green",
        "last_good_at": "2026-11-24T12:00:00Z",
        "sentence": "Renewed today.",
        "next_action": "",
    },
]
PROFILE = {
    "platform": "linux/amd64",
    "packages": 99,
    "packed_bytes": 68038226,
    "files": 9523,
    "shells": ["bash", "sh"],
    "package_managers": ["apt"],
    "user": "",
}
SMALLER = PROFILE | {
    "packages": 6,
    "packed_bytes": 1190432,
    "files": 1311,
    "shells": [],
    "package_managers": [],
    "user": "65532",
}


def profile(**changes: Any) -> dict[str, Any]:
    """Of debian/12, with one that has less."""
    neighbour = {"name": "static/12 12-20261124.1", "subversion_id": WAVE, "digest": DIGEST, "profile": SMALLER}
    return {
        "subversion": "debian/12 12.1",
        "profiles": [PROFILE],
        "unknown": {},
        "neighbours": [neighbour],
        "smaller": [neighbour],
        **changes,
    }


def answers(*, is_refused: bool = False) -> dict[str, Answer]:
    """By method and path; with ``is_refused`` nothing is well."""
    current = VERSION["current"] | {"id": SUBVERSION}  # type: ignore[operator]
    history = [one | {"id": SUBVERSION} for one in VERSION["history"]]  # type: ignore[operator]
    started = {"Location": f"{API}/jobs/j1"}

    def page(*rows: Any) -> Answer:
        return Answer({"next": None, "results": list(rows)})

    return {
        f"GET {API}/waves": page(wave()),
        f"POST {API}/waves": Answer(wave(), 201),
        f"GET {API}/waves/{WAVE}": Answer(wave()),
        f"GET {API}/renewals": page(*(RENEWALS if is_refused else RENEWALS[1:])),
        f"GET {API}/watches": page(watch()),
        f"POST {API}/watches": Answer(watch(), 201),
        f"GET {API}/watches/{WATCH}": Answer(watch()),
        f"PATCH {API}/watches/{WATCH}": Answer(watch(is_paused=True)),
        f"DELETE {API}/watches/{WATCH}": Answer(b"", 204),
        f"POST {API}/watches/{WATCH}/look": Answer(watch(), 202, started),
        f"POST {API}/watches/{WATCH}/resume": Answer(watch(), 202, started),
        f"GET {API}/drift-alarms": page(*([ALARM] if is_refused else [])),
        f"GET {API}/pull-probes": page(*([PROBE] if is_refused else [])),
        f"GET {API}/images/debian/12": Answer({"current": current, "history": history}),
        f"GET {API}/subversions/{SUBVERSION}/profile": Answer(profile()),
    }
