"""``goldgate check``: the gate's own verdict, for references or for a manifest."""

from typing import Any

import click

from goldgate_cli import output
from goldgate_cli.errors import Exit
from goldgate_cli.files import read_text

MAX_MANIFEST_BYTES = 2 * 1024 * 1024
MARK = {"pass": "✓ pass", "warn": "! warn", "fail": "✗ fail", "unknown": "? unknown"}


@click.command()
@click.argument("images", nargs=-1, metavar="[IMAGE…]")
@click.option(
    "-f", "--file", "manifest", metavar="FILE", help="A Kubernetes manifest, YAML or JSON; - is standard input."
)
@click.option("--cluster", help="Judge as this cluster would.")
@click.option("--namespace", help="Judge as in this namespace.")
@click.pass_context
def check(
    context: click.Context, images: tuple[str, ...], manifest: str | None, cluster: str | None, namespace: str | None
) -> None:
    """Ask whether IMAGEs, or every image in a manifest, may run. Exit status 0: all may. 1: one may not."""
    if bool(images) == bool(manifest):
        raise click.UsageError("Name images, or a manifest with -f; one of the two.")
    body: dict[str, Any] = (
        {"images": list(images)} if images else {"manifest": read_text(str(manifest), max_bytes=MAX_MANIFEST_BYTES)}
    )
    body |= {name: value for name, value in (("cluster", cluster), ("namespace", namespace)) if value}
    decision = context.obj["api"]().post("decisions", body)
    if output.is_json():
        output.emit(decision)
    else:
        _show(decision)
    context.exit(Exit.ALLOWED if decision["allowed"] else Exit.DENIED)


def _show(decision: dict[str, Any]) -> None:
    for image in decision["images"]:
        word = "allowed" if image["allowed"] else "DENIED"
        where = f"  ({image['path']})" if image.get("path") else ""
        click.echo(f"{word}  {image['image']}{where}")
        for row in image["checks"]:
            if image["allowed"] and row["outcome"] == "pass":
                continue
            click.echo(f"  {MARK.get(row['outcome'], row['outcome']):9}  {row['code']}: {row['reason']}")
            if row.get("remedy"):
                click.echo(f"             {row['remedy']}")
    if decision.get("message") and not decision["images"]:
        click.echo(f"DENIED  {decision['message']}")
    versions = f"snapshot {decision['snapshot_version']}, policy {decision['policy_version']}"
    output.say("; ".join(part for part in (versions, decision.get("url")) if part))
