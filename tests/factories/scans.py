"""Feeds, inventories and scans for tests.

import_real_feeds(now)   # the real Debian advisories, ratings, exploited, ends of life, all of an hour ago
inventory_of(artifact, now, [deb("openssl", "3.0.11-1~deb12u2")])   # without a scanner
scan_of(artifact, now, …)                    # the same, matched and judged: a Scan
"""

import hashlib
import itertools
import json
from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from pathlib import Path
from urllib.parse import quote

from audit.actor import Actor
from registry.models import Artifact
from scans import services
from scans.domain.ecosystems import Coordinates, coordinates_of, ecosystem_of_release
from scans.domain.inventory import DATABASE_OF_SYSTEM
from scans.models import ArtifactComponent, Feed, Inventory, Scan
from scans.services.storing import store_components

DATA = Path(__file__).resolve().parents[1] / "data"
FIXES = DATA / "advisories" / "debian-stable-changelogs.jsonl.gz"
UNFIXED = DATA / "advisories" / "debian-12-unfixed-rated.jsonl.gz"
DSA_2023 = DATA / "advisories" / "debian-dsa-dla-2023.jsonl.gz"
RATINGS = DATA / "ratings" / "nvd-debian-12-old.json"
EXPLOITED = DATA / "kev" / "known_exploited_vulnerabilities.json.gz"
ENDS = DATA / "endoflife" / "endoflife.json.gz"
TESTER = Actor.system("tests")
_number = itertools.count(1)


def import_real_feeds(
    now: datetime,
    *,
    files: Sequence[Path] = (FIXES, UNFIXED, RATINGS, EXPLOITED, ENDS),
    age: timedelta = timedelta(hours=1),
    **fields,
) -> list[Feed]:
    """The real data, stated to be ``age`` old."""
    return [
        services.import_feed_file(path=path, actor=TESTER, now=now, snapshot_at=now - age, source="a test", **fields)
        for path in files
    ]


def import_records(now: datetime, directory: Path, records: Iterable[dict], *, name: str = "own", **fields) -> Feed:
    """A feed of these OSV records, as of ``now`` unless ``snapshot_at`` says otherwise."""
    path = directory / f"{name}-{next(_number)}.jsonl"
    path.write_text("".join(json.dumps(record) + "\n" for record in records))
    chosen = {"snapshot_at": now, "kind": "osv", "name": name, **fields}
    return services.import_feed_file(path=path, actor=TESTER, now=now, **chosen)


def osv(
    identifier: str,
    package: str,
    *events: tuple[str, str],
    ecosystem: str = "Debian:12",
    aliases: Sequence[str] = (),
    published: str = "2026-11-01T00:00:00Z",
    **fields,
) -> dict:
    """An OSV record: ``osv("X-1", "zlib", ("introduced", "0"), ("fixed", "2"))``."""
    return {
        "schema_version": "1.7.0",
        "id": identifier,
        "modified": published,
        "published": published,
        "aliases": list(aliases),
        "affected": [
            {
                "package": {"ecosystem": ecosystem, "name": package},
                "ranges": [{"type": "ECOSYSTEM", "events": [{kind: version} for kind, version in events]}],
            }
        ],
        **fields,
    }


def deb(
    name: str, version: str, *, source: str = "", source_version: str = "", distro: str = "debian-12"
) -> Coordinates:
    """A Debian component as syft names it."""
    upstream = f"{source or name}@{source_version}" if source_version else source
    tail = f"&upstream={quote(upstream, safe='')}" if upstream else ""
    vendor = distro.partition("-")[0]
    return coordinates_of(f"pkg:deb/{vendor}/{name}@{quote(version, safe=':~')}?arch=amd64&distro={distro}{tail}")


def image_artifact(now: datetime, *, digest: str = "", **fields) -> Artifact:
    """An image that nobody has looked into; it has no bytes."""
    made = digest or f"sha256:{hashlib.sha256(f'image {next(_number)}'.encode()).hexdigest()}"
    chosen = {"kind": "image", "os": "linux", "architecture": "amd64", **fields}
    return Artifact.objects.create(
        digest=made,
        media_type="application/vnd.oci.image.manifest.v1+json",
        manifest_bytes=500,
        size_bytes=1000,
        created_at=now,
        **chosen,
    )


def index_artifact(now: datetime, *children: Artifact) -> Artifact:
    """An index of ``children``."""
    index = image_artifact(now, kind="index", os="", architecture="")
    for position, child in enumerate(children):
        index.child_links.create(child=child, kind="runnable", platform=child.platform, position=position)
    return index


def inventory_of(
    artifact: Artifact,
    now: datetime,
    components: Sequence[Coordinates],
    *,
    os_id: str = "debian",
    os_version: str = "12",
    has_package_database: bool | None = True,
) -> Inventory:
    """What a scanner would have found; nothing is matched yet."""
    kind = DATABASE_OF_SYSTEM.get(os_id, "deb")
    pks = store_components(components=components, now=now)
    ArtifactComponent.objects.bulk_create([ArtifactComponent(artifact=artifact, component_id=pk) for pk in pks])
    return Inventory.objects.create(
        artifact=artifact,
        created_at=now,
        tool="syft",
        tool_version="1.18.1",
        sbom_digest="sha256:" + "0" * 64,
        report_digest="sha256:" + "0" * 64,
        os_id=os_id,
        os_version=os_version,
        ecosystem=ecosystem_of_release(os_id, os_version),
        component_count=len(components),
        basis="package_database" if has_package_database else "none",
        coverage={
            "components_by_type": {kind: len(components)} if has_package_database else {},
            "files_total": 0,
            "files_explained": 0,
            "has_package_database": has_package_database,
            "without_purl": [],
            "warnings": [],
        },
    )


def scan_of(artifact: Artifact, now: datetime, components: Sequence[Coordinates] | None = None, **fields) -> Scan:
    """An inventory, matched and judged with the feeds that there are."""
    inventory_of(artifact, now, components if components is not None else [deb("dash", "0.5.12-2")], **fields)
    return services.match_artifact(artifact=artifact, now=now)
