"""``goldgate profile``: how much there is in an image, and which certified ones have less."""

import re
from typing import Any

import click

from goldgate_cli import output
from goldgate_cli.api import Api
from goldgate_cli.errors import Missing, WrongInput

NAME = re.compile(r"\A([a-z0-9][a-z0-9._-]*)/([A-Za-z0-9][A-Za-z0-9._-]*)(?:@([A-Za-z0-9][A-Za-z0-9._-]*))?\Z")
COLUMNS = ("image", "platform", "packages", "to pull", "files", "shells", "package managers", "user")


@click.command()
@click.argument("image", metavar="IMAGE/VERSION[@NAME]")
@click.pass_context
def profile(context: click.Context, image: str) -> None:
    """How much there is in an image, and which certified ones have less of everything.

    debian/12 is what is certified of it; debian/12@12.15-20261124.1 is one subversion.
    """
    api: Api = context.obj["api"]()
    wanted = _subversion(api, image)
    found = api.get(f"subversions/{wanted['id']}/profile")
    if output.is_json():
        output.emit(found)
        return
    rows = [(found["subversion"], *_cells(one)) for one in found["profiles"]]
    smaller = [(f"smaller: {one['name']}", *_cells(one["profile"])) for one in found["smaller"]]
    output.table(COLUMNS, [*rows, *smaller])
    for platform, why in found["unknown"].items():
        output.say(f"{platform or 'It'} is unknown: {why}")
    if rows and not smaller:
        output.say(f"None of the {len(found['neighbours'])} certified images for the same purpose has less.")


def _subversion(api: Api, image: str) -> dict[str, Any]:
    """Raises WrongInput; Missing."""
    parts = NAME.match(image)
    if not parts:
        raise WrongInput(f"{image!r} is not an image and version; it looks like debian/12 or debian/12@NAME.")
    version = api.get(f"images/{parts[1]}/{parts[2]}")
    if not parts[3]:
        if version["current"]:
            return dict(version["current"])
        raise Missing(f"Nothing is certified of {image}. goldgate status {image} shows what there is.")
    for one in version["history"]:
        if one["name"] == parts[3]:
            return dict(one)
    raise Missing(f"{parts[1]}/{parts[2]} has no {parts[3]}. goldgate status {parts[1]}/{parts[2]} shows them.")


def _cells(one: dict[str, Any] | None) -> tuple[Any, ...]:
    if one is None:
        return ("", "unknown", "", "", "", "", "")
    packages = "unknown" if one["packages"] is None else one["packages"]
    shells, managers = " ".join(one["shells"]) or "none", " ".join(one["package_managers"]) or "none"
    return (one["platform"], packages, one["packed_bytes"], one["files"], shells, managers, one["user"] or "root")
