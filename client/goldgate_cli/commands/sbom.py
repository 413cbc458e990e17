"""``goldgate sbom``: inventories of images that have no package database, as somebody attested them."""

from pathlib import Path
from typing import Any

import click

from goldgate_cli import output
from goldgate_cli.api import object_of
from goldgate_cli.commands.images import digest_in
from goldgate_cli.errors import WrongInput

DSSE = "application/vnd.dsse.envelope.v1+json"
MAX_BYTES = 16 * 1024 * 1024  # what Goldgate reads of one


@click.group()
def sbom() -> None:
    """Attested inventories: what is in an image that has no package database."""


@sbom.command()
@click.argument("digest", metavar="DIGEST")
@click.option(
    "-f", "--file", "path", required=True, type=click.Path(path_type=Path, dir_okay=False),
    help="What `cosign attest --type cyclonedx` or `--type spdxjson` made: a DSSE envelope, or a bundle.",
)  # fmt: skip
@click.pass_context
def attest(context: click.Context, digest: str, path: Path) -> None:
    """Hand in what a named signer attested of DIGEST (sha256:…). The image is judged again by it."""
    wanted = digest_in(digest)
    try:
        with path.open("rb") as file:
            if path.stat().st_size > MAX_BYTES:
                raise WrongInput(f"{path} is larger than {MAX_BYTES} bytes.")
            answer = context.obj["api"]().upload(f"artifacts/{wanted}/sbom-attestations", file, media_type=DSSE)
    except OSError as error:
        raise WrongInput(f"{path} cannot be read: {error.strerror}.") from error
    found = object_of(answer)
    if output.is_json():
        output.emit(found)
        return
    output.line(f"Verified: {found['component_count']} components, {found['format']}, signed by {found['signer']}.")
    output.say(f"The scan follows: goldgate show {wanted}")


@sbom.command("list")
@click.argument("digest", metavar="DIGEST")
@click.pass_context
def list_(context: click.Context, digest: str) -> None:
    """What is attested of DIGEST, newest first; the newest that is verified counts."""
    rows = list(context.obj["api"]().rows(f"artifacts/{digest_in(digest)}/sbom-attestations"))
    if output.is_json():
        output.emit(rows)
        return
    output.table(
        ("received", "state", "signer", "format", "components", "from", "why"),
        [
            (
                row["received_at"], row["state"], row["signer"], row["format"], row["component_count"],
                row["found_in"] or row["received_by"], row["refusal_detail"],
            )
            for row in rows
        ],
    )  # fmt: skip
    if not rows:
        output.say("Nothing is attested of it.")


@sbom.command()
@click.pass_context
def signers(context: click.Context) -> None:
    """Who may attest an inventory, and of which images."""
    rows = list(context.obj["api"]().rows("inventory-signers"))
    if output.is_json():
        output.emit(rows)
        return
    output.table(
        ("signer", "state", "may attest", "counting", "key"),
        [(row["name"], _state(row), _scope(row), row["verified"], row["key_id"][:16]) for row in rows],
    )
    if not rows:
        output.say("Nobody may attest an inventory. A platform administrator names signers in the browser.")


def _state(row: dict[str, Any]) -> str:
    return f"ended: {row['end_reason']}" if row["ended_at"] else "in force"


def _scope(row: dict[str, Any]) -> str:
    return ", ".join([*row["images"], *row["repositories"]])
