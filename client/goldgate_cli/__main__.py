"""The command line: ``goldgate [-o table|json] COMMAND …``."""

import sys

import click

from goldgate_cli import configuration, output
from goldgate_cli.api import Api
from goldgate_cli.commands import (
    account,
    audit,
    builds,
    catalog,
    check,
    diff,
    drift,
    gates,
    images,
    imports,
    profile,
    provenance,
    recipes,
    registries,
    sbom,
    sources,
    upstream,
    waivers,
    waves,
)
from goldgate_cli.errors import CommandError, Exit


@click.group(context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.option(
    "-o", "--output", "format_", type=click.Choice(["table", "json"]), default="table", help="How results look."
)
@click.version_option("0.1.0", prog_name="goldgate")
@click.pass_context
def command(context: click.Context, format_: str) -> None:
    """Which base images may be used, and why.

    Exit status: 0 allowed or done, 1 denied, 2 wrong input, 3 unreachable, 4 not permitted.
    """
    context.obj = {"output": format_, "api": lambda: Api(configuration.load())}


for one in (
    account.login,
    imports.import_,
    images.status,
    images.show,
    images.approved,
    check.check,
    diff.diff,
    provenance.provenance,
    profile.profile,
    drift.drift,
    waves.renewals,
):
    command.add_command(one)
for group in (
    registries.registry,
    gates.gate,
    audit.audit,
    builds.builds,
    sources.sources,
    recipes.recipes,
    waves.waves,
    upstream.upstream,
    catalog.catalog,
    waivers.waivers,
    sbom.sbom,
):
    command.add_command(group)


def _lift_output_option(arguments: list[str]) -> list[str]:
    """``goldgate approved -o json`` means what ``goldgate -o json approved`` does."""
    for index, argument in enumerate(arguments):
        if argument in ("-o", "--output") and index + 1 < len(arguments):
            return [*arguments[index : index + 2], *arguments[:index], *arguments[index + 2 :]]
        if argument.startswith(("-o=", "--output=")):
            return [argument, *arguments[:index], *arguments[index + 1 :]]
    return arguments


def main() -> None:
    """Run, and turn every foreseen end into its exit status. What nobody foresaw keeps its traceback."""
    try:
        status = command.main(_lift_output_option(sys.argv[1:]), prog_name="goldgate", standalone_mode=False)
    except click.exceptions.Abort:
        sys.exit(130)
    except click.ClickException as error:
        error.show()
        sys.exit(Exit.USAGE)
    except CommandError as error:
        output.say(f"goldgate: {error}")
        sys.exit(error.status)
    sys.exit(status if isinstance(status, int) else 0)


if __name__ == "__main__":
    main()
