"""``goldgate recipes list | show | diff``. Approving one is a person's deed, in the browser."""

from typing import Any
from uuid import UUID

import click

from goldgate_cli import output
from goldgate_cli.api import Api
from goldgate_cli.commands.sources import judged, source_named

MAX_ROWS = 200
FILE_MOVES = (("files_added", "added"), ("files_removed", "removed"), ("files_changed", "changed"))


@click.group()
def recipes() -> None:
    """Everything that decides a build, under one hash that people approve."""


@recipes.command(name="list")
@click.argument("source")
@click.option("--limit", type=click.IntRange(1, MAX_ROWS), default=20, show_default=True)
@click.pass_context
def list_(context: click.Context, source: str, limit: int) -> None:
    """The recipes of SOURCE, newest first."""
    api: Api = context.obj["api"]()
    rows = list(api.rows(f"sources/{source_named(api, source)['id']}/recipes", at_most=limit))
    if output.is_json():
        output.emit(rows)
        return
    output.table(
        ["recipe", "state", "sha256", "commit", "author", "id"],
        [
            (one["number"], judged(one), one["sha256"][:16], one["commit"][:12], one["author_name"], one["id"])
            for one in rows
        ],
    )


@recipes.command()
@click.argument("recipe", metavar="ID", type=click.UUID)
@click.pass_context
def show(context: click.Context, recipe: UUID) -> None:
    """One recipe: its commit, its bases, what the rules say, and whether people approved it."""
    api: Api = context.obj["api"]()
    found = api.get(f"recipes/{recipe}")
    reviews = list(api.rows(f"recipes/{recipe}/reviews"))
    if output.is_json():
        output.emit(found | {"reviews": reviews})
        return
    output.line(f"{found['source_name']} recipe {found['number']}: {judged(found)}")
    for name, value in _lines(found):
        if value:
            output.line(f"  {name:<10}{value}")
    for one in reviews:
        said = f": {one['reason']}" if one["reason"] else ""
        output.line(f"  {'review':<10}{one['reviewer']}, {one['outcome'].replace('_', ' ')}{said}")
    if judged(found) == "unreviewed":
        output.say(f"People judge it in the browser: {api.address(f'/recipes/{recipe}')}")


@recipes.command()
@click.argument("recipe", metavar="ID", type=click.UUID)
@click.option("--to", "older", type=click.UUID, default=None, help="Another recipe. Default: the last approved before.")
@click.pass_context
def diff(context: click.Context, recipe: UUID, older: UUID | None) -> None:
    """What a recipe says otherwise than the last one that was approved before it."""
    found = context.obj["api"]().get(f"recipes/{recipe}/difference", to=str(older) if older else None)
    if output.is_json():
        output.emit(found)
        return
    if found["older"] is None:
        output.say("None was approved before it: all of it is new.")
    for what in ("settings", "arguments", "bases"):
        for one in found[what]:
            output.line(f"{what}: {one['name']}: {one['old'] or '–'} → {one['new'] or '–'}")
    for member, word in FILE_MOVES:
        for path in found[member]:
            output.line(f"{word:<8} {path}")
    for line in found["lines"]:
        output.line(f"{line['sign']}{line['text']}")
    if found["is_cut"]:
        output.say("There are more lines than are shown.")


def _lines(recipe: dict[str, Any]) -> list[tuple[str, str]]:
    signature = recipe["signature"]
    signed = f", signed by {signature['by']}" if signature["state"] == "verified" else ""
    lines = [
        ("hash", f"sha256:{recipe['sha256']}"),
        ("commit", f"{recipe['commit']} by {recipe['author_name'] or 'nobody named'}{signed}"),
        ("withdrawn", recipe["withdrawn_reason"]),
        ("files", f"{len(recipe['files'])} in the context"),
    ]
    lines += [("base", f"{one['asked']}: {one['kind']} {one['digest'] or ''}".rstrip()) for one in recipe["bases"]]
    if recipe["checks"] is None:
        return [*lines, ("checks", "not made yet, which is not the same as clean")]
    shown = [one for one in recipe["checks"] if one["severity"] != "note"]
    lines += [(one["severity"], f"{one['rule']} line {one['line'] or '–'}: {one['message']}") for one in shown]
    return lines if shown else [*lines, ("checks", "nothing but notes")]
