"""What the API says of the starter set and of waivers, for the command's samples."""

from typing import Any

from tests.client.stand_in import Answer
from tests.client.test_statuses import API


def _version(name: str, *, watch: str | None = None, instead: str = "") -> dict[str, Any]:
    return {
        "name": name,
        "reference": f"docker.io/library/debian:{name}-slim",
        "support": "supported" if name == "13" else "extended",
        "eol": "2028-08-09" if name == "13" else "2026-07-11",
        "eoes": "2030-06-30" if name == "13" else "2028-06-30",
        "replacement": {"definition": "debian-slim", "version": instead, "why": ""} if instead else None,
        "watch": watch,
    }


DEBIAN = {
    "name": "debian-slim",
    "title": "Debian slim",
    "kind": "image",
    "purpose": "runtime",
    "summary": "Debian stable without documentation and translations.",
    "recommended": "13",
    "inventory": {"method": "package_database", "rule": "The scan reads /var/lib/dpkg/status.", "waiver_days": 0},
    "minimality": {"has_shell": True, "has_package_manager": True, "notes": "About 30 MB packed, some 90 packages."},
    "versions": [_version("13"), _version("12", watch="01980000-0000-7000-8000-00000000000a", instead="13")],
}
FLATCAR = {
    "name": "flatcar",
    "kind": "host_system",
    "recommended": "stable",
    "versions": [{"name": "stable", "watch": None}, {"name": "lts", "watch": None}],
}
WAIVER = {
    "id": "01980000-0000-7000-8000-00000000000b",
    "rule": "GG1020",
    "scope": "debian/12",
    "state": "asked",
    "ends_at": "2026-12-24T12:00:00Z",
    "asked_by": "pat",
    "given_by": None,
    "reason": "The installer needs root until its next release.",
}


def answers() -> dict[str, Answer]:
    """By method and path."""
    adopted = {
        "version": "debian-slim/13",
        "is_new": True,
        "watch": {"reference": "docker.io/library/debian:13-slim"},
    }
    return {
        f"POST {API}/images": Answer({"name": "debian"}, 201),
        f"POST {API}/images/debian/versions": Answer({"image": "debian", "name": "12"}, 201),
        f"GET {API}/definitions": Answer({"results": [DEBIAN, FLATCAR]}),
        f"GET {API}/definitions/debian-slim": Answer(DEBIAN),
        f"POST {API}/definitions/debian-slim/adopt": Answer(adopted, 201),
        f"POST {API}/definitions": Answer(adopted, 201),
        f"GET {API}/grants": Answer({"next": None, "results": [WAIVER]}),
        f"POST {API}/waivers": Answer(WAIVER, 201),
    }
