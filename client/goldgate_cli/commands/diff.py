"""``goldgate diff``: what is different between two images."""

from typing import Any

import click

from goldgate_cli import output

MAX_ROWS = 60  # of one table; -o json has all that the portal lists


@click.command()
@click.argument("older")
@click.argument("newer")
@click.option(
    "--format", "format_", type=click.Choice(["text", "json"]), default="text", help="json is goldgate.difference/v1."
)
@click.pass_context
def diff(context: click.Context, older: str, newer: str, format_: str) -> None:
    """What NEWER has that OLDER has not, and the reverse: packages, findings, files, configuration, layers.

    Each is a digest (sha256:…), a name (debian/12@12.15-20261124.1), or debian/12 for what is certified of it.
    """
    difference = context.obj["api"]().get("differences", **{"from": older, "to": newer})
    if format_ == "json" or output.is_json():
        output.emit(difference)
        return
    output.line(f"from  {_side(difference['older'])}")
    output.line(f"to    {_side(difference['newer'])}")
    if difference["is_same"]:
        output.line("They are one digest.")
        return
    for platform in difference["only_older_platforms"]:
        output.line(f"{platform}: gone")
    for platform in difference["only_newer_platforms"]:
        output.line(f"{platform}: new")
    for image in difference["images"]:
        _show(image)


def _side(side: dict[str, Any]) -> str:
    return " ".join(part for part in (side["digest"], side["name"], side["platform"]) if part)


def _show(image: dict[str, Any]) -> None:
    if platform := image["newer"]["platform"]:
        click.echo()
        output.line(platform)
    summary = image["summary"]
    if summary["is_only_package_patches"]:
        output.line("Packages were upgraded, and nothing else changed that a person must look at.")
    for part, reason in image["unknown"].items():
        output.line(f"{part}: unknown. {reason}")
    _packages(image["packages"])
    _findings(image["findings"])
    _files(image["files"])
    _configuration(image["configuration"])
    _layers(image["layers"])


def _packages(part: dict[str, Any] | None) -> None:
    if part is None:
        return
    output.line(f"packages: {part['older_count']} → {part['newer_count']}, {part['total']} changed")
    rows = [(row["change"], row["name"], row["older"], row["newer"]) for row in part["changes"]]
    _table(("change", "package", "from", "to"), rows, total=part["total"])


def _findings(part: dict[str, Any] | None) -> None:
    if part is None:
        return
    totals = f"{part['fixed_total']} fixed, {part['new_total']} new, {part['remaining_total']} remain"
    output.line(f"findings: {totals}")
    rows = [
        (word, row["severity"], row["vulnerability_id"], row["package"], row["installed"])
        for word in ("new", "fixed")
        for row in part[word]
    ]
    total = part["fixed_total"] + part["new_total"]
    _table(("", "severity", "vulnerability", "package", "installed"), rows, total=total)


def _files(part: dict[str, Any] | None) -> None:
    if part is None:
        return
    totals = [part["added_total"], part["removed_total"], part["changed_total"]]
    output.line(f"files: {totals[0]} added, {totals[1]} removed, {totals[2]} changed")
    rows = [
        (row["change"], _mode(row), row["path"], ", ".join([*(_MARKS[mark] for mark in row["marks"]), *row["what"]]))
        for row in part["changes"]
    ]
    _table(("change", "mode", "path", "what"), rows, total=sum(totals))


_MARKS = {
    "is_new_setuid": "NEW SET-UID",
    "is_lost_setuid": "no longer set-uid",
    "is_new_executable": "new program",
    "is_new_world_writable": "EVERYBODY MAY WRITE",
    "has_new_capabilities": "NEW CAPABILITIES",
}


def _mode(row: dict[str, Any]) -> str:
    modes = [side["mode"] for side in (row["older"], row["newer"]) if side]
    return " → ".join(dict.fromkeys(modes))


def _configuration(rows: list[dict[str, Any]]) -> None:
    output.line(f"configuration: {len(rows)} changed")
    _table(
        ("field", "name", "from", "to"),
        [(row["field"], row["name"], _value(row["older"]), _value(row["newer"])) for row in rows],
        total=len(rows),
    )


def _value(value: Any) -> str:
    return " ".join(value) if isinstance(value, list) else value


def _layers(part: dict[str, Any] | None) -> None:
    if part is None:
        return
    sizes = f"{part['older_bytes']} → {part['newer_bytes']} bytes, {part['bytes_to_pull']} to pull"
    output.line(f"layers: {sizes}")
    rows = [(row["digest"], row["size_bytes"], "shared" if row["is_shared"] else "new") for row in part["newer"]]
    _table(("digest", "bytes", ""), rows, total=len(rows))


def _table(columns: tuple[str, ...], rows: list[tuple[Any, ...]], *, total: int) -> None:
    if not rows:
        return
    output.table(columns, rows[:MAX_ROWS])
    if total > len(rows[:MAX_ROWS]):
        output.say(f"and {total - len(rows[:MAX_ROWS])} more: --format json lists them")
