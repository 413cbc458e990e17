"""``goldgate sources``: where recipes come from, how they are built, and who may submit what was built elsewhere."""

from typing import Any

import click

from goldgate_cli import output
from goldgate_cli.api import Api
from goldgate_cli.commands.source_options import fields_in, settings
from goldgate_cli.errors import Exit, Missing

RECIPES_SHOWN = 5
MAX_ROWS = 200


@click.group()
def sources() -> None:
    """Where recipes come from: git repositories, and which commit of them counts."""


@sources.command(name="list")
@click.option("--paused/--not-paused", default=None, help="Only paused, or only other, sources.")
@click.pass_context
def list_(context: click.Context, paused: bool | None) -> None:
    """Sources by name."""
    api: Api = context.obj["api"]()
    wanted = None if paused is None else str(paused).lower()
    rows = list(api.rows("sources", paused=wanted))
    if output.is_json():
        output.emit(rows)
        return
    output.table(["source", "builds", "from", "ref", "fetched", "state"], [_row(one) for one in rows])


@sources.command()
@click.argument("source")
@click.pass_context
def show(context: click.Context, source: str) -> None:
    """One source by its name, with its newest recipes."""
    api: Api = context.obj["api"]()
    _show(api, source_named(api, source))


@sources.command()
@click.argument("source")
@click.option("--no-wait", is_flag=True, help="Return once it is asked for.")
@click.pass_context
def fetch(context: click.Context, source: str, no_wait: bool) -> None:
    """Fetch what SOURCE's ref rule names now. Exit status 1 when the repository was refused."""
    api: Api = context.obj["api"]()
    found = source_named(api, source)
    asked = api.call("POST", f"sources/{found['id']}/fetch")
    if no_wait:
        output.say(f"{source} is fetched by {asked.headers.get('Location', 'a job')}")
        return
    with output.JobProgress() as progress:
        job = api.follow_job(asked.headers["Location"], told=progress.told)
    _show(api, api.get(f"sources/{found['id']}"))
    if job["state"] != "succeeded":
        context.exit(Exit.DENIED)


@sources.command()
@click.argument("name")
@click.argument("version", metavar="IMAGE/VERSION")
@click.argument("url")
@settings
@click.pass_context
def add(context: click.Context, /, name: str, version: str, url: str, **chosen: Any) -> None:
    """Have IMAGE/VERSION (debian/12) built from the git repository at URL, as the source NAME."""
    api: Api = context.obj["api"]()
    body = {"name": name, "version": version, "url": url, "ref_rule": "main"} | fields_in(chosen)
    made = api.post("sources", body)
    if output.is_json():
        output.emit(made)
        return
    output.line(f"{made['name']}: added, builds {made['version']} from {made['url']} {made['ref_rule']}")
    if made["builder"] == "external":
        output.say(f"Next: trust a pipeline on {_page(api, made)}")
    else:
        output.say(f"Next: goldgate sources fetch {made['name']!r}")


@sources.command()
@click.argument("source")
@click.option("--name", default=None, help="Another name.")
@click.option("--url", default=None, help="Another repository.")
@click.option("--reason", default=None, help="Why; kept in the record. Needed with --owner.")
@settings
@click.pass_context
def change(context: click.Context, /, source: str, **chosen: Any) -> None:
    """Change SOURCE; what is not named stays. What was approved stays approved for exactly its bytes."""
    body = fields_in(chosen)
    if not body.keys() - {"reason"}:
        raise click.UsageError("Name what is to change.")
    if "owner" in body and not body.get("reason"):
        raise click.UsageError("Say why it is handed over: --reason.")
    named = ", ".join(name.replace("_", " ") for name in body if name != "reason")
    _changed(context, source, body, f"{named} changed")


@sources.command()
@click.argument("source")
@click.option("--reason", default="", help="Why; kept in the record.")
@click.pass_context
def pause(context: click.Context, source: str, reason: str) -> None:
    """Start nothing from SOURCE by itself until it is resumed."""
    _changed(context, source, {"is_paused": True} | ({"reason": reason} if reason else {}), "paused")


@sources.command()
@click.argument("source")
@click.option("--reason", default="", help="Why; kept in the record.")
@click.pass_context
def resume(context: click.Context, source: str, reason: str) -> None:
    """Let SOURCE go on."""
    _changed(context, source, {"is_paused": False} | ({"reason": reason} if reason else {}), "goes on")


@sources.command()
@click.argument("source")
@click.option("--limit", type=click.IntRange(1, MAX_ROWS), default=20, show_default=True)
@click.pass_context
def causes(context: click.Context, source: str, limit: int) -> None:
    """Why SOURCE was built, and what is held back, newest first."""
    api: Api = context.obj["api"]()
    rows = list(api.rows(f"sources/{source_named(api, source)['id']}/causes", at_most=limit))
    if output.is_json():
        output.emit(rows)
        return
    output.table(["at", "why", "build", "detail"], [_cause(one) for one in rows])


@sources.command()
@click.argument("source")
@click.option("--ended/--not-ended", default=None, help="Only those whose trust ended, or only others.")
@click.pass_context
def pipelines(context: click.Context, source: str, ended: bool | None) -> None:
    """The pipelines elsewhere that may submit to SOURCE. A platform administrator trusts them in the browser."""
    api: Api = context.obj["api"]()
    found = source_named(api, source)
    rows = list(api.rows(f"sources/{found['id']}/pipelines"))
    rows = [one for one in rows if ended is None or bool(one["ended_at"]) is ended]
    if output.is_json():
        output.emit(rows)
        return
    output.table(["pipeline", "subject", "issuer", "audience", "trusted by", "state"], [_pipeline(one) for one in rows])
    output.say(f"Trust one, or end the trust: {_page(api, found)}")


def source_named(api: Api, name: str) -> dict[str, Any]:
    """The source of this name. Raises Missing."""
    found = next(api.rows("sources", at_most=1, name=name), None)
    if found is None:
        raise Missing(f"There is no source {name!r}. goldgate sources list shows them.")
    return found


def _row(source: dict[str, Any]) -> list[Any]:
    return [
        source["name"],
        source["version"],
        source["url"],
        source["ref_rule"],
        source["last_fetched_at"] or "never",
        _state(source),
    ]


def _state(source: dict[str, Any]) -> str:
    if source["is_paused"]:
        return "paused"
    return "failing" if source["last_failure"] else "ok"


def _show(api: Api, source: dict[str, Any]) -> None:
    recipes = list(api.rows(f"sources/{source['id']}/recipes", at_most=RECIPES_SHOWN))
    if output.is_json():
        output.emit(source | {"recipes": recipes})
        return
    output.line(f"{source['name']}: {_state(source)}")
    lines = [
        ("id", source["id"]),
        ("builds", source["version"]),
        ("owner", source["owner"]),
        ("from", f"{source['url']} {source['ref_rule']}"),
        ("directory", source["directory"]),
        ("commit", source["last_commit"]),
        ("fetched", source["last_fetched_at"]),
        ("failure", source["last_failure"]),
    ]
    for name, value in lines:
        if value:
            output.line(f"  {name:<10}{value}")
    for recipe in recipes:
        output.line(f"  recipe {recipe['number']:<3}{recipe['sha256'][:16]} {judged(recipe)}")


def judged(recipe: dict[str, Any]) -> str:
    """What people said of a recipe, in a word."""
    if recipe["withdrawn_at"]:
        return "withdrawn"
    return "approved" if recipe["is_approved"] else "unreviewed"


def _changed(context: click.Context, name: str, body: dict[str, Any], done: str) -> None:
    api: Api = context.obj["api"]()
    changed = api.patch(f"sources/{source_named(api, name)['id']}", body)
    if output.is_json():
        output.emit(changed)
    else:
        output.line(f"{changed['name']}: {done}")


def _page(api: Api, source: dict[str, Any]) -> str:
    return api.address(f"/sources/{source['id']}")


def _cause(cause: dict[str, Any]) -> list[Any]:
    detail = "; ".join(f"{name.replace('_', ' ')}: {_told(value)}" for name, value in cause["detail"].items() if value)
    return [cause["at"], cause["reason"].replace("_", " "), cause["build"] or "held back", detail]


def _told(value: Any) -> str:
    return ", ".join(map(str, value)) if isinstance(value, list) else str(value)


def _pipeline(one: dict[str, Any]) -> list[Any]:
    state = f"ended {one['ended_at']}" if one["ended_at"] else "active"
    return [one["kind"], one["subject"], one["issuer"], one["audience"], one["created_by"], state]
