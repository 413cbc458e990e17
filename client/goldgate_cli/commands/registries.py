"""``goldgate registry add | test``."""

import sys
from pathlib import Path
from typing import Any

import click

from goldgate_cli import output
from goldgate_cli.api import Api
from goldgate_cli.errors import Exit, WrongInput


@click.group()
def registry() -> None:
    """Where images come from, and where certified ones go."""


@registry.command()
@click.argument("name")
@click.argument("host", metavar="HOST[:PORT]")
@click.option("--side", type=click.Choice(["source", "certified"]), default="source", show_default=True)
@click.option("--preset", help="docker-hub, ghcr, quay, mcr, harbor, artifactory.")
@click.option("--username", default="")
@click.option("--password-stdin", is_flag=True, help="Read the password or token from standard input.")
@click.option("--ca-file", type=click.Path(exists=True, dir_okay=False), help="CA that signed its certificate (PEM).")
@click.option("--proxy", default="", help="Forward proxy for this registry alone.")
@click.option("--plain-http", is_flag=True, help="No TLS. Only for a registry on a network you own.")
@click.option("--allow-private", is_flag=True, help="Its addresses may be private ones.")
@click.option("--untrusted", is_flag=True, help="Imports only; the gate does not trust what runs from it.")
@click.pass_context
def add(context: click.Context, /, name: str, host: str, **chosen: Any) -> None:
    """Add the registry at HOST under NAME."""
    body = {
        "name": name, "host": host, "side": chosen["side"], "preset": chosen["preset"], "username": chosen["username"],
        "proxy_url": chosen["proxy"], "plain_http": chosen["plain_http"], "allow_private": chosen["allow_private"],
        "is_trusted": not chosen["untrusted"],
    }  # fmt: skip
    if chosen["password_stdin"]:
        body["password"] = sys.stdin.readline().rstrip("\n")
    elif chosen["username"]:
        raise WrongInput("A user name without a password: add --password-stdin.")
    if chosen["ca_file"]:
        body["ca_pem"] = Path(chosen["ca_file"]).read_text(encoding="utf-8")
    added = context.obj["api"]().post(
        "registries", {key: value for key, value in body.items() if value not in (None, "")}
    )
    if output.is_json():
        output.emit(added)
    else:
        click.echo(f"{added['name']}: {added['host']} added as {added['side']} side.")
        output.say(f"Next: goldgate registry test {added['name']}")


def _find(api: Api, name: str) -> dict[str, Any]:
    for row in api.rows("registries"):
        if name in (row["name"], row["id"], row["host"]):
            return row
    raise WrongInput(f"There is no registry {name!r}. goldgate registry list shows them.")


@registry.command(name="list")
@click.pass_context
def list_(context: click.Context) -> None:
    """Every registry."""
    rows = list(context.obj["api"]().rows("registries"))
    if output.is_json():
        output.emit(rows)
    else:
        output.table(
            ("name", "host", "side", "trusted"), [(r["name"], r["host"], r["side"], r["is_trusted"]) for r in rows]
        )


@registry.command()
@click.argument("name")
@click.option("--repository", default="", help="A repository to pull from, e.g. library/debian.")
@click.pass_context
def test(context: click.Context, name: str, repository: str) -> None:
    """Say which of DNS, TLS, login, pull and referrers works for NAME, and what fails."""
    api: Api = context.obj["api"]()
    found = _find(api, name)
    response = api.call("POST", f"registries/{found['id']}/test", json={"repository": repository} if repository else {})
    with output.JobProgress() as progress:
        job = api.follow_job(response.headers["Location"], told=progress.told)
    result = api.get(f"registries/{found['id']}")
    steps = result.get("test_result") or {}
    if output.is_json():
        output.emit({"job": job, "result": steps})
    else:
        for step in steps.get("steps", []):
            click.echo(f"{step['outcome']:8} {step['step']}: {step['detail']}")
    is_good = job["state"] == "succeeded" and steps.get("is_working", False)
    if not is_good and job.get("error_text"):
        output.say(job["error_text"])
    context.exit(Exit.ALLOWED if is_good else Exit.DENIED)
