"""``goldgate gate enrol``: fill a gate's home directory so that it can start."""

import hashlib
import json
import os
import secrets
import sys
from pathlib import Path

import click

from goldgate_cli import output
from goldgate_cli.api import Api, body_of
from goldgate_cli.configuration import Account, checked_url
from goldgate_cli.errors import Refused, WrongInput
from goldgate_cli.files import write_file

CALLER_TOKEN = "caller-token"  # noqa: S105 - a file: what the API server shows to be heard by the gate


@click.group()
def gate() -> None:
    """The process that answers a cluster."""


@gate.command()
@click.argument("url")
@click.option(
    "--home", required=True, type=click.Path(file_okay=False, path_type=Path), help="The gate's own directory."
)
@click.option("--token-stdin", is_flag=True, help="Read the one-time token of the page Clusters from standard input.")
@click.option("--enrolment-token", hidden=True, help="Refused: others on this host can read arguments.")
@click.option("--root-sha256", required=True, help="Fingerprint of the trust root, from the same page.")
@click.option("--listen", default="0.0.0.0:8443", show_default=True)
@click.option("--dns-name", "names", multiple=True, help="Name in the gate's certificate; as often as needed.")
@click.option("--ca-file", type=click.Path(exists=True, dir_okay=False), help="CA that signed Goldgate's certificate.")
def enrol(
    url: str,
    home: Path,
    token_stdin: bool,
    enrolment_token: str | None,
    root_sha256: str,
    listen: str,
    names: tuple[str, ...],
    ca_file: str | None,
) -> None:
    """Enrol a gate with the Goldgate at URL. Its trust begins with the root whose SHA-256 you name.

    The one-time token is asked for, or read from standard input or from GOLDGATE_ENROLMENT_TOKEN.
    """
    if enrolment_token is not None:
        raise WrongInput(
            "The one-time token is not taken as an argument: others on this host can read it, and may have. Make a new"
            " one, and type it when asked, or give it by --token-stdin or GOLDGATE_ENROLMENT_TOKEN."
        )
    if (home / "token").exists():
        raise WrongInput(f"{home} is enrolled already. Use another directory, or remove this one first.")
    wanted = root_sha256.lower().removeprefix("sha256:").replace(":", "")
    address = checked_url(url)
    secret = _one_time_token(is_stdin=token_stdin)
    api = Api(Account(address, "", ca_file or ""))
    root = body_of(api.call("GET", f"{address}/tuf/metadata/1.root.json"))
    found = hashlib.sha256(root).hexdigest()
    if found != wanted:
        raise Refused(
            f"The root at {address} has SHA-256 {found}, not the one you named. Do not go on; ask who runs it."
        )
    # Before the token is used up: a directory that cannot be written costs nothing then.
    _keep_root(home, root)
    answer = api.post("gates", {"enrolment_token": secret})
    write_file(home / "gate.toml", _toml(address, answer, listen, names, ca_file).encode(), mode=0o644)
    write_file(home / CALLER_TOKEN, (secrets.token_urlsafe(32) + "\n").encode(), mode=0o600)
    write_file(home / "token", (answer["token"] + "\n").encode(), mode=0o600)
    if output.is_json():
        output.emit({"home": str(home), "cluster": answer["cluster"], "gate_id": answer["gate_id"]})
    output.say(f"Enrolled in {home} for cluster {answer['cluster']}. Start it: python -m gate serve --home {home}")


def is_asked_at_a_terminal() -> bool:
    """Whether somebody is there to type."""
    return sys.stdin.isatty()


def _one_time_token(*, is_stdin: bool) -> str:
    if is_stdin:
        found = sys.stdin.readline()
    elif "GOLDGATE_ENROLMENT_TOKEN" in os.environ:
        found = os.environ["GOLDGATE_ENROLMENT_TOKEN"]
    elif is_asked_at_a_terminal():
        found = click.prompt("One-time token", hide_input=True)
    else:
        raise WrongInput("No terminal to ask for the one-time token: use --token-stdin or GOLDGATE_ENROLMENT_TOKEN.")
    if not found.strip():
        raise WrongInput("The one-time token is empty.")
    return found.strip()


def _keep_root(home: Path, root: bytes) -> None:
    try:
        home.mkdir(parents=True, exist_ok=True, mode=0o700)
        write_file(home / "root.json", root, mode=0o644)
    except OSError as error:
        raise WrongInput(f"--home {home} cannot be written: {error.strerror}.") from error


def _quoted(text: str) -> str:
    return json.dumps(text, ensure_ascii=False)  # a string of JSON is one of TOML


def _toml(address: str, answer: dict[str, str], listen: str, names: tuple[str, ...], ca_file: str | None) -> str:
    fields = {
        "portal_url": address, "cluster": answer["cluster"], "gate_id": answer["gate_id"],
        "metadata_url": answer.get("metadata_url") or f"{address}/tuf", "listen": listen,
        "portal_ca_file": os.path.abspath(ca_file) if ca_file else "",
    }  # fmt: skip
    fields["bearer_token_file"] = CALLER_TOKEN
    lines = [f"{key} = {_quoted(value)}" for key, value in fields.items() if value]
    if names:
        lines.append(f"dns_names = [{', '.join(_quoted(name) for name in names)}]")
    return "\n".join(lines) + "\n"
