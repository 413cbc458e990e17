"""``goldgate gate enrol``: fill a gate's home directory so that it can start."""

import hashlib
import os
from pathlib import Path

import click

from goldgate_cli import output
from goldgate_cli.api import Api
from goldgate_cli.configuration import Account, checked_url
from goldgate_cli.errors import Refused, WrongInput


@click.group()
def gate() -> None:
    """The process that answers a cluster."""


def _write(path: Path, data: bytes, mode: int) -> None:
    temporary = path.with_name(path.name + ".new")
    with os.fdopen(os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, mode), "wb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())
    temporary.replace(path)


@gate.command()
@click.argument("url")
@click.option(
    "--home", required=True, type=click.Path(file_okay=False, path_type=Path), help="The gate's own directory."
)
@click.option("--enrolment-token", required=True, help="One-time token from the page Clusters.")
@click.option("--root-sha256", required=True, help="Fingerprint of the trust root, from the same page.")
@click.option("--listen", default="0.0.0.0:8443", show_default=True)
@click.option("--dns-name", "names", multiple=True, help="Name in the gate's certificate; as often as needed.")
@click.option("--ca-file", default="", help="CA that signed Goldgate's certificate.")
def enrol(
    url: str, home: Path, enrolment_token: str, root_sha256: str, listen: str, names: tuple[str, ...], ca_file: str
) -> None:
    """Enrol a gate with the Goldgate at URL. Its trust begins with the root whose SHA-256 you name."""
    if (home / "token").exists():
        raise WrongInput(f"{home} is enrolled already. Use another directory, or remove this one first.")
    wanted = root_sha256.lower().removeprefix("sha256:").replace(":", "")
    address = checked_url(url)
    api = Api(Account(address, "", ca_file))
    root = api.call("GET", f"{address}/tuf/metadata/1.root.json").content
    found = hashlib.sha256(root).hexdigest()
    if found != wanted:
        raise Refused(
            f"The root at {address} has SHA-256 {found}, not the one you named. Do not go on; ask who runs it."
        )
    answer = api.post("gates", {"enrolment_token": enrolment_token})
    home.mkdir(parents=True, exist_ok=True, mode=0o700)
    _write(home / "root.json", root, 0o644)
    _write(home / "gate.toml", _toml(address, answer, listen, names, ca_file).encode(), 0o644)
    _write(home / "token", (answer["token"] + "\n").encode(), 0o600)
    if output.is_json():
        output.emit({"home": str(home), "cluster": answer["cluster"], "gate_id": answer["gate_id"]})
    output.say(f"Enrolled in {home} for cluster {answer['cluster']}. Start it: python -m gate serve --home {home}")


def _quoted(text: str) -> str:
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'


def _toml(address: str, answer: dict[str, str], listen: str, names: tuple[str, ...], ca_file: str) -> str:
    fields = {
        "portal_url": address, "cluster": answer["cluster"], "gate_id": answer["gate_id"],
        "metadata_url": answer.get("metadata_url") or f"{address}/tuf", "listen": listen, "portal_ca_file": ca_file,
    }  # fmt: skip
    lines = [f"{key} = {_quoted(value)}" for key, value in fields.items() if value]
    if names:
        lines.append(f"dns_names = [{', '.join(_quoted(name) for name in names)}]")
    return "\n".join(lines) + "\n"
