"""``goldgate builds submit``: from a pipeline, with the token that it has for minutes."""

import json
from pathlib import Path
from typing import Any
from uuid import UUID

import click

from goldgate_cli import configuration, output
from goldgate_cli.api import Api
from goldgate_cli.commands.images import DIGEST
from goldgate_cli.errors import WrongInput
from goldgate_cli.files import read_text
from goldgate_cli.pipeline_token import pipeline_token

MAX_PROVENANCE_BYTES = 1024 * 1024  # what Goldgate reads of one


@click.command()
@click.argument("source", metavar="SOURCE-ID", type=click.UUID)
@click.argument("reference", metavar="HOST/PATH@DIGEST")
@click.option(
    "--provenance",
    required=True,
    type=click.Path(dir_okay=False, allow_dash=True),
    help="SLSA provenance v1: a Statement, a DSSE envelope or a Sigstore bundle (JSON; - is standard input).",
)
@click.option("--audience", default="", help="What the token is to be for. Default: the address of Goldgate.")
@click.option("--token-stdin", is_flag=True, help="Read the pipeline's token from standard input.")
def submit(source: UUID, reference: str, provenance: str, audience: str, token_stdin: bool) -> None:
    """Submit the image HOST/PATH@DIGEST (sha256:…), which this pipeline built, to a source.

    The pipeline shows its own OIDC token, of GitHub Actions or of GitLab CI; a token of Goldgate is neither needed nor
    sent. SOURCE-ID stands on the source's page.
    """
    repository, at_sign, _ = reference.partition("@")
    if not (at_sign and repository and DIGEST.match(reference)):
        raise WrongInput(f"{reference!r} names no digest; write HOST/PATH@sha256:<64 hex>.")
    if provenance == "-" and token_stdin:
        raise click.UsageError("Standard input is the provenance or the token, not both.")
    statement = _statement(provenance)
    where = configuration.load_without_token()
    token = pipeline_token(audience=audience or where.url, is_stdin=token_stdin)
    api = Api(configuration.Account(where.url, token, where.ca_file))
    made = api.post(f"sources/{source}/submissions", {"reference": reference, "provenance": statement})
    if output.is_json():
        output.emit(made)
        return
    output.line(f"{reference}: submitted, build {made['build']}")
    output.say(f"{where.url}/builds/{made['build']} says what comes of it.")


def _statement(path: str) -> dict[str, Any]:
    """Raises WrongInput for what is no JSON object, before any token is asked for."""
    text = read_text(str(Path(path)) if path != "-" else path, max_bytes=MAX_PROVENANCE_BYTES)
    try:
        found = json.loads(text)
    except (ValueError, RecursionError):
        raise WrongInput(f"{path} is no JSON: one Statement, envelope or bundle is wanted.") from None
    if not isinstance(found, dict):
        raise WrongInput(f"{path} is no JSON object: one Statement, envelope or bundle is wanted.")
    return found
