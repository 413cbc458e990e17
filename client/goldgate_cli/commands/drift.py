"""``goldgate drift``: whether the certified side is as certification left it. Closing an alarm is a person's deed."""

import click

from goldgate_cli import output
from goldgate_cli.api import Api
from goldgate_cli.errors import Exit


@click.command()
@click.pass_context
def drift(context: click.Context) -> None:
    """What moved behind our back: certified tags that name something else, digests that cannot be pulled.

    Exit status 1 when there is any.
    """
    api: Api = context.obj["api"]()
    alarms = list(api.rows("drift-alarms", open="true"))
    missing = list(api.rows("pull-probes", pullable="false"))
    if output.is_json():
        output.emit({"alarms": alarms, "not_pullable": missing})
    else:
        for one in alarms:
            expected, found = one["expected_digest"] or "no tag", one["found_digest"] or "no tag"
            output.line(f"{one['repository']}:{one['tag']} moved: {expected} → {found}, since {one['opened_at']}")
        for one in missing:
            since = one["failing_since"] or one["probed_at"]
            output.line(f"{one['name']} cannot be pulled: {one['repository']}@{one['digest']}, since {since}")
            output.say(one["detail"])
        if not alarms and not missing:
            output.line("The certified side is as certification left it.")
        else:
            output.say(f"People look into it in the browser: {api.address('/certified-side')}")
    if alarms or missing:
        context.exit(Exit.DENIED)
