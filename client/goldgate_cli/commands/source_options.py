"""The options that say how a source is built, the same for adding and changing it."""

from collections.abc import Callable
from typing import Any, TypeVar

import click

from goldgate_cli.files import read_text

MAX_KEYS_BYTES = 100_000
FILE = click.Path(exists=True, dir_okay=False)
Deed = TypeVar("Deed", bound=Callable[..., Any])

_OPTIONS = (
    click.option("--ref", "ref_rule", default=None, help="Which commit: main, refs/tags/v1.2, or v1.* for the newest."),
    click.option("--directory", default=None, help="The build context inside the repository. Default: all of it."),
    click.option("--dockerfile", default=None, help="Below the directory."),
    click.option("--build-arg", "arguments", multiple=True, metavar="NAME=VALUE", help="All of them; never a secret."),
    click.option("--target", default=None, help="The stage to build. Default: the last."),
    click.option("--platform", "platforms", multiple=True, metavar="OS/ARCH", help="As often as needed."),
    click.option("--builder", type=click.Choice(["buildah", "buildkit", "external"]), default=None),
    click.option("--allow-host", "allowed_hosts", multiple=True, metavar="HOST[:PORT]", help="What a build may reach."),
    click.option("--no-network", is_flag=True, help="A build reaches nothing."),
    click.option("--candidates", "candidate_repository", default=None, help="HOST/PATH where candidates are pushed."),
    click.option(
        "--base-recipe/--no-base-recipe", "is_base_recipe", default=None, help="It may stand on adopted images."
    ),
    click.option("--signed/--not-signed", "is_signature_required", default=None, help="Its commits must be signed."),
    click.option("--allowed-signers", type=FILE, default=None, help="ssh-keygen's ALLOWED SIGNERS."),
    click.option("--gpg-keys", type=FILE, default=None, help="Armoured public keys."),
    click.option("--known-hosts", type=FILE, default=None, help="The public key of an ssh host."),
    click.option("--renew-days", "renew_every_days", type=click.IntRange(1, 365), default=None),
    click.option("--owner", default=None, help="Who answers for it: proposes what is built, reviews none of it."),
)  # fmt: skip


def settings(deed: Deed) -> Deed:
    """Give a command all of these options."""
    for option in reversed(_OPTIONS):
        deed = option(deed)
    return deed


def fields_in(chosen: dict[str, Any]) -> dict[str, Any]:
    """What was said, as the API has it; what was not said is left out. Raises UsageError; WrongInput."""
    found = {name: value for name, value in chosen.items() if value is not None and value != ()}
    if found.pop("no_network") and "allowed_hosts" in found:
        raise click.UsageError("--no-network and --allow-host say two things.")
    if "allowed_hosts" in found:
        found |= {"network": "listed", "allowed_hosts": list(found["allowed_hosts"])}
    elif chosen["no_network"]:
        found |= {"network": "none", "allowed_hosts": []}
    if "platforms" in found:
        found["platforms"] = list(found["platforms"])
    if "arguments" in found:
        found["arguments"] = dict(map(_argument, found["arguments"]))
    for name in ("allowed_signers", "gpg_keys", "known_hosts"):
        if name in found:
            found[name] = read_text(found[name], max_bytes=MAX_KEYS_BYTES)
    return found


def _argument(text: str) -> tuple[str, str]:
    name, equals, value = text.partition("=")
    if not equals or not name:
        raise click.UsageError(f"{text!r} is not NAME=VALUE.")
    return name, value
