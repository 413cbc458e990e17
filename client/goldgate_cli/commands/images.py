"""``goldgate approved | status | show``: what may be used, and why."""

import re
from typing import Any

import click

from goldgate_cli import output
from goldgate_cli.api import Api
from goldgate_cli.errors import Missing, WrongInput

DIGEST = re.compile(r"\A(?:.*@)?(sha256:[0-9a-f]{64})\Z")
NAME = re.compile(r"\A([a-z0-9][a-z0-9._-]*)/([A-Za-z0-9][A-Za-z0-9._-]*)\Z")


def digest_in(text: str) -> str:
    """The digest of ``name@sha256:…`` or of a bare ``sha256:…``; raises WrongInput with the cure."""
    found = DIGEST.match(text)
    if not found:
        raise WrongInput(f"{text!r} names no digest; write sha256:<64 hex> or NAME@sha256:<64 hex>.")
    return found[1]


@click.command()
@click.pass_context
def approved(context: click.Context) -> None:
    """What may be used now: every certified and retiring subversion with its FROM line."""
    rows = list(context.obj["api"]().rows("approved"))
    if output.is_json():
        output.emit(rows)
        return
    output.table(
        ("image", "state", "until", "FROM"),
        [
            (f"{row['image']}/{row['version']} {row['name']}", row["state"], row["until"], row["from_line"])
            for row in rows
        ],
    )
    if not rows:
        output.say("Nothing is certified yet. Import an image: goldgate import REFERENCE.")


@click.command()
@click.argument("image", metavar="IMAGE/VERSION")
@click.pass_context
def status(context: click.Context, image: str) -> None:
    """The current certified digest of IMAGE/VERSION (debian/12), and its history."""
    found = NAME.match(image)
    if not found:
        raise WrongInput(f"{image!r} is not an image and version; it looks like debian/12.")
    version = context.obj["api"]().get(f"images/{found[1]}/{found[2]}")
    if output.is_json():
        output.emit(version)
        return
    current = version.get("current")
    output.line(f"{image}: {current['from_line']}" if current else f"{image}: nothing is certified")
    output.table(
        ("subversion", "state", "digest", "why"),
        [(row["name"], row["state"], row["digest"], row["sentence"]) for row in version["history"]],
    )


@click.command()
@click.argument("digest")
@click.pass_context
def show(context: click.Context, digest: str) -> None:
    """What is known about one DIGEST: its scan, findings, files and configuration."""
    api, wanted = context.obj["api"](), digest_in(digest)
    artifact = api.get(f"artifacts/{wanted}")
    is_image = artifact.get("kind") in ("image", "index")
    scan = _known(api, f"artifacts/{wanted}/scan") if is_image else None
    inspection = _known(api, f"artifacts/{wanted}/inspection") if is_image else None
    findings = list(api.rows(f"artifacts/{wanted}/findings", at_most=500)) if scan else []
    if output.is_json():
        output.emit({"artifact": artifact, "scan": scan, "inspection": inspection, "findings": findings})
        return
    for name in ("digest", "kind", "platform", "user", "size_bytes"):
        output.line(f"{name:14} {artifact.get(name) if artifact.get(name) not in (None, '') else '–'}")
    output.line(f"{'scan':14} {_scan_line(scan)}")
    for line in _file_lines(inspection):
        output.line(f"{'files':14} {line}")
    output.table(
        ("severity", "vulnerability", "package", "installed", "fixed in"),
        [
            (f["severity"], f["vulnerability_id"], f["package"], f["installed"], f.get("fixed_version"))
            for f in findings
        ],
    )


def _known(api: Api, path: str) -> dict[str, Any] | None:
    """None while nobody has looked into it, which is not the same as clean."""
    try:
        return api.get(path)
    except Missing:
        return None


def _scan_line(scan: dict[str, Any] | None) -> str:
    if not scan:
        return "unknown: not scanned"
    return f"{scan['state']}{': ' + scan['cause'] if scan.get('cause') else ''} ({scan.get('scanned_at')})"


def _file_lines(inspection: dict[str, Any] | None) -> list[str]:
    """One line an image: how much there is in it, and what the rules say."""
    images = (inspection or {}).get("images", [])
    return [_file_line(image) for image in images] or ["unknown: not inspected"]


def _file_line(image: dict[str, Any]) -> str:
    where = f"{image['platform']}: " if image.get("platform") else ""
    if image["state"] != "complete":
        return f"{where}{image['state']}: {image['failure'] or 'not inspected'}"
    profile, checks = image["profile"], image["checks"]
    parts = [f"{image['file_count']} files, {image['unpacked_bytes']} bytes"]
    for name, words in (
        ("shells", "shells"),
        ("package_managers", "package managers"),
        ("interpreters", "interpreters"),
    ):
        parts.append(f"{words}: {' '.join(profile[name]) or 'none'}")
    parts.append(f"{len(profile['setuid'])} set-uid")
    parts.append(f"{checks['error']} errors, {checks['warning']} warnings")
    return where + "; ".join(parts)
