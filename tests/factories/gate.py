"""Facts and snapshots for tests of the gate: each factory makes the thing that would be allowed."""

import hashlib
from pathlib import Path
from typing import Any

import msgspec

from gate.facts import DigestFacts, Lineage, ScanState
from gate.policy import DEFAULT_JSON
from gate.snapshot import FORMAT, Overlay, Snapshot, write_base, write_overlay

NOW = 1_795_521_600  # 2026-11-24 12:00 UTC
DAY = 86_400
BASE_NAME = "registry.corp/certified/debian"
APP_NAME = "registry.corp/apps/web"


def digest_of(name: str) -> str:
    """A digest that is the same for the same name."""
    return f"sha256:{hashlib.sha256(name.encode()).hexdigest()}"


BASE = digest_of("debian 12")
APP = digest_of("web 1")
BASE_REFERENCE = f"{BASE_NAME}@{BASE}"
APP_REFERENCE = f"{APP_NAME}@{APP}"


def clean_scan(**overrides: Any) -> dict[str, Any]:
    """A complete, fresh scan without findings."""
    return {"scan": ScanState.COMPLETE, "scanned_at": NOW - DAY, "feed_at": NOW - DAY, **overrides}


def certified_base(**overrides: Any) -> DigestFacts:
    """A certified and signed base that runs as a number."""
    fields: dict[str, Any] = {
        "digest": BASE,
        "repositories": (BASE_NAME,),
        "user": "65532",
        "subversion": "debian/12 12.15-20261124.1",
        "certified_from": NOW - 10 * DAY,
        "certified_until": NOW + 80 * DAY,
        "signed_repositories": (BASE_NAME,),
        **clean_scan(),
    }
    return DigestFacts(**{**fields, **overrides})


def application(**overrides: Any) -> DigestFacts:
    """An application image built exactly on ``certified_base``."""
    fields: dict[str, Any] = {
        "digest": APP,
        "repositories": (APP_NAME,),
        "user": "1000:1000",
        "lineage": Lineage.EXACT,
        "bases": (BASE,),
        **clean_scan(),
    }
    return DigestFacts(**{**fields, **overrides})


def moved(facts: DigestFacts, *, to: int) -> DigestFacts:
    """The same facts as if ``to`` were ``NOW``: for a gate that reads the machine's clock, whatever the day."""
    times = ("certified_from", "certified_until", "scanned_at", "feed_at")
    return msgspec.structs.replace(
        facts, **{name: found + to - NOW for name in times if (found := getattr(facts, name))}
    )


def policy(**deploy: Any) -> dict[str, Any]:
    """The default policy with keys of its deploy line replaced."""
    return {**DEFAULT_JSON, "deploy": {**DEFAULT_JSON["deploy"], **deploy}}


def overlay_of(**overrides: Any) -> Overlay:
    """An overlay with nothing changed since base 1, and registry.corp trusted."""
    fields: dict[str, Any] = {
        "format": FORMAT,
        "version": 1,
        "issued_at": NOW,
        "base_version": 1,
        "policy": DEFAULT_JSON,
        "policy_version": 3,
        "trusted_repositories": ("registry.corp",),
        "portal_url": "https://goldgate.corp",
    }
    return Overlay(**{**fields, **overrides})


class SnapshotFactory:
    """Snapshots written to and read from ``directory``, as a gate has them."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory

    def __call__(self, *facts: DigestFacts, expires_at: int = NOW + 900, **overlay: Any) -> Snapshot:
        """A snapshot whose base holds ``facts``: by default a certified base and an application on it."""
        return Snapshot.open(*self.files(*facts, **overlay), expires_at=expires_at)

    def files(self, *facts: DigestFacts, **overlay: Any) -> tuple[Path, Path, Path]:
        """The three files of such a snapshot."""
        base, reasons, over = (self.directory / name for name in ("base.bin", "base.reasons", "overlay.json"))
        found = overlay_of(**overlay)
        held = facts or (certified_base(), application())
        write_base(held, version=found.base_version, issued_at=NOW, base_path=base, reasons_path=reasons)
        write_overlay(found, over)
        return base, reasons, over
