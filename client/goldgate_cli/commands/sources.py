"""``goldgate sources list | show | fetch``."""

from typing import Any

import click

from goldgate_cli import output
from goldgate_cli.api import Api
from goldgate_cli.errors import Exit, Missing

RECIPES_SHOWN = 5


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
    _show(api, _found(api, source))


@sources.command()
@click.argument("source")
@click.option("--no-wait", is_flag=True, help="Return once it is asked for.")
@click.pass_context
def fetch(context: click.Context, source: str, no_wait: bool) -> None:
    """Fetch what SOURCE's ref rule names now. Exit status 1 when the repository was refused."""
    api: Api = context.obj["api"]()
    found = _found(api, source)
    asked = api.call("POST", f"sources/{found['id']}/fetch")
    if no_wait:
        output.say(f"{source} is fetched by {asked.headers.get('Location', 'a job')}")
        return
    with output.JobProgress() as progress:
        job = api.follow_job(asked.headers["Location"], told=progress.told)
    _show(api, api.get(f"sources/{found['id']}"))
    if job["state"] != "succeeded":
        context.exit(Exit.DENIED)


def _found(api: Api, name: str) -> dict[str, Any]:
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
    click.echo(f"{source['name']}: {_state(source)}")
    lines = [
        ("builds", source["version"]),
        ("from", f"{source['url']} {source['ref_rule']}"),
        ("directory", source["directory"]),
        ("commit", source["last_commit"]),
        ("fetched", source["last_fetched_at"]),
        ("failure", source["last_failure"]),
    ]
    for name, value in lines:
        if value:
            click.echo(f"  {name:<10}{value}")
    for recipe in recipes:
        click.echo(f"  recipe {recipe['number']:<3}{recipe['sha256'][:16]} {_judged(recipe)}")


def _judged(recipe: dict[str, Any]) -> str:
    if recipe["withdrawn_at"]:
        return "withdrawn"
    return "approved" if recipe["is_approved"] else "unreviewed"
