"""``goldgate builds list | show | start | log | watch | reproduce | submit``."""

import time
from typing import Any
from uuid import UUID

import click

from goldgate_cli import output
from goldgate_cli.api import Api, object_of
from goldgate_cli.commands.sources import source_named
from goldgate_cli.commands.submit import submit
from goldgate_cli.errors import Exit

PAUSE_SECONDS = 1.0
ENDED_WELL = frozenset({"succeeded", "no_change"})
MAX_ROWS = 200


@click.group()
def builds() -> None:
    """Base images that are built: what was started, why, and what came of it."""


builds.add_command(submit)


@builds.command(name="list")
@click.option("--source", "name", default="", help="Only those of the source of this name.")
@click.option(
    "--state",
    type=click.Choice(["asked", "running", "built", "succeeded", "no_change", "failed", "stopped"]),
    default=None,
)
@click.option("--limit", type=click.IntRange(1, MAX_ROWS), default=20, show_default=True)
@click.pass_context
def list_(context: click.Context, name: str, state: str | None, limit: int) -> None:
    """Builds, newest first."""
    api: Api = context.obj["api"]()
    source = source_named(api, name)["id"] if name else None
    rows = list(api.rows("builds", at_most=limit, source=source, state=state))
    if output.is_json():
        output.emit(rows)
        return
    output.table(["build", "state", "why", "asked", "candidate", "id"], [_row(one) for one in rows])


@builds.command()
@click.argument("build", metavar="ID", type=click.UUID)
@click.pass_context
def show(context: click.Context, build: UUID) -> None:
    """One build: why it was started, what it made, and where it failed."""
    api: Api = context.obj["api"]()
    found = api.get(f"builds/{build}")
    _show(found)


@builds.command()
@click.argument("source")
@click.option("--no-wait", is_flag=True, help="Return once it is asked for.")
@click.pass_context
def start(context: click.Context, source: str, no_wait: bool) -> None:
    """Build SOURCE now, and show its log until it has ended. A build that waits already is the one."""
    api: Api = context.obj["api"]()
    found = object_of(api.call("POST", f"sources/{source_named(api, source)['id']}/builds"))
    output.say(f"{found['source_name']} build {found['number']}: {found['id']}")
    if no_wait:
        _show(found)
        return
    _follow(context, api, found["id"])


@builds.command()
@click.argument("build", metavar="ID", type=click.UUID)
@click.pass_context
def log(context: click.Context, build: UUID) -> None:
    """What a build said so far."""
    api: Api = context.obj["api"]()
    following = 0
    while True:
        piece = api.get(f"builds/{build}/log", after=following)
        click.echo(piece["text"], nl=False)
        if piece["is_end"] or piece["next"] == following:
            return
        following = piece["next"]


@builds.command()
@click.argument("build", metavar="ID", type=click.UUID)
@click.pass_context
def watch(context: click.Context, build: UUID) -> None:
    """Show a build's log until it has ended. Exit status 1 when it failed or was stopped."""
    _follow(context, context.obj["api"](), str(build))


@builds.command()
@click.argument("build", metavar="ID", type=click.UUID)
@click.option("--no-wait", is_flag=True, help="Return once it is asked for.")
@click.pass_context
def reproduce(context: click.Context, build: UUID, no_wait: bool) -> None:
    """Build the recipe of a build a second time, and compare the layers.

    Exit status 1 when it failed, was stopped, or came out otherwise.
    """
    api: Api = context.obj["api"]()
    second = object_of(api.call("POST", f"builds/{build}/reproductions"))
    output.say(f"{second['source_name']} build {second['number']}: {second['id']}")
    if no_wait:
        _show(second)
        return
    found = _follow(context, api, second["id"])
    if not found["comparison"].get("is_reproduced"):
        context.exit(Exit.DENIED)


def _follow(context: click.Context, api: Api, build_id: str) -> dict[str, Any]:
    """Show its log until it has ended; exit status 1 where it did not end well."""
    following = 0
    while True:
        piece = api.get(f"builds/{build_id}/log", after=following)
        # The log goes to stderr where stdout is for the result.
        click.echo(piece["text"], nl=False, err=output.is_json())
        if piece["is_end"]:
            break
        if piece["next"] == following:
            time.sleep(PAUSE_SECONDS)
        following = piece["next"]
    found = api.get(f"builds/{build_id}")
    _show(found)
    if found["state"] not in ENDED_WELL:
        context.exit(Exit.DENIED)
    return found


def _row(build: dict[str, Any]) -> list[Any]:
    return [
        f"{build['source_name']} {build['number']}",
        build["state"].replace("_", " "),
        _why(build),
        build["asked_at"],
        build["subversion_name"],
        build["id"],
    ]


def _why(build: dict[str, Any]) -> str:
    reasons = dict.fromkeys(cause["reason"].replace("_", " ") for cause in build["causes"])
    return ", ".join(reasons) or build["purpose"]


def _show(build: dict[str, Any]) -> None:
    if output.is_json():
        output.emit(build)
        return
    output.line(f"{build['source_name']} build {build['number']}: {build['state'].replace('_', ' ')}")
    reviewed = "approved recipe" if build["is_reviewed"] else "unreviewed recipe"
    lines = [
        ("of", build["version"]),
        ("why", _why(build)),
        ("commit", f"{build['commit']} ({reviewed})" if build["commit"] else ""),
        ("builder", build["builder_version"]),
        ("candidate", " ".join(part for part in (build["subversion_name"], build["artifact"]) if part)),
        ("compared", _compared(build.get("comparison") or {})),
        ("failure", build["failure"]),
        ("line", build["failed_line"]),
    ]
    for name, value in lines:
        if value:
            output.line(f"  {name:<10}{value}")


def _compared(said: dict[str, Any]) -> str:
    """What came of a second build."""
    if "is_reproduced" not in said:
        return ""
    if said["is_reproduced"]:
        return f"reproduced: all {said['layers']} layers are equal"
    return f"not reproduced: {said['equal']} of {said['layers']} layers are equal"
