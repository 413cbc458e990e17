"""What the API says of the difference between two images."""

from typing import Any

from tests.client.stand_in import DIGEST, Answer

OTHER = "sha256:" + "cd" * 32
SUMMARY = {"is_only_package_patches": True, "has_config_change": False}
_FILE = {"kind": "file", "uid": 0, "gid": 0, "size": 1, "sha256": None, "target": None}


def _layer(digest: str, size: int, *, is_shared: bool) -> dict[str, Any]:
    return {"digest": digest, "diff_id": digest, "size_bytes": size, "is_shared": is_shared, "created_by": ""}


def difference(**changes: Any) -> dict[str, Any]:
    """A rebuild that upgraded two packages, one of which is listed, and fixed one finding."""
    image = {
        "older": {"digest": DIGEST, "name": "debian/12 12-20261120.1", "platform": "linux/amd64"},
        "newer": {"digest": OTHER, "name": "debian/12 12-20261124.1", "platform": "linux/amd64"},
        "summary": SUMMARY,
        "unknown": {},
        "packages": {
            "older_count": 99, "newer_count": 99, "total": 1,
            "changes": [{"change": "upgraded", "name": "openssl", "type": "deb", "source": "openssl",
                         "older": "3.0.20-1~deb12u2", "newer": "3.0.22-1~deb12u2"}],
        },
        "findings": {
            "fixed_total": 1, "new_total": 0, "remaining_total": 27, "new": [],
            "fixed": [{"vulnerability_id": "CVE-2026-2673", "package": "openssl", "severity": "high",
                       "installed": "3.0.20-1~deb12u2", "fixed_version": "3.0.22-1~deb12u2", "is_exploited": False}],
        },
        "files": {
            "older_count": 9523, "newer_count": 9524, "added_total": 1, "removed_total": 0, "changed_total": 1,
            "mode_changes_total": 0, "lost_setuid_total": 0, "is_cut": False,
            "changes": [
                {"change": "added", "path": "/usr/bin/c_rehash", "what": [], "older": None,
                 "newer": _FILE | {"mode": "0755"}, "marks": ["is_new_executable"]},
                {"change": "changed", "path": "/usr/bin/openssl", "what": ["content"],
                 "older": _FILE | {"mode": "0755"}, "newer": _FILE | {"mode": "0755"}, "marks": []},
            ],
        },
        "configuration": [],
        "layers": {"older_bytes": 68038226, "newer_bytes": 72251004, "bytes_to_pull": 4212778, "shared_total": 1,
                   "older": [_layer(DIGEST, 68038226, is_shared=True)],
                   "newer": [_layer(DIGEST, 68038226, is_shared=True), _layer(OTHER, 4212778, is_shared=False)]},
        **changes,
    }  # fmt: skip
    return {
        "schema": "goldgate.difference/v1",
        "older": {**image["older"], "platform": ""},
        "newer": {**image["newer"], "platform": ""},
        "is_same": False,
        "summary": image["summary"],
        "only_older_platforms": [],
        "only_newer_platforms": [],
        "images": [image],
    }


def answer() -> Answer:
    """As the API gives it."""
    return Answer(difference())
