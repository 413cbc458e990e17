"""``goldgate provenance``: who built an image."""

from typing import Any

import click

from goldgate_cli import output
from goldgate_cli.commands.images import digest_in


@click.command()
@click.argument("digest", metavar="DIGEST")
@click.option("--predicate", is_flag=True, help="Print the SLSA predicate alone, as it is signed, as JSON.")
@click.pass_context
def provenance(context: click.Context, digest: str, predicate: bool) -> None:
    """Who built DIGEST (sha256:…): from which commit, by which recipe, approved by whom."""
    found = context.obj["api"]().get(f"artifacts/{digest_in(digest)}/provenance")
    if predicate or output.is_json():
        output.emit(found["predicate"] if predicate else found)
        return
    for name, value in _lines(found):
        output.line(f"{name:<11} {value}")
    for place in found["places"]:
        output.line(f"{'signed at':<11} {place['repository']}{_state(place)}")
    for second in found["reproductions"]:
        output.line(f"{'second':<11} {_second(second)}")


def _lines(found: dict[str, Any]) -> list[tuple[str, str]]:
    recipe, submitted = found["recipe"], found["submitted_by"]
    lines = [
        ("built by", found["built_by"]),
        ("build", f"{found['source_name']} {found['number']} of {found['version']}, ended {found['finished_at']}"),
        ("source", f"{found['source_uri']} {found['ref']}"),
        ("commit", found["commit"] or "not known"),
    ]
    if recipe:
        lines.append(("recipe", f"{recipe['number']} sha256:{recipe['sha256']}"))
        people = " and ".join(found["approved_by"]) or "approved"
        lines.append(("approved by", people if found["is_recipe_approved"] else "nobody, when it was built"))
    if submitted:
        lines.append(("submitted", f"by {submitted['subject']} ({submitted['issuer']})"))
    bases = [one for one in found["predicate"]["buildDefinition"]["resolvedDependencies"] if "sha256" in one["digest"]]
    lines += [("stands on", f"{one['uri'].partition('@')[0]} sha256:{one['digest']['sha256']}") for one in bases]
    return lines


def _state(place: dict[str, Any]) -> str:
    if place["withdrawal_begun_at"]:
        return " (withdrawn)"
    return "" if place["sent_at"] else " (on its way)"


def _second(second: dict[str, Any]) -> str:
    said = second["comparison"]
    if said["is_reproduced"]:
        return f"build {second['number']}: reproduced, {said['layers']} layers equal"
    return f"build {second['number']}: differs, {said['equal']} of {said['layers']} layers equal"
