"""``goldgate login``: keep an address and a token, after seeing that they work."""

import os
import sys

import click

from goldgate_cli import configuration, output
from goldgate_cli.api import Api
from goldgate_cli.errors import WrongInput


@click.command()
@click.argument("url")
@click.option("--token-stdin", is_flag=True, help="Read the token from standard input.")
@click.option("--ca-file", type=click.Path(exists=True, dir_okay=False), help="CA that signed Goldgate's certificate.")
def login(url: str, token_stdin: bool, ca_file: str | None) -> None:
    """Sign in to the Goldgate at URL with a token made on its page "Tokens"."""
    if token_stdin:
        token = sys.stdin.readline().strip()
    elif not sys.stdin.isatty():
        raise WrongInput("No terminal to ask for the token: use --token-stdin.")
    else:
        token = click.prompt("Token", hide_input=True).strip()
    if not token.startswith("ggt_"):
        raise WrongInput('That is not a token of Goldgate: those begin with "ggt_". Make one on the page "Tokens".')
    account = configuration.Account(configuration.checked_url(url), token, os.path.abspath(ca_file) if ca_file else "")
    me = Api(account).get("me")
    kept = configuration.save(account)
    if output.is_json():
        output.emit({"url": account.url, "person": me})
    output.say(f"Signed in to {account.url} as {me.get('display_name') or me.get('username')}; kept in {kept}.")
