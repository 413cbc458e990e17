"""``goldgate registry add | test``."""

import sys
from pathlib import Path
from typing import Any

import click

from goldgate_cli import output
from goldgate_cli.api import Api, value_of
from goldgate_cli.errors import Exit, WrongInput


@click.group()
def registry() -> None:
    """Where images come from, and where certified ones go."""


@registry.command()
@click.argument("name")
@click.argument("host", metavar="[HOST[:PORT]]", default="")
@click.option("--side", type=click.Choice(["source", "certified"]), default="source", show_default=True)
@click.option("--preset", default="", help="docker-hub, ghcr, quay, mcr, harbor or artifactory.")
@click.option("--layout", default="", help="No server: an OCI layout in this directory of Goldgate's host.")
@click.option("--public-name", default="", help="With --layout: the name its images will have, e.g. images.example.")
@click.option("--username", default="")
@click.option("--password-stdin", is_flag=True, help="Read the password or token from standard input.")
@click.option("--ca-file", type=click.Path(exists=True, dir_okay=False), help="CA that signed its certificate (PEM).")
@click.option("--proxy", default="", help="Forward proxy for this registry alone.")
@click.option("--plain-http", is_flag=True, help="No TLS. Only for a registry on a network you own.")
@click.option("--allow-private", is_flag=True, help="Its addresses may be private ones.")
@click.option("--trusted", is_flag=True, help="The gate trusts what runs from it.")
@click.pass_context
def add(context: click.Context, /, name: str, host: str, **chosen: Any) -> None:
    """Add the registry at HOST under NAME; or, with --layout, a directory."""
    if bool(host or chosen["preset"]) == bool(chosen["layout"]):
        raise click.UsageError("Name a host or a preset, or a directory with --layout.")
    api: Api = context.obj["api"]()
    body = _preset(api, chosen["preset"]) | {
        "name": name,
        "side": chosen["side"],
        "username": chosen["username"],
        "proxy_url": chosen["proxy"],
        "is_trusted": chosen["trusted"],
        "allow_private": chosen["allow_private"],
        "public_name": chosen["public_name"],
        "layout_path": chosen["layout"],
    }
    if host:
        body["host"] = host
    if chosen["layout"]:
        body["kind"] = "layout"
    if chosen["plain_http"]:
        body["base_url"] = f"http://{host}"
    if chosen["password_stdin"]:
        body["secret"] = sys.stdin.readline().rstrip("\n")
    elif chosen["username"]:
        raise WrongInput("A user name without a password: add --password-stdin.")
    if chosen["ca_file"]:
        body["ca_pem"] = Path(chosen["ca_file"]).read_text(encoding="utf-8")
    added = api.post("registries", {key: value for key, value in body.items() if value not in (None, "")})
    if output.is_json():
        output.emit(added)
    else:
        output.line(f"{added['name']}: {added['host']} added as {added['side']} side.")
        output.say(f"Next: goldgate registry test {added['name']!r}")


def _preset(api: Api, wanted: str) -> dict[str, Any]:
    """The fields that a preset fills in. Raises WrongInput, naming those that there are."""
    if not wanted:
        return {}
    rows = list(value_of(api.call("GET", "registries/presets")))
    for row in rows:
        if wanted == row["key"]:
            return {key: row[key] for key in ("host", "base_url", "listed_hosts", "path_prefix") if row.get(key)}
    raise WrongInput(f"There is no preset {wanted!r}; there are {', '.join(row['key'] for row in rows)}.")


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
@click.pass_context
def test(context: click.Context, name: str) -> None:
    """Say which of DNS, TLS, login, pull and referrers works for NAME, and what fails."""
    api: Api = context.obj["api"]()
    found = _find(api, name)
    response = api.call("POST", f"registries/{found['id']}/test")
    response.close()
    with output.JobProgress() as progress:
        job = api.follow_job(response.headers["Location"], told=progress.told)
    steps = api.get(f"registries/{found['id']}")["last_test"]
    if output.is_json():
        output.emit({"job": job, "steps": steps})
    else:
        for step in steps:
            output.line(f"{step['outcome']:8} {step['name']}: {step['text']}")
    if job["state"] != "succeeded":
        output.say((job.get("error") or {}).get("text") or job["state"])
    is_good = job["state"] == "succeeded" and all(step["outcome"] != "failed" for step in steps)
    context.exit(Exit.ALLOWED if is_good else Exit.DENIED)
