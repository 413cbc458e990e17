"""``goldgate catalog add | definitions | import``: naming versions, the starter set, and adopting from it."""

from pathlib import Path
from typing import Any

import click

from goldgate_cli import output
from goldgate_cli.api import Api
from goldgate_cli.commands.images import NAME
from goldgate_cli.errors import Exit, Missing, Refused, WrongInput
from goldgate_cli.files import read_text

MAX_DEFINITION_BYTES = 65_536


@click.group()
def catalog() -> None:
    """Versions of images, and the starter set: minimal bases and host systems that teams expect."""


@catalog.command()
@click.argument("name", metavar="IMAGE/VERSION")
@click.option("--purpose", type=click.Choice(["runtime", "build"]), default="runtime", help="Of an image that is new.")
@click.option("--description", default="", help="Of an image that is new.")
@click.pass_context
def add(context: click.Context, name: str, purpose: str, description: str) -> None:
    """Name IMAGE/VERSION (debian/12), so that something can be built or imported as it; the image, too, if it is new.

    Exit status 1 when it is named already.
    """
    found = NAME.match(name)
    if not found:
        raise WrongInput(f"{name!r} is not an image and version; it looks like debian/12.")
    api: Api = context.obj["api"]()
    path, body = f"images/{found[1]}/versions", {"name": found[2]}
    try:
        made = api.post(path, body)
    except Missing:
        api.post("images", {"name": found[1], "purpose": purpose, "description": description})
        made = api.post(path, body)
    if output.is_json():
        output.emit(made)
    else:
        output.line(f"{made['image']}/{made['name']}: named")


@catalog.command()
@click.argument("name", default="", metavar="[NAME]")
@click.pass_context
def definitions(context: click.Context, name: str) -> None:
    """Every definition, or NAME with its versions and how its inventory is proven."""
    api: Api = context.obj["api"]()
    if name:
        found = api.get(f"definitions/{name}")
        if output.is_json():
            output.emit(found)
        else:
            _show(found)
        return
    rows = list(api.get("definitions")["results"])
    if output.is_json():
        output.emit(rows)
        return
    output.table(
        ["definition", "kind", "versions", "recommended", "adopted"],
        [
            (
                row["name"],
                row["kind"].replace("_", " "),
                ", ".join(one["name"] for one in row["versions"]),
                row["recommended"],
                ", ".join(one["name"] for one in row["versions"] if one["watch"]),
            )
            for row in rows
        ],
    )


@catalog.command(name="import")
@click.argument("names", nargs=-1, metavar="[NAME[/VERSION]…]")
@click.option(
    "--file",
    "file",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="A definition of your own (TOML).",
)
@click.option("--version", "version", default="", help="With --file: which version. Default: the recommended one.")
@click.pass_context
def import_(context: click.Context, names: tuple[str, ...], file: Path | None, version: str) -> None:
    """Adopt definitions by NAME (debian-slim, or debian-slim/12), or one from a file.

    Each is imported from its upstream tag, becomes a candidate before reviewers, and its tag is followed from then on.
    Nothing is certified by it. Exit status 1 when one could not be adopted; the others are.
    """
    if bool(names) == bool(file):
        raise click.UsageError("Name definitions, or --file; one of the two. goldgate catalog definitions shows them.")
    if version and not file:
        raise click.UsageError("Write the version behind the name: debian-slim/12.")
    api: Api = context.obj["api"]()
    if file:
        text = read_text(str(file), max_bytes=MAX_DEFINITION_BYTES)
        done = [api.post("definitions", {"text": text, "version": version})]
        refused = 0
    else:
        done, refused = _adopt_each(api, names)
    if output.is_json():
        output.emit(done)
    else:
        for one in done:
            word = "adopted" if one["is_new"] else "adopted already"
            output.line(f"{one['version']}: {word}, follows {one['watch']['reference']}")
    if refused:
        context.exit(Exit.DENIED)


def _adopt_each(api: Api, names: tuple[str, ...]) -> tuple[list[dict[str, Any]], int]:
    """What was adopted, and how many were refused; why is said at once."""
    done, refused = [], 0
    for name in names:
        definition, _, version = name.partition("/")
        try:
            done.append(api.post(f"definitions/{definition}/adopt", {"version": version}))
        except (Refused, WrongInput) as error:
            output.say(f"{name}: {error}")
            refused += 1
    return done, refused


def _show(found: dict[str, Any]) -> None:
    output.line(f"{found['name']}: {found['title']}")
    output.line(f"  for        {found['purpose']}")
    output.line(f"  {found['summary']}")
    output.line(f"  inventory  {found['inventory']['rule']}")
    output.line(f"  size       {found['minimality']['notes']}")
    for one in found["versions"]:
        until = one["eoes"] or one["eol"] or "unknown"
        instead = one["replacement"]
        told = f"; better {instead['definition']}/{instead['version']}" if instead else ""
        where = one["reference"] or "by release and checksum"
        output.line(f"  {one['name']:10} {where} ({one['support']} until {until}{told})")
