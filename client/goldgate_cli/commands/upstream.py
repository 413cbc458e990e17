"""``goldgate upstream``: tags of images that are adopted, not built, and whether they moved."""

from typing import Any

import click

from goldgate_cli import output
from goldgate_cli.api import Api, object_of
from goldgate_cli.errors import Exit, Missing, WrongInput

HOUR_SECONDS = 3600
TAG = click.argument("tag", metavar="TAG")


@click.group()
def upstream() -> None:
    """Upstream tags that are followed: a move is imported as a candidate.

    TAG is the id, HOST/PATH:TAG, or the version (debian-slim/12) where one tag alone is followed for it.
    """


@upstream.command(name="list")
@click.option("--stopped/--not-stopped", default=None, help="Only those that moved too often, or only others.")
@click.option("--paused/--not-paused", default=None, help="Only paused, or only others.")
@click.pass_context
def list_(context: click.Context, stopped: bool | None, paused: bool | None) -> None:
    """Every tag that is followed."""
    rows = list(context.obj["api"]().rows("watches", stopped=_word(stopped), paused=_word(paused)))
    if output.is_json():
        output.emit(rows)
        return
    output.table(["version", "follows", "digest", "looked at", "moved", "state"], [_row(one) for one in rows])


@upstream.command()
@click.argument("version", metavar="IMAGE/VERSION")
@click.argument("reference", metavar="HOST/PATH:TAG")
@click.option("--platform", "platforms", multiple=True, metavar="OS/ARCH", help="Only these. Default: all.")
@click.option("--every-hours", type=click.IntRange(1, 720), default=None, help="How often it is looked at.")
@click.pass_context
def add(
    context: click.Context, version: str, reference: str, platforms: tuple[str, ...], every_hours: int | None
) -> None:
    """Follow HOST/PATH:TAG for IMAGE/VERSION. It is looked at at once."""
    body: dict[str, Any] = {"version": version, "reference": reference}
    if platforms:
        body["platforms"] = list(platforms)
    if every_hours:
        body["every_seconds"] = every_hours * HOUR_SECONDS
    _say(context.obj["api"]().post("watches", body), "followed")


@upstream.command()
@TAG
@click.option("--no-wait", is_flag=True, help="Return once it is asked for.")
@click.pass_context
def look(context: click.Context, tag: str, no_wait: bool) -> None:
    """Look at TAG now. Exit status 1 when it could not be looked at."""
    api: Api = context.obj["api"]()
    path = f"watches/{_found(api, tag)['id']}"
    asked = api.call("POST", f"{path}/look")
    if no_wait:
        _say(object_of(asked), "asked for")
        return
    asked.close()
    with output.JobProgress() as progress:
        job = api.follow_job(asked.headers["Location"], told=progress.told)
    _say(api.get(path), "looked at")
    if job["state"] != "succeeded":
        context.exit(Exit.DENIED)


@upstream.command()
@TAG
@click.pass_context
def pause(context: click.Context, tag: str) -> None:
    """Look at TAG no more until it is resumed."""
    api: Api = context.obj["api"]()
    _say(api.patch(f"watches/{_found(api, tag)['id']}", {"is_paused": True}), "paused")


@upstream.command()
@TAG
@click.pass_context
def resume(context: click.Context, tag: str) -> None:
    """Follow TAG again, whether a person paused it or it moved too often."""
    api: Api = context.obj["api"]()
    found = _found(api, tag)
    if found["stopped_at"]:
        found = object_of(api.call("POST", f"watches/{found['id']}/resume"))
    if found["is_paused"]:
        found = api.patch(f"watches/{found['id']}", {"is_paused": False})
    _say(found, "followed")


@upstream.command()
@TAG
@click.pass_context
def remove(context: click.Context, tag: str) -> None:
    """Follow TAG no longer. What it brought stays."""
    api: Api = context.obj["api"]()
    found = _found(api, tag)
    api.delete(f"watches/{found['id']}")
    _say(found, "followed no longer")


def _found(api: Api, name: str) -> dict[str, Any]:
    """The one tag that ``name`` means. Raises Missing; WrongInput, where it may be several."""
    found = [one for one in api.rows("watches") if name in (one["id"], one["reference"], one["version"])]
    if not found:
        raise Missing(f"No tag {name!r} is followed. goldgate upstream list shows them.")
    if len(found) > 1:
        tags = ", ".join(one["reference"] for one in found)
        raise WrongInput(f"Several tags are followed for {name}: {tags}. Name one of them.")
    return found[0]


def _say(watch: dict[str, Any], done: str) -> None:
    if output.is_json():
        output.emit(watch)
        return
    output.line(f"{watch['version']}: {watch['reference']} {done}")
    if watch["last_failure"]:
        output.say(watch["last_failure"])


def _row(watch: dict[str, Any]) -> list[Any]:
    checked = watch["last_checked_at"] or "never"
    return [watch["version"], watch["reference"], watch["last_digest"], checked, watch["moved_at"], _state(watch)]


def _state(watch: dict[str, Any]) -> str:
    if watch["stopped_at"]:
        return "stopped: it moved too often"
    if watch["is_paused"]:
        return "paused"
    return f"failing: {watch['last_failure']}" if watch["last_failure"] else "ok"


def _word(value: bool | None) -> str | None:
    return None if value is None else str(value).lower()
