"""``goldgate waivers list | ask``. Giving one is a person's deed, in the browser."""

from datetime import UTC, datetime, timedelta

import click

from goldgate_cli import output
from goldgate_cli.api import Api

MAX_DAYS = 180
STATES = ("asked", "lapsed", "refused", "in_force", "expiring", "ended", "expired")


@click.group()
def waivers() -> None:
    """Checks that may fail for a while: where, why, by whom, until when."""


@waivers.command(name="list")
@click.option("--state", type=click.Choice(STATES), default=None, help="Only those in this state now.")
@click.option("--rule", default=None, help="Only of this check: GG1022.")
@click.option("--scope", default=None, help="Only of this version (debian/12), source, or digest.")
@click.pass_context
def list_(context: click.Context, state: str | None, rule: str | None, scope: str | None) -> None:
    """Every waiver, newest first."""
    api: Api = context.obj["api"]()
    rows = list(api.rows("grants", kind="waiver", state=state, rule=rule, scope=scope))
    if output.is_json():
        output.emit(rows)
        return
    output.table(
        ["check", "where", "state", "until", "asked by", "given by", "why"],
        [
            (
                row["rule"],
                row["scope"],
                row["state"].replace("_", " "),
                row["ends_at"],
                row["asked_by"],
                row["given_by"],
                row["reason"],
            )
            for row in rows
        ],
    )


@waivers.command()
@click.argument("rule")
@click.option("--version", "version", default="", metavar="IMAGE/VERSION", help="Where: a version of an image.")
@click.option("--source", "source", default="", help="Where: a source, by its name.")
@click.option("--digest", "digest", default="", help="Where: one artifact and nothing else.")
@click.option("--reason", required=True, help="Why it may fail; people will read it.")
@click.option("--ticket", default="", help="Where it is followed up.")
@click.option("--days", type=click.IntRange(1, MAX_DAYS), required=True, help="How long, from now on.")
@click.pass_context
def ask(
    context: click.Context, rule: str, version: str, source: str, digest: str, reason: str, ticket: str, days: int
) -> None:
    """Ask to let the check RULE (GG1022, DL3008) fail in one place. Another person gives it, in the browser."""
    chosen = [(kind, name) for kind, name in (("version", version), ("source", source), ("digest", digest)) if name]
    if len(chosen) != 1:
        raise click.UsageError("Name one place: --version, --source or --digest.")
    api: Api = context.obj["api"]()
    ends_at = datetime.now(UTC) + timedelta(days=days) - timedelta(minutes=1)  # our clocks need not agree
    asked = api.post(
        "waivers",
        {
            "rule": rule,
            "scope_kind": chosen[0][0],
            "scope": chosen[0][1],
            "reason": reason,
            "ticket": ticket,
            "ends_at": ends_at.isoformat(),
        },
    )
    if output.is_json():
        output.emit(asked)
        return
    output.line(f"{asked['rule']} for {asked['scope']}: asked, {asked['id']}")
    output.say("It lets nothing pass before another person gives it, on the page Waivers.")
