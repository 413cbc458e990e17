"""``goldgate waves list | show | start``, and ``goldgate renewals``."""

from typing import Any
from uuid import UUID

import click

from goldgate_cli import output
from goldgate_cli.api import Api
from goldgate_cli.errors import Exit

MAX_ROWS = 200


@click.group()
def waves() -> None:
    """Renewals that follow from one event: base images first, each child behind its parent's decision."""


@waves.command(name="list")
@click.option("--open/--closed", "is_open", default=None, help="Only open, or only closed, waves.")
@click.option("--limit", type=click.IntRange(1, MAX_ROWS), default=20, show_default=True)
@click.pass_context
def list_(context: click.Context, is_open: bool | None, limit: int) -> None:
    """Waves, newest first."""
    api: Api = context.obj["api"]()
    wanted = None if is_open is None else str(is_open).lower()
    rows = list(api.rows("waves", at_most=limit, open=wanted))
    if output.is_json():
        output.emit(rows)
        return
    output.table(
        ["wave", "why", "opened", "closed", "done", "id"],
        [
            (
                one["title"],
                one["reason"].replace("_", " "),
                one["opened_at"],
                one["closed_at"],
                f"{one['done_count']} of {one['image_count']}",
                one["id"],
            )
            for one in rows
        ],
    )


@waves.command()
@click.argument("wave", metavar="ID", type=click.UUID)
@click.pass_context
def show(context: click.Context, wave: UUID) -> None:
    """One wave: what came of each image, and who must act."""
    _show(context.obj["api"]().get(f"waves/{wave}"))


@waves.command()
@click.argument("version", metavar="IMAGE/VERSION")
@click.pass_context
def start(context: click.Context, version: str) -> None:
    """Renew IMAGE/VERSION (debian/12) now, and then everything that stands on it."""
    _show(context.obj["api"]().post("waves", {"version": version}))


@click.command()
@click.option("--image", default=None, help="Only versions of this image.")
@click.pass_context
def renewals(context: click.Context, image: str | None) -> None:
    """Whether each version is renewed as often as it should be. Exit status 1 when one is not: red."""
    rows = list(context.obj["api"]().rows("renewals", image=image))
    if output.is_json():
        output.emit(rows)
    else:
        output.table(
            ["version", "light", "last renewed", "why", "what to do"],
            [(one["version"], one["light"], one["last_good_at"], one["sentence"], one["next_action"]) for one in rows],
        )
    if any(one["light"] == "red" for one in rows):
        context.exit(Exit.DENIED)


def _show(wave: dict[str, Any]) -> None:
    if output.is_json():
        output.emit(wave)
        return
    state = f"closed {wave['closed_at']}" if wave["closed_at"] else "open"
    output.line(f"{wave['title']}: {wave['done_count']} of {wave['image_count']} done, {state}")
    output.table(
        ["version", "stands on", "outcome", "candidate", "who must act", "why"],
        [
            (
                one["version"],
                one["parent"],
                one["outcome"].replace("_", " "),
                one["subversion_name"],
                one["who"],
                one["sentence"],
            )
            for one in wave["rows"]
        ],
    )
    output.say(f"Wave {wave['id']}")
