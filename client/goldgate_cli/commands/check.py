"""``goldgate check``: the gate's own verdict, for references or for a manifest; and what a Dockerfile stands on."""

from itertools import groupby
from typing import Any

import click

from goldgate_cli import output
from goldgate_cli.commands.dockerfiles import FORMATS, MAX_DOCKERFILE_BYTES, Asked, check_dockerfile, is_dockerfile
from goldgate_cli.errors import Exit, WrongInput
from goldgate_cli.files import read_text

MAX_MANIFEST_BYTES = 2 * 1024 * 1024
MARK = {"pass": "✓ pass", "warn": "! warn", "fail": "✗ fail", "unknown": "? unknown"}


@click.command()
@click.argument("images", nargs=-1, metavar="[IMAGE…]")
@click.option(
    "-f",
    "--file",
    "file",
    metavar="FILE",
    help="A Kubernetes manifest, YAML or JSON, or a Dockerfile; - is standard input.",
)
@click.option("--cluster", help="Judge as this cluster would.")
@click.option("--namespace", help="Judge as in this namespace.")
@click.option("--build-arg", "arguments", metavar="NAME=VALUE", multiple=True, help="Dockerfile: a build argument.")
@click.option("--target", default="", help="Dockerfile: the stage that is built.")
@click.option("--platform", "platforms", multiple=True, help="Dockerfile: built for this; as often as needed.")
@click.option("--fix", "is_fixing", is_flag=True, help="Dockerfile: write certified digests into FROM and --from.")
@click.option("--format", "format_", type=click.Choice(FORMATS), help="Dockerfile: how the report looks.")
@click.option("--report", default="", metavar="FILE", help="Dockerfile: write the report there.")
@click.pass_context
def check(
    context: click.Context,
    images: tuple[str, ...],
    file: str | None,
    cluster: str | None,
    namespace: str | None,
    arguments: tuple[str, ...],
    target: str,
    platforms: tuple[str, ...],
    is_fixing: bool,
    format_: str | None,
    report: str,
) -> None:
    """Ask whether images may be used: IMAGEs, a manifest's, or those of a Dockerfile.

    Exit status 0: all may. 1: one may not.
    """
    if bool(images) == bool(file):
        raise click.UsageError("Name images, or a file with -f; one of the two.")
    wants_dockerfile = bool(arguments or target or platforms or is_fixing or format_ or report)
    text = read_text(file, max_bytes=MAX_MANIFEST_BYTES) if file else ""
    if file and (wants_dockerfile or is_dockerfile(file, text)):
        if cluster or namespace:
            raise click.UsageError("--cluster and --namespace are about what runs, not about a Dockerfile.")
        if len(text.encode()) > MAX_DOCKERFILE_BYTES:
            raise WrongInput(f"{file} is larger than {MAX_DOCKERFILE_BYTES} bytes.")
        shape = format_ or ("json" if output.is_json() else "text")
        asked = Asked(file, arguments, target, platforms, is_fixing, shape, report)
        context.exit(check_dockerfile(context.obj["api"](), text, asked))
    if wants_dockerfile:
        raise click.UsageError("--build-arg, --target, --platform, --fix, --format, --report need a Dockerfile (-f).")
    body: dict[str, Any] = {"images": list(images)} if images else {"manifest": text}
    body |= {name: value for name, value in (("cluster", cluster), ("namespace", namespace)) if value}
    decision = context.obj["api"]().post("decisions", body)
    if output.is_json():
        output.emit(decision)
    else:
        _show(decision)
    context.exit(Exit.ALLOWED if decision["allowed"] else Exit.DENIED)


def _said(row: dict[str, Any]) -> tuple[str, str, str]:
    return row["outcome"], row["reason"], row.get("remedy") or ""


def _show(decision: dict[str, Any]) -> None:
    for image in decision["images"]:
        word = "allowed" if image["allowed"] else "DENIED"
        where = f"  ({image['path']})" if image.get("path") else ""
        output.line(f"{word}  {image['image']}{where}")
        told = [row for row in image["checks"] if not (image["allowed"] and row["outcome"] == "pass")]
        # Checks that say the same are one line: what could not be asked must not bury what refused.
        for (outcome, reason, remedy), rows in groupby(told, key=_said):
            codes = ", ".join(row["code"] for row in rows)
            output.line(f"  {MARK.get(outcome, outcome):9}  {codes}: {reason}")
            if remedy:
                output.line(f"             {remedy}")
    if decision.get("message") and not decision["images"]:
        output.line(f"DENIED  {decision['message']}")
    versions = f"snapshot {decision['snapshot_version']}, policy {decision['policy_version']}"
    output.say("; ".join(part for part in (versions, decision.get("url")) if part))
