"""``goldgate import``: a reference, a list of them, or an OCI archive, with its progress."""

from pathlib import Path
from typing import Any

import click

from goldgate_cli import output
from goldgate_cli.api import Api
from goldgate_cli.errors import Exit, WrongInput


@click.command(name="import")
@click.argument("references", nargs=-1, metavar="[REFERENCE…]")
@click.option("--archive", type=click.Path(exists=True, dir_okay=False), help="An OCI archive (tar) instead.")
@click.option("--name", default="", help="With --archive: the repository to record it under, e.g. debian.")
@click.option(
    "--platform", "platforms", multiple=True, metavar="OS/ARCH", help="Only these; as often as needed. Default: all."
)
@click.option("--no-wait", is_flag=True, help="Return once it is asked for.")
@click.pass_context
def import_(
    context: click.Context,
    references: tuple[str, ...],
    archive: str | None,
    name: str,
    platforms: tuple[str, ...],
    no_wait: bool,
) -> None:
    """Import images by REFERENCE, or from an OCI archive. A tag is resolved once, and the digest recorded."""
    if bool(references) == bool(archive):
        raise click.UsageError("Name references, or an archive with --archive; one of the two.")
    api: Api = context.obj["api"]()
    if archive:
        answers = [_upload(api, Path(archive), name, platforms)]
    else:
        answers = [_ask(api, reference, platforms) for reference in references]
    if no_wait:
        jobs = [{"import": body, "job": {"state": "queued", "url": location}} for body, location in answers]
    else:
        jobs = [_follow(api, body, location) for body, location in answers]
    if output.is_json():
        output.emit(jobs)
    else:
        for row in jobs:
            _show(row)
    if any(row["job"]["state"] in ("failed", "cancelled") for row in jobs):
        context.exit(Exit.DENIED)


def _ask(api: Api, reference: str, platforms: tuple[str, ...]) -> tuple[dict[str, Any], str]:
    response = api.call("POST", "imports", json={"reference": reference, "platforms": list(platforms)})
    return response.json(), response.headers["Location"]


def _upload(api: Api, archive: Path, name: str, platforms: tuple[str, ...]) -> tuple[dict[str, Any], str]:
    if not name:
        raise WrongInput("An archive says nothing about where it came from: give --name, e.g. --name debian.")
    with archive.open("rb") as file:
        chosen = ",".join(platforms) or None
        response = api.upload("imports/archive", file, media_type="application/x-tar", name=name, platforms=chosen)
    return response.json(), response.headers["Location"]


def _follow(api: Api, body: dict[str, Any], location: str) -> dict[str, Any]:
    with output.JobProgress() as progress:
        job = api.follow_job(location, told=progress.told)
    if body.get("id"):
        body = api.get(f"imports/{body['id']}")
    return {"import": body, "job": job}


def _show(row: dict[str, Any]) -> None:
    asked = row["import"].get("asked_reference") or row["import"].get("name") or "archive"
    if row["job"]["state"] == "succeeded":
        click.echo(f"{asked}: {row['import'].get('digest') or row['import'].get('resolved_digest')}")
    else:
        click.echo(f"{asked}: {row['job']['state']} {row['job'].get('error_text') or ''}".rstrip())
