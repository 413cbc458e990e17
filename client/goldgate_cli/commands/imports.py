"""``goldgate import``: references, a list of them, or an OCI archive, with its progress."""

from pathlib import Path
from typing import Any

import click
import requests

from goldgate_cli import output
from goldgate_cli.api import Api, object_of
from goldgate_cli.errors import Exit
from goldgate_cli.files import read_text

MAX_LIST_BYTES = 200_000


@click.command(name="import")
@click.argument("references", nargs=-1, metavar="[REFERENCE…]")
@click.option("--archive", type=click.Path(exists=True, dir_okay=False, path_type=Path), help="An OCI archive (tar).")
@click.option("--name", default="", help="Of an archive with several images: which one.")
@click.option(
    "--list",
    "list_file",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="A file with a reference a line, its platforms after it.",
)
@click.option("--platform", "platforms", multiple=True, metavar="OS/ARCH", help="Only these. Default: all.")
@click.option("--no-wait", is_flag=True, help="Return once it is asked for.")
@click.pass_context
def import_(
    context: click.Context,
    references: tuple[str, ...],
    archive: Path | None,
    name: str,
    list_file: Path | None,
    platforms: tuple[str, ...],
    no_wait: bool,
) -> None:
    """Import images by REFERENCE, from a list, or from an OCI archive. A tag is resolved once, its digest recorded."""
    if sum(map(bool, (references, archive, list_file))) != 1:
        raise click.UsageError("Name references, or --archive, or --list; one of the three.")
    api: Api = context.obj["api"]()
    asked = list(_imports(api, references, archive, name, list_file, platforms))
    rows = asked if no_wait else [_follow(api, one) for one in asked]
    if output.is_json():
        output.emit(rows)
    else:
        for row in rows:
            _show(row)
    if any(row["state"] != "done" for row in rows) and not no_wait:
        context.exit(Exit.DENIED)


def _imports(
    api: Api,
    references: tuple[str, ...],
    archive: Path | None,
    name: str,
    list_file: Path | None,
    platforms: tuple[str, ...],
) -> list[dict[str, Any]]:
    if archive:
        chosen = ",".join(platforms) or None
        given = {key: value for key, value in (("name", name), ("platforms", chosen)) if value}
        with archive.open("rb") as file:
            return _rows(api.upload("imports", file, media_type="application/x-tar", **given))
    if list_file:
        text = read_text(str(list_file), max_bytes=MAX_LIST_BYTES)
        return _rows(api.call("POST", "imports", json={"text": text}))
    rows = []
    for reference in references:
        body = {"reference": reference} | ({"platforms": list(platforms)} if platforms else {})
        rows += _rows(api.call("POST", "imports", json=body))
    return rows


def _rows(response: requests.Response) -> list[dict[str, Any]]:
    return list(object_of(response)["imports"])


def _follow(api: Api, asked: dict[str, Any]) -> dict[str, Any]:
    if asked.get("job_id"):
        with output.JobProgress() as progress:
            job = api.follow_job(f"jobs/{asked['job_id']}", told=progress.told)
        if job["state"] != "succeeded":
            output.say(f"The import's job {job['state']}: {(job.get('error') or {}).get('text') or 'nothing was said'}")
    return api.get(f"imports/{asked['id']}")


def _show(row: dict[str, Any]) -> None:
    asked = row.get("asked_reference") or "archive"
    digest = (row.get("artifact") or {}).get("digest") or row.get("resolved_digest")
    output.line(f"{asked}: {row['state']} {digest or ''} {row.get('failure') or ''}".rstrip())
    for warning in row.get("warnings", []):
        output.say(f"! {warning}")
